"""How much each edge swings aside, so that it runs over as few names as possible."""

from __future__ import annotations

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray
from avexplore.graph.layout.geometry import curves

BENDS = (0.0, 0.1, -0.1, 0.2, -0.2, 0.32, -0.32)
POINTS = 24


def choose_bends(place: FloatArray, boxes: FloatArray, ends: IntArray) -> FloatArray:
    """For each edge the flattest of `BENDS` that runs over the fewest boxes of others, whatever else is drawn.

    Args:
        place: Shape (n, 2).
        boxes: Left, top, right, bottom around each place. Shape (n, 4).
        ends: Numbers of the two ends. Shape (k, 2).

    Returns:
        One bend per edge, as `geometry.curves` takes it. The same edge the other way round has it with the other sign.
        Shape (k,).
    """
    low, high = place + boxes[:, :2], place + boxes[:, 2:]
    tried = np.array(BENDS)
    found = np.zeros(len(ends))
    for k, (first, last) in enumerate(ends):
        way = np.array([[min(first, last), max(first, last)]])
        a, b = place[way[0]]
        # A curve stays within half its bend, times its length, of the straight way.
        reach = 0.5 * tried.max() * float(np.hypot(*(b - a)))
        near = ((high > np.minimum(a, b) - reach) & (low < np.maximum(a, b) + reach)).all(axis=1)
        near[way[0]] = False
        if near.any():
            lines = curves(place, np.repeat(way, len(tried), axis=0), tried, POINTS)
            (left, top), (right, bottom) = low[near].T, high[near].T
            x, y = lines[..., 0, None], lines[..., 1, None]
            over: BoolArray = (x > left) & (x < right) & (y > top) & (y < bottom)
            cost = over.any(axis=1).sum(axis=1) + np.abs(tried)
            best = tried[int(np.argmin(cost))]
            found[k] = best if first <= last else -best
    return found
