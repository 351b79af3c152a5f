"""What a visitor picked and drew around on the maps: kept over page changes, splits and reloads.

All of it stands in the address. What was drawn around also stays in the session, as clips and modalities rather than
places on a map, so that another map of the same run shows it again, also after a page change. The browser's own state
only counts where it changed: after a page change it starts empty, which is no wish of the visitor's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from avexplore.analysis.query_choice import LASSO
from avexplore.artifacts import MODALITIES, IntArray, Projection
from avexplore.ui.parts import lasso_address

_OF_A_RUN = ("lasso", "point", "filter", "at")
"""Words of the address that speak of one run's clips and classes, and of places on its maps."""


NONE: IntArray = np.zeros(0, np.int64)


def follow(run: str, clips: int) -> None:
    """Take over what an address has drawn around, if it is not what the session holds; another run starts anew.

    Args:
        run: Key of the run.
        clips: Number of its clips.
    """
    session = st.session_state
    if session.get("lasso_run") != run:
        if "lasso_run" in session:
            for name in _OF_A_RUN:
                remember(name, "")
        session["lasso_run"], session["lasso_points"], session["lasso_word"], session[LASSO] = run, NONE, "", ()
    word = st.query_params.get("lasso", "")
    if word and word != session["lasso_word"]:
        session["lasso_points"], session["lasso_word"] = lasso_address.read(word, clips), word
        session[LASSO] = clips_of(session["lasso_points"])


def clips_of(places: IntArray) -> tuple[int, ...]:
    """The clips of points, each once."""
    return tuple(np.unique(places // 2).tolist())


def remember(name: str, value: str) -> None:
    """Set or clear one word of the address."""
    st.session_state.setdefault("own_words", {})[name] = value
    if value:
        st.query_params[name] = value
    else:
        st.query_params.pop(name, None)


def bring_up_to_date(names: Sequence[str]) -> None:
    """Give the address the words that were set last: what a browser sends with an event may be an older address."""
    words = st.session_state.get("own_words", {})
    for name in names:
        if name in words and st.query_params.get(name, "") != words[name]:
            remember(name, words[name])


def take_over(names: Sequence[str]) -> None:
    """Hold words of the address for set, as where somebody went back or opened a link."""
    words = st.session_state.setdefault("own_words", {})
    words.update({name: st.query_params.get(name, "") for name in names})


def point_name(projection: Projection, point: int) -> str:
    """A point as it stands in an address: modality and clip row.

    >>> both = np.zeros((4, 2), np.float32)
    >>> shown = Projection(before=both, after=both, rows=np.array([5, 9]), metrics={}, drift=np.zeros(4))
    >>> point_name(shown, 3), point_of(shown, "visual-9"), point_of(shown, "visual-7")
    ('visual-9', 3, None)
    """
    m = len(projection.rows)
    return f"{MODALITIES[point // m]}-{int(projection.rows[point % m])}"


def point_of(projection: Projection, name: str) -> int | None:
    """The point of an address, None if the map does not show it."""
    modality, _, row = name.partition("-")
    if modality not in MODALITIES or not (row.isascii() and row.isdecimal()):
        return None
    places = np.flatnonzero(projection.rows == int(row))
    return int(places[0]) + len(projection.rows) * MODALITIES.index(modality) if len(places) else None


def places_of(projection: Projection, points: IntArray) -> IntArray:
    """Points as any map of the run knows them: twice the clip's row, and 1 more if seen. Shape (k,)."""
    m = len(projection.rows)
    places: IntArray = 2 * np.asarray(projection.rows, np.int64)[points % m] + points // m
    return places


def points_of(projection: Projection, places: IntArray) -> tuple[int, ...]:
    """The points of `places_of`, without those that the map does not show."""
    if not len(places):
        return ()
    m = len(projection.rows)
    point = np.full(max(int(projection.rows.max()), int(places.max()) // 2) + 1, -1)
    point[projection.rows] = np.arange(m)
    found = point[places // 2]
    return tuple((found + m * (places % 2))[found >= 0].tolist())
