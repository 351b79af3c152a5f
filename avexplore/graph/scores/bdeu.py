"""A score for discretized soft labels: no assumption on their distribution, at the price of their fine grain.

The compiled search knows the Gaussian BIC only; this score runs in causal-learn's search, with our own counting, which
remembers every local score (causal-learn's counts anew through pandas, several milliseconds each).
"""

from __future__ import annotations

import math

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray, SoftLabels
from avexplore.graph.scores.local_score import LocalScore

_DENSE = 1 << 16
"""Up to so many joint states a table of counts is cheaper than sorting the rows."""


def discretize(matrix: FloatArray) -> IntArray:
    """Three states per class of near one-hot soft labels: top class of the clip, upper half of the other clips, lower.

    Our definition: most values of such soft labels lie around zero, where quantiles would cut noise into bins. A clip
    whose values are all the same has no top class, and a column of two values keeps these two states, 0 and 1.

    Args:
        matrix: Soft labels, audio columns first. Shape (n, 2C).

    Returns:
        States 0, 1, 2. Shape (n, 2C), int64.

    >>> discretize(np.array([[0.9, 0.1, 0.2, 0.8], [0.3, 0.7, 0.6, 0.4], [0.2, 0.8, 0.1, 0.9]]))
    array([[2, 0, 1, 2],
           [1, 2, 2, 0],
           [0, 2, 0, 2]])
    >>> discretize(np.array([[0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]]))
    array([[0, 0, 1, 0],
           [0, 1, 0, 1]])
    """
    half = matrix.shape[1] // 2
    states = np.empty(matrix.shape, np.int64)
    for block in (slice(0, half), slice(half, None)):
        values = matrix[:, block]
        highest, lowest = values.max(axis=1, keepdims=True), values.min(axis=1, keepdims=True)
        top = (values == highest) & (highest > lowest)
        rest = np.where(top, np.nan, values)
        empty = top.all(axis=0)
        rest[:, empty] = 0.0
        upper = values > np.nanmedian(rest, axis=0)
        states[:, block] = np.where(top, 2, upper)
    return _keep_two_states(states, matrix)


def thirds(matrix: FloatArray) -> IntArray:
    """Three states per column of about equal size, for soft labels without a pile at zero (logits). Shape (n, p).

    A column of two values keeps these two states, 0 and 1.

    >>> thirds(np.array([[1.0], [5.0], [2.0], [9.0], [3.0], [4.0]])).ravel()
    array([0, 2, 0, 2, 1, 1])
    """
    cuts = np.quantile(matrix, [1 / 3, 2 / 3], axis=0)
    states: IntArray = (matrix[None] > cuts[:, None]).sum(axis=0)
    return _keep_two_states(states, matrix)


def _keep_two_states(states: IntArray, matrix: FloatArray) -> IntArray:
    """States 0 and 1 in columns of two values, whatever was made of them."""
    two = two_valued(matrix)
    states[:, two] = matrix[:, two] > matrix[:, two].min(axis=0)
    return states


def two_valued(matrix: FloatArray) -> BoolArray:
    """Which columns hold two values at most, as zero-one labels do. Shape (p,).

    >>> two_valued(np.array([[0.0, 0.1], [1.0, 0.2], [1.0, 0.3]]))
    array([ True, False])
    """
    found: BoolArray = ((matrix == matrix.min(axis=0)) | (matrix == matrix.max(axis=0))).all(axis=0)
    return found


def states_of(soft_labels: SoftLabels, rows: IntArray) -> tuple[IntArray, str]:
    """Discrete columns of the chosen clips, shape (m, 2C), and the states in words."""
    matrix = soft_labels.matrix(rows)
    if two_valued(matrix).all():
        return thirds(matrix), "two states per class: there or not"
    if soft_labels.kind == "logits":
        return thirds(matrix), "three states per class: lower, middle and upper third of its values"
    return discretize(matrix), "three states per class: top class of the clip, upper half, lower half"


def bdeu_local_score(states: IntArray, *, sample_prior: float = 1.0, parents_expected: float = 1.0) -> LocalScore:
    """Bayesian Dirichlet equivalent uniform score of one node given its parents, as a log probability.

    Args:
        states: Discrete columns. Shape (n, p).
        sample_prior: Equivalent sample size.
        parents_expected: Structure prior: the number of parents that a node has beforehand, below p - 1. The smaller,
            the sparser the graph.

    References:
        Heckerman, Geiger, Chickering 1995; the structure prior as in Tetrad.

    >>> score = bdeu_local_score(np.array([[0, 0], [1, 1]] * 20))
    >>> score(1, [0]) > score(1, [])
    True
    """
    from scipy.special import gammaln

    columns = np.ascontiguousarray(states.T)
    codes = [np.unique(column, return_inverse=True)[1] for column in columns]
    levels = [int(column.max()) + 1 for column in codes]
    others = max(len(columns) - 1, 1)
    share = min(parents_expected / others, 0.5)
    each, none = math.log(share), math.log1p(-share)
    known: dict[tuple[int, frozenset[int]], float] = {}

    def score(node: int, parents: list[int]) -> float:
        key = (node, frozenset(parents))
        if key not in known:
            known[key] = _marginal(node, sorted(parents)) + len(parents) * each + (others - len(parents)) * none
        return known[key]

    def _marginal(node: int, parents: list[int]) -> float:
        joint, states_of_parents = np.zeros(len(codes[node]), np.int64), 1
        for parent in parents:
            joint = joint * levels[parent] + codes[parent]
            states_of_parents *= levels[parent]
            if states_of_parents > _DENSE:
                # Many joint states, few of them seen: number those that are.
                _, joint = np.unique(joint, return_inverse=True)
        r = levels[node]
        with_node = np.bincount(joint * r + codes[node])
        alone = np.bincount(joint)
        prior_cell, prior_row = sample_prior / (r * states_of_parents), sample_prior / states_of_parents
        cells, rows = with_node[with_node > 0], alone[alone > 0]
        total = (gammaln(cells + prior_cell) - gammaln(prior_cell)).sum()
        return float(total + (gammaln(prior_row) - gammaln(rows + prior_row)).sum())

    return score
