"""Both maps as a vector graphic, for readers that run no script."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from avexplore.analysis.loaded_run import TITLES
from avexplore.artifacts import BoolArray, FloatArray, IntArray, Projection
from avexplore.drawing.maps.facets import Facet

SIDE, GAP, TOP = 420, 20, 30
"""Pixels of a map's side, between the maps, and above them."""
_PALE = 0.22


def to_svg(
    projection: Projection, facet: Facet, *, names: FloatArray, classes: Sequence[str], chosen: BoolArray | None = None
) -> str:
    """Points in the colors of a facet, disks heard and squares seen; the names of classes; on white.

    Args:
        projection: The maps of m clips.
        facet: What colors the points.
        names: Where each class's name stands before and after, NaN for nowhere. Shape (C, 4).
        classes: Names of the C classes.
        chosen: Points that stand out; the others are pale. Shape (2m,).
    """
    code = np.resize(facet.code, len(projection.before))
    strong = np.ones(len(code), bool) if chosen is None else chosen
    parts = []
    for side, places in enumerate((projection.before, projection.after)):
        low, high = places.min(axis=0), places.max(axis=0)
        scale = (SIDE - 30) / max(float((high - low).max()), 1e-9)

        middle, left = (low + high) / 2, side * (SIDE + GAP)
        corner = np.array([left + SIDE / 2, TOP + SIDE / 2])
        placed, named = ((xy - middle) * [scale, -scale] + corner for xy in (places, names[:, 2 * side : 2 * side + 2]))
        trust = projection.metrics[f"trustworthiness_{('before', 'after')[side]}"]
        parts.append(
            f'<rect x="{left + 0.5}" y="{TOP + 0.5}" width="{SIDE - 1}" height="{SIDE - 1}" rx="8" fill="none" '
            f'stroke="#D5DBE0"/><text x="{left + 4}" y="20" font-weight="600">{TITLES[side]}</text>'
            f'<text x="{left + SIDE - 4}" y="20" text-anchor="end" fill="#5A6672" font-size="12">'
            f"{projection.method.upper()}, trustworthiness {trust:.3f}</text>"
        )
        parts += _points(placed, code, facet, strong)
        for name, (x, y) in zip(classes, named, strict=True):
            if np.isfinite(x):
                parts.append(
                    f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="middle" font-size="12" font-weight="600" '
                    f'stroke="#fff" stroke-width="3" paint-order="stroke">{html.escape(name)}</text>'
                )
    width, height = 2 * SIDE + GAP, TOP + SIDE
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            'font-family="Helvetica, Arial, sans-serif" font-size="14" fill="#1B2733">',
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            *parts,
            "</svg>",
        ]
    )


def _points(places: FloatArray, code: IntArray, facet: Facet, strong: BoolArray) -> list[str]:
    """One path per color, modality and strength: a line of no length with a round or a square cap is a point."""
    m = len(places) // 2
    heard = np.arange(len(places)) < m
    parts = []
    for is_strong in (False, True):
        for k, entry in enumerate(facet.entries):
            for cap, half in (("round", heard), ("square", ~heard)):
                some = places[(code == k) & half & (strong == is_strong)]
                if len(some):
                    d = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in some)
                    pale = "" if is_strong else f' opacity="{_PALE}"'
                    size = 4.5 if cap == "round" else 3.8
                    parts.append(
                        f'<path d="{d}" stroke="{entry.colors[0]}" stroke-width="{size}" stroke-linecap="{cap}"{pale}/>'
                    )
    return parts
