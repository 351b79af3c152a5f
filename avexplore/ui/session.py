"""What a visitor looks at: the workbench, and the run chosen in the sidebar (and in the URL)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from avexplore.workbench import Run, Workbench


@st.cache_resource(show_spinner=False)
def workbench() -> Workbench:
    """The one workbench of this server: same store and jobs for every visitor."""
    from avexplore.workbench import Workbench

    return Workbench()


def runs() -> dict[str, Run]:
    """All runs that can be looked at, by the short address that stands in the URL."""
    return {run.key: run for run in workbench().runs()}


def pick_run() -> None:
    """The run picker in the sidebar; `?run=` in the address names the run by its key.

    The widget is not bound to the address: a bound select box writes and reads its labels there, not its options.
    """
    known = runs()
    if not known:
        return
    asked = st.query_params.get("run")
    if asked in known:
        st.session_state["run"] = asked
    elif asked is not None:
        st.toast("The run in this address is not on this machine; another one is shown instead.")
    if st.session_state.get("run") not in known:
        st.session_state.pop("run", None)
    chosen = st.sidebar.selectbox(
        "Run",
        list(known),
        key="run",
        format_func=lambda key: known[key].name,
        help="A run is a data set with its teacher, class graph, student and the student's twin without LIR. "
        "Every page shows the run chosen here.",
        on_change=_write_address,
        persist_state="session",
    )
    if asked != chosen:
        st.query_params["run"] = chosen


def _write_address() -> None:
    """A choice in the sidebar overrules the address, which `pick_run` would otherwise follow."""
    st.query_params["run"] = st.session_state["run"]


def current_run() -> Run:
    """The run that every page shows. Stops the page with a hint if there is none yet."""
    known = runs()
    if not known:
        st.info("There is no run on this machine yet. Train one, or bring soft labels of your own.")
        st.page_link("pages/training.py", label="Go to Training")
        st.stop()
    key: Any = st.session_state.get("run")
    return known.get(key) or next(iter(known.values()))
