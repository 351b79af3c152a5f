"""Another run in the twin's place, on the pages that show two sides: chosen in the sidebar, kept in the address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from avexplore.ui.parts import run_cards
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.shell import address, session

if TYPE_CHECKING:
    from avexplore.workbench.runs import Run

PAGES = ("embedding_space", "retrieval", "evaluation")
"""Where another run can stand in the twin's place."""
_KEY = "beside"


def read() -> None:
    """Start of a pass of one of these pages: what the address brought counts, and then says what is chosen."""
    brought = address.arrived(_KEY, [_KEY])
    if brought is not None:
        st.session_state[_KEY] = brought[_KEY]
    other = chosen(session.current_run())
    if st.session_state.get(_KEY) and other is None:
        st.session_state[_KEY] = ""
        if brought is not None:
            st.warning("The run to compare with in this address is not on this machine. Shown is the twin.")
    address.write(_KEY, {_KEY: other.key if other else ""})


def chosen(run: Run) -> Run | None:
    """The run that stands beside another in its twin's place; None for the twin."""
    key = st.session_state.get(_KEY, "")
    return next((one for one in _offered(run) if one.key == key), None)


def pick() -> None:
    """Draw the choice."""
    run = session.current_run()
    offered = _offered(run)
    if not offered:
        return
    other = chosen(run)
    st.caption(
        "Compared with",
        help="What stands on the left, or first: the run's twin without LIR, or another run of the same clips.",
    )
    name = as_markdown(other.name) if other else "Its twin, without LIR"
    if picked := run_cards.choose(name, offered, other.key if other else "", key="beside-choice"):
        _take(picked)
    if other and st.button("Back to the twin", width="stretch", key="beside-twin"):
        _take("")


def _take(key: str) -> None:
    st.session_state[_KEY] = key
    address.write(_KEY, {_KEY: key})
    st.rerun()


def _offered(run: Run) -> list[Run]:
    if run.student is None:
        return []
    return [one for one in session.runs().values() if one.student is not None and one.key != run.key]
