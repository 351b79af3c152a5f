"""What the search is fed: soft labels as they are, or freed from the constraint that classes compete.

A softmax makes the classes of a clip share one unit of belief, so that each of C columns is one minus the others: their
covariance is singular and every pair looks negatively related (Pearson 1897, Aitchison 1986). Logits know nothing of
that constraint; the log-ratio transforms undo it.

Every transform keeps one column per class node where it can, since the nodes of the graph are classes; where a node has
to go, its column is left out and the reason given in a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np

from avexplore.artifacts import FloatArray, IntArray, SoftLabels
from avexplore.config import Transform
from avexplore.errors import ConfigError
from avexplore.graph.inputs.covariance import BLOCK

TRANSFORMS: tuple[Transform, ...] = get_args(Transform)

_FLOOR = {"probabilities": 1e-6, "scores": 1e-2, "logits": 1e-6}
"""Values below this count as this before a logarithm. A float32 softmax is not trustworthy further down; a regression
head's scores scatter by a few hundredths around zero, and logarithms of that scatter would be all that is seen."""


@dataclass(frozen=True)
class Transformed:
    """Columns for the search.

    Attributes:
        matrix: One column per class node, audio first. Shape (n, 2C), float64.
        dropped: Why a node has no column, by node index; its column in `matrix` is zero.
        notes: What was done, in sentences for the reader.
    """

    matrix: FloatArray
    dropped: dict[int, str]
    notes: tuple[str, ...]


def transform(soft_labels: SoftLabels, name: str, rows: IntArray) -> Transformed:
    """Turn soft labels into the columns that the search sees.

    - `raw`: as they are.
    - `logit`: log odds of each class against all others; exact from logits, else of values clipped to (0, 1).
    - `clr`: centered log-ratio, log p minus the clip's mean log p per modality (Aitchison 1986).
    - `ilr`: isometric log-ratio in pivot coordinates: class k against the classes after it, so the last class of each
      modality has no column (Egozcue et al. 2003). The assignment of coordinates to nodes is our definition.
    - `drop-one`: raw without the least varying class, in both modalities.
    - `rank`: normal scores, the Gaussian copula (Liu, Lafferty, Wasserman 2009; Harris and Drton 2013).
    - `class-centered`: raw minus the mean of the clip's annotated class: what is left once the annotation is known.

    Args:
        soft_labels: The teacher's output.
        name: One of `TRANSFORMS`.
        rows: Clips to use. Shape (m,).

    Returns:
        A matrix of shape (m, 2C) with what was left out, and why.

    Raises:
        ConfigError: If there is no such transform.

    >>> labels = SoftLabels(np.eye(2), np.eye(2), "probabilities", ("Bus", "Cat"), np.zeros(2, int), np.arange(2))
    >>> transform(labels, "clr", np.arange(2)).matrix.round(1)
    array([[ 6.9, -6.9,  6.9, -6.9],
           [-6.9,  6.9, -6.9,  6.9]])
    """
    if name not in TRANSFORMS:
        raise ConfigError(f"There is no transform {name!r}", where="graph.transform", fix=f"Use one of {TRANSFORMS}")
    raw = soft_labels.matrix(rows)
    if name == "raw":
        return Transformed(raw, {}, ())
    if name == "logit":
        values, notes = _log_odds(soft_labels, raw)
        return Transformed(values, {}, notes)
    if name in ("clr", "ilr"):
        logs, notes = _log_values(soft_labels, raw)
        if name == "clr":
            return Transformed(_blockwise(logs, lambda block: block - block.mean(axis=1, keepdims=True)), {}, notes)
        return _pivot_coordinates(soft_labels, logs, notes)
    if name == "drop-one":
        return _without_least_varying(soft_labels, raw)
    if name == "rank":
        return Transformed(normal_scores(raw), {}, ())
    return _class_centered(soft_labels, raw, rows)


def normal_scores(matrix: FloatArray) -> FloatArray:
    """Each column's ranks, ties averaged, as quantiles of the standard normal. Shape (n, p).

    >>> normal_scores(np.array([[3.0], [1.0], [100.0]])).round(2).ravel()
    array([ 0.  , -0.67,  0.67])
    """
    from scipy.special import ndtri
    from scipy.stats import rankdata

    scores: FloatArray = ndtri(rankdata(matrix, axis=0) / (len(matrix) + 1))
    return scores


def _blockwise(matrix: FloatArray, change: object) -> FloatArray:
    assert callable(change)
    half = matrix.shape[1] // 2
    both: FloatArray = np.concatenate([change(matrix[:, :half]), change(matrix[:, half:])], axis=1)
    return both


def _log_values(soft_labels: SoftLabels, raw: FloatArray) -> tuple[FloatArray, tuple[str, ...]]:
    """Log of the parts that share one unit, up to a constant per clip and modality."""
    if soft_labels.kind == "logits" and soft_labels.normalized:
        return raw, ()  # a softmax's log parts are its logits up to that constant: nothing to clip
    if soft_labels.kind == "logits":
        return -np.logaddexp(0.0, -raw), ()
    floor = _FLOOR[soft_labels.kind]
    clipped = int((raw < floor).sum())
    notes: tuple[str, ...] = ()
    if clipped:
        share = clipped / raw.size
        notes = (f"{share:.1%} of the values are below {floor:g} and were raised to it before taking logarithms.",)
    return np.log(raw.clip(floor)), notes


def _log_odds(soft_labels: SoftLabels, raw: FloatArray) -> tuple[FloatArray, tuple[str, ...]]:
    if soft_labels.kind == "logits" and not soft_labels.normalized:
        return raw, ("The teacher's logits are log odds of independent classes already: nothing was changed.",)
    if soft_labels.kind == "logits":
        return _blockwise(raw, _against_all_others), ()
    floor = _FLOOR[soft_labels.kind]
    outside = int(((raw < floor) | (raw > 1 - floor)).sum())
    notes: tuple[str, ...] = ()
    if outside:
        notes = (f"{outside / raw.size:.1%} of the values were clipped to [{floor:g}, {1 - floor:g}] for log odds.",)
    values = raw.clip(floor, 1 - floor)
    return np.log(values) - np.log1p(-values), notes


def _against_all_others(logits: FloatArray) -> FloatArray:
    """Log p_k - log(1 - p_k) of a softmax, without forming p. Shape (n, C)."""
    odds = np.empty_like(logits)
    step = max(1, BLOCK // max(logits.shape[1], 1))
    for start in range(0, len(logits), step):
        block = logits[start : start + step]
        rows, best = np.arange(len(block)), block.argmax(axis=1)
        top = block[rows, best, None]
        powers = np.exp(block - top)
        # All others hold the best class, so that their sum is at least 1 and nothing cancels. Those of the best may be
        # any number of units below it: they are summed afresh.
        rest = np.maximum(powers.sum(axis=1, keepdims=True) - powers, 1.0)
        odds[start : start + step] = block - top - np.log(rest)
        others = block.copy()
        others[rows, best] = -np.inf
        second = others.max(axis=1)
        odds[start + rows, best] = top[:, 0] - second - np.log(np.exp(others - second[:, None]).sum(axis=1))
    return odds


def _pivot_coordinates(soft_labels: SoftLabels, logs: FloatArray, notes: tuple[str, ...]) -> Transformed:
    count = len(soft_labels.classes)

    def pivots(block: FloatArray) -> FloatArray:
        later_sums = block[:, ::-1].cumsum(axis=1)[:, ::-1] - block
        later = np.arange(count - 1, -1, -1)
        scale = np.sqrt(later / (later + 1))
        return scale * (block - later_sums / np.maximum(later, 1))

    last = soft_labels.classes[-1]
    reason = f"it is the reference of the ILR coordinates ({last} is listed last)"
    note = f"ILR compares each class with those listed after it, so {last} has no column of its own."
    return Transformed(_blockwise(logs, pivots), {count - 1: reason, 2 * count - 1: reason}, (*notes, note))


def _without_least_varying(soft_labels: SoftLabels, raw: FloatArray) -> Transformed:
    count = len(soft_labels.classes)
    spread = raw.std(axis=0)
    least = int((spread[:count] + spread[count:]).argmin())
    matrix = raw.copy()
    matrix[:, [least, count + least]] = 0.0
    reason = "drop-one leaves out the class that varies least, since the others already tell its value"
    return Transformed(matrix, {least: reason, count + least: reason}, ())


def _class_centered(soft_labels: SoftLabels, raw: FloatArray, rows: IntArray) -> Transformed:
    groups, note = classes_of(soft_labels, rows)
    centered = raw.copy()
    for group in np.unique(groups):
        members = groups == group
        centered[members] -= centered[members].mean(axis=0)
    return Transformed(centered, {}, note)


def classes_of(soft_labels: SoftLabels, rows: IntArray) -> tuple[IntArray, tuple[str, ...]]:
    """The annotated class of each clip, or the class of highest soft label where no annotation is known.

    Returns:
        Class index per clip, shape (m,), and a sentence if classes had to be guessed.
    """
    labels = soft_labels.hard_label[rows].astype(np.int64)
    unknown = labels < 0
    if not unknown.any():
        return labels, ()
    both = soft_labels.probabilities().mean(axis=0)[rows]
    labels[unknown] = both[unknown].argmax(axis=1)
    share = f"{int(unknown.sum())} of {len(labels)}"
    return labels, (f"{share} clips have no annotation; their class is the one with the highest soft label.",)
