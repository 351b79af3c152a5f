"""The panel beside the picture: the verdict, or what is known of the selected class or edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from avexplore.analysis.graph_verdict import PURPOSE, Remark, comparison_remark, verdict
from avexplore.ui.class_graph.panel.edge import draw_edge
from avexplore.ui.class_graph.panel.facts import STYLE, folded
from avexplore.ui.class_graph.panel.node import draw_node
from avexplore.ui.class_graph.scene import Subject
from avexplore.ui.class_graph.state.names import parse_id
from avexplore.ui.parts.plain_text import as_html

if TYPE_CHECKING:
    pass

AT_LEAST = 4
"""So many remarks are in sight, where there are as many; plain notes beyond are folded away."""
_SIGNS = {"good": "✓", "fair": "≈", "poor": "⚠", "note": "·"}


def draw_panel(subject: Subject, selection: str) -> None:
    """The verdict, or the facts of the selected node or edge (an id of the picture)."""
    found = parse_id(selection)
    nodes = subject.graph.nodes
    if not found or max(found) >= len(nodes):
        remarks = verdict(
            subject.graph,
            subject.stability,
            clips=subject.clips,
            config=subject.config,
            probability=subject.pairs.probability,
        )
        if subject.shown.other is not None:
            remarks.insert(0, comparison_remark(subject.graph, subject.shown.other, subject.shown.other_name))
        draw_verdict(remarks)
    elif len(found) == 1:
        draw_node(subject, nodes[found[0]])
    else:
        draw_edge(subject, *found)


def draw_verdict(remarks: list[Remark]) -> None:
    """Is it right? In plain words."""
    first = [remark for remark in remarks if remark.level != "note"]
    notes = [remark for remark in remarks if remark.level == "note"]
    first += notes[: max(0, AT_LEAST - len(first))]
    rest = [remark for remark in remarks if remark not in first]
    more = folded(f"{len(rest)} more to know", f"<ul class='remarks'>{_items(rest)}</ul>") if rest else ""
    purpose = folded("What this graph is for, and what not", "".join(f"<p>{as_html(text)}</p>" for text in PURPOSE))
    body = f'<ul class="remarks">{_items(first)}</ul>{more}{purpose}'
    st.html(f'{STYLE}<div class="facts"><h4>Is it right?</h4>{body}</div>')
    st.caption("Click a class or a line for what stands behind it; right-click to require or forbid it.")


def _items(remarks: list[Remark]) -> str:
    return "".join(
        f'<li><span role="img" title="{remark.level}" aria-label="{remark.level}">{_SIGNS[remark.level]}</span>'
        f"<span>{as_html(remark.text)}</span></li>"
        for remark in remarks
    )
