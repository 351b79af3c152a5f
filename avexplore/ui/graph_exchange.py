"""A class graph in and out of the app: files of other programs, pictures, and the Python that makes it again."""

from __future__ import annotations

import dataclasses
import hashlib
import html
import json
import math
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avexplore.errors import GraphError
from avexplore.ui.graph_picture import shown
from avexplore.ui.graph_view.layouts import bends, sides
from avexplore.ui.graph_view.picture import group_of, split_node, wrapped

if TYPE_CHECKING:
    from avexplore.artifacts import ClassGraph, FloatArray
    from avexplore.config import Config
    from avexplore.ui.graph_view.layouts import LayoutName
    from avexplore.ui.graph_view.picture import Picture

SUFFIXES = {
    "csv": "csv",
    "graphml": "graphml",
    "dot": "dot",
    "json": "json",
    "tetrad": "txt",
    "dagitty": "txt",
}
"""Formats that can be written, and the ends of their files' names."""
LARGEST_IMPORT = 5_000_000
"""Bytes; a graph of a thousand classes stays far below."""


def keep_import(folder: Path, name: str, content: bytes, nodes: tuple[str, ...] = ()) -> str:
    """Read an imported graph, keep it as JSON under its content's address, and return that address.

    Args:
        folder: Where imported graphs are kept.
        name: The file's name; its end tells the format.
        content: The file.
        nodes: Class nodes of the run; a file that names no others gets those that it leaves out.

    Raises:
        GraphError: If it is too large, or no graph in a known format.
    """
    from avexplore.graph.formats import SUFFIXES as KNOWN
    from avexplore.graph.formats import read_graph, write_graph

    if len(content) > LARGEST_IMPORT:
        raise GraphError("The file is too large for a class graph", where=name, fix="Import at most 5 MB")
    suffix = KNOWN.get(Path(name).suffix.lower())
    graph = read_graph(content, suffix)
    if nodes and set(graph.nodes) <= set(nodes):
        graph = read_graph(content, suffix, nodes=nodes)
    written = json.dumps({"name": Path(name).name, "graph": write_graph(graph, "json")})
    address = hashlib.sha256(written.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{address}.json").write_text(written, encoding="utf-8")
    return address


def kept_import(folder: Path, address: str) -> ClassGraph | None:
    """An imported graph by its address; None if there is none."""
    from avexplore.graph.formats import read_graph

    if len(address) != 16 or not all(letter in "0123456789abcdef" for letter in address):
        return None
    path = folder / f"{address}.json"
    if not path.is_file():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    return dataclasses.replace(read_graph(kept["graph"], "json"), source=kept["name"])


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
    """The picture as a vector graphic, for a paper: what threshold and legend show, on white."""
    edges = shown(picture, threshold, hidden)
    places = sides(layout, position)
    left, top = position.min(axis=0) - np.array([130, 50]) if len(position) else (0.0, 0.0)
    right, bottom = position.max(axis=0) + np.array([130, 60]) if len(position) else (1.0, 1.0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left:.0f} {top:.0f} {right - left:.0f} {bottom - top:.0f}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="14">',
        f'<rect x="{left:.0f}" y="{top:.0f}" width="100%" height="100%" fill="#fff"/>',
    ]
    names = [node.name for node in picture.nodes]
    for edge, bend in zip(edges, bends(layout, position, [(e.source, e.target) for e in edges]), strict=True):
        color = _LIGHT[edge.change or f"edge-{group_of(names[edge.source], names[edge.target])}"]
        strength = edge.rank if edge.frequency is None else edge.frequency
        width = 1.6 if edge.frequency is None else 0.7 + 2.7 * strength**1.5
        dashes = edge.change == "removed" or (edge.frequency is not None and edge.frequency < 0.5)
        ends = (position[edge.source], position[edge.target])
        sizes = (picture.nodes[edge.source].size, picture.nodes[edge.target].size)
        parts.append(_svg_edge(ends, sizes, bend, color, width, dashes=dashes, arrow=edge.directed, bar=edge.negative))
    for node, (x, y), side in zip(picture.nodes, position, places, strict=True):
        parts.append(_svg_node(node.name, node.size, float(x), float(y), side))
    return "\n".join([*parts, "</svg>"])


def _svg_edge(
    ends: tuple[Any, Any],
    sizes: tuple[float, float],
    bend: float,
    color: str,
    width: float,
    *,
    dashes: bool,
    arrow: bool,
    bar: bool,
) -> str:
    (x1, y1), (x2, y2) = ends
    control = ((x1 + x2) / 2 + (y2 - y1) * 0.78 * bend, (y1 + y2) / 2 - (x2 - x1) * 0.78 * bend)
    length = math.hypot(x2 - control[0], y2 - control[1]) or 1.0
    unit = ((x2 - control[0]) / length, (y2 - control[1]) / length)
    tip = (x2 - unit[0] * (sizes[1] + 1), y2 - unit[1] * (sizes[1] + 1))
    style = f'fill="none" stroke="{color}" stroke-width="{width:.2f}" stroke-opacity="0.85"'
    dash = ' stroke-dasharray="7 5"' if dashes else ""
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


def _svg_node(name: str, size: float, x: float, y: float, side: str) -> str:
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


def to_python(config: Config, *, name: str = "graph") -> str:
    """Lines of Python that make a config's result again.

    >>> from avexplore.config import GraphConfig, SyntheticConfig, TeacherConfig
    >>> print(to_python(GraphConfig(TeacherConfig(SyntheticConfig(seed=3)), penalty_discount=4.0)))
    from avexplore.config import GraphConfig, SyntheticConfig, TeacherConfig
    from avexplore.workbench import Workbench
    <BLANKLINE>
    config = GraphConfig(
        soft_labels=TeacherConfig(
            data=SyntheticConfig(
                seed=3,
            ),
        ),
        penalty_discount=4.0,
    )
    graph = Workbench().get(config)
    """
    used: set[str] = set()
    body = _python_value(config, 0, used)
    return (
        f"from avexplore.config import {', '.join(sorted(used))}\n"
        "from avexplore.workbench import Workbench\n\n"
        f"config = {body}\n"
        f"{name} = Workbench().get(config)"
    )


def _python_value(value: Any, depth: int, used: set[str]) -> str:
    if not dataclasses.is_dataclass(value):
        return repr(value)
    used.add(type(value).__name__)
    lines = []
    for f in dataclasses.fields(value):
        content = getattr(value, f.name)
        if content != f.default or f.default is dataclasses.MISSING:
            lines.append(f"{'    ' * (depth + 1)}{f.name}={_python_value(content, depth + 1, used)},")
    if not lines:
        return f"{type(value).__name__}()"
    inner = "\n".join(lines)
    return f"{type(value).__name__}(\n{inner}\n{'    ' * depth})"
