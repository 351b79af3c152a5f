"""Where a class's name stands on a map: at one of its own points."""

from __future__ import annotations

import numpy as np

from avexplore.artifacts import FloatArray, IntArray, Projection


def class_medoids(projection: Projection, labels: IntArray, count: int) -> FloatArray:
    """The point of each class that is nearest to the median of its points, heard and seen, on both maps.

    Args:
        projection: The maps of m clips.
        labels: Annotated class of each of them. Shape (m,).
        count: Number of classes, C.

    Returns:
        x and y without LIR, then with; NaN for a class without points. Shape (C, 4).

    >>> xy = np.array([[0, 0], [9, 9], [1, 1], [2, 2]], float)  # a clip of class 0 and one of class 2, heard and seen
    >>> shown = Projection(before=xy, after=xy + 1, rows=np.arange(2), metrics={}, drift=np.zeros(4))
    >>> class_medoids(shown, np.array([0, 2]), 3).tolist()
    [[0.0, 0.0, 1.0, 1.0], [nan, nan, nan, nan], [9.0, 9.0, 10.0, 10.0]]
    """
    order = np.argsort(np.tile(labels, 2), kind="stable")
    ends = np.searchsorted(np.tile(labels, 2)[order], np.arange(count + 1))
    found = np.full((count, 4), np.nan, projection.before.dtype)
    for c in range(count):
        own = order[ends[c] : ends[c + 1]]
        for side, places in enumerate((projection.before, projection.after)):
            if len(own):
                away = ((places[own] - np.median(places[own], axis=0)) ** 2).sum(axis=1)
                found[c, 2 * side : 2 * side + 2] = places[own[away.argmin()]]
    return found
