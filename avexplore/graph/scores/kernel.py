"""A score for any kind of dependency, linear or not, at a price that only small data can pay.

The cross-validated likelihood of a regression in feature space (Huang et al. 2018), as causal-learn offers it under the
name `local_score_CV_general`. Our own code for the formula, since release 0.1.4.8 differs from it in two places:

- It centers its kernel matrices by element instead of by matrix products (`H0 * Kx * H0` of arrays,
  LocalScoreFunction.py:295): what is left is next to a diagonal, so that a parent without any relation to the node
  gains as much as its true parent.
- It takes the sum of log diag(L) for the log-determinant of B = L L' (LocalScoreFunction.py:419,493), which is twice
  that. With half of it the score is no likelihood: it rewards a good fit too little.

Its `local_score_marginal_general` has the first fault and another one, an optimizer that overflows: it is not offered.

References:
    Huang, Zhang, Lin, Schölkopf, Glymour 2018, Generalized score functions for causal discovery, KDD.
"""

from __future__ import annotations

import math

import numpy as np

from avexplore.artifacts import FloatArray
from avexplore.errors import GraphError
from avexplore.graph.scores.local_score import LocalScore

FOLDS = 10
RIDGE = 0.01
"""lambda of the regression: causal-learn's default, as are `FOLDS` and `NOISE`."""
NOISE = 0.01
"""gamma, the variance of the noise in feature space."""

LONGEST = 600.0
"""Seconds that a search may be expected to take; more is refused."""
_SCORES_PER_PAIR = 8.0
_SECONDS_PER_SCORE = 3e-3
_SECONDS_PER_CUBE = 3e-9
"""Measured on one core: scores per pair of nodes that a search asks for, and the time of one score of n clips."""


def expected_seconds(clips: int, nodes: int) -> float:
    """Rough time of one search on one core: a score costs n^3, and a search asks for some scores per pair of nodes."""
    return _SCORES_PER_PAIR * nodes**2 * (_SECONDS_PER_SCORE + _SECONDS_PER_CUBE * clips**3)


def refuse_if_endless(clips: int, nodes: int, searches: int = 1) -> None:
    """Refuse data for which a search would take more than `LONGEST`, or many more than six times that.

    Raises:
        GraphError: With the time that it would take.

    >>> refuse_if_endless(1564, 30)
    Traceback (most recent call last):
    avexplore.errors.GraphError: The kernel score would take about 23 hours for 1,564 clips and 30 nodes ...
    """
    seconds = searches * expected_seconds(clips, nodes)
    if seconds > (LONGEST if searches == 1 else 6 * LONGEST):
        often = f" and {searches} searches" if searches > 1 else ""
        raise GraphError(
            f"The kernel score would take about {_in_words(seconds)} for {clips:,} clips and {nodes} nodes{often}",
            where="graph.score",
            fix="Use BIC or BDeu, or data with some 200 clips and a few classes; clips are never left out silently",
        )


def _in_words(seconds: float) -> str:
    for unit, size in (("years", 31_557_600.0), ("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.0f} seconds"


def kernel_local_score(matrix: FloatArray) -> LocalScore:
    """Cross-validated log-likelihood of one node given its parents; every score is remembered.

    Folds are blocks of clips in their given order, as in causal-learn. A column that does not vary, as may happen in a
    bootstrap, tells nothing: as a parent it changes no score, and no parent changes its own.

    Args:
        matrix: One column per node, at least `FOLDS` rows. Shape (n, p).

    Raises:
        GraphError: If there are fewer rows than folds, or the search would take too long.

    >>> x = np.random.default_rng(0).normal(size=60)
    >>> score = kernel_local_score(np.stack([x, np.sin(2 * x), np.random.default_rng(1).normal(size=60)], axis=1))
    >>> score(1, [0]) > score(1, []) > score(1, [2])
    True
    """
    n, p = matrix.shape
    if n < FOLDS:
        raise GraphError(
            f"{n} clips cannot be split into {FOLDS} folds", where="graph.score", fix="Use BIC, or more clips"
        )
    refuse_if_endless(n, p)
    kernels = [_gaussian_kernel(column) for column in matrix.T]
    folds = np.array_split(np.arange(n), [n // FOLDS * k for k in range(1, FOLDS)])
    varying = frozenset(k for k, kernel in enumerate(kernels) if kernel.min() < 1.0)
    known: dict[tuple[int, frozenset[int]], float] = {}

    def score(node: int, parents: list[int]) -> float:
        telling = varying.intersection(parents)  # exactly the same score: a search would take round-off for a gain
        key = (node, telling)
        if key not in known:
            target = _centered(kernels[node])
            given = _centered(np.prod([kernels[k] for k in sorted(telling)], axis=0)) if telling else None
            known[key] = -float(np.mean([_loss(target, given, test) for test in folds]))
        return known[key]

    return score


def _gaussian_kernel(values: FloatArray) -> FloatArray:
    """exp(-d^2 / (2 w^2)), w twice the root of half the median squared distance; ones if there is no distance.

    Shape (n,) -> (n, n).
    """
    squared = (values[:, None] - values[None, :]) ** 2
    apart = squared[np.triu_indices(len(values), 1)]
    apart = apart[apart > 0]
    if not len(apart):
        return np.ones_like(squared)
    width = 2.0 * math.sqrt(0.5 * float(np.median(apart)))
    kernel: FloatArray = np.exp(-squared / (2.0 * width**2))
    return kernel


def _centered(kernel: FloatArray) -> FloatArray:
    """H K H with H = I - 1/n: distances from the mean in feature space. Shape (n, n)."""
    mean = kernel.mean(axis=0)
    centered: FloatArray = kernel - mean[None, :] - mean[:, None] + mean.mean()
    return centered


def _loss(target: FloatArray, given: FloatArray | None, test: np.ndarray) -> float:
    """Negative log-likelihood of the clips in one fold under the regression on all others (Huang et al., eq. 8)."""
    from scipy.linalg import cho_factor, cho_solve

    held = np.ones(len(target), bool)
    held[test] = False
    train = np.flatnonzero(held)
    m, v = len(train), len(test)
    within, across = target[np.ix_(train, train)], target[np.ix_(train, test)]
    own = float(np.trace(target[np.ix_(test, test)]))
    if given is None:
        weight = 1.0 / (NOISE * m)
        factor = cho_factor(np.eye(m) + weight * within, lower=True)
        explained = weight * float(np.sum(across * cho_solve(factor, across)))
        misfit = own - explained
    else:
        weight = m * RIDGE**2 / NOISE
        ridge = cho_factor(given[np.ix_(train, train)] + m * RIDGE * np.eye(m), lower=True)
        coefficients = cho_solve(ridge, given[np.ix_(train, test)])
        predicted = within @ coefficients
        smooth = cho_solve(ridge, cho_solve(ridge, within).T)
        factor = cho_factor(np.eye(m) + weight * smooth, lower=True)
        left = cho_solve(ridge, across - predicted)
        misfit = own + float(np.sum(coefficients * predicted) - 2.0 * np.sum(across * coefficients))
        misfit -= weight * float(np.sum(left * cho_solve(factor, left)))
    log_volume = 2.0 * float(np.log(np.diagonal(factor[0])).sum())  # log |L L'|
    return 0.5 * (v * v * math.log(2 * math.pi) + v * log_volume + misfit / NOISE)
