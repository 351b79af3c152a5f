"""The two linked maps as a Streamlit component."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import streamlit as st

from avexplore.drawing.maps.packed import view_source
from avexplore.ui.parts.clip_selection import Touched


@cache
def _component() -> Callable[..., Any]:
    html, css, js = (view_source(kind) for kind in ("html", "css", "js"))
    renderer: Callable[..., Any] = st.components.v2.component("avexplore_embedding", html=html, css=css, js=js)
    return renderer


def draw(content: bytes, *, key: str) -> Touched:
    """Show packed maps and return what the visitor did so far."""
    result = _component()(
        data=content,
        key=key,
        default={"picked": None, "selection": None, "lit": None},
        on_picked_change=lambda: None,
        on_selection_change=lambda: None,
        on_lit_change=lambda: None,
    )
    return touched(result)


def touched(result: Any) -> Touched:
    """Read a component's state, which comes from a browser and is not to be trusted."""
    pick = getattr(result, "picked", None)
    picked, turn = (pick.get("point"), pick.get("turn")) if isinstance(pick, Mapping) else (None, None)
    selection = getattr(result, "selection", None)
    points = selection["points"] if isinstance(selection, Mapping) and "points" in selection else ()
    lit = getattr(result, "lit", None)
    return Touched(
        picked=picked if _is_index(picked) else None,
        selected=tuple(p for p in points if _is_index(p)) if isinstance(points, (list, tuple)) else (),
        lit=tuple(c for c in lit if _is_index(c)) if isinstance(lit, (list, tuple)) else None,
        turn=turn if isinstance(turn, int) and _is_index(turn) else 0,
    )


def _is_index(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
