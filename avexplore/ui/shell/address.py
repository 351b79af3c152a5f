"""The address, and who has the last word on what it says.

A visitor changes the session by widgets, and the address by a link, Back, Forward or a reload. What the address says
counts where the browser changed it since it was written here; otherwise the session counts, and is written. Names are
read and written in groups: the names of a group change together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

WORKED_ON = ("run", "set", "query")
CARRIED = (*WORKED_ON, "beside")
"""What a visitor works on: every link takes it along."""
_SEEN, _PAGE, _BROUGHT, _LED = "address_seen", "address_page", "address_brought", "address_led"
_KEPT = 8


@cache
def _one_step() -> Callable[..., Any]:
    script = Path(__file__).with_name("one_step.js").read_text(encoding="utf-8")
    mount: Callable[..., Any] = st.components.v2.component("avexplore_one_step", js=script)
    return mount


def one_step() -> None:
    """Let a page change be one step in the browser's history."""
    _one_step()(key="one-step", height=0)


def lead(page: str, query: Mapping[str, str]) -> NoReturn:
    """Go to a page whose address counts, also where the visitor is on that page and was at that address before."""
    st.session_state[_LED] = True
    st.switch_page(f"pages/{page}.py", query_params=dict(query))


def begin(page: str) -> None:
    """Start of a pass of a page: whether the browser, or a link, brought the address.

    An empty address says nothing to a visitor who was here before: a page change in the menu drops all. What is
    empty, or a number that no widget takes, is left out of an address: widgets would end the page over it.
    """
    state, context = st.session_state, get_script_run_ctx()
    is_back = context is not None and context.is_history_navigation
    is_first = _SEEN not in state
    led = state.pop(_LED, False)
    brought = is_first or (bool(st.query_params.to_dict()) and (led or is_back or state.get(_PAGE) != page))
    query = st.query_params.to_dict()
    usable = {name: value for name, value in query.items() if value and not is_endless(value)}
    if brought and usable != query:
        lead(page, usable)
    state[_BROUGHT] = {"any": brought}
    state[_PAGE] = page
    state.setdefault(_SEEN, {})


def is_endless(text: str) -> bool:
    """Whether a text holds a number so large that reading it fails.

    >>> is_endless("9" * 400), is_endless("-1e400"), is_endless("1e300"), is_endless("info")
    (True, True, False, False)
    """
    try:
        return re.search(r"\d{300}", text) is not None or math.isinf(float(text))
    except ValueError:
        return False


def arrived(group: str, names: Iterable[str]) -> dict[str, str] | None:
    """What the address says, "" for nothing, if the browser or a link brought it; None if it was written here.

    A pass that was asked for before the browser got the last address still comes with an earlier one. That is no wish
    of anybody's, so within a page an address counts only if it is none that was written here of late.
    """
    seen: list[dict[str, str]] = st.session_state.setdefault(_SEEN, {}).setdefault(group, [])
    here = {name: st.query_params.get(name, "") for name in names}
    counts: dict[str, bool] = st.session_state.setdefault(_BROUGHT, {"any": True})
    brought = counts.get(group, counts["any"])
    counts[group] = False  # passes of a fragment follow, for which it did not
    if seen and seen[-1] == here:
        return None
    if not brought and (here in seen or not st.query_params.to_dict()):
        return None
    seen[:] = [*seen, here][-_KEPT:]
    return here


def write(group: str, wanted: Mapping[str, str]) -> None:
    """Let the address say what is wanted, "" for nothing: one step in the browser's history, where none is taken out.

    Args:
        group: As for `arrived`.
        wanted: A value for each of the group's names.
    """
    seen: list[dict[str, str]] = st.session_state.setdefault(_SEEN, {}).setdefault(group, [])
    if not seen or seen[-1] != wanted:
        seen[:] = [*seen, dict(wanted)][-_KEPT:]
    query = st.query_params
    for name in [name for name, value in wanted.items() if not value and name in query]:
        del query[name]
    changes = {name: value for name, value in wanted.items() if value and query.get(name) != value}
    if changes:
        query.update(changes)


def is_presented() -> bool:
    """Whether somebody presents: `present=1` in the address, so that a scene opens in that mode again."""
    return st.query_params.get("present") == "1"


def carried(query: Mapping[str, Any]) -> dict[str, Any]:
    """A link's query, with what a visitor works on; a link to another run takes nothing along."""
    here = {name: value for name in (*CARRIED, "present") if (value := st.query_params.get(name))}
    if query.get("run", here.get("run")) != here.get("run"):
        here = {name: value for name, value in here.items() if name == "present"}
    return here | dict(query)
