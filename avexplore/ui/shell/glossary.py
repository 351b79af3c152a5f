"""The words of the method, a sentence each: shown on the overview, and beside the first use on other pages."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

TERMS: Mapping[str, str] = {
    "LIR": "Latent Interaction Regularizer: while the student trains, pairs of clips whose classes depend on each "
    "other in the class graph are not pushed apart like any other pair of different classes.",
    "AV-SAL": "Audio-visual semantic alignment, the loss that trains the teacher: both modalities shall find the "
    "annotated class, and agree on everything else.",
    "Soft label": "The teacher's probability that a class is in a clip, one for audio and one for visual, calibrated.",
    "GRaSP": "The search that draws the class graph (greedy relaxations of the sparsest permutation): it looks for "
    "the order of the classes that needs the fewest edges to explain the soft labels.",
    "AA proxies": "Anchor-aware proxies: in the student's loss, a mean of clips stands in for the clip itself, each "
    "weighed by how near its neighbors are to it.",
    "Hidden-pair AP": "Average precision (1 is perfect) where only clips that share a true label nobody annotated "
    "count as right answers.",
    "Delta-D": "How much nearer LIR brings clips on an edge of the class graph: their distance without LIR minus with.",
}
LIR = f"LIR is the {TERMS['LIR']}"
"""For the `help` of whatever names LIR first on a page."""


def draw() -> None:
    """All terms, folded away."""
    with st.expander("What the words mean"):
        st.markdown("\n".join(f"- **{name}**: {meaning}" for name, meaning in TERMS.items()))
