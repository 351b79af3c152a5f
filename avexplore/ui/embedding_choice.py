"""What a visitor picked, drew around and colored on the maps: kept over page changes, splits and reloads.

All of it stands in the address. What was drawn around also stays in the session, as clips and modalities rather than
places on a map, so that another map of the same run shows it again, also after a page change. The browser's own state
only counts where it changed: after a page change it starts empty, which is no wish of the visitor's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from avexplore.artifacts import MODALITIES, Projection
from avexplore.ui import lasso_address
from avexplore.ui.embedding_canvas import Touched, touched
from avexplore.ui.retrieval_queries import LASSO

_NOTHING = Touched(None, (), None)


@dataclass(frozen=True)
class Choice:
    """Points of the map that is shown, and lit legend codes (None: the coloring's own)."""

    picked: int | None
    selected: tuple[int, ...]
    lit: tuple[int, ...] | None
    turn: int = 0
    linkable: bool = True
    """Whether the address holds all of it; false for more drawn around than an address takes."""


def current(projection: Projection, *, key: str, run: str, classes: int, clips: int) -> Choice:
    """Take over what changed on the maps and return what is chosen now.

    Args:
        projection: The map that is shown.
        key: Of the component.
        run: Key of the run; another run starts with nothing drawn around.
        classes: Number of legend entries that `lit` may name; 0 for a coloring whose lit entries are not kept.
        clips: Number of clips of the run.
    """
    session = st.session_state
    follow(run, clips)
    state = session.get(key)
    now = touched(state) if state is not None else _NOTHING
    last = session.get(f"{key}-seen", _NOTHING) if state is not None else _NOTHING
    session[f"{key}-seen"] = now
    m = len(projection.rows)
    if (now.picked, now.turn) != (last.picked, last.turn):
        known = now.picked is not None and now.picked < 2 * m
        remember("point", point_name(projection, now.picked) if known and now.picked is not None else "")
    if now.selected != last.selected:
        session["lasso_points"] = tuple(point_name(projection, p) for p in now.selected if p < 2 * m)
        if now.selected:  # the latest action wins: what was just drawn around is shown, not the point picked before
            remember("point", "")
    if classes and now.lit != last.lit and now.lit is not None:
        remember("lit", "-".join(map(str, now.lit)))
    names = session["lasso_points"]
    session["lasso_word"] = lasso_address.write(names)
    remember("lasso", session["lasso_word"])
    session[LASSO] = _clips_of(names)
    lit = [int(c) for c in st.query_params.get("lit", "").split("-") if c.isascii() and c.isdecimal()]
    return Choice(
        picked=point_of(projection, st.query_params.get("point", "")),
        selected=_points_of(projection, names),
        lit=tuple(c for c in lit if c < classes) or None,
        turn=now.turn,
        linkable=bool(session["lasso_word"]) or not names,
    )


def follow(run: str, clips: int) -> None:
    """Take over what an address has drawn around, if it is not what the session holds; another run starts anew.

    Args:
        run: Key of the run.
        clips: Number of its clips.
    """
    session = st.session_state
    if session.get("lasso_run") != run:
        if "lasso_run" in session:
            remember("lasso", "")  # rows of another run's clips
        session["lasso_run"], session["lasso_points"], session["lasso_word"], session[LASSO] = run, (), "", ()
    word = st.query_params.get("lasso", "")
    if word and word != session["lasso_word"]:
        session["lasso_points"], session["lasso_word"] = lasso_address.read(word, clips), word
        session[LASSO] = _clips_of(session["lasso_points"])


def _clips_of(names: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(sorted({int(name.rpartition("-")[2]) for name in names}))


def remember(name: str, value: str) -> None:
    """Set or clear one word of the address."""
    if value:
        st.query_params[name] = value
    else:
        st.query_params.pop(name, None)


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


def _points_of(projection: Projection, names: tuple[str, ...]) -> tuple[int, ...]:
    place = {int(row): i for i, row in enumerate(projection.rows)}
    m = len(projection.rows)
    found = []
    for name in names:
        modality, _, row = name.rpartition("-")
        if int(row) in place:
            found.append(place[int(row)] + m * MODALITIES.index(modality))
    return tuple(found)
