"""Groups of classes that come together, by what is stored: no search has to be compiled for a map's colors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from avexplore.drawing.class_graph.layout_candidates import stored_weights
from avexplore.graph.layout.class_layout import PER_CLASS
from avexplore.graph.layout.groups import communities, group_name, strongest

if TYPE_CHECKING:
    from avexplore.artifacts import GraphStability, IntArray, SoftLabels


WIDTH = 13.0
"""Of a group's name, over the size of its letters: two lines beside the maps."""


@dataclass(frozen=True)
class ClassGroups:
    """Which classes belong together.

    Attributes:
        of: Number of each class's group, the largest group first; -1 for none. Shape (C,).
        names: What each group is called.
    """

    of: IntArray
    names: tuple[str, ...]


def class_groups(labels: SoftLabels, stability: GraphStability | None) -> ClassGroups:
    """The groups of the class graph's layout."""
    weights = strongest(stored_weights(labels, stability), PER_CLASS)
    of, _ = communities(weights)
    members = [np.flatnonzero(of == number) for number in range(int(of.max(initial=-1)) + 1)]
    return ClassGroups(of, tuple(group_name(labels.classes, weights, some, WIDTH) for some in members))
