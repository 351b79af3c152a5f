"""The Streamlit component: registers the front end and mounts it.

vis-network comes out of the installed pyvis. It and our modules reach the browser once per tab through a component
of their own (`loader`), so that a slider step sends data only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

FRONTEND = Path(__file__).parent / "frontend"
_IMPORT = re.compile(r'from "\./(\w+\.js)"')


def vis_network() -> str:
    """vis-network 9.1.2 as pyvis ships it, made an ES module."""
    import pyvis

    text = (Path(pyvis.__file__).parent / "lib" / "vis-9.1.2" / "vis-network.min.js").read_text(encoding="utf-8")
    # With `exports` in sight, its wrapper takes the CommonJS branch and leaves no global behind.
    before, after = "const module = { exports: {} };\nconst exports = module.exports;\n", "\nexport default exports;\n"
    return before + text + after


def modules(entry: str = "render.js") -> list[tuple[str, str]]:
    """(name, source) of a front-end module and of all it imports, in an order in which each finds its imports."""
    found: dict[str, str] = {}

    def visit(name: str) -> None:
        if name in found:
            return
        source = (FRONTEND / name).read_text(encoding="utf-8")
        for needed in _IMPORT.findall(source):
            visit(needed)
        found[name] = source

    visit(entry)
    return list(found.items())


@cache
def loader_source() -> str:
    """JavaScript of the loader, with everything in it."""
    sources = json.dumps([("vis.js", vis_network()), *modules()])
    return (FRONTEND / "loader.js").read_text(encoding="utf-8").replace("/*SOURCES*/ []", sources)


@cache
def _renderers() -> tuple[Callable[..., Any], Callable[..., Any]]:
    text = {name: (FRONTEND / f"view.{name}").read_text(encoding="utf-8") for name in ("html", "css", "js")}
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
