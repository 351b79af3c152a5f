"""One query's answers before and after LIR: what they are to the query, how they moved, and why LIR links them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from avexplore.analysis.clip_labels import LabelLine
from avexplore.analysis.loaded_run import LoadedRun
from avexplore.artifacts import BoolArray, Clips, FloatArray, IntArray
from avexplore.retrieval import VectorIndex, average_precision, rank

Direction = Literal["audio-to-visual", "visual-to-audio"]
DIRECTIONS: Mapping[Direction, str] = {"audio-to-visual": "A→V", "visual-to-audio": "V→A"}

REACH = 1000
"""So many answers of a large gallery are looked at."""

Kind = Literal["relevant", "related", "wrong", "other", "unknown"]


@dataclass(frozen=True)
class KindInfo:
    """How a kind of answer is told apart: by shape, by color (light, dark theme) and by word."""

    sign: str
    colors: tuple[str, str]
    word: str
    explained: str


KINDS: Mapping[Kind, KindInfo] = {
    "relevant": KindInfo("●", ("#00795A", "#1FC79A"), "relevant", "relevant: same annotated class as the query"),
    "related": KindInfo(
        "◆",
        ("#B57A00", "#F0B133"),
        "related",
        "related: shares a true label that one of the two was not annotated with",
    ),
    "wrong": KindInfo("✕", ("#C04A00", "#FF8A4C"), "wrong", "wrong: shares no true label"),
    "other": KindInfo("○", ("#5B6770", "#A9B4BD"), "other class", "other class: whether it is related is not known"),
    "unknown": KindInfo("·", ("#5B6770", "#A9B4BD"), "unlabeled query", "the query has no label to compare with"),
}


@dataclass(frozen=True)
class Query:
    """What is asked: an embedding without and with LIR, and what is known of it.

    Attributes:
        before, after: Unit-length embeddings. Shape (d,).
        direction: Which modality asks which.
        clip: Row of the clip it comes from; None for a vector of the visitor's own.
    """

    before: FloatArray
    after: FloatArray
    direction: Direction
    clip: int | None = None


@dataclass(frozen=True)
class Answers:
    """The whole gallery ranked twice, or the first answers of a large one.

    Attributes:
        gallery: Clip rows that are ranked. Shape (g,).
        order: Positions in the gallery, best first, without and with LIR. Shape (2, g).
        similarity: Cosines in the same order. Shape (2, g).
        place: Rank (from 1) of each gallery position. Shape (2, g).
        kinds: Per gallery position.
        precision: Average precision without and with LIR; NaN if the query has no label, or the gallery was not
            ranked whole. Shape (2,).
        reach: How many ranks are known of a large gallery; `place` is `reach` + 1 for what lies beyond. None if all
            are known.
    """

    gallery: IntArray
    order: IntArray
    similarity: FloatArray
    place: IntArray
    kinds: tuple[Kind, ...]
    precision: FloatArray
    reach: int | None = None

    def rank_words(self, when: int, position: int) -> str:
        """The rank of a gallery position, for people."""
        place = int(self.place[when][position])
        return f"{place:,}" if self.reach is None or place <= self.reach else f"beyond {self.reach:,}"


def from_clip(loaded: LoadedRun, clip: int, direction: Direction) -> Query:
    """One clip's audio or visual embedding as a query."""
    side = "audio" if direction == "audio-to-visual" else "visual"
    before, after = (np.asarray(getattr(e, side)[clip]) for e in (loaded.before, loaded.after))
    return Query(before, after, direction, clip)


def kinds_of(clips: Clips, query: int | None, gallery: IntArray) -> tuple[Kind, ...]:
    """What each gallery clip is to the query."""
    found: list[Kind] = ["unknown"] * len(gallery)
    if query is None:
        return tuple(found)
    same = np.asarray(clips.hard_label)[gallery] == clips.hard_label[query]
    if clips.true_labels is None:
        found = ["relevant" if s else "other" for s in same]
    else:
        shares = (clips.true_labels[gallery] & clips.true_labels[query]).any(axis=1)
        found = ["relevant" if s else "related" if r else "wrong" for s, r in zip(same, shares, strict=True)]
    return tuple(found)


def ask(loaded: LoadedRun, query: Query, gallery: IntArray) -> Answers:
    """Rank the gallery for one query without and with LIR, by cosine similarity; ties by clip order."""
    side = "visual" if query.direction == "audio-to-visual" else "audio"
    kinds = kinds_of(loaded.clips, query.clip, gallery)
    orders, scores = [], []
    for vector, embeddings in ((query.before, loaded.before), (query.after, loaded.after)):
        found = rank(vector[None, :], np.asarray(getattr(embeddings, side)[gallery]))
        orders.append(found.indices[0])
        scores.append(found.scores[0])
    order = np.stack(orders)
    place = np.empty_like(order)
    for ranks, positions in zip(place, order, strict=True):
        ranks[positions] = np.arange(1, len(gallery) + 1)
    relevant: BoolArray = np.array([kind == "relevant" for kind in kinds])
    precision = np.full(2, np.nan) if query.clip is None else average_precision(relevant[order])
    return Answers(gallery, order, np.stack(scores), place, kinds, precision)


def ask_first(
    loaded: LoadedRun,
    query: Query,
    gallery: IntArray,
    indexes: tuple[VectorIndex, VectorIndex],
    reach: int = REACH,
) -> Answers:
    """The first answers of a large gallery without and with LIR; what is among them once is told of both lists.

    Args:
        loaded: The run.
        query: What is asked.
        gallery: Clip rows that could be answers. Shape (g,).
        indexes: Over these rows of the embeddings without and with LIR.
        reach: How many answers of each list are looked at.
    """
    vectors = (query.before, query.after)
    reach = min(reach, len(gallery))
    listed = [index.rank(v[None], reach).indices[0] for v, index in zip(vectors, indexes, strict=True)]
    listed = [positions[positions >= 0] for positions in listed]
    union = np.union1d(*listed)
    orders, scores = [], []
    for vector, index, first in zip(vectors, indexes, listed, strict=True):
        score = index.scores(vector, union)
        # Those of the other list lie beyond this one, unless an approximate index has missed them.
        beyond = ~np.isin(union, first)
        order = np.lexsort((union, -score, beyond))
        orders.append(order)
        scores.append(score[order])
    place = np.full((2, len(union)), reach + 1)
    for ranks, order, first in zip(place, orders, listed, strict=True):
        ranks[order[: len(first)]] = np.arange(1, len(first) + 1)
    rows = gallery[union]
    kinds = kinds_of(loaded.clips, query.clip, rows)
    return Answers(rows, np.stack(orders), np.stack(scores), place, kinds, np.full(2, np.nan), reach)


def counts(answers: Answers, top: int, when: int) -> dict[Kind, int]:
    """How many of the first `top` answers are of which kind; `when` is 0 without and 1 with LIR."""
    first = [answers.kinds[int(i)] for i in answers.order[when][:top]]
    return {kind: first.count(kind) for kind in KINDS if kind in first}


# --- why ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Link:
    """One class pair that ties two clips: strength = soft label x A-hat x soft label.

    Attributes:
        audio_node, visual_node: Names of the class nodes.
        audio_soft, visual_soft: The two clips' soft labels, in [0, 1].
        weight: A-hat, in [0, 1].
        edge: How the class graph connects the nodes: "→", "←", "—", or "" for no edge (a same-class pair that the
            weights add, for example).
    """

    audio_node: str
    visual_node: str
    audio_soft: float
    visual_soft: float
    weight: float
    edge: str

    @property
    def strength(self) -> float:
        """What this pair contributes."""
        return self.audio_soft * self.weight * self.visual_soft


def links(loaded: LoadedRun, audio_clip: int, visual_clip: int, count: int = 3) -> list[Link]:
    """Why LIR treats an audio-visual pair differently: its strongest class pairs, strongest first.

    [ours] W = s_audio^T A-hat s_visual, of which these are the largest terms. Soft labels up to the regularizer's tau
    do not count.
    """
    c = len(loaded.clips.classes)
    tau = loaded.student.lir.tau
    both = loaded.soft(np.array([audio_clip, visual_clip]))
    soft = [both[0, 0], both[1, 1]]
    audio, visual = (np.where(s > tau, s, 0.0).astype(np.float64) for s in soft)
    terms = audio[:, None] * loaded.affinity.weights[:c, c:] * visual[None, :]
    found = []
    for flat in np.argsort(-terms, axis=None, kind="stable")[:count]:
        i, j = divmod(int(flat), c)
        if terms[i, j] <= 1e-4:  # rounds to nothing on screen
            break
        nodes = (loaded.affinity.nodes[i], loaded.affinity.nodes[c + j])
        found.append(
            Link(
                audio_node=nodes[0],
                visual_node=nodes[1],
                audio_soft=float(audio[i]),
                visual_soft=float(visual[j]),
                weight=float(loaded.affinity.weights[i, c + j]),
                edge=edge_between(loaded, *nodes),
            )
        )
    return found


def edge_between(loaded: LoadedRun, first: str, second: str) -> str:
    """How the class graph connects two nodes, read from the first: "→", "←", "—" or ""."""
    nodes = loaded.graph.nodes
    if first not in nodes or second not in nodes:
        return ""
    i, j = nodes.index(first), nodes.index(second)
    there, back = bool(loaded.graph.adjacency[i, j]), bool(loaded.graph.adjacency[j, i])
    return "—" if there and back else "→" if there else "←" if back else ""


def pair_strength(loaded: LoadedRun, direction: Direction, query: int, gallery: IntArray) -> FloatArray:
    """W between a query clip and each gallery clip, in the query's direction. Shape (g,)."""
    c = len(loaded.clips.classes)
    tau = loaded.student.lir.tau
    asks, gives = (0, 1) if direction == "audio-to-visual" else (1, 0)
    own, others = loaded.soft(np.array([query]))[asks, 0], loaded.soft(gallery)[gives]
    own, others = (np.where(values > tau, values, 0.0).astype(np.float64) for values in (own, others))
    block = loaded.affinity.weights[:c, c:]
    return others @ (own @ block if direction == "audio-to-visual" else block @ own)


def bars(lines: list[LabelLine], modality: Literal["audio", "visual"]) -> list[dict[str, object]]:
    """A compact picture of soft labels: one small column per class line, the annotated class marked."""
    return [{"value": getattr(line, modality), "own": line.status == "annotated"} for line in lines]
