"""The Streamlit component: registers the front end and mounts it.

vis-network comes out of the installed pyvis. It and our modules reach the browser once per tab through a component
of their own (`loader`), so that a slider step sends data only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import streamlit as st

from avexplore.drawing.class_graph.sources import loader_source, view_source


@cache
def _renderers() -> tuple[Callable[..., Any], Callable[..., Any]]:
    text = {kind: view_source(kind) for kind in ("html", "css", "js")}
    loader = st.components.v2.component("avexplore_graph_loader", js=loader_source())
    view = st.components.v2.component("avexplore_graph_view", html=text["html"], css=text["css"], js=text["js"])
    return loader, view


def mount(payload: dict[str, Any], *, key: str, on_change: Callable[[], None], on_command: Callable[[], None]) -> Any:
    """Draw a payload of `to_payload`; what the reader does lands in `st.session_state[key]`.

    There: `view` (what is looked at, in the form of the payload's `view`), `moved` (`layout`, and `positions` by node
    id) and, inside `on_command` only, `command` (`kind` with what it needs).
    """
    loader, view = _renderers()
    loader(key=f"{key}-loader", height=1)
    return view(
        data=payload,
        key=key,
        default={"view": None, "moved": None},
        on_view_change=on_change,
        on_moved_change=on_change,
        on_command_change=on_command,
    )
