"""The picture as a vector graphic, for a paper: what is shown, as it is shown, and a legend."""

from __future__ import annotations

import html
import math
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from avexplore.artifacts import split_node
from avexplore.ui.class_graph.drawing.build import shown
from avexplore.ui.class_graph.drawing.layouts import bends, sides
from avexplore.ui.class_graph.drawing.picture import group_of, wrapped

if TYPE_CHECKING:
    from avexplore.artifacts import FloatArray
    from avexplore.ui.class_graph.drawing.picture import Edge, Picture
    from avexplore.ui.class_graph.state.names import LayoutName

NULL_WIDTH, NULL_DASHES = 0.45, "4 4"
"""An edge that the null model finds as often stands back here as it does on screen (look.js)."""
LETTER = 7.4
"""Width of a letter of the legend, a little more than needed."""
_GRAY = "#5A6672"

_LIGHT = {
    "audio": "#E69F00",
    "visual": "#4A9FD8",
    "edge-audio": "#B97F00",
    "edge-visual": "#0072B2",
    "edge-across": "#00805D",
    "added": "#0072B2",
    "removed": "#D55E00",
    "reversed": "#A8558A",
    "half": "#00805D",
    "kept": "#8A949E",
}


def to_svg(
    picture: Picture, position: FloatArray, layout: LayoutName, threshold: float, hidden: Collection[str] = ()
) -> str:
    """The picture as a vector graphic, for a paper: what threshold and legend show, on white, and what signs mean."""
    edges = shown(picture, threshold, hidden)
    places = sides(layout, position)
    left, top = position.min(axis=0) - np.array([130, 50]) if len(position) else (0.0, 0.0)
    right, bottom = position.max(axis=0) + np.array([130, 60]) if len(position) else (1.0, 1.0)
    right = max(right, left + 520)
    legend, height = _legend(picture, edges, threshold, float(left) + 20, float(bottom) + 10, float(right) - 20)
    bottom += height + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left:.0f} {top:.0f} {right - left:.0f} {bottom - top:.0f}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="14">',
        f'<rect x="{left:.0f}" y="{top:.0f}" width="100%" height="100%" fill="#fff"/>',
        '<g class="edges">',
    ]
    names = [node.name for node in picture.nodes]
    for edge, bend in zip(edges, bends(layout, position, [(e.source, e.target) for e in edges]), strict=True):
        color = _LIGHT[edge.change or f"edge-{group_of(names[edge.source], names[edge.target])}"]
        width = 1.6 if edge.frequency is None else 0.7 + 2.7 * edge.frequency**1.5
        dashes = "7 5" if edge.change == "removed" or (edge.frequency is not None and edge.frequency < 0.5) else ""
        if edge.in_null:
            width, dashes = NULL_WIDTH * width, NULL_DASHES
        ends = (position[edge.source], position[edge.target])
        sizes = (picture.nodes[edge.source].size, picture.nodes[edge.target].size)
        arrow = edge.directed and edge.settled
        parts.append(_edge(ends, sizes, bend, color, width, dashes=dashes, arrow=arrow, bar=edge.negative))
    parts.append('</g><g class="nodes">')
    for node, (x, y), side in zip(picture.nodes, position, places, strict=True):
        parts.append(_node(node.name, node.size, float(x), float(y), side))
    return "\n".join([*parts, "</g>", legend, "</svg>"])


def _edge(
    ends: tuple[Any, Any],
    sizes: tuple[float, float],
    bend: float,
    color: str,
    width: float,
    *,
    dashes: str,
    arrow: bool,
    bar: bool,
) -> str:
    (x1, y1), (x2, y2) = ends
    control = ((x1 + x2) / 2 + (y2 - y1) * 0.78 * bend, (y1 + y2) / 2 - (x2 - x1) * 0.78 * bend)
    length = math.hypot(x2 - control[0], y2 - control[1]) or 1.0
    unit = ((x2 - control[0]) / length, (y2 - control[1]) / length)
    tip = (x2 - unit[0] * (sizes[1] + 1), y2 - unit[1] * (sizes[1] + 1))
    style = f'fill="none" stroke="{color}" stroke-width="{width:.2f}" stroke-opacity="0.85"'
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    found = f'<path d="M{x1:.1f} {y1:.1f}Q{control[0]:.1f} {control[1]:.1f} {tip[0]:.1f} {tip[1]:.1f}" {style}{dash}/>'
    size = 6 + width
    if arrow and bar:
        a, b = ((tip[0] + sign * unit[1] * size * 0.7, tip[1] - sign * unit[0] * size * 0.7) for sign in (-1, 1))
        style = f'stroke="{color}" stroke-width="{width + 0.5:.2f}"'
        found += f'<path d="M{a[0]:.1f} {a[1]:.1f}L{b[0]:.1f} {b[1]:.1f}" {style}/>'
    elif arrow:
        back = (tip[0] - unit[0] * 1.6 * size, tip[1] - unit[1] * 1.6 * size)
        wing = (-unit[1] * size * 0.6, unit[0] * size * 0.6)
        corners = (tip, (back[0] + wing[0], back[1] + wing[1]), (back[0] - wing[0], back[1] - wing[1]))
        found += f'<polygon points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in corners)}" fill="{color}"/>'
    return found


def _node(name: str, size: float, x: float, y: float, side: str) -> str:
    modality, label = split_node(name)
    fill = _LIGHT[modality]
    if modality == "visual":
        shape = f'<rect x="{x - size:.1f}" y="{y - size:.1f}" width="{2 * size:.1f}" height="{2 * size:.1f}" '
    else:
        shape = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}" '
    shape += f'fill="{fill}" stroke="#444" stroke-width="1"/>'
    anchor = {"left": "end", "right": "start"}.get(side, "middle")
    dx = {"left": -size - 5, "right": size + 5}.get(side, 0.0)
    dy = 5.0 if side != "below" else size + 15
    lines = wrapped(label) if side == "below" else wrapped(label, width=22, lines=1)
    halo = 'paint-order="stroke" stroke="#fff" stroke-width="4" stroke-linejoin="round" fill="#1B2733"'
    text = "".join(
        f'<text x="{x + dx:.1f}" y="{y + dy + 15 * index:.1f}" text-anchor="{anchor}" {halo}>{html.escape(line)}</text>'
        for index, line in enumerate(lines)
    )
    return shape + text


def _legend(
    picture: Picture, edges: list[Edge], threshold: float, left: float, top: float, right: float
) -> tuple[str, float]:
    """What the signs of the drawn edges mean, in rows from left to right; and how high that is."""
    names = [node.name for node in picture.nodes]
    entries = [
        (_node_sign("audio"), "audio class"),
        (_node_sign("visual"), "visual class"),
    ]
    if picture.compared is None:
        groups = {group_of(names[edge.source], names[edge.target]) for edge in edges}
        words = {"audio": "within audio", "visual": "within visual", "across": "across"}
        entries += [(_line(_LIGHT[f"edge-{kind}"]), text) for kind, text in words.items() if kind in groups]
    else:
        first, second = picture.compared
        words = {
            "kept": "in both",
            "half": "in both, direction in one",
            "reversed": "direction reversed",
            "added": f"only in {first}",
            "removed": f"only in {second}",
        }
        changes = {edge.change for edge in edges}
        entries += [(_line(_LIGHT[kind]), text) for kind, text in words.items() if kind in changes]
    arrows = {edge.directed and edge.settled for edge in edges}
    entries += [(_line(_GRAY, arrow=True), "direction settled")] if True in arrows else []
    entries += [(_line(_GRAY), "direction not settled")] if False in arrows else []
    if any(edge.in_null for edge in edges):
        entries.append((_line(_GRAY, width=1.3, dashes=NULL_DASHES), "as often in the null model"))
    if any(edge.negative for edge in edges):
        entries.append((_line(_GRAY, bar=True), "against each other"))
    if any(edge.frequency is not None and edge.frequency < 0.5 and not edge.in_null for edge in edges):
        entries.append((_line(_GRAY, dashes="7 5"), "under 50 % of bootstraps"))
    limit = f" in at least {threshold:.0%} of the bootstraps" if picture.measure == "frequency" and threshold else ""
    title = f"{len(edges)} of {len(picture.learned)} edges{limit}"
    parts, x, y = [_text(title, left, top + 14)], left, top + 40
    for sign, label in entries:
        width = 36 + LETTER * len(label) + 22
        if x > left and x + width > right:
            x, y = left, y + 24
        parts.append(f'<g transform="translate({x:.0f} {y:.0f})">{sign}{_text(label, 36, 5)}</g>')
        x += width
    return f'<g class="legend">{"".join(parts)}</g>', y + 10 - top


def _text(text: str, x: float, y: float) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="#1B2733">{html.escape(text)}</text>'


def _node_sign(modality: str) -> str:
    style = f'fill="{_LIGHT[modality]}" stroke="#444"'
    if modality == "visual":
        return f'<rect x="11" y="-6" width="12" height="12" {style}/>'
    return f'<circle cx="17" cy="0" r="6.5" {style}/>'


def _line(color: str, *, width: float = 2.5, dashes: str = "", arrow: bool = False, bar: bool = False) -> str:
    """A line of the legend, 28 wide around y = 0."""
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    found = f'<path d="M1 0H{20 if arrow else 29}" stroke="{color}" stroke-width="{width}"{dash}/>'
    found += f'<polygon points="29,0 19,-4.5 19,4.5" fill="{color}"/>' if arrow else ""
    return found + (f'<path d="M29 -6V6" stroke="{color}" stroke-width="2.5"/>' if bar else "")
