"""What a page says that needs embeddings, where a run holds predictions alone."""

from __future__ import annotations

import streamlit as st

from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.shell import links, session


def draw(missing: str) -> None:
    """Say what is missing, and what can be looked at instead.

    Args:
        missing: What cannot be shown, as in "no answers to rank".
    """
    run = session.current_run()
    st.info(
        f"This run holds predictions (soft labels) and no embeddings, so there are {missing}. What the predictions say "
        "can be looked at; embeddings come from a training with features of the clips."
    )
    with st.container(horizontal=True):
        links.to("class_graph", "Which classes depend on which", {})
        links.to("soft_labels", "What was predicted", {})
    if other := next((other for other in session.runs().values() if other.student is not None), None):
        st.caption(f"{as_markdown(run.name)} is chosen in the sidebar; {as_markdown(other.name)} has embeddings.")
