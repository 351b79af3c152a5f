"""UMAP from a given neighbor table and start: umap-learn's computation, step by step and draw by draw.

umap-learn compiles a search for neighbors at its import, which no map here uses: two thirds of the CPU time of a first
pair of maps. Here is what is left without it, as two compiled functions. Coordinates are those of umap-learn 0.5.12
with one thread, to the bit where both are compiled for the same processor (`tests/projection/test_layout.py`).

References:
    McInnes, Healy & Melville (2018), UMAP: Uniform Manifold Approximation and Projection, arXiv:1802.03426.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from avexplore.artifacts import FloatArray, IntArray

_EXTENT = 10.0
_DRAWS = 5
"""Points that repel, per point that attracts."""
_TOP = float(np.finfo(np.float32).max)


def lay_out(
    table: tuple[IntArray, FloatArray], start: FloatArray, epochs: int, *, min_dist: float, rate: float, seed: int
) -> FloatArray:
    """Coordinates in which near neighbors stand close, by stochastic gradient descent.

    Args:
        table: Nearest other points and their distances, ascending. Shapes (n, k).
        start: Coordinates to begin with; their extent is scaled to 10 along each axis. Shape (n, 2).
        epochs: Passes over the edges; the strongest edge is drawn in each.
        min_dist: How close points may come, >= 0.
        rate: Learning rate of the first epoch; it falls evenly to 0.
        seed: Of the points that repel.

    Returns:
        Shape (n, 2), float32; NaN along an axis where all of the start is equal.
    """
    draws = np.random.RandomState(seed)
    head, tail, weights = _edges(*table, epochs)
    start = _apart(start.astype(np.float32), draws)
    state = draws.randint(-(2**31) + 1, 2**31 - 2, 3).astype(np.int64)
    with np.errstate(invalid="ignore"):
        low, high = start.min(axis=0), start.max(axis=0)
        places: FloatArray = (_EXTENT * (start - low) / (high - low)).astype(np.float32, order="C")
    every = epochs / (epochs * (weights / weights.max())).astype(np.float64)
    rates = np.array([rate] + [rate * (1.0 - epoch / epochs) for epoch in range(epochs - 1)])
    # The first coordinate sets each point's random numbers apart.
    states = state + places[:, :1].astype(np.float64).view(np.int64)
    _descend(places, head, tail, every, every / _DRAWS, *_curve(min_dist), states, rates)
    return places


def _edges(indices: IntArray, distances: FloatArray, epochs: int) -> tuple[IntArray, IntArray, FloatArray]:
    """The fuzzy union of all points' neighborhoods: heads, tails and weights of what is drawn within the epochs."""
    from scipy.sparse import coo_matrix

    n, k = indices.shape
    # UMAP counts a point as its own first neighbor, with nothing to draw.
    near = np.concatenate([np.arange(n)[:, None], indices], axis=1).astype(np.int32)
    far = np.concatenate([np.zeros((n, 1)), distances], axis=1).astype(np.float32)
    weights = np.empty((n, k + 1), np.float32)
    _memberships(near, far, np.log2(float(k + 1)), weights)
    rows = np.repeat(np.arange(n, dtype=np.int32), k + 1)
    directed = coo_matrix((weights.ravel(), (rows, near.ravel())), shape=(n, n))
    directed.eliminate_zeros()
    mirrored = directed.transpose()
    union = (directed + mirrored - directed.multiply(mirrored)).tocoo()
    union.sum_duplicates()
    # umap-learn's rule: of few epochs, each edge of any weight to speak of is drawn.
    least = epochs if epochs > 10 else 500 if n <= 10_000 else 200
    union.data[union.data < union.data.max() / float(least)] = 0.0
    union.eliminate_zeros()
    return union.row, union.col, union.data


def _apart(start: FloatArray, draws: np.random.RandomState) -> FloatArray:
    """`start`, shaken a little if two points share a place: nothing would ever part them."""
    if len(np.unique(start, axis=0)) == len(start):
        return start
    from sklearn.neighbors import KDTree

    distances, _ = KDTree(start).query(start, k=2)
    shaken: FloatArray = start + draws.normal(scale=0.001 * np.mean(distances[:, 1]), size=start.shape).astype(
        np.float32
    )
    return shaken


def _curve(min_dist: float) -> tuple[float, float]:
    """a and b of the weight 1 / (1 + a d^2b) of a distance d on the map: 1 up to `min_dist`, then falling to 0."""
    from scipy.optimize import curve_fit

    def curve(x: FloatArray, a: float, b: float) -> Any:
        return 1.0 / (1.0 + a * x ** (2 * b))

    distance = np.linspace(0, 3, 300)
    wanted = np.where(distance < min_dist, 1.0, np.exp(-(distance - min_dist)))
    (a, b), _ = curve_fit(curve, distance, wanted)
    return float(a), float(b)


@njit(cache=True, nogil=True, error_model="numpy")
def _memberships(near, far, target, weights):  # type: ignore[no-untyped-def]
    """Weights of each point's neighbors, exp(-(d - nearest) / scale), which add up to `target`. All (n, k + 1)."""
    n, k = far.shape
    low: Any  # of machine types, as are the next
    middle: Any
    high: Any
    total: Any
    for i in range(n):
        nearest, mean = np.float32(0.0), np.float32(0.0)
        for j in range(k):
            if nearest == 0.0 and far[i, j] > 0.0:
                nearest = far[i, j]
            mean += far[i, j]
        low, high, middle = 0.0, _TOP, 1.0
        for _ in range(64):
            total = 0.0
            for j in range(1, k):
                beyond = far[i, j] - nearest
                total += np.exp(-(beyond / middle)) if beyond > 0.0 else 1.0
            if np.fabs(total - target) < 1e-5:
                break
            if total > target:
                high = middle
                middle = (low + high) / 2.0
            else:
                low = middle
                middle = middle * 2 if high >= _TOP else (low + high) / 2.0
        scale = np.float32(max(middle, 1e-3 * (mean / k)))
        for j in range(k):
            beyond = far[i, j] - nearest
            if near[i, j] == i:
                weights[i, j] = 0.0
            else:
                weights[i, j] = np.exp(-(beyond / scale)) if beyond > 0.0 else 1.0


@njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
def _descend(places, head, tail, every, every_draw, a, b, states, rates):  # type: ignore[no-untyped-def]
    """Moves `places` (n, 2). An edge is due each `every` epochs (E,), a draw of another point each `every_draw` (E,).

    `states`: Of each point's random numbers (Tausworthe's). Shape (n, 3). `rates`: Of each epoch.
    """
    n = len(places)
    due, draw_due = every.copy(), every_draw.copy()
    for epoch in range(len(rates)):
        rate = rates[epoch]
        for i in range(len(every)):
            if due[i] > epoch:
                continue
            j, k = head[i], tail[i]
            x, y = places[j, 0], places[j, 1]
            dx, dy = x - places[k, 0], y - places[k, 1]
            square = dx * dx + dy * dy
            if square > 0.0:
                pull = -2.0 * a * b * pow(square, b - 1.0)
                pull /= a * pow(square, b) + 1.0
                step_x, step_y = min(max(pull * dx, -4.0), 4.0), min(max(pull * dy, -4.0), 4.0)
                x = np.float32(x + step_x * rate)
                y = np.float32(y + step_y * rate)
                places[k, 0] = places[k, 0] - step_x * rate
                places[k, 1] = places[k, 1] - step_y * rate
            due[i] += every[i]
            count = int((epoch - draw_due[i]) / every_draw[i])
            first, second, third = states[j, 0], states[j, 1], states[j, 2]
            for _ in range(count):
                first = (((first & 4294967294) << 12) & 0xFFFFFFFF) ^ ((((first << 13) & 0xFFFFFFFF) ^ first) >> 19)
                second = (((second & 4294967288) << 4) & 0xFFFFFFFF) ^ ((((second << 2) & 0xFFFFFFFF) ^ second) >> 25)
                third = (((third & 4294967280) << 17) & 0xFFFFFFFF) ^ ((((third << 3) & 0xFFFFFFFF) ^ third) >> 11)
                other = np.int64(np.int32(first ^ second ^ third)) % n
                if other == j:
                    continue
                dx, dy = x - places[other, 0], y - places[other, 1]
                square = dx * dx + dy * dy
                if square > 0.0:
                    push = 2.0 * b
                    push /= (0.001 + square) * (a * pow(square, b) + 1)
                    x = np.float32(x + min(max(push * dx, -4.0), 4.0) * rate)
                    y = np.float32(y + min(max(push * dy, -4.0), 4.0) * rate)
            states[j, 0], states[j, 1], states[j, 2] = first, second, third
            places[j, 0], places[j, 1] = x, y
            draw_due[i] += count * every_draw[i]
