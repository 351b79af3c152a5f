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
    if not len(ends):
        return np.zeros(0)
    low, high = place + boxes[:, :2], place + boxes[:, 2:]
    forward = np.where(ends[:, :1] < ends[:, 1:], ends, ends[:, ::-1])
    best, cheapest = np.zeros(len(ends)), np.full(len(ends), np.inf)
    for bend in BENDS:
        lines = curves(place, forward, np.full(len(ends), bend), POINTS)
        cost = np.full(len(ends), abs(bend))
        for start in range(0, len(ends), 64):
            block = slice(start, start + 64)
            line = lines[block, :, None]
            inside: BoolArray = np.all((line > low) & (line < high), axis=3)
            over: BoolArray = np.any(inside, axis=1)
            np.put_along_axis(over, ends[block], False, axis=1)
            cost[block] += over.sum(axis=1)
        better = cost < cheapest - 1e-9
        best[better], cheapest[better] = bend, cost[better]
    signed: FloatArray = np.where(ends[:, 0] < ends[:, 1], best, -best)
    return signed
