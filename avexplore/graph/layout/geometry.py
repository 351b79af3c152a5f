"""Lines and boxes in the plane: what crosses, what runs over a name and bends around it, which names overlap.

Edges are straight or quadratic curves whose control point stands `bend` times their length aside, to the left of the
way from the first to the second end where y points down. Boxes are left, top, right, bottom relative to a place.
"""

from __future__ import annotations

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray

BENDS = (0.0, 0.1, -0.1, 0.2, -0.2, 0.32, -0.32)
POINTS = 24


def extent(place: FloatArray, boxes: FloatArray) -> FloatArray:
    """Left, top, right, bottom of all boxes at their places. Shape (4,)."""
    low, high = (place + boxes[:, :2]).min(axis=0), (place + boxes[:, 2:]).max(axis=0)
    return np.concatenate([low, high])


def curves(place: FloatArray, ends: IntArray, bends: FloatArray, points: int = 24) -> FloatArray:
    """Points along each edge. Shape (k, points, 2)."""
    a, b = place[ends[:, 0]], place[ends[:, 1]]
    step = b - a
    control = (a + b) / 2 + bends[:, None] * np.column_stack([step[:, 1], -step[:, 0]])
    t = np.linspace(0, 1, points)[None, :, None]
    found: FloatArray = (1 - t) ** 2 * a[:, None] + 2 * t * (1 - t) * control[:, None] + t**2 * b[:, None]
    return found


def choose_bends(place: FloatArray, boxes: FloatArray, ends: IntArray) -> FloatArray:
    """For each edge the flattest of `BENDS` that runs over the fewest boxes of others, whatever else is drawn.

    Args:
        place: Shape (n, 2).
        boxes: Left, top, right, bottom around each place. Shape (n, 4).
        ends: Numbers of the two ends. Shape (k, 2).

    Returns:
        One bend per edge, as `curves` takes it. The same edge the other way round has it with the other sign.
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


def crossings(first: FloatArray, second: FloatArray) -> BoolArray:
    """Which straight edges cross; those that share an end do not. Shapes (k, 2, 2), (l, 2, 2) -> (k, l)."""
    p, r = first[:, None, 0], first[:, None, 1] - first[:, None, 0]
    q, s = second[None, :, 0], second[None, :, 1] - second[None, :, 0]
    det = _cross(r, s)
    safe = np.where(np.abs(det) < 1e-9, 1.0, det)
    t, u = _cross(q - p, s) / safe, _cross(q - p, r) / safe
    low, high = 1e-6, 1 - 1e-6
    found: BoolArray = (np.abs(det) > 1e-9) & (t > low) & (t < high) & (u > low) & (u < high)
    return found


def _cross(u: FloatArray, v: FloatArray) -> FloatArray:
    found: FloatArray = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
    return found


def hits(place: FloatArray, ends: IntArray, boxes: FloatArray) -> IntArray:
    """How many boxes of others each straight edge runs over. Shape (k,)."""
    a, step = place[ends[:, 0], None], (place[ends[:, 1]] - place[ends[:, 0]])[:, None]
    low, high = place + boxes[:, :2], place + boxes[:, 2:]
    # Where a line is within a box's width, and where within its height, as shares of the way (slab test).
    safe = np.where(np.abs(step) < 1e-9, 1e-9, step)
    first, last = (low[None] - a) / safe, (high[None] - a) / safe
    enter = np.minimum(first, last).max(axis=2)
    leave = np.maximum(first, last).min(axis=2)
    inside = (enter < leave) & (leave > 0.02) & (enter < 0.98)
    box = np.arange(len(place))
    found: IntArray = (inside & (box != ends[:, :1]) & (box != ends[:, 1:])).sum(axis=1)
    return found


def overlaps(place: FloatArray, boxes: FloatArray) -> int:
    """How many pairs of boxes overlap."""
    low, high = place + boxes[:, :2], place + boxes[:, 2:]
    apart = (low[:, None] >= high[None] - 1e-6).any(axis=2)
    return int(np.triu(~(apart | apart.T), 1).sum())


def curves_cross(lines: FloatArray, ends: IntArray) -> int:
    """How many pairs of curved edges cross that share no end. `lines` as of `curves`, shape (k, points, 2)."""
    count, low, high = 0, lines.min(axis=1), lines.max(axis=1)
    for k in range(len(lines) - 1):
        rest = np.arange(k + 1, len(lines))
        meet = ((low[rest] <= high[k]) & (high[rest] >= low[k])).all(axis=1)
        meet &= ~(ends[rest][:, :, None] == ends[k]).any(axis=(1, 2))
        rest = rest[meet]
        if len(rest):
            mine = np.stack([lines[k, :-1], lines[k, 1:]], axis=1)
            theirs = np.stack([lines[rest, :-1], lines[rest, 1:]], axis=2)
            found = crossings(mine, theirs.reshape(-1, 2, 2)).reshape(len(mine), len(rest), -1)
            count += int(found.any(axis=(0, 2)).sum())
    return count


def curves_over(lines: FloatArray, ends: IntArray, place: FloatArray, boxes: FloatArray) -> IntArray:
    """How many boxes of others each curved edge runs over. Shape (k,)."""
    found = np.zeros(len(lines), int)
    low, high = place + boxes[:, :2], place + boxes[:, 2:]
    for k, line in enumerate(lines):
        inside = ((line[:, None] > low) & (line[:, None] < high)).all(axis=2).any(axis=0)
        inside[ends[k]] = False
        found[k] = inside.sum()
    return found
