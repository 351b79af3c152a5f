"""Lines and boxes in the plane: what crosses, what runs over a name, which names overlap.

Edges are straight or quadratic curves whose control point stands `bend` times their length aside, to the left of the
way from the first to the second end where y points down. Boxes are left, top, right, bottom relative to a place.
"""

from __future__ import annotations

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray


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


def hits(place: FloatArray, ends: IntArray, boxes: FloatArray, near: IntArray | None = None) -> IntArray:
    """How many boxes of others each straight edge runs over, of those of `near` or of all. Shape (k,)."""
    near = np.arange(len(place)) if near is None else near
    a, step = place[ends[:, 0], None], (place[ends[:, 1]] - place[ends[:, 0]])[:, None]
    low, high = (place + boxes[:, :2])[near], (place + boxes[:, 2:])[near]
    # Where a line is within a box's width, and where within its height, as shares of the way (slab test).
    safe = np.where(np.abs(step) < 1e-9, 1e-9, step)
    first, last = (low[None] - a) / safe, (high[None] - a) / safe
    enter = np.minimum(first, last).max(axis=2)
    leave = np.maximum(first, last).min(axis=2)
    inside = (enter < leave) & (leave > 0.02) & (enter < 0.98)
    found: IntArray = (inside & (near != ends[:, :1]) & (near != ends[:, 1:])).sum(axis=1)
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
