"""The picture as a vector graphic, for a paper: what is shown, as it is shown, and a legend."""

from __future__ import annotations

import html
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from avexplore.artifacts import split_node
from avexplore.drawing.class_graph import svg_marks as marks
from avexplore.drawing.class_graph.build import same_class, shown
from avexplore.drawing.class_graph.picture import group_of
from avexplore.drawing.class_graph.svg_marks import COLORS, Sign
from avexplore.graph.layout.name_boxes import wrapped

if TYPE_CHECKING:
    from avexplore.drawing.class_graph.arrangement import Arrangement
    from avexplore.drawing.class_graph.picture import Edge, EdgeGroup, Picture
    from avexplore.graph.layout.class_layout import ClassLayout

LETTER = 7.4
"""Width of a letter of the legend, a little more than needed."""
_GRAY = "#5A6672"


def to_svg(
    picture: Picture,
    arrangement: Arrangement,
    threshold: float,
    hidden: Collection[str] = (),
    *,
    legend: bool = True,
    causes: bool = False,
) -> str:
    """The picture as a vector graphic, for a paper: what threshold and legend show, on white, and what signs mean.

    With `causes`, rings mark where a hidden common cause is possible.
    """
    edges = shown(picture, threshold, hidden)
    if not causes:
        edges = [replace(edge, hidden_cause=False) for edge in edges]
    if arrangement.classes is not None:
        body, (left, top, right, bottom) = _classes(picture, arrangement, arrangement.classes, edges)
    else:
        body, (left, top, right, bottom) = _nodes(picture, arrangement, edges)
    signs = ""
    if legend:
        right = max(right, left + 520)
        signs, height = _legend(picture, arrangement, edges, threshold, left + 20, bottom + 10, right - 20)
        bottom += height + 30
    view = f"{left:.0f} {top:.0f} {right - left:.0f} {bottom - top:.0f}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}" '
            "font-family=\"'Source Sans 3', 'Source Sans Pro', Helvetica, Arial, sans-serif\" font-size=\"14\">",
            f'<rect x="{left:.0f}" y="{top:.0f}" width="100%" height="100%" fill="#fff"/>',
            body,
            signs,
            "</svg>",
        ]
    )


def _groups(picture: Picture, edges: list[Edge]) -> list[tuple[Edge, EdgeGroup]]:
    names = [node.name for node in picture.nodes]
    return [(edge, group_of(names[edge.source], names[edge.target])) for edge in edges]


def _nodes(
    picture: Picture, arrangement: Arrangement, edges: list[Edge]
) -> tuple[str, tuple[float, float, float, float]]:
    """One sign per class and modality."""
    position = arrangement.position
    signs = [Sign(float(x), float(y), node.size) for node, (x, y) in zip(picture.nodes, position, strict=True)]
    bends = arrangement.bends([(edge.source, edge.target) for edge in edges])
    lines = [
        marks.cable(signs[edge.source], signs[edge.target], bend, [(edge, group, True)], 0.6)
        for (edge, group), bend in zip(_groups(picture, edges), bends, strict=True)
    ]
    nodes = []
    for node, sign, side in zip(picture.nodes, signs, arrangement.sides(), strict=True):
        modality, label = split_node(node.name)
        anchor = {"left": "end", "right": "start"}.get(side, "middle")
        dx = {"left": -sign.radius - 5, "right": sign.radius + 5}.get(side, 0.0)
        dy = 5.0 if side != "below" else sign.radius + 15
        said = wrapped(label) if side == "below" else wrapped(label, width=22, lines=1)
        nodes.append(marks.whole(sign, modality) + marks.words(said, sign.x + dx, sign.y + dy, 14, anchor=anchor))
    low, high = (position.min(axis=0), position.max(axis=0)) if len(position) else (np.zeros(2), np.ones(2))
    frame = (float(low[0]) - 130, float(low[1]) - 50, float(high[0]) + 130, float(high[1]) + 60)
    return f'<g class="edges">{"".join(lines)}</g><g class="nodes">{"".join(nodes)}</g>', frame


def _classes(
    picture: Picture, arrangement: Arrangement, layout: ClassLayout, edges: list[Edge]
) -> tuple[str, tuple[float, float, float, float]]:
    """One sign per class, in groups."""
    middle, count, size = arrangement.middles(), len(layout.place), layout.font
    boxes = np.concatenate([middle, middle], axis=1) + layout.boxes
    tints = [marks.mixed(color, "#ffffff", 0.9) for color in marks.GROUPS]
    signs = [
        Sign(float(x), float(y), float(r), (box[0] + 3, y + r + 3, box[2] - 3, box[3]))
        for (x, y), r, box in zip(middle, layout.radius, boxes, strict=True)
    ]
    shared = [int((layout.named == group).sum()) > 1 for group in layout.named]
    tint = [tints[group % len(tints)] if some else "#ffffff" for group, some in zip(layout.named, shared, strict=True)]
    grounds = [
        marks.ground(
            boxes[layout.part == part], tint[int(np.argmax(layout.part == part))], 14 * min(1, 1.6 * layout.scale)
        )
        for part in np.unique(layout.part[layout.named >= 0])
        if shared[int(np.argmax(layout.part == part))]
    ]
    cables: dict[tuple[int, int], list[tuple[Edge, EdgeGroup, bool]]] = {}
    bars: dict[int, Edge] = {}
    for edge, group in _groups(picture, edges):
        a, b = edge.source % count, edge.target % count
        if a == b:
            bars[a] = edge
        else:
            cables.setdefault((min(a, b), max(a, b)), []).append((edge, group, a < b))
    bends = layout.bends(np.array(list(cables), int).reshape(-1, 2))
    unit = max(layout.scale, 0.3)
    ranked = sorted(
        zip(cables.items(), bends, strict=True), key=lambda one: max(abs(e.evidence) for e, *_ in one[0][1])
    )
    lines = [marks.cable(signs[a], signs[b], float(bend), strands, unit) for ((a, b), strands), bend in ranked]
    nodes = []
    for c, sign in enumerate(signs):
        label = split_node(picture.nodes[c].name)[1]
        joined = bars.get(c)
        color = "" if joined is None else COLORS[joined.change or "own"]
        base = sign.y + sign.radius + 3 * layout.scale + 0.86 * size
        nodes.append(
            marks.halves(sign, joined=color, gap=joined is None)
            + (marks.ring(sign.x, sign.y, 0.24 * sign.radius, color) if joined and joined.hidden_cause else "")
            + marks.words(wrapped(label), sign.x, base, size, halo=tint[c])
        )
    titles = [
        marks.words(
            [title.text],
            (title.box[0] + title.box[2]) / 2,
            title.box[3] - 0.25 * (title.box[3] - title.box[1]),
            0.86 * (title.box[3] - title.box[1]),
            color=marks.mixed(marks.GROUPS[k % len(marks.GROUPS)], "#000000", 0.25),
            bold=True,
        )
        for k, title in enumerate(layout.titles)
        if title.full
    ]
    edge_of = [*boxes, *(np.array(title.box) for title in layout.titles if title.full)]
    every = np.array(edge_of).reshape(-1, 4)
    frame = (0.0, 0.0, 1.0, 1.0)
    if len(every):
        low, high = every[:, :2].min(axis=0), every[:, 2:].max(axis=0)
        frame = (float(low[0]) - 24, float(low[1]) - 24, float(high[0]) + 24, float(high[1]) + 24)
    body = f'<g class="groups">{"".join(grounds)}</g><g class="edges">{"".join(lines)}</g>'
    return body + f'<g class="nodes">{"".join(nodes)}</g><g class="titles">{"".join(titles)}</g>', frame


def _legend(
    picture: Picture,
    arrangement: Arrangement,
    edges: list[Edge],
    threshold: float,
    left: float,
    top: float,
    right: float,
) -> tuple[str, float]:
    """What the signs of the drawn edges mean, in rows from left to right; and how high that is."""
    if arrangement.classes is not None:
        entries = [(marks.halves(Sign(17, 0, 8), joined=COLORS["own"]), "a class, heard | seen")]
    else:
        entries = [
            (marks.whole(Sign(17, 0, 6.5), "audio"), "class heard"),
            (marks.whole(Sign(17, 0, 6.5), "visual"), "class seen"),
        ]
    linked = [edge for edge in edges if arrangement.classes is None or not same_class(picture, edge)]
    if picture.compared is None:
        groups = {group for _, group in _groups(picture, linked)}
        said = {"audio": "both heard", "visual": "both seen", "across": "one heard, one seen"}
        entries += [(_line(COLORS[f"edge-{kind}"]), text) for kind, text in said.items() if kind in groups]
    else:
        first, second = picture.compared
        said = {
            "kept": "in both",
            "half": "in both, direction in one",
            "reversed": "direction reversed",
            "added": f"only in {first}",
            "removed": f"only in {second}",
        }
        changes = {edge.change for edge in edges}
        entries += [(_line(COLORS[kind]), text) for kind, text in said.items() if kind in changes]
    heads = {edge.settled for edge in linked if edge.directed}
    entries += [(_line(_GRAY, head="filled"), "direction agreed on")] if True in heads else []
    entries += [(_line(_GRAY, head="hollow"), "direction open")] if False in heads else []
    if any(edge.negative for edge in linked):
        entries.append((_line(_GRAY, head="bar"), "classes that avoid each other"))
    if any(edge.hidden_cause for edge in edges):
        entries.append((_line(_GRAY) + marks.ring(15, 0, 4.5, _GRAY), "hidden cause possible"))
    if any(edge.frequency is not None and edge.frequency < 0.5 for edge in linked):
        entries.append((_line(_GRAY, dashes="7 5"), "under 50 % of bootstraps"))
    limit = f" in at least {threshold:.0%} of the bootstraps" if picture.measure == "frequency" and threshold else ""
    title = f"{len(edges)} of {len(picture.learned)} links{limit}"
    parts, x, y = [_text(title, left, top + 14)], left, top + 40
    for sign, label in entries:
        width = 36 + LETTER * len(label) + 22
        if x > left and x + width > right:
            x, y = left, y + 24
        parts.append(f'<g transform="translate({x:.0f} {y:.0f})">{sign}{_text(label, 36, 5)}</g>')
        x += width
    return f'<g class="legend">{"".join(parts)}</g>', y + 10 - top


def _text(text: str, x: float, y: float) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="{marks.TEXT}">{html.escape(text)}</text>'


def _line(color: str, *, head: str = "", dashes: str = "") -> str:
    """A line of the legend, 28 wide around y = 0."""
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    found = f'<path d="M1 0H{18 if head in ("filled", "hollow") else 29}" stroke="{color}" stroke-width="2.5"{dash}/>'
    if head in ("filled", "hollow"):
        fill = color if head == "filled" else "#fff"
        found += f'<polygon points="29,0 19,-4.5 19,4.5" fill="{fill}" stroke="{color}" stroke-width="1.5"/>'
    return found + (f'<path d="M29 -6V6" stroke="{color}" stroke-width="2.5"/>' if head == "bar" else "")
