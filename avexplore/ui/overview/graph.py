"""The class graph, small: which classes come together, laid out for the room that it has here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from avexplore.drawing.class_graph.arrangement import of_classes
from avexplore.drawing.class_graph.build import build_picture, class_support, first_threshold, shown
from avexplore.drawing.class_graph.first_view import FIRST_HIDDEN
from avexplore.drawing.class_graph.layout_candidates import layout_of
from avexplore.drawing.class_graph.svg import to_svg
from avexplore.drawing.class_graph.svg_marks import on_dark
from avexplore.graph.evidence.pair_probability import pair_probability

if TYPE_CHECKING:
    from avexplore.artifacts import ClassGraph, GraphStability, SoftLabels

STAGE = (520.0, 330.0)
"""Pixels of the picture; another size would be another layout."""
MOST_CLASSES = 80
"""Beyond, names would be too small to be read here."""


@st.cache_data(show_spinner="Finding a place for every class …", max_entries=16)
def _drawn(
    key: str, dark: bool, _labels: SoftLabels, _graph: ClassGraph, _stability: GraphStability
) -> tuple[str, int]:
    """The picture, and how many pairs of classes it links."""
    picture = build_picture(
        _graph, _stability, support=class_support(_labels), probability=pair_probability(_labels), universe=key
    )
    threshold = first_threshold(picture)
    svg = to_svg(picture, of_classes(layout_of(_labels, _stability, STAGE)), threshold, FIRST_HIDDEN, legend=False)
    count = len(_labels.classes)
    drawn = {frozenset((edge.source % count, edge.target % count)) for edge in shown(picture, threshold, FIRST_HIDDEN)}
    return on_dark(svg) if dark else svg, sum(len(pair) == 2 for pair in drawn)


def draw(key: str, labels: SoftLabels, graph: ClassGraph, stability: GraphStability) -> None:
    """Show it with a sentence on what is shown."""
    if len(labels.classes) > MOST_CLASSES:
        st.caption(f"{len(labels.classes)} classes are too many for a picture of this size.")
        return
    svg, pairs = _drawn(key, st.context.theme.type == "dark", labels, graph, stability)
    strongest = "The strongest pair" if pairs == 1 else f"The {pairs} strongest pairs"
    st.caption(f"{strongest}, found from soft labels alone. Left half heard, right half seen.")
    st.image(svg, width="stretch", alt=f"The {pairs} pairs of classes that come together most, as a graph")
