"""What a visitor looks at: the workbench, and the run chosen in the sidebar (and in the URL)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import streamlit as st

from avexplore.folders import NAMED

if TYPE_CHECKING:
    from avexplore.workbench import Run, Workbench


@st.cache_resource(show_spinner=False)
def workbench() -> Workbench:
    """The one workbench of this server: same store and jobs for every visitor."""
    from avexplore.workbench import Workbench

    # Whoever starts Streamlit without `avexplore app` has named no folders.
    os.environ.setdefault(NAMED, "")
    return Workbench()


def runs() -> dict[str, Run]:
    """All runs that can be looked at, by the short address that stands in the URL."""
    return {run.key: run for run in workbench().runs()}


def pick_run() -> None:
    """The run picker in the sidebar; the run's short address stands in the URL as `?run=`.

    Not `bind="query-params"`: that writes the run's name, and a link should survive a change of names.
    """
    known = runs()
    if not known:
        return
    asked = st.query_params.get("run")
    if asked is not None and asked not in known:
        st.toast("The run in this address is not on this machine; another one is shown instead.")
    elif asked is not None and asked != st.session_state.get("run_in_address"):
        st.session_state["run"] = asked  # a link was followed
    if st.session_state.get("run") not in known:
        st.session_state["run"] = next(iter(known))
    chosen = st.sidebar.selectbox(
        "Run",
        list(known),
        key="run",
        format_func=lambda key: known[key].name,
        help="A run is a data set with its teacher, class graph, student and the student's twin without LIR. "
        "Every page shows the run chosen here.",
        persist_state="session",
    )
    if chosen != asked:
        st.query_params["run"] = chosen
    st.session_state["run_in_address"] = chosen


def current_run() -> Run:
    """The run that every page shows. Stops the page with a hint if there is none yet."""
    known = runs()
    if not known:
        st.info("There is no run on this machine yet. Train one, or bring soft labels of your own.")
        st.page_link("pages/training.py", label="Go to Training")
        st.stop()
    key: Any = st.session_state.get("run")
    return known.get(key) or next(iter(known.values()))
