"""Which clips are selected on the maps."""

from __future__ import annotations

import streamlit as st

from avexplore.analysis.query_choice import LASSO
from avexplore.artifacts import Projection
from avexplore.ui.embedding_space.component import touched
from avexplore.ui.parts import lasso_address
from avexplore.ui.parts.clip_selection import (
    _NOTHING,
    Choice,
    _clips_of,
    _points_of,
    follow,
    point_name,
    point_of,
    remember,
)


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
