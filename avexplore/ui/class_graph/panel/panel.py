"""The panel beside the picture: the verdict, or what is known of the selected class or edge."""

from __future__ import annotations

import numpy as np
import streamlit as st

from avexplore.analysis.graph_headline import cautious, headline
from avexplore.analysis.graph_verdict import PURPOSE, Remark, comparison_remark, verdict
from avexplore.drawing.class_graph.names import parse_id
from avexplore.ui.class_graph.panel.edge import draw_edge
from avexplore.ui.class_graph.panel.facts import draw_more, folded
from avexplore.ui.class_graph.panel.node import draw_node
from avexplore.ui.class_graph.scene import Scene
from avexplore.ui.parts.plain_text import as_html

MOST = 12
"""So many further remarks are listed; the others are counted."""
_SIGNS = {"good": "✓", "fair": "≈", "poor": "⚠", "note": "·"}


def draw_panel(scene: Scene, selection: str) -> None:
    """The verdict, or the facts of the selected node or edge (an id of the picture)."""
    found = parse_id(selection)
    nodes = scene.graph.nodes
    if not found or max(found) >= len(nodes):
        graph, stability, probability = scene.graph, scene.stability, scene.pairs.probability
        remarks = verdict(graph, stability, clips=scene.clips, config=scene.config, probability=probability)
        drawn = np.zeros(graph.adjacency.shape, bool)
        for i, j in (parse_id(name) for name in scene.visible):
            drawn[i, j] = drawn[j, i] = True
        remarks = cautious([headline(graph, stability, probability, drawn), *remarks], graph, stability)
        if scene.shown.other is not None:
            remarks.insert(0, comparison_remark(scene.graph, scene.shown.other, scene.shown.other_name))
        draw_verdict(remarks)
    elif len(found) == 1:
        draw_node(scene, nodes[found[0]])
    else:
        draw_edge(scene, *found)


def draw_verdict(remarks: list[Remark]) -> None:
    """Is it right? One sentence, and the others behind a line that opens them."""
    first, *rest = remarks
    left_out = len(rest) - MOST
    more = f"<ul class='remarks'>{_items(rest[:MOST])}</ul>"
    more += f"<p>and {left_out:,} more of the same kinds.</p>" if left_out > 0 else ""
    more = folded(f"{min(len(rest), MOST)} more to know", more) if rest else ""
    purpose = folded("What this graph is for, and what not", "".join(f"<p>{as_html(text)}</p>" for text in PURPOSE))
    draw_more(f'<h4>Is it right?</h4><ul class="remarks">{_items([first])}</ul>{more}{purpose}')
    st.caption("Click a class or a line for what stands behind it; right-click to require or forbid it.")


def _items(remarks: list[Remark]) -> str:
    return "".join(
        f'<li><span role="img" title="{remark.level}" aria-label="{remark.level}">{_SIGNS[remark.level]}</span>'
        f"<span>{as_html(remark.text)}</span></li>"
        for remark in remarks
    )
