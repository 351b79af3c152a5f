"""A chart whose cells keep their size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    import plotly.graph_objects as go

QUIET = {"displayModeBar": False}
"""Charts without plotly's row of buttons."""


def wide_matrix(chart: go.Figure) -> None:
    """Draw it in a box of its own that the frame's style lets scroll sideways."""
    with st.container(key="matrix"):
        # Streamlit would squeeze it into a phone's width.
        st.html(f"<style>.st-key-matrix > div {{ min-width: {chart.layout.width}px; }}</style>")
        st.plotly_chart(chart, width="content", config=QUIET)
