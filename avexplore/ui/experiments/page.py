"""The experiments page: does the graph help, or would any regularizer, and with which parameters?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from avexplore.ui.experiments import arms, sweeps
from avexplore.ui.parts import without_student
from avexplore.ui.shell import session

if TYPE_CHECKING:
    from avexplore.workbench.runs import Run

VIEWS: dict[str, Callable[[Run], None]] = {"Arms and controls": arms.draw, "Sweep": sweeps.draw}


def draw() -> None:
    """Draw the page for the run chosen in the sidebar."""
    run = session.current_run()
    if run.student is None:
        without_student.draw("no students to compare")
        return
    for tab, name in zip(st.tabs(list(VIEWS), key="view", bind="query-params", on_change="rerun"), VIEWS, strict=True):
        if tab.open:
            with tab:
                VIEWS[name](run)
