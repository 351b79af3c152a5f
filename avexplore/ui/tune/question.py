"""What is asked, on Tune and on Compare runs: one test clip, in one direction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from avexplore.drawing.maps.packed import is_index
from avexplore.ui.settings import driven, working

if TYPE_CHECKING:
    from avexplore.artifacts import IntArray

DIRECTIONS = ("heard → seen", "seen → heard")
ASKED = ("Asked with the sound of", "Asked with the picture of")


def direction(key: str) -> int:
    """Draw the choice: 0 where audio asks visual, 1 where visual asks audio."""
    chosen = st.segmented_control(
        "Query", DIRECTIONS, key=key, default=DIRECTIONS[0], required=True, bind="query-params"
    )
    return DIRECTIONS.index(chosen)


def pick(name: str, label: str, rows: IntArray, order: IntArray, **further: Any) -> int:
    """Draw the number of the clip that is asked with, and return its place among the test clips.

    Args:
        name: Of the widget.
        label: Above it.
        rows: The test clips, as rows of all clips. Shape (m,).
        order: Their places, in the order in which they are counted. Shape (m,).
        further: For `st.number_input`.
    """
    clips, clip = rows[order], working.query()
    found = np.flatnonzero(clips == (-1 if clip is None else clip))
    place = int(found[0]) if len(found) else 0
    key = driven.key(name, place + 1)
    st.number_input(label, 1, len(rows), key=key, step=1, on_change=_take, args=(name, key, clips), **further)
    return int(order[place])


def _take(name: str, key: str, clips: IntArray) -> None:
    if driven.is_said(name, key):
        working.ask(int(clips[int(st.session_state[key]) - 1]))


def clicked(key: str, rows: IntArray) -> None:
    """Ask with the clip that was clicked on a board or on maps; a browser says which, and is not believed."""
    place = st.session_state[key].get("clip")
    if is_index(place) and place < len(rows):
        working.ask(int(rows[place]))
