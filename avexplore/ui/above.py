"""What stands above every page: the bar of settings, and the means to present."""

from __future__ import annotations

import streamlit as st

from avexplore.ui.parts import beside, run_cards
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.presenter import mode, scene_list
from avexplore.ui.settings import bar
from avexplore.ui.shell import address, session


def draw(page: str) -> None:
    """Draw it, for a page by its name."""
    if session.runs() and session.is_another():
        name = as_markdown(session.current_run().name)
        st.warning(f"The run in this address is not on this machine. Shown is {name}; others are in the sidebar.")
    bar.place(page)
    if not session.runs():
        return
    if page in beside.PAGES:
        beside.read()
    if address.is_presented():
        mode.begin(page)
        return
    with st.sidebar:
        _pick_run()
        if page in beside.PAGES:
            beside.pick()
    scene_list.draw(page)


def _pick_run() -> None:
    run = session.current_run()
    st.caption(
        "Run",
        help="A run is a data set with its teacher, class graph, student and the student's twin without LIR. "
        "Every page shows the run chosen here.",
    )
    if picked := run_cards.choose(as_markdown(run.name), list(session.runs().values()), run.key, key="run-choice"):
        session.look_at(picked)
        st.rerun()
