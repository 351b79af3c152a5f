"""What one may say of a pair of class nodes, such as `visual:Train` and `audio:Motorcycle`, without any search.

In how many clips both are, the odds ratio, P(j | i) beside P(j), and whether the pair only goes through the same
class: a clip that shows a train and sounds of a motorcycle mostly shows a motorcycle, too, or sounds of a train.

P(j | i) / P(i | j) = P(j) / P(i): which of the two conditional probabilities is larger tells how common the classes
are, and nothing of a direction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from avexplore.artifacts import BoolArray, Clips, FloatArray, SoftLabels, class_nodes
from avexplore.graph.evidence.pair_probability import PairProbability, pair_probability, rows_looked_at

Z95 = 1.959964
BLOCK = 20_000
"""Clips that are looked at together."""


@dataclass(frozen=True)
class PairEvidence:
    """What is known of all pairs of a run's class nodes.

    Attributes:
        probability: How probable it is that two classes come together.
        expected: Counts by the teacher's probabilities.
        true: Counts of human labels per modality; None where they are unknown.
    """

    probability: PairProbability
    expected: ClipCounts
    true: ClipCounts | None


def pair_evidence(soft_labels: SoftLabels, clips: Clips | None = None) -> PairEvidence:
    """What soft labels, and hidden labels where there are any, say of pairs of class nodes."""
    return PairEvidence(pair_probability(soft_labels), expected_counts(soft_labels), true_counts(clips))


@dataclass(frozen=True)
class PairFacts:
    """What is known of the nodes i and j.

    Attributes:
        joint: Clips that hold both; expected ones where presence is a probability.
        odds_ratio, low, high: How much likelier j is where i is, in odds, with a 95 % interval.
        given, base: P(j | i), and P(j).
        given_back, base_back: P(i | j), and P(i).
        same_class: Share of the joint clips that also hold i's class in j's modality, or j's class in i's; None for
            nodes of one modality or of one class.
    """

    joint: float
    odds_ratio: float
    low: float
    high: float
    given: float
    base: float
    given_back: float
    base_back: float
    same_class: float | None


@dataclass(frozen=True)
class ClipCounts:
    """How often class nodes are in one clip.

    Attributes:
        nodes: The 2C class nodes, audio first.
        clips: How many clips were counted.
        joint: Clips that hold both nodes; on the diagonal, clips that hold one. Shape (2C, 2C).
        direct: Those of them that hold neither node's class in the other modality: meaningful between an audio and a
            visual node of different classes. Shape (2C, 2C).
        exact: Whether labels were counted, and not expectations.
    """

    nodes: tuple[str, ...]
    clips: int
    joint: FloatArray
    direct: FloatArray
    exact: bool

    def pair(self, i: int, j: int) -> PairFacts:
        """What is known of two nodes, given by their places.

        Woolf's interval of the odds ratio, half a clip added to every cell (Haldane 1956, Anscombe 1956); expected
        clips count like clips, so it is a little too narrow where presence is a probability.
        """
        half = len(self.nodes) // 2
        both, one, other = float(self.joint[i, j]), float(self.joint[i, i]), float(self.joint[j, j])
        cells = (both, one - both, other - both, self.clips - one - other + both)
        a, b, c, d = (max(cell, 0.0) + 0.5 for cell in cells)
        log, reach = np.log(a * d / (b * c)), Z95 * np.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
        across = (i < half) != (j < half) and i % half != j % half
        nothing = float("nan")
        return PairFacts(
            joint=both,
            odds_ratio=float(np.exp(log)),
            low=float(np.exp(log - reach)),
            high=float(np.exp(log + reach)),
            given=both / one if one > 0 else nothing,
            base=other / self.clips,
            given_back=both / other if other > 0 else nothing,
            base_back=one / self.clips,
            same_class=1 - float(self.direct[i, j]) / both if across and both > 0 else None,
        )

    def odds_ratios(self) -> FloatArray:
        """`PairFacts.odds_ratio` of all pairs. Shape (2C, 2C), symmetric."""
        one = np.diagonal(self.joint)
        b, c = one[:, None] - self.joint, one[None, :] - self.joint
        d = self.clips - one[:, None] - one[None, :] + self.joint
        a, b, c, d = (np.maximum(cell, 0) + 0.5 for cell in (self.joint, b, c, d))
        return a * d / (b * c)


def expected_counts(soft_labels: SoftLabels) -> ClipCounts:
    """Counts by the teacher's calibrated probabilities over the training clips (all clips, if none is one).

    A clip holds node i with probability p_i, whatever else it holds: the sum over clips of p_i p_j is the expected
    number that hold both [ours]. Of very many clips, evenly spaced ones are counted.

    Such counts rank pairs as human labels do (Spearman correlation of log odds ratios .93 on VGGSounder's pairs of at
    least ten joint clips) and *understate* how much they have to do with each other: P(j | i) of .08 where human
    labels say .24, and 36 % of the joint clips through the same class where it is 98 %. The classes of a softmax,
    which exclude each other, leave even less room.

    >>> from avexplore.artifacts import SoftLabels
    >>> said = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
    >>> labels = SoftLabels(said, said, "probabilities", ("Bus", "Cat"), np.zeros(4, int), np.zeros(4, int), False)
    >>> facts = expected_counts(labels).pair(1, 3)
    >>> facts.joint, facts.given, facts.base, facts.same_class
    (3.0, 1.0, 0.75, None)
    """
    rows = rows_looked_at(soft_labels)
    blocks = (soft_labels.probabilities(rows[first : first + BLOCK]) for first in range(0, len(rows), BLOCK))
    return counted(soft_labels.classes, blocks, len(rows), exact=False)


def true_counts(clips: Clips | None) -> ClipCounts | None:
    """Counts of the hidden labels of all clips; None where it is unknown what is heard and what is seen."""
    if clips is None or clips.true_audio is None or clips.true_visual is None:
        return None
    both = np.stack([clips.true_audio, clips.true_visual])
    blocks = (both[:, first : first + BLOCK] for first in range(0, both.shape[1], BLOCK))
    return counted(clips.classes, blocks, both.shape[1], exact=True)


def counted(
    classes: tuple[str, ...], blocks: Iterator[FloatArray] | Iterator[BoolArray], clips: int, *, exact: bool
) -> ClipCounts:
    """Counts of presence in clips that come in blocks.

    Args:
        classes: Names of the C classes.
        blocks: Presence, or its probability, in some clips each. Shape (2, m, C), audio first.
        clips: How many clips all blocks hold.
        exact: Whether presence is known.
    """
    count = len(classes)
    joint, direct = np.zeros((2 * count, 2 * count)), np.zeros((2 * count, 2 * count))
    for block in blocks:
        heard, seen = np.asarray(block, np.float64)
        there = np.concatenate([heard, seen], axis=1)
        joint += there.T @ there
        np.fill_diagonal(joint, np.diagonal(joint) + (there * (1 - there)).sum(axis=0))
        # Of both v_i and a_j without v_j and without a_i: two factors, one per class.
        across = (heard * (1 - seen)).T @ (seen * (1 - heard))
        direct[:count, count:] += across
        direct[count:, :count] += across.T
    return ClipCounts(class_nodes(classes), clips, joint, direct, exact)
