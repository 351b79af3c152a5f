"""Measures of ranked answers, as plain functions of which answers are relevant."""

from __future__ import annotations

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray

SCOPES = (10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 150, 200, 300, 400, 500, 600, 700, 800, 900, 1000)
"""K of the precision-scope curves, 10 to 1,000 as this field draws them."""


def average_precision(relevant: BoolArray, scope: int | None = None) -> FloatArray:
    """Precision averaged over the ranks of the relevant answers, per query.

    AP(q) = 1/R * sum over k of precision@k * relevant[q, k], with R relevant answers within the scope.
    A query without a relevant answer scores 0.

    Args:
        relevant: Whether the k-th ranked answer is relevant. Shape (Q, G), best first.
        scope: Look at the first `scope` answers only; None looks at all.

    Returns:
        One value in [0, 1] per query. Shape (Q,).

    Raises:
        ValueError: If `scope` is not positive.

    References:
        Manning et al., Introduction to Information Retrieval, section 8.4.

    >>> average_precision(np.array([[True, False, True]])).round(3)
    array([0.833])
    """
    if scope is not None and scope < 1:
        raise ValueError(f"scope must be positive, got {scope}")
    seen = relevant[:, :scope].astype(bool)
    hits = seen.cumsum(1)
    precision = hits / np.arange(1, seen.shape[1] + 1)
    total: FloatArray = (precision * seen).sum(1) / np.maximum(seen.sum(1), 1)
    return total


def precision_at_scope(relevant: BoolArray, scopes: IntArray | tuple[int, ...] = SCOPES) -> FloatArray:
    """Share of relevant answers among the first K, for each K of a precision-scope curve, mean over queries.

    Args:
        relevant: Whether the k-th ranked answer is relevant. Shape (Q, G), best first.
        scopes: The K, in [1, G].

    Returns:
        Shape (S,), in [0, 1].

    Raises:
        ValueError: If a scope lies outside [1, G].

    >>> precision_at_scope(np.array([[True, False, True, False]]), (1, 2, 4))
    array([1. , 0.5, 0.5])
    """
    ks = np.asarray(scopes)
    if len(ks) and (ks.min() < 1 or ks.max() > relevant.shape[1]):
        raise ValueError(f"scopes must lie in [1, {relevant.shape[1]}], got {ks.min()}..{ks.max()}")
    hits = relevant.astype(bool).cumsum(1)
    curve: FloatArray = hits[:, ks - 1].mean(0) / ks
    return curve


def map_over_cutoffs(relevant: BoolArray) -> float:
    """AP averaged over all cut-offs, which the authors' released metric computes under the name of MAP.

    1/(Q G) * sum over q and k of AP@k(q), where AP@k is `average_precision` within the scope k (0 as long as no
    relevant answer came) [measured: read off their metric.py]. It lies above the textbook's MAP wherever relevant
    answers come early, and is not comparable with it.

    Args:
        relevant: Whether the k-th ranked answer is relevant. Shape (Q, G), best first.

    >>> round(map_over_cutoffs(np.array([[True, False, True]])), 4)  # (1 + 1 + 5/6) / 3
    0.9444
    """
    if not relevant.size:
        return 0.0
    seen = relevant.astype(bool)
    hits = seen.cumsum(1)
    gathered = (hits / np.arange(1, seen.shape[1] + 1) * seen).cumsum(1)
    return float((gathered / np.maximum(hits, 1)).mean())
