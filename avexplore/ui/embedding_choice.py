"""What a visitor picked, drew around and colored on the maps: kept over page changes, splits and reloads.

The picked point and the lit classes stand in the address. What was drawn around stays in the session, as clips and
modalities rather than places on a map, so that another map of the same run shows it again. The browser's own state
only counts where it changed: after a page change it starts empty, which is no wish of the visitor's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from avexplore.artifacts import MODALITIES, Projection
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


def current(projection: Projection, *, key: str, run: str, classes: int) -> Choice:
    """Take over what changed on the maps and return what is chosen now.

    Args:
        projection: The map that is shown.
        key: Of the component.
        run: Key of the run; another run starts with nothing drawn around.
        classes: Number of legend entries that `lit` may name; 0 for a coloring whose lit entries are not kept.
    """
    session = st.session_state
    if session.get("lasso_run") != run:
        session["lasso_run"], session["lasso_points"] = run, ()
    state = session.get(key)
    now = touched(state) if state is not None else _NOTHING
    last = session.get(f"{key}-seen", _NOTHING) if state is not None else _NOTHING
    session[f"{key}-seen"] = now
    m = len(projection.rows)
    if (now.picked, now.turn) != (last.picked, last.turn):
        known = now.picked is not None and now.picked < 2 * m
        remember("point", point_name(projection, now.picked) if known and now.picked is not None else "")
    if now.selected != last.selected:
        names = [point_name(projection, p) for p in now.selected if p < 2 * m]
        session["lasso_points"] = tuple(names)
    if classes and now.lit != last.lit and now.lit is not None:
        remember("lit", "-".join(map(str, now.lit)))
    names = session["lasso_points"]
    session[LASSO] = tuple(sorted({int(name.rpartition("-")[2]) for name in names}))
    lit = [int(c) for c in st.query_params.get("lit", "").split("-") if c.isascii() and c.isdecimal()]
    return Choice(
        picked=point_of(projection, st.query_params.get("point", "")),
        selected=_points_of(projection, names),
        lit=tuple(c for c in lit if c < classes) or None,
        turn=now.turn,
    )


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
