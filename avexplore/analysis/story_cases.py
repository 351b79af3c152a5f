"""Good cases for the story, found in the loaded run: an event nobody annotated, and what LIR makes of it.

A case needs all of it: a clip annotated with one class that the teacher finds a second event in, a weighted class
pair between the two classes, and clips of the second class to be found. How often such a case ends well is counted
over all of them and shown beside the chosen one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avexplore.analysis.loaded_run import LoadedRun
from avexplore.analysis.opening_question import ANSWERS, Tally, first_answers, tally
from avexplore.analysis.ranked_answers import DIRECTIONS, Direction, edge_between
from avexplore.artifacts import MODALITIES, BoolArray, FloatArray, IntArray, Modality
from avexplore.retrieval import average_precision

FOUND_FROM = 0.15
"""A soft label from here on counts as "the teacher finds it"; chance is one over the number of classes."""
LOOKED_AT = 400
"""At most so many candidates are ranked: the most promising by soft label times weight."""
GOOD_RANK = 20
"""A case is told if LIR lifts a related answer at least this far up."""


@dataclass(frozen=True)
class Case:
    """One clip and its unannotated event.

    Attributes:
        clip: Row of the clip.
        event: Class that nobody annotated.
        modality: Where the teacher finds it best.
        probability: Its soft label there, in [0, 1].
        confirmed: Whether the true labels, kept aside for evaluation, say that it is there.
        nodes: The two class nodes whose pair is told: of those with a weight, one that ends where the teacher finds
            the event, and comes back more often than under the null model, if there is such a pair; then the heaviest.
        edge: How the class graph joins them, read from the first: "→", "←", "—" or "".
        weight: Their weight A-hat, in [0, 1].
        direction: Which way the clip asks.
        answer: The clip of the event's class that gained most and ends within the first `GOOD_RANK`; -1 for none.
        rank_before, rank_after: Its ranks without and with LIR, from 1; 0 for none.
        related_before, related_after: Mean rank of all clips annotated with the event, as a share of the gallery.
        right: How many of the first answers share a class with the clip, without and with LIR.
        precision: Average precision without and with LIR; relevant is what was annotated alike.
    """

    clip: int
    event: int
    modality: Modality
    probability: float
    confirmed: bool
    nodes: tuple[str, str]
    edge: str
    weight: float
    direction: Direction
    answer: int
    rank_before: int
    rank_after: int
    related_before: float
    related_after: float
    right: tuple[int, int]
    precision: tuple[float, float]

    @property
    def improves(self) -> bool:
        """Whether the ranked list itself is better with LIR: more right answers first, no lower average precision."""
        return self.right[1] > self.right[0] and self.precision[1] >= self.precision[0]


@dataclass(frozen=True)
class Cases:
    """What was found.

    Attributes:
        good: Cases to tell: those first whose ranked list itself improves, the largest gain first; then the clearest.
        events: Unannotated events in the gallery's clips: true ones, or suspected ones where truth is not known.
        found: How many of them the teacher finds.
        linked: How many of these have a weighted class pair, and were ranked.
        lifted: How many of these see the event's clips at a better mean rank with LIR than without.
        truth_known: Whether `events` counts true labels.
        tally: What all clips of the gallery are answered, with a story or without.
    """

    good: tuple[Case, ...]
    events: int
    found: int
    linked: int
    lifted: int
    truth_known: bool
    tally: Tally

    @property
    def improved(self) -> int:
        """Of how many cases to tell the ranked list itself improves."""
        return sum(case.improves for case in self.good)


def find_cases(loaded: LoadedRun, gallery: IntArray, above_null: BoolArray | None = None) -> Cases:
    """All cases among the clips of a gallery, which is also where answers come from.

    Args:
        loaded: The run.
        gallery: Clip rows. Shape (g,).
        above_null: Pairs of class nodes, as in the weights, that come back clearly more often than under the null
            model. Shape (2C, 2C); None where that is not known.
    """
    labels = np.asarray(loaded.clips.hard_label)[gallery]
    chance = loaded.soft(gallery)
    best = chance.max(axis=0)
    others = np.ones_like(best, dtype=bool)
    others[np.arange(len(gallery)), labels] = False
    truth = loaded.clips.true_labels
    present = others & (truth[gallery] if truth is not None else best >= FOUND_FROM)
    found = present & (best >= FOUND_FROM)
    pair_weight, pairs = _pairs(loaded, above_null)
    promise = np.where(found, best * pair_weight[labels], 0.0)
    order = np.argsort(-promise, axis=None, kind="stable")[:LOOKED_AT]
    chosen = [divmod(int(flat), best.shape[1]) for flat in order if promise.flat[flat] > 0]
    right = {
        direction: first_answers(loaded.before, loaded.after, loaded.clips, gallery, direction)[1].sum(axis=2)
        for direction in DIRECTIONS
    }
    told = _tell(loaded, gallery, labels, chance, chosen, pairs, right)
    better = sum(case.related_after < case.related_before for case in told)
    good = [case for case in told if case.answer >= 0 and case.related_after < case.related_before]
    good.sort(key=lambda c: _rank(loaded, c, above_null))
    return Cases(
        good=_varied(good),
        events=int(present.sum()),
        found=int(found.sum()),
        linked=len(told),
        lifted=better,
        truth_known=truth is not None,
        tally=tally(np.stack(list(right.values())), min(ANSWERS, len(gallery))),
    )


def _rank(loaded: LoadedRun, case: Case, above_null: BoolArray | None) -> tuple[float, ...]:
    """What is told first has the least: lists that improve, of these what an edge of the graph tells, then the gain."""
    gain = case.right[1] - case.right[0] if case.improves else 0
    plain = _plainness(loaded, case, above_null)
    return (not case.improves, case.improves and not case.edge, -gain, -plain, -_clearness(case))


def _plainness(loaded: LoadedRun, case: Case, above_null: BoolArray | None) -> int:
    """How little the edge of a case needs explaining: drawn in the graph, where the event was found, beyond chance."""
    i, j = (loaded.affinity.nodes.index(name) for name in case.nodes)
    beyond = above_null is None or bool(above_null[i, j])
    return sum((case.edge != "", case.nodes[1].startswith(case.modality), beyond))


def _clearness(case: Case) -> float:
    return float(
        case.probability * (case.related_before - case.related_after) * np.log(case.rank_before / case.rank_after)
    )


@dataclass(frozen=True)
class _Pair:
    """Two class nodes and their weight."""

    nodes: tuple[int, int]
    weight: float


def _pairs(loaded: LoadedRun, above_null: BoolArray | None) -> tuple[FloatArray, dict[tuple[int, int, int], _Pair]]:
    """Largest weight between any two nodes of two different classes; and the pair of nodes to tell.

    The latter by class, other class, and the modality that the other class was found in.
    """
    c = len(loaded.clips.classes)
    weights = np.maximum(loaded.affinity.weights, loaded.affinity.weights.T)
    blocks = weights.reshape(2, c, 2, c).transpose(1, 3, 0, 2)
    best = blocks.reshape(c, c, 4).max(axis=2)
    np.fill_diagonal(best, 0.0)
    told = {}
    for i, j in np.argwhere(best > 0):
        ends = [(a * c + int(i), b * c + int(j)) for a in (0, 1) for b in (0, 1)]
        known = [_Pair(nodes, float(weights[nodes])) for nodes in ends if weights[nodes] > 0]
        for modality in (0, 1):

            def fits(pair: _Pair, modality: int = modality) -> tuple[bool, bool, float]:
                beyond = above_null is None or bool(above_null[pair.nodes])
                return pair.nodes[1] // c == modality, beyond, pair.weight

            told[int(i), int(j), modality] = max(known, key=fits)
    return best, told


def _tell(
    loaded: LoadedRun,
    gallery: IntArray,
    labels: IntArray,
    chance: FloatArray,
    chosen: list[tuple[int, int]],
    pairs: dict[tuple[int, int, int], _Pair],
    right: dict[Direction, IntArray],
) -> list[Case]:
    places = {direction: _places(loaded, gallery, chosen, direction) for direction in DIRECTIONS}
    cases = []
    for k, (place, event) in enumerate(chosen):
        related: BoolArray = labels == event
        related[place] = False
        if not related.any():
            continue
        ranks = {direction: found[:, k] for direction, found in places.items()}
        lift = {
            d: (int(right[d][1, place] - right[d][0, place]), float((before - after)[related].mean()))
            for d, (before, after) in ranks.items()
        }
        direction = max(DIRECTIONS, key=lift.__getitem__)
        before, after = ranks[direction]
        close = np.flatnonzero(related & (after <= GOOD_RANK) & (after < before))
        answer = int(close[np.argmax(before[close] / after[close])]) if len(close) else -1
        modality = int(chance[:, place, event].argmax())
        pair = pairs[int(labels[place]), event, modality]
        first, second = (loaded.affinity.nodes[i] for i in pair.nodes)
        cases.append(
            Case(
                clip=int(gallery[place]),
                event=event,
                modality=MODALITIES[modality],  # type: ignore[arg-type]
                probability=float(chance[modality, place, event]),
                confirmed=loaded.clips.true_labels is not None,
                nodes=(first, second),
                edge=edge_between(loaded, first, second),
                weight=pair.weight,
                direction=direction,
                answer=int(gallery[answer]) if answer >= 0 else -1,
                rank_before=int(before[answer]) if answer >= 0 else 0,
                rank_after=int(after[answer]) if answer >= 0 else 0,
                related_before=float(before[related].mean() / len(gallery)),
                related_after=float(after[related].mean() / len(gallery)),
                right=(int(right[direction][0, place]), int(right[direction][1, place])),
                precision=(_precision(labels, place, before), _precision(labels, place, after)),
            )
        )
    return cases


def _precision(labels: IntArray, place: int, ranks: IntArray) -> float:
    return float(average_precision((labels == labels[place])[None, np.argsort(ranks)])[0])


def _places(loaded: LoadedRun, gallery: IntArray, chosen: list[tuple[int, int]], direction: Direction) -> IntArray:
    """Rank (from 1) of every gallery clip for each chosen query, without and with LIR. Shape (2, Q, g)."""
    asks, answers = ("audio", "visual") if direction == "audio-to-visual" else ("visual", "audio")
    rows = gallery[[place for place, _ in chosen]] if chosen else gallery[:0]
    found = np.empty((2, len(rows), len(gallery)), dtype=np.int32)
    for when, embeddings in enumerate((loaded.before, loaded.after)):
        similarity = np.asarray(getattr(embeddings, asks)[rows]) @ np.asarray(getattr(embeddings, answers)[gallery]).T
        order = np.argsort(-similarity, axis=1, kind="stable")
        ranks = np.broadcast_to(np.arange(1, len(gallery) + 1, dtype=np.int32), order.shape)
        np.put_along_axis(found[when], order, ranks, axis=1)
    return found


def _varied(cases: list[Case]) -> tuple[Case, ...]:
    """Each clip once, and the pairs of classes in turn, so that the next case is another story."""
    turns: dict[tuple[str, str], int] = {}
    seen: set[int] = set()
    ordered = []
    for place, case in enumerate(cases):
        if case.clip in seen:
            continue
        seen.add(case.clip)
        turn = turns.get(case.nodes, 0)
        turns[case.nodes] = turn + 1
        ordered.append((turn, place, case))
    ordered.sort(key=lambda entry: entry[:2])
    return tuple(case for _, _, case in ordered)
