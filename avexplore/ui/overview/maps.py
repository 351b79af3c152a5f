"""Both maps, small, with names of classes: what the opening page shows of the embedding."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from avexplore.analysis.class_medoids import class_medoids
from avexplore.artifacts import FloatArray, IntArray, Projection
from avexplore.drawing.maps.packed import FRONTEND
from avexplore.ui.shell.component import component

_FOLDER = Path(__file__).parent / "frontend"
TITLES = ("without LIR", "with LIR")
MOST_POINTS = 4000
"""Of more, so many are drawn, evenly spaced."""
MOST_NAMES = 40


def draw(
    projection: Projection, labels: IntArray, classes: Sequence[str], group: IntArray, palette: Sequence[Sequence[str]]
) -> None:
    """Show the maps; the second one glides once from the first one's places to its own.

    Args:
        projection: The maps.
        labels: Annotated class of each mapped clip. Shape (m,).
        classes: Names of the C classes.
        group: Number of each class's group, -1 for none. Shape (C,).
        palette: Colors of groups: of points on light and on dark paper, then of names. The last color is of no group.
    """
    content = pack(projection, labels, classes, group, palette)
    component("opening", "view", _FOLDER, FRONTEND)(data=content, key="overview-maps")


def pack(
    projection: Projection, labels: IntArray, classes: Sequence[str], group: IntArray, palette: Sequence[Sequence[str]]
) -> dict[str, Any]:
    """What the browser needs; coordinates are shares of the pane, three digits."""
    shown = replace(projection, before=_unit(projection.before), after=_unit(projection.after))
    both = np.concatenate([shown.before, shown.after], axis=1)
    m = len(projection.rows)
    kept = np.unique(np.linspace(0, m - 1, min(m, MOST_POINTS // 2)).astype(int))
    points = np.concatenate([both[kept], both[m + kept]]).round(3)
    color = np.where(group < 0, len(palette[0]) - 1, group % (len(palette[0]) - 1))
    middles, sizes = class_medoids(shown, labels, len(classes)), np.bincount(labels, minlength=len(classes))
    names = [
        {"text": classes[c], "at": middles[c].round(3).tolist(), "color": int(color[c])}
        for c in np.argsort(-sizes, kind="stable")[:MOST_NAMES]
        if sizes[c]
    ]
    content = {
        "titles": TITLES,
        "points": points.tolist(),
        "colors": [int(color[c]) for c in np.tile(labels[kept], 2)],
        "names": names,
        "palette": [list(colors) for colors in palette],
        "alt": f"Maps of {m:,} clips without and with LIR, one color per group of classes",
    }
    version = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]
    return {**content, "version": version}


def _unit(values: FloatArray) -> FloatArray:
    """Into the unit square, both axes by the same factor, y downwards."""
    low, high = values.min(axis=0), values.max(axis=0)
    span = float(max(high - low)) or 1.0
    found: FloatArray = (values - (low + high) / 2) / span + 0.5
    found[:, 1] = 1.0 - found[:, 1]
    return found
