"""The Gaussian BIC of a DAG, and what each of its edges contributes.

With R the correlation matrix of n rows, P_y the parents of y and k the number of edges,

    BIC(dag) = sum_y -n ln(R_yy - R_yP R_PP^-1 R_Py) - c k ln n,

twice the log-likelihood above that of the empty graph over unit-variance columns, minus the penalty: the empty graph
scores 0. c is Tetrad's penalty discount; causal-learn 0.1.4.8 takes lambda = c / 2 and gives half of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from avexplore.artifacts import FloatArray, IntArray

FLOOR = 1e-9
"""Residual variance of a unit-variance column at and below which it counts as determined by its parents."""


def edge_penalty(samples: int, penalty_discount: float) -> float:
    """c ln n, in units of 2 log-likelihood."""
    return penalty_discount * math.log(samples)


def _regressions(
    correlation: FloatArray, dag: IntArray
) -> Iterator[tuple[IntArray, IntArray, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
    """All nodes' regressions on their parents, nodes with k parents together.

    Yields:
        nodes (m,), parents (m, k), coefficients (m, k), diagonals of the inverse R_PP (m, k), residual variances (m,).
    """
    counts = dag.sum(axis=0)
    for k in np.unique(counts):
        nodes = np.flatnonzero(counts == k)
        parents = np.array([np.flatnonzero(dag[:, y]) for y in nodes], dtype=np.intp).reshape(len(nodes), k)
        among = correlation[parents[:, :, None], parents[:, None, :]]
        toward = correlation[parents, nodes[:, None]]
        try:
            inverse = np.linalg.inv(among)
        except np.linalg.LinAlgError:
            inverse = np.linalg.pinv(among, hermitian=True)
        coefficients = np.einsum("mij,mj->mi", inverse, toward)
        residual = np.diagonal(correlation)[nodes] - np.einsum("mi,mi->m", coefficients, toward)
        diagonal = np.diagonal(inverse, axis1=1, axis2=2)
        yield nodes, parents, coefficients, diagonal, np.maximum(residual, FLOOR)


def bic_score(correlation: FloatArray, samples: int, dag: IntArray, penalty_discount: float) -> float:
    """BIC of a DAG over the empty graph's, in units of 2 log-likelihood (see the module).

    Args:
        correlation: Shape (p, p), ones on the diagonal.
        samples: n.
        dag: A[i, j] = 1 for i -> j. Shape (p, p).
        penalty_discount: c.

    >>> pair = np.array([[1.0, 0.6], [0.6, 1.0]])
    >>> round(bic_score(pair, 1000, np.array([[0, 1], [0, 0]]), 2.0), 3)  # -1000 ln(1 - 0.36) - 2 ln 1000
    432.472
    """
    total = sum(float(np.log(residual).sum()) for *_, residual in _regressions(correlation, dag))
    return -samples * total - edge_penalty(samples, penalty_discount) * float(dag.sum())


def edge_effects(correlation: FloatArray, dag: IntArray) -> NDArray[np.float64]:
    """Standardized coefficient of each edge's source in the regression of its target on all its parents.

    Returns:
        Shape (p, p), zero where there is no edge.
    """
    effects = np.zeros(correlation.shape)
    for nodes, parents, coefficients, _, _ in _regressions(correlation, dag):
        effects[parents, nodes[:, None]] = coefficients
    return effects


def edge_gains(correlation: FloatArray, samples: int, dag: IntArray, penalty_discount: float) -> NDArray[np.float64]:
    """BIC that would be lost if one edge alone were taken away.

    Without parent i the residual variance s of j grows by b_i^2 / [R_PP^-1]_ii, so the loss is
    n ln(1 + b_i^2 / ([R_PP^-1]_ii s)) - c ln n.

    Returns:
        Shape (p, p), zero where there is no edge; negative where BIC would rather do without it.
    """
    gains = np.zeros(correlation.shape)
    penalty = edge_penalty(samples, penalty_discount)
    for nodes, parents, coefficients, diagonal, residual in _regressions(correlation, dag):
        ratio = coefficients**2 / (diagonal * residual[:, None])
        gains[parents, nodes[:, None]] = samples * np.log1p(ratio) - penalty
    return gains
