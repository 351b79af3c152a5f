"""The parts of the vector graphic, as the browser draws them: links as cables, signs, names, grounds of groups."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avexplore.artifacts import FloatArray
from avexplore.drawing.class_graph.picture import Edge, EdgeGroup
from avexplore.graph.layout.geometry import curves
from avexplore.graph.layout.name_boxes import LINE

COLORS = {
    "audio": "#E69F00",
    "visual": "#4A9FD8",
    "edge-audio": "#B97F00",
    "edge-visual": "#0072B2",
    "edge-across": "#00805D",
    "own": "#00573F",
    "added": "#0072B2",
    "removed": "#D55E00",
    "reversed": "#A8558A",
    "half": "#00805D",
    "kept": "#8A949E",
}
GROUPS = (
    *("#422697", "#D86480", "#509096", "#6F701C", "#C4622F", "#5259D4", "#18394E", "#693A68", "#205214", "#8E7358"),
)
"""Of groups, as in theme.js: none of them means a modality, and they differ in lightness, so that people with any color
vision can tell them apart."""
TEXT = "#1B2733"
GAP = 1.2
_ORDER = {"audio": 0, "across": 1, "visual": 2}


@dataclass(frozen=True)
class Sign:
    """A sign on paper: a class, or a class in one modality; `name` is the box of its name, if lines end there."""

    x: float
    y: float
    radius: float
    name: tuple[float, float, float, float] | None = None

    def covers(self, points: FloatArray, width: float) -> np.ndarray:
        """At which points a cable of some width lies on the sign or its name. Shape (k,)."""
        on = np.hypot(points[:, 0] - self.x, points[:, 1] - self.y) < self.radius * 1.12 + 1.5
        if self.name is not None:
            low, high = np.array(self.name[:2]) - width / 2, np.array(self.name[2:]) + width / 2
            on = on | ((points > low) & (points < high)).all(axis=1)
        found: np.ndarray = on
        return found


def color_of(edge: Edge, group: EdgeGroup) -> str:
    """By what differs between two graphs, or by the modalities that an edge links."""
    return COLORS[edge.change or f"edge-{group}"]


def cable(a: Sign, b: Sign, bend: float, strands: Sequence[tuple[Edge, EdgeGroup, bool]], unit: float) -> str:
    """All links of two signs, side by side; of each, whether it points to `b`."""
    place = np.array([[a.x, a.y], [b.x, b.y]])
    line = curves(place, np.array([[0, 1]]), np.array([bend]), 90)[0]
    along = np.gradient(line, axis=0)
    normal = np.column_stack([-along[:, 1], along[:, 0]]) / np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    strands = sorted(strands, key=lambda one: (_ORDER[one[1]], one[0].id))
    widths = [(1.6 + 4 * min(1.0, abs(edge.evidence))) * unit for edge, _, _ in strands]
    total = sum(widths) + GAP * unit * (len(strands) - 1)
    first, last = 0, len(line) - 1
    on_a, on_b = a.covers(line, total), b.covers(line, total)
    while first < last and on_a[first]:
        first += 1
    while last > first and on_b[last]:
        last -= 1
    # Between signs that are close together, heads are short enough to leave a piece of the strands between them.
    room = float(np.hypot(*(line[last] - line[first])))
    size = min(max(8 * min(1, 2.5 * unit), 10 * unit) + 0.7 * total, 20 * max(unit, 0.6), 0.4 * room)
    heads = ""
    for forward in (False, True):
        aimed = [one for one in strands if one[0].directed and one[2] == forward]
        if not aimed:
            continue
        edge, group, _ = next((one for one in aimed if one[0].settled), aimed[0])
        tip = last if forward else first
        away = np.hypot(*(line - line[tip]).T)
        way = range(tip, first - 1, -1) if forward else range(tip, last + 1)
        base = next((k for k in way if away[k] >= size), way[-1])
        heads += _head(line[tip], line[base], size, color_of(edge, group), filled=edge.settled, bar=edge.negative)
        first, last = (first, base) if forward else (base, last)
    at, body, rings = -total / 2, "", ""
    for k, ((edge, group, _), width) in enumerate(zip(strands, widths, strict=True), start=1):
        points = (line + normal * (at + width / 2))[first : last + 1]
        at += width + GAP * unit
        dashes = "4 4" if edge.change == "removed" else "7 5" if (edge.frequency or 1.0) < 0.5 else ""
        style = f'stroke="{color_of(edge, group)}" stroke-width="{width:.2f}" stroke-opacity="0.9"'
        style += f' stroke-dasharray="{dashes}"' if dashes else ""
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        body += f'<path d="{path}" fill="none" {style}/>'
        if edge.hidden_cause:
            x, y = points[round(k / (len(strands) + 1) * (len(points) - 1))]
            rings += ring(x, y, 0.5 * width + 3.2 * unit, color_of(edge, group))
    return body + heads + rings


def ring(x: float, y: float, radius: float, color: str) -> str:
    """A hidden common cause is possible."""
    style = f'fill="#fff" stroke="{color}" stroke-width="{0.4 * radius:.1f}"'
    return f'<circle class="cause" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" {style}/>'


def _head(tip: FloatArray, back: FloatArray, size: float, color: str, *, filled: bool, bar: bool) -> str:
    step = tip - back
    side = np.array([-step[1], step[0]]) / max(math.hypot(*step), 1e-9) * size * 0.42
    stroke = f'stroke="{color}" stroke-width="{max(1.6, 0.13 * size):.1f}"'
    if bar:
        (x1, y1), (x2, y2) = tip + side, tip - side
        return f'<path class="head" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" {stroke}/>'
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in (tip, back + side, back - side))
    fill = color if filled else "#fff"
    return f'<polygon class="head" points="{corners}" fill="{fill}" {stroke} stroke-linejoin="round"/>'


def halves(sign: Sign, *, joined: str = "", gap: bool = False) -> str:
    """The sign of a class: heard on the left, seen on the right, a bar of a color inside where the two are linked."""
    x, y, r = sign.x, sign.y, sign.radius
    apart = 0.14 * r if gap else 0.0
    found = (
        f'<path class="heard" d="M{x - apart:.1f} {y - r:.1f}A{r:.1f} {r:.1f} 0 0 0 {x - apart:.1f} {y + r:.1f}Z" '
        f'fill="{COLORS["audio"]}"/>'
        f'<rect class="seen" x="{x + apart:.1f}" y="{y - r:.1f}" width="{0.95 * r:.1f}" height="{2 * r:.1f}" '
        f'fill="{COLORS["visual"]}"/>'
    )
    if joined:
        found += (
            f'<path class="bar" d="M{x - 0.4 * r:.1f} {y:.1f}h{0.8 * r:.1f}" stroke="{joined}" '
            f'stroke-width="{0.2 * r:.1f}" stroke-linecap="round"/>'
        )
    return found


def whole(sign: Sign, modality: str) -> str:
    """The sign of a class in one modality."""
    x, y, r = sign.x, sign.y, sign.radius
    style = f'fill="{COLORS[modality]}" stroke="#444" stroke-width="1"'
    if modality == "visual":
        return f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r:.1f}" height="{2 * r:.1f}" {style}/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" {style}/>'


def words(
    lines: Sequence[str],
    x: float,
    y: float,
    size: float,
    *,
    anchor: str = "middle",
    color: str = TEXT,
    halo: str = "#fff",
    bold: bool = False,
) -> str:
    """Lines of text with a halo; y is the base of the first."""
    style = (
        f'paint-order="stroke" stroke="{halo}" stroke-width="{0.28 * size:.1f}" stroke-linejoin="round" fill="{color}"'
    )
    style += ' font-weight="700"' if bold else ""
    return "".join(
        f'<text x="{x:.1f}" y="{y + LINE * size * k:.1f}" font-size="{size:.1f}" text-anchor="{anchor}" {style}>'
        f"{html.escape(line)}</text>"
        for k, line in enumerate(lines)
    )


def ground(boxes: FloatArray, color: str, air: float) -> str:
    """A tinted hull around boxes (left, top, right, bottom). Shape (k, 4)."""
    from scipy.spatial import ConvexHull

    corners = np.concatenate([boxes[:, [0, 1]], boxes[:, [0, 3]], boxes[:, [2, 1]], boxes[:, [2, 3]]])
    hull = corners[ConvexHull(corners).vertices]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in hull)
    return (
        f'<polygon points="{points}" fill="{color}" stroke="{color}" stroke-width="{air:.1f}" stroke-linejoin="round"/>'
    )


def mixed(color: str, other: str, share: float) -> str:
    """A color with a share of another one.

    >>> mixed("#000000", "#ffffff", 0.5)
    '#808080'
    """
    both = ([int(text[k : k + 2], 16) for k in (1, 3, 5)] for text in (color, other))
    return "#" + "".join(f"{round(a * (1 - share) + b * share):02x}" for a, b in zip(*both, strict=True))


def on_dark(svg: str, paper: str = "#11171D", ink: str = "#E8EDF2") -> str:
    """A picture on white, on dark paper: grounds of groups darker, their names lighter, everything else as it is."""
    found = svg.replace('"#ffffff"', f'"{paper}"').replace('"#fff"', f'"{paper}"').replace(TEXT, ink)
    for color in GROUPS:
        found = found.replace(mixed(color, "#ffffff", 0.9), mixed(color, paper, 0.82))
        found = found.replace(mixed(color, "#000000", 0.25), mixed(color, "#ffffff", 0.45))
    return found
