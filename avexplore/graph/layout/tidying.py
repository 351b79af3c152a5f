"""Small moves within a group that save crossings, edges over names, and length."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray
from avexplore.graph.layout.geometry import crossings

CROSSING, OVER = 1.4, 1.3
"""What a crossing and an edge over a name cost, in sides of an average name's box of length."""
DRAWN_PER_CLASS = 1.0
"""So many of the strongest pairs per class are what a first view draws: their crossings count whole, others less."""
FAINT = 0.15
IDEAL = 2.1
"""A good length of an edge, in sides of an average name's box: room for a shaft and two heads."""
SHAFT, SHORT = 0.45, 1.6
"""Room between the boxes of linked classes for an arrow, in the same measure, and what it costs if there is none."""
GRID = (9, 7)
"""Columns and rows of the places in a room that a class may move to."""
GAP = 4.0
MOST_EXCHANGED = 25
"""In larger groups, exchanging every two members takes too long."""


class Tidying:
    """Moves classes one by one or two by two; `place` changes in place.

    The cost of a class is how far its edges are from a good length, by weight, plus what crosses them, plus the names
    that they run over and the edges that run over its name.
    """

    def __init__(self, place: FloatArray, weights: FloatArray, box: FloatArray) -> None:
        self.place, self.box = place, box
        self.ends = np.argwhere(np.triu(weights, 1) > 0)
        strength = weights[self.ends[:, 0], self.ends[:, 1]]
        ranked = np.sort(strength)[::-1]
        least = ranked[min(round(DRAWN_PER_CLASS * len(place)), len(ranked)) - 1] if len(ranked) else 0.0
        self.counts = np.where(strength >= least, 1.0, FAINT)
        self.pull = strength / max(float(strength.mean()), 1e-12) if len(ranked) else strength
        self.unit = float(np.sqrt(np.prod(box[:, 2:] - box[:, :2], axis=1).mean()))
        self.of = [np.flatnonzero((self.ends == c).any(axis=1)) for c in range(len(place))]

    def exchange(self, members: IntArray) -> None:
        """Exchange two members as long as that costs less."""
        if len(members) > MOST_EXCHANGED:
            return
        for _ in range(3):
            better = False
            for i, j in itertools.combinations(members, 2):
                if not len(self.of[i]) and not len(self.of[j]):
                    continue
                before = self._cost(i, self.place[i][None])[0] + self._cost(j, self.place[j][None])[0]
                self.place[[i, j]] = self.place[[j, i]]
                if self._cost(i, self.place[i][None])[0] + self._cost(j, self.place[j][None])[0] < before - 1e-6:
                    better = True
                else:
                    self.place[[i, j]] = self.place[[j, i]]
            if not better:
                return

    def relocate(self, members: IntArray, room: FloatArray) -> None:
        """Move each member to the free place of its room (left, top, right, bottom) that costs least."""
        for _ in range(2):
            better = False
            for c in members:
                goals = self._free(c, members, room)
                cost = self._cost(c, np.concatenate([self.place[c][None], goals]))
                best = int(np.argmin(cost))
                if cost[best] < cost[0] - 0.05 * self.unit:
                    self.place[c] = goals[best - 1]
                    better = True
            if not better:
                return

    def _free(self, c: int, members: IntArray, room: FloatArray) -> FloatArray:
        """Places in a room where a class touches no other member. Shape (k, 2)."""
        low, high = room[:2] - self.box[c, :2], room[2:] - self.box[c, 2:]
        if (low > high).any():
            return np.zeros((0, 2))
        x, y = (np.linspace(low[axis], high[axis], GRID[axis]) for axis in (0, 1))
        goals = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        others = members[members != c]
        first, last = self.place[others] + self.box[others, :2] - GAP, self.place[others] + self.box[others, 2:] + GAP
        apart = ((goals + self.box[c, 2:])[:, None] <= first) | ((goals + self.box[c, :2])[:, None] >= last)
        found: FloatArray = goals[apart.any(axis=2).all(axis=1)]
        return found

    def _cost(self, c: int, goals: FloatArray) -> FloatArray:
        """What it costs if a class stands at each of some places. Shape (k,)."""
        mine = self.of[c]
        others = np.where(self.ends[mine, 0] == c, self.ends[mine, 1], self.ends[mine, 0])
        to = self.place[others]
        off = np.linalg.norm(goals[:, None] - to[None], axis=2) - IDEAL * self.unit
        cost: FloatArray = (self.pull[mine] * np.where(off > 0, off, -1.5 * off)).sum(axis=1)
        low, high = goals[:, None] + self.box[c, :2], goals[:, None] + self.box[c, 2:]
        between = np.maximum(to + self.box[others, :2] - high, low - to - self.box[others, 2:]).max(axis=2)
        missing = np.clip(1 - between / (SHAFT * self.unit), 0, 1)
        cost = cost + SHORT * self.unit * (missing @ self.counts[mine])
        # Only what lies around the places and the ends of these edges can meet them.
        low, high = goals + self.box[c, :2], goals + self.box[c, 2:]
        first, last = np.minimum(low.min(axis=0), to.min(axis=0, initial=np.inf)), high.max(axis=0)
        last = np.maximum(last, to.max(axis=0, initial=-np.inf))
        ends = self.place[self.ends]
        rest = (np.maximum(ends[:, 0], ends[:, 1]) > first) & (np.minimum(ends[:, 0], ends[:, 1]) < last)
        rest = rest[:, 0] & rest[:, 1] & (self.ends[:, 0] != c) & (self.ends[:, 1] != c)
        segments, counts = ends[rest], self.counts[rest]
        # Edges of others over this name: the box moves with the place.
        over = counts @ _through(segments, low, high)
        if len(mine):
            lines = np.stack(
                [
                    np.broadcast_to(goals[:, None], (len(goals), len(mine), 2)),
                    np.broadcast_to(to[None], (len(goals), len(mine), 2)),
                ],
                axis=2,
            )
            flat = lines.reshape(-1, 2, 2)
            weight = self.counts[mine]
            crossed = (crossings(flat, segments) @ counts).reshape(len(goals), len(mine)) @ weight
            low, high = self.place + self.box[:, :2], self.place + self.box[:, 2:]
            met = (high > first) & (low < last)
            near = np.flatnonzero(met[:, 0] & met[:, 1])
            hit = _through(flat, low[near], high[near]).reshape(len(goals), len(mine), -1)
            own = (near == c) | (near == others[:, None])
            over = over + (hit & ~own).sum(axis=2) @ weight
            cost = cost + CROSSING * self.unit * crossed
        total: FloatArray = cost + OVER * self.unit * over
        return total


def _through(segments: FloatArray, low: FloatArray, high: FloatArray) -> BoolArray:
    """Which straight edges run through which boxes. Shapes (k, 2, 2), (n, 2), (n, 2) -> (k, n)."""
    enter: Any = 0.0
    leave: Any = 1.0
    for axis in (0, 1):  # one axis at a time is much faster than a reduction over an axis of two
        a, step = segments[:, 0, axis, None], (segments[:, 1, axis] - segments[:, 0, axis])[:, None]
        safe = np.where(np.abs(step) < 1e-9, 1e-9, step)
        first, last = (low[None, :, axis] - a) / safe, (high[None, :, axis] - a) / safe
        enter = np.maximum(enter, np.minimum(first, last))
        leave = np.minimum(leave, np.maximum(first, last))
    found: BoolArray = enter < leave
    return found
