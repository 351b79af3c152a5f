"""Widgets that show what the session holds, and change it.

A browser sends the values of all widgets with every pass that it asks for, also with one that it asks for before it got
the last answer. Where the session changed a value in the meantime (undo, a click elsewhere, a link), the old value
comes back and looks like a wish of the visitor's. So the widget gets another key then, and what the old one says is
not heard.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

_WIDGETS = "driven_widgets"


def key(name: str, value: Any) -> str:
    """The key of the widget that shows a value; its place in the session is set to it.

    Args:
        name: What is shown.
        value: What the session holds.
    """
    turn, seen = _widgets().get(name, (0, value))
    if seen != value:
        turn += 1
    _widgets()[name] = turn, value
    found = _key(name, turn)
    st.session_state[found] = value
    return found


def is_said(name: str, key: str) -> bool:
    """Whether the visitor chose what `st.session_state[key]` holds, to be asked in the widget's callback.

    False where a widget that is gone repeats itself.

    Args:
        name: What the widget shows.
        key: The key that it was drawn with.
    """
    turn, _ = _widgets().get(name, (0, None))
    if key != _key(name, turn):
        return False
    _widgets()[name] = turn, st.session_state[key]
    return True


def _widgets() -> dict[str, tuple[int, Any]]:
    found: dict[str, tuple[int, Any]] = st.session_state.setdefault(_WIDGETS, {})
    return found


def _key(name: str, turn: int) -> str:
    return f"{name}.{turn}" if turn else name
