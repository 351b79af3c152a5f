"""The class graph, small: which classes come together, laid out for the room that it has here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from avexplore.graph.evidence.pair_probability import pair_probability
from avexplore.graph.layout.class_layout import ClassLayout, lay_out
from avexplore.ui.class_graph.drawing.arrangement import of_classes
from avexplore.ui.class_graph.drawing.build import build_picture, class_support, first_threshold, shown
from avexplore.ui.class_graph.drawing.svg import to_svg
from avexplore.ui.class_graph.drawing.svg_marks import on_dark
from avexplore.ui.class_graph.layout_candidates import BY_CORRELATION_ALONE, between_classes, soft_label_correlation
from avexplore.ui.class_graph.state.view_address import FIRST_HIDDEN

if TYPE_CHECKING:
    from avexplore.artifacts import ClassGraph, GraphStability, SoftLabels

STAGE = (520.0, 330.0)
"""Pixels of the picture; another size would be another layout."""
MOST_CLASSES = 80
"""Beyond, names would be too small to be read here."""


def layout_of(labels: SoftLabels, stability: GraphStability) -> ClassLayout:
    """Places of the classes by what is stored: no search has to be compiled for the opening page."""
    count = len(labels.classes)
    weights = np.clip(np.nan_to_num(soft_label_correlation(labels)), 0, None)
    weights = weights * (BY_CORRELATION_ALONE + stability.edge_frequency)
    return lay_out(between_classes(weights), labels.classes, class_support(labels)[:count], STAGE)


@st.cache_data(show_spinner="Finding a place for every class …", max_entries=16)
def _drawn(
    key: str, dark: bool, _labels: SoftLabels, _graph: ClassGraph, _stability: GraphStability
) -> tuple[str, int]:
    """The picture, and how many pairs of classes it links."""
    picture = build_picture(
        _graph, _stability, support=class_support(_labels), probability=pair_probability(_labels), universe=key
    )
    threshold = first_threshold(picture)
    svg = to_svg(picture, of_classes(layout_of(_labels, _stability)), threshold, FIRST_HIDDEN, legend=False)
    count = len(_labels.classes)
    drawn = {frozenset((edge.source % count, edge.target % count)) for edge in shown(picture, threshold, FIRST_HIDDEN)}
    return on_dark(svg) if dark else svg, sum(len(pair) == 2 for pair in drawn)


def draw(key: str, labels: SoftLabels, graph: ClassGraph, stability: GraphStability) -> None:
    """Show it with a sentence on what is shown."""
    if len(labels.classes) > MOST_CLASSES:
        st.caption(f"{len(labels.classes)} classes are too many for a picture of this size.")
        return
    svg, pairs = _drawn(key, st.context.theme.type == "dark", labels, graph, stability)
    st.caption(f"The {pairs} strongest pairs, found from soft labels alone. Left half heard, right half seen.")
    st.image(svg, width="stretch")
