"""The Streamlit component: registers the front end and mounts it.

vis-network comes out of the installed pyvis. It and our modules reach the browser once per tab through a component
of their own (`loader`), so that a slider step sends data only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import streamlit as st

from avexplore.drawing.class_graph.sources import FRONTEND, loader_source
from avexplore.ui.shell.component import component


@cache
def _loader() -> Callable[..., Any]:
    loader: Callable[..., Any] = st.components.v2.component("avexplore_graph_loader", js=loader_source())
    return loader


def mount(payload: dict[str, Any], *, key: str, on_change: Callable[[], None], on_command: Callable[[], None]) -> Any:
    """Draw a payload of `to_payload`; what the reader does lands in `st.session_state[key]`.

    There: `view` (what is looked at, in the form of the payload's `view`), `moved` (`layout`, and `positions` by node
    id) and, inside `on_command` only, `command` (`kind` with what it needs).
    """
    _loader()(key=f"{key}-loader", height=1)
    return component("graph_view", "view", FRONTEND)(
        data=payload,
        key=key,
        default={"view": None, "moved": None},
        on_view_change=on_change,
        on_moved_change=on_change,
        on_command_change=on_command,
    )
