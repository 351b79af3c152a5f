"""Which classes truly occur together, and how well a ranking of class pairs finds them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avexplore.artifacts import BoolArray, Clips, FloatArray
from avexplore.errors import GraphError

CO_OCCURS = 0.1
"""P(j | i) above which a pair counts as truly co-occurring."""


def true_co_occurrence(
    true_labels: BoolArray,
    *,
    true_audio: BoolArray | None = None,
    true_visual: BoolArray | None = None,
    threshold: float = CO_OCCURS,
) -> FloatArray:
    """How often class j is present where class i is, as weights between class nodes.

    W[i, j] = max(P(j | i), P(i | j)) for different classes where that exceeds the threshold, else 0: symmetric, and
    without same-class pairs. Labels per modality make each block its own: audio labels against visual ones across.

    Args:
        true_labels: All true classes of each clip. Shape (n, C), bool.
        true_audio, true_visual: The same per modality; `true_labels` stands in where unknown.
        threshold: Keep pairs above this.

    Returns:
        Shape (2C, 2C), in [0, 1].

    >>> together = np.array([[True, True, False], [True, False, False], [False, False, True]])
    >>> true_co_occurrence(together)[:3, 3:]
    array([[0., 1., 0.],
           [1., 0., 0.],
           [0., 0., 0.]])
    """
    audio = (true_labels if true_audio is None else true_audio).astype(np.float64)
    visual = (true_labels if true_visual is None else true_visual).astype(np.float64)
    blocks = [[_conditional(a, b, threshold) for b in (audio, visual)] for a in (audio, visual)]
    return np.block(blocks)


def training_co_occurrence(clips: Clips) -> FloatArray:
    """`true_co_occurrence` of the training clips, all of whose true labels are known. Shape (2C, 2C)."""
    assert clips.true_labels is not None
    rows = clips.rows("train")
    audio, visual = (None if labels is None else labels[rows] for labels in (clips.true_audio, clips.true_visual))
    return true_co_occurrence(clips.true_labels[rows], true_audio=audio, true_visual=visual)


def _conditional(one: FloatArray, other: FloatArray, threshold: float) -> FloatArray:
    joint = one.T @ other
    given_one = joint / np.maximum(one.sum(axis=0), 1)[:, None]
    given_other = joint / np.maximum(other.sum(axis=0), 1)[None, :]
    weight = np.maximum(given_one, given_other)
    symmetric = np.maximum(weight, weight.T) if one is other else weight
    kept: FloatArray = np.where(symmetric > threshold, symmetric, 0.0)
    np.fill_diagonal(kept, 0.0)
    return kept


def class_pair_scores(weights: FloatArray) -> FloatArray:
    """The strongest weight between any two nodes of two classes. Shape (C, C), symmetric, zero diagonal.

    >>> w = np.zeros((4, 4)); w[0, 3] = 0.5
    >>> class_pair_scores(w)
    array([[0. , 0.5],
           [0.5, 0. ]])
    """
    count = len(weights) // 2
    blocks = weights.reshape(2, count, 2, count).max(axis=(0, 2))
    both: FloatArray = np.maximum(blocks, blocks.T)
    np.fill_diagonal(both, 0.0)
    return both


@dataclass(frozen=True)
class TruthReport:
    """How well ranked pairs find the true ones.

    Attributes:
        pairs: Number of pairs.
        true_pairs: How many of them are true; the chance level of both precisions is `true_pairs / pairs`.
        auc: Probability that a true pair ranks above another, ties counting half; NaN if all or none are true.
        precision_at_true: Share of true pairs among the `true_pairs` best ranked; ties at the cut count in proportion.
        precision: Share of true pairs among those with a positive score; NaN if there are none.
        recall: Share of the true pairs that have a positive score; NaN if none are true.
    """

    pairs: int
    true_pairs: int
    auc: float
    precision_at_true: float
    precision: float
    recall: float


def compare_with_truth(scores: FloatArray, truth: FloatArray) -> TruthReport:
    """Hold a ranking of pairs against the truth.

    Args:
        scores: Symmetric; higher is more likely. Shape (m, m): class pairs or node pairs.
        truth: Positive where a pair is true. Shape (m, m), symmetric.

    Raises:
        GraphError: If the shapes differ.

    >>> truth = np.zeros((3, 3)); truth[0, 1] = truth[1, 0] = 1
    >>> scores = np.array([[0, 0.9, 0.2], [0.9, 0, 0], [0.2, 0, 0]])
    >>> compare_with_truth(scores, truth)
    TruthReport(pairs=3, true_pairs=1, auc=1.0, precision_at_true=1.0, precision=0.5, recall=1.0)
    """
    if scores.shape != truth.shape:
        raise GraphError(f"Scores have shape {scores.shape}, the truth {truth.shape}", where="comparison with truth")
    upper = np.triu_indices(len(scores), 1)
    value, true = np.maximum(scores, scores.T)[upper], (np.maximum(truth, truth.T)[upper] > 0)
    found = value > 0
    hits = int((found & true).sum())
    count = int(true.sum())
    return TruthReport(
        pairs=len(value),
        true_pairs=count,
        auc=_auc(value, true),
        precision_at_true=_precision_at(value, true, count),
        precision=hits / int(found.sum()) if found.any() else float("nan"),
        recall=hits / count if count else float("nan"),
    )


def _auc(value: FloatArray, true: BoolArray) -> float:
    """Mann-Whitney U over the number of pairs of pairs."""
    positives, negatives = int(true.sum()), int((~true).sum())
    if not positives or not negatives:
        return float("nan")
    _, group, sizes = np.unique(value, return_inverse=True, return_counts=True)
    rank = (np.cumsum(sizes) - (sizes - 1) / 2)[group]
    return float((rank[true].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _precision_at(value: FloatArray, true: BoolArray, count: int) -> float:
    if not count:
        return float("nan")
    cut = np.sort(value)[-count]
    above, tied = value > cut, value == cut
    expected = float(true[above].sum()) + (count - int(above.sum())) * float(true[tied].mean())
    return expected / count
