"""One vertex regressed on a list of parents: what the score gains by one more, and loses by one less.

Grow-shrink trees and the graph of parent sets differ in what they remember. What a set of parents is worth, both take
from here: a parent adds one row to a Cholesky factor, which says what each other variable would still explain.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray
from avexplore.graph.compiled import bitset
from avexplore.graph.compiled.numba_cache import Int, compiled
from avexplore.graph.scores.gaussian_bic import FLOOR, edge_penalty

# Rows of Regression.parents.
SLOT, STEP = range(2)
# Rows of Regression.given.
VARIANCE, COVARIANCE, GAIN = range(3)
# Rows of Regression.removal.
COEFFICIENT, DIAGONAL, PIVOT = range(3)
# First column of every list of candidates.
VARIABLE = 0

TIE = 1e-12
"""Relative difference up to which two gains, or two losses, are equal; the earlier variable then comes first."""


class Regression(NamedTuple):
    """The problem, and the current regression. Shapes with p variables, w words to a set, l >= p.

    Attributes:
        correlation: (p, l): rows are padded with zeros to whole cache lines, so that loops need no remainder.
        forbidden, required: Sets per vertex of parents it may not and must have, (p, w).
        rows: Rows of Cholesky factors, (m, l).
        parents: Of the current regression: where the factor's rows are in `rows`, and the variables, (2, p).
        given: Variance of each x given the parents, its covariance with y, and scratch for gains, (3, l).
        barred: The set of variables that are no candidates, beside the forbidden ones, (1, w).
        inverse: Inverse of the factor, (p, p).
        removal: Coefficients, diagonal of the inverse correlations of the parents, scratch, (3, p).
        samples, penalty: n and c ln n.
        least_share: Share of the residual variance that a variable must explain to improve the score.
    """

    correlation: FloatArray
    forbidden: IntArray
    required: IntArray
    rows: FloatArray
    parents: IntArray
    given: FloatArray
    barred: IntArray
    inverse: FloatArray
    removal: FloatArray
    samples: float
    penalty: float
    least_share: float


def padded_width(variables: int, line: int) -> int:
    """`variables`, rounded up to whole lines.

    >>> padded_width(30, 16)
    32
    """
    return -(-variables // line) * line


def new_regression(
    correlation: FloatArray,
    samples: int,
    penalty_discount: float,
    forbidden: BoolArray | None,
    required: BoolArray | None,
    line: int,
    rows: int,
) -> Regression:
    """Room for regressions.

    Args:
        correlation: Shape (p, p).
        samples: n.
        penalty_discount: c.
        forbidden, required: [i, j] for i -> j, shape (p, p); None for none.
        line: Numbers to which rows are padded.
        rows: How many rows of factors are kept.
    """
    p = len(correlation)
    nothing = np.zeros((p, p), bool)
    width = padded_width(p, line)
    padded = np.zeros((p, width))
    padded[:, :p] = correlation
    penalty = edge_penalty(samples, penalty_discount)
    return Regression(
        correlation=padded,
        forbidden=bitset.pack(nothing if forbidden is None else forbidden.T),
        required=bitset.pack(nothing if required is None else required.T),
        rows=np.empty((rows, width)),
        parents=np.empty((2, p), np.int64),
        given=np.empty((3, width)),
        barred=np.empty((1, bitset.word_count(p)), np.int64),
        inverse=np.empty((p, p)),
        removal=np.empty((3, p)),
        samples=float(samples),
        penalty=penalty,
        least_share=-math.expm1(-penalty / samples),
    )


@compiled
def begin(regression: Regression, y: Int) -> None:
    """Regress y on nothing."""
    given = regression.given
    for x in range(given.shape[1]):
        given[VARIANCE, x] = 1.0
        given[COVARIANCE, x] = regression.correlation[y, x]


@compiled
def condition(regression: Regression, y: Int, k: Int) -> None:
    """Add row k of the factor, that of the k-th parent, and take it out of variances and covariances."""
    parents, given, rows = regression.parents, regression.given, regression.rows
    width = given.shape[1]
    added, slot = parents[STEP, k], parents[SLOT, k]
    for x in range(width):
        rows[slot, x] = regression.correlation[added, x]
    for earlier in range(k):
        other = parents[SLOT, earlier]
        f = rows[other, added]
        for x in range(width):
            rows[slot, x] -= f * rows[other, x]
    # The floor matters only for required parents that determine each other.
    scale = 1.0 / math.sqrt(max(given[VARIANCE, added], FLOOR))
    f = rows[slot, y] * scale
    for x in range(width):
        r = rows[slot, x] * scale
        rows[slot, x] = r
        given[VARIANCE, x] -= r * r
        given[COVARIANCE, x] -= r * f


@compiled
def list_improving(regression: Regression, y: Int, entries: IntArray, first: Int) -> Int:
    """Score all candidates, and list those that improve, best first, from `entries[first]`; how many these are.

    Adding x takes the share c_x^2 / (v_x v_y) of the residual variance away, which improves the score if
    -n ln(1 - share) exceeds the penalty.
    """
    given = regression.given
    count = np.int64(0)
    if given[VARIANCE, y] <= FLOOR:
        return count
    least = regression.least_share * given[VARIANCE, y]
    for x in range(len(regression.correlation)):
        v = given[VARIANCE, x]
        c = given[COVARIANCE, x]
        if c * c > least * v and v > FLOOR and x != y:
            out = regression.barred[0, x >> 6] | regression.forbidden[y, x >> 6]
            if (out >> (x & 63)) & 1 == 0:
                gain = c * c / v
                k = count
                while k > 0 and given[GAIN, k - 1] < gain * (1.0 - TIE):
                    given[GAIN, k] = given[GAIN, k - 1]
                    entries[first + k, VARIABLE] = entries[first + k - 1, VARIABLE]
                    k -= 1
                given[GAIN, k] = gain
                entries[first + k, VARIABLE] = x
                count += 1
    return count


@compiled
def invert(regression: Regression, y: Int, size: Int) -> None:
    """Invert the factor; fill in coefficients and diagonal of the inverse correlations of `size` parents.

    With R_PP = L L' and L w = R_Py, both of which the rows hold, and M = L^-1, the coefficients of the regression of y
    are b = M'w, and R_PP^-1 = M'M. Without parent j the residual variance grows by b_j^2 / (M'M)_jj.
    """
    parents, rows, M, removal = regression.parents, regression.rows, regression.inverse, regression.removal
    for i in range(size):
        x = parents[STEP, i]
        for j in range(i):
            M[i, j] = 0.0
        M[i, i] = 1.0
        for t in range(i):
            f = rows[parents[SLOT, t], x]
            for j in range(t + 1):
                M[i, j] -= f * M[t, j]
        scale = 1.0 / rows[parents[SLOT, i], x]
        w = rows[parents[SLOT, i], y]
        removal[COEFFICIENT, i] = 0.0
        removal[DIAGONAL, i] = 0.0
        for j in range(i + 1):
            M[i, j] *= scale
            removal[COEFFICIENT, j] += M[i, j] * w
            removal[DIAGONAL, j] += M[i, j] * M[i, j]
