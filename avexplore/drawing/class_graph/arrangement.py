"""Where the nodes of a picture stand, by whatever layout: one sign per class, or one per class and modality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avexplore.artifacts import FloatArray, IntArray
from avexplore.drawing.class_graph.layouts import bends
from avexplore.drawing.class_graph.names import LayoutName
from avexplore.graph.layout.class_layout import ClassLayout


@dataclass(frozen=True)
class Arrangement:
    """Places of the 2C nodes of a picture.

    Attributes:
        layout: Which layout gave them.
        position: Shape (2C, 2), y downwards. In `classes`, the heard half of a class stands left of its middle, and the
            seen half as far to the right (`halves`).
        version: Changes exactly when nodes shall move.
        classes: What else the layout `classes` knows; None for the others.
    """

    layout: LayoutName
    position: FloatArray
    version: str = ""
    classes: ClassLayout | None = None

    def middles(self) -> FloatArray:
        """Where the sign of each class stands, as dragged. Shape (C, 2)."""
        count = len(self.position) // 2
        found: FloatArray = (self.position[:count] + self.position[count:]) / 2
        return found

    def bends(self, edges: Sequence[tuple[int, int]]) -> list[float]:
        """Curvature of each edge between nodes, in units of its length; > 0 swings to the left of the way."""
        if self.classes is None:
            # `layouts.bends` speaks vis-network's roundness, whose control point lies 0.78 times as far aside.
            return [0.78 * bend for bend in bends(self.layout, self.position, list(edges))]
        count = len(self.position) // 2
        return [float(bend) for bend in self.classes.bends(np.array(edges, int).reshape(-1, 2) % count)]

    def sides(self) -> list[str]:
        """Where each node's name stands: "below", or outside the ring."""
        if self.layout != "circular" or not len(self.position):
            return ["below"] * len(self.position)
        x = self.position[:, 0]
        return ["left" if here < x.mean() else "right" for here in x]


def of_classes(layout: ClassLayout, version: str = "") -> Arrangement:
    """The nodes of classes that stand as in a layout, in whole units."""
    half = halves(layout.radius)
    middle = np.rint(layout.place)
    step = np.column_stack([half, np.zeros(len(half))])
    return Arrangement("classes", np.concatenate([middle - step, middle + step]), version, layout)


def halves(radius: FloatArray) -> IntArray:
    """How far the middle of a half is from the middle of its sign, in whole units. Shape (C,)."""
    found: IntArray = np.maximum(np.rint(0.5 * radius), 1).astype(int)
    return found
