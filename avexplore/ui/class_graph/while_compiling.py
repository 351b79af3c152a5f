"""What answers on the very first start, while our own search is still being compiled: causal-learn's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from avexplore.graph.search.engines import fallback_for, needs_compiling
from avexplore.ui.parts import job_progress
from avexplore.ui.shell import session

if TYPE_CHECKING:
    from avexplore.artifacts import ClassGraph
    from avexplore.config import GraphConfig

POLL_SECONDS = 0.7
SOURCE = "fallback by causal-learn"
MARK = (
    "**Stand-in.** This graph comes from causal-learn's search, one start with the same score, which is less thorough. "
    "Our own search is being compiled, once per machine and in less than half a minute; its graph then replaces it."
)
WORD = "Our own search is being compiled, once per machine; causal-learn's answers meanwhile."


def must_wait(config: GraphConfig) -> bool:
    """Whether the graph is neither stored nor can be searched for yet."""
    from avexplore.graph.compiled.numba_cache import is_compiled

    return needs_compiling(config) and not is_compiled() and bool(session.workbench().plan(config))


def stand_in(config: GraphConfig) -> ClassGraph | None:
    """Begin to compile, and draw what there is meanwhile; the marked graph, or None while that is searched, too."""
    from avexplore.graph.search.warm_up import compile_in_background

    compiling = compile_in_background()
    other = fallback_for(config)
    if other is None or session.workbench().read_only:  # nothing may be started here but quick work
        with st.spinner("Our own search is being compiled: once per machine, less than half a minute"):
            compiling.join()
        st.rerun()
    _redraw_when_compiled(config)
    found: ClassGraph | None = job_progress.artifact(other, WORD, stop_page=False)
    if found is None:
        return None
    st.info(MARK, icon=":material/hourglass_top:")
    return replace(found, source=SOURCE, warnings=(MARK.replace("**", ""), *found.warnings))


@st.fragment(run_every=POLL_SECONDS)
def _redraw_when_compiled(config: GraphConfig) -> None:
    from avexplore.workbench import Running

    if not must_wait(config):
        bench, other = session.workbench(), fallback_for(config)
        if other is not None and isinstance(bench.ask(other, start=False), Running):
            bench.cancel(other)
        st.rerun()
