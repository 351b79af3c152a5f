"""What speaks for an edge, and what is known of a node: figures and clips, computed from what is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from avexplore.analysis.clip_labels import annotated_or_top
from avexplore.artifacts import BoolArray, Clips, Embeddings, FloatArray, IntArray, SoftLabels, split_node
from avexplore.calibration.reliability import ReliabilityDiagram, reliability_diagram

if TYPE_CHECKING:
    from avexplore.retrieval.delta_distance import DeltaDistance

MODALITY_INDEX = {"audio": 0, "visual": 1}


def true_labels(clips: Clips | None, modality: str) -> BoolArray | None:
    """All true classes as heard or seen, where the data know them apart; otherwise as present. Shape (n, C)."""
    if clips is None:
        return None
    own = clips.true_audio if modality == "audio" else clips.true_visual
    return clips.true_labels if own is None else own


def modalities_known_apart(clips: Clips | None) -> bool:
    """Whether it is known which classes a clip lets hear and which it lets see."""
    return clips is not None and clips.true_audio is not None and clips.true_visual is not None


def strongest_clips(soft_labels: SoftLabels, node: str, count: int = 12, *, unannotated: bool = False) -> IntArray:
    """Clips with the highest soft label for a node, best first; `unannotated` leaves out those annotated with it."""
    modality, label = split_node(node)
    column = soft_labels.classes.index(label)
    values = soft_labels.probabilities()[MODALITY_INDEX[modality], :, column]
    allowed = annotated_or_top(soft_labels) != column if unannotated else np.ones(len(values), bool)
    candidates = np.flatnonzero(allowed)
    order = candidates[np.argsort(-values[candidates], kind="stable")]
    return order[:count]


@dataclass(frozen=True)
class ClassReliability:
    """What the teacher says of a class, beside what is known, over clips that it was not trained with if there are any.

    Attributes:
        annotated: Against the annotation; None if annotations are unknown.
        true: Against what the clips truly hold; None if unknown.
        mean_probability, annotated_share, true_share: The same over all bins; NaN if unknown.
        clips, split: How many clips, and which.
    """

    annotated: ReliabilityDiagram | None
    true: ReliabilityDiagram | None
    mean_probability: float
    annotated_share: float
    true_share: float
    clips: int
    split: str


def reliability(
    soft_labels: SoftLabels, node: str, clips: Clips | None = None, bins: int = 8
) -> ClassReliability | None:
    """Reliability of one class, one against the rest; None without clips.

    References:
        Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """
    modality, label = split_node(node)
    column = soft_labels.classes.index(label)
    split = next((name for name in ("validation", "test", "train", "all") if len(soft_labels.rows(name))), "all")
    rows = soft_labels.rows(split)
    if not len(rows):
        return None
    said = soft_labels.probabilities()[MODALITY_INDEX[modality], rows, column]
    known = soft_labels.hard_label[rows]
    annotated = known == column if (known >= 0).all() else None
    truth = true_labels(clips, modality)
    held = None if truth is None else truth[rows, column].astype(bool)

    def against(fact: BoolArray | None) -> tuple[ReliabilityDiagram | None, float]:
        return (None, float("nan")) if fact is None else (reliability_diagram(said, fact, bins), float(fact.mean()))

    (by_annotation, annotated_share), (by_truth, true_share) = against(annotated), against(held)
    mean = float(said.mean())
    return ClassReliability(by_annotation, by_truth, mean, annotated_share, true_share, len(rows), split)


@dataclass(frozen=True)
class Pairs:
    """Clip pairs that an edge links, strongest first.

    Attributes:
        first, second: Clip indices. Shape (k,).
        first_label, second_label: The soft labels that link them. Shape (k,).
    """

    first: IntArray
    second: IntArray
    first_label: FloatArray
    second_label: FloatArray

    @property
    def weight(self) -> FloatArray:
        """Product of the two soft labels, as LIR weights the pair. Shape (k,)."""
        return self.first_label * self.second_label

    def strongest(self, count: int) -> Pairs:
        """The first so many."""
        return Pairs(self.first[:count], self.second[:count], self.first_label[:count], self.second_label[:count])


def linked_pairs(soft_labels: SoftLabels, source: str, target: str, count: int = 10, reach: int = 60) -> Pairs:
    """Training clips that LIR would relate through an edge: high soft labels at its ends, different annotations.

    No clip appears more than twice, so that the list shows more than one loud clip.

    Args:
        soft_labels: The teacher's.
        source, target: The edge's nodes.
        count: At most so many pairs.
        reach: Look at so many of the strongest clips on each side.
    """
    rows = soft_labels.rows("train")
    if not len(rows):
        rows = soft_labels.rows("all")
    probability = soft_labels.probabilities()

    def side(node: str) -> tuple[IntArray, FloatArray]:
        modality, label = split_node(node)
        values = probability[MODALITY_INDEX[modality], rows, soft_labels.classes.index(label)]
        best = np.argsort(-values, kind="stable")[:reach]
        return rows[best], values[best]

    (first, first_label), (second, second_label) = side(source), side(target)
    weight = first_label[:, None] * second_label[None, :]
    labels = annotated_or_top(soft_labels)
    allowed = labels[first][:, None] != labels[second][None, :]
    order = np.argsort(np.where(allowed, -weight, np.inf), axis=None, kind="stable")
    used: dict[tuple[int, int], int] = {}
    kept: list[tuple[int, int]] = []
    for flat in order[: int(allowed.sum())]:
        i, j = divmod(int(flat), len(second))
        if max(used.get((0, i), 0), used.get((1, j), 0)) >= 2:
            continue
        used[0, i] = used.get((0, i), 0) + 1
        used[1, j] = used.get((1, j), 0) + 1
        kept.append((i, j))
        if len(kept) == count:
            break
    a, b = np.array([i for i, _ in kept], int), np.array([j for _, j in kept], int)
    return Pairs(first[a], second[b], first_label[a], second_label[b])


def pair_distances(embeddings: Embeddings, pairs: Pairs, source: str, target: str) -> FloatArray:
    """1 - product of each pair, each clip in the modality of its end of the edge, as retrieval ranks. Shape (k,)."""

    def side(node: str, clips: IntArray) -> FloatArray:
        return embeddings.shared[MODALITY_INDEX[split_node(node)[0]]][clips].astype(np.float64)

    distance: FloatArray = 1.0 - (side(source, pairs.first) * side(target, pairs.second)).sum(axis=1)
    return distance


ACTIVE_ABOVE = 0.1
"""A clip stands at an end of an edge if its soft label exceeds this: where Evaluation's Delta-D begins, too."""


def delta_of_edge(
    embeddings: tuple[Embeddings, Embeddings], soft_labels: SoftLabels, source: str, target: str, split: str
) -> DeltaDistance | None:
    """Evaluation's Delta-D of one edge; None if no two clips of that split stand at its ends.

    Args:
        embeddings: Without LIR, and with it.
        soft_labels: The teacher's.
        source, target: The edge's nodes.
        split: Which clips.
    """
    from avexplore.retrieval.delta_distance import delta_distance

    rows = soft_labels.rows(split)
    if not len(rows):
        return None
    index = {name: i for i, name in enumerate(soft_labels.nodes)}
    weights = np.zeros((len(index), len(index)))
    weights[index[source], index[target]] = 1.0
    before, after = (each.at(rows) for each in embeddings)
    # In single precision, as Evaluation holds them: a soft label at the limit falls on the same side.
    probability = soft_labels.probabilities(rows).astype(np.float32)
    labels = soft_labels.hard_label[rows]
    found = delta_distance(before, after, probability, labels, weights, tau=ACTIVE_ABOVE, same_class=True)
    return found if found.pairs[0] else None


@dataclass(frozen=True)
class CoOccurrence:
    """How often two classes truly come together.

    Attributes:
        both: Clips that hold both.
        source_clips, target_clips: Clips that hold each.
        clips: All clips.
        where: What was counted.
    """

    both: int
    source_clips: int
    target_clips: int
    clips: int
    where: str

    @property
    def lift(self) -> float:
        """How many times more often than if they had nothing to do with each other; NaN if either never occurs."""
        expected = self.source_clips * self.target_clips / max(self.clips, 1)
        return self.both / expected if expected else float("nan")


def co_occurrence(clips: Clips | None, source: str, target: str) -> CoOccurrence | None:
    """Count the hidden labels at the two ends of an edge; None where they are unknown."""
    (first, a), (second, b) = split_node(source), split_node(target)
    one, other = true_labels(clips, first), true_labels(clips, second)
    if clips is None or one is None or other is None:
        return None
    i, j = clips.classes.index(a), clips.classes.index(b)
    both = int((one[:, i] & other[:, j]).sum())
    return CoOccurrence(both, int(one[:, i].sum()), int(other[:, j].sum()), len(one), "hidden labels of this data")


@dataclass(frozen=True)
class PublishedPair:
    """What AudioSet's own labels say of two classes: `share` of the clips of the rarer one also hold the other."""

    rarer: str
    commoner: str
    share: float


def audioset_co_occurrence(one: str, other: str) -> PublishedPair | None:
    """Look two class names up in the summary of AudioSet's labels; None if it does not hold both.

    A share of 0 means less than one in twenty.
    """
    from avexplore.data.audioset import statistics

    names, thousand_clips, joint = statistics()
    place = {name.lower(): index for index, name in enumerate(names)}
    i, j = place.get(one.lower()), place.get(other.lower())
    if i is None or j is None or i == j:
        return None
    if thousand_clips[i] > thousand_clips[j]:
        i, j = j, i
    return PublishedPair(names[i], names[j], float(joint[i, j]))
