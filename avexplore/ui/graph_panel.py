"""The panel beside the picture: the verdict, or what is known of the selected class or edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from avexplore.ui.graph_edge_panel import draw_edge
from avexplore.ui.graph_facts import STYLE, folded
from avexplore.ui.graph_node_panel import draw_node
from avexplore.ui.graph_verdict import Remark, comparison_remark, verdict
from avexplore.ui.graph_view.picture import parse_id
from avexplore.ui.plain_text import as_html

if TYPE_CHECKING:
    from collections.abc import Callable

    from avexplore.artifacts import Affinity, ClassGraph, Clips, Embeddings, GraphStability, SoftLabels
    from avexplore.config import GraphConfig
    from avexplore.ui.graph_scene import Shown

AT_LEAST = 4
"""So many remarks are in sight, where there are as many; plain notes beyond are folded away."""
_SIGNS = {"good": "✓", "fair": "≈", "poor": "⚠", "note": "·"}


@dataclass(frozen=True)
class Subject:
    """The graph on screen and all that is known around it; what is unknown is None.

    Attributes:
        shown: The graph, and the one it is compared with.
        labels: The soft labels that it was learned from.
        clips: Labels and names of the clips.
        visible: Ids of the edges that threshold and legend leave in the picture.
        affinity: LIR's weights.
        config: How the graph was searched; None for a graph from elsewhere.
        embeddings: Fetches the embeddings without and with LIR, or None.
        teacher: What gave the soft labels, with its calibration where it has one.
    """

    shown: Shown
    labels: SoftLabels
    clips: Clips | None
    visible: frozenset[str] = frozenset()
    affinity: Affinity | None = None
    config: GraphConfig | None = None
    embeddings: Callable[[], tuple[Embeddings, Embeddings] | None] = lambda: None
    teacher: Any = None

    @property
    def graph(self) -> ClassGraph:
        """The graph on screen."""
        return self.shown.graph

    @property
    def stability(self) -> GraphStability | None:
        """Its edge frequencies."""
        return self.shown.stability


def draw_panel(subject: Subject, selection: str) -> None:
    """The verdict, or the facts of the selected node or edge (an id of the picture)."""
    found = parse_id(selection)
    nodes = subject.graph.nodes
    if not found or max(found) >= len(nodes):
        remarks = verdict(subject.graph, subject.stability, clips=subject.clips, config=subject.config)
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
    st.html(f'{STYLE}<div class="facts"><h4>Is it right?</h4><ul class="remarks">{_items(first)}</ul>{more}</div>')
    st.caption("Click a class or a line for what stands behind it; right-click to require or forbid it.")


def _items(remarks: list[Remark]) -> str:
    return "".join(
        f'<li><span role="img" title="{remark.level}" aria-label="{remark.level}">{_SIGNS[remark.level]}</span>'
        f"<span>{as_html(remark.text)}</span></li>"
        for remark in remarks
    )
