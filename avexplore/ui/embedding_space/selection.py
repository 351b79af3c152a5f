"""What is picked, drawn around and filtered on the maps, and how they are looked at: all of it is in the address."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import streamlit as st

from avexplore.analysis.query_choice import LASSO
from avexplore.artifacts import IntArray, Projection
from avexplore.drawing.maps.facets import Facet, let_through
from avexplore.ui.embedding_space.component import Touched, touched
from avexplore.ui.parts import lasso_address
from avexplore.ui.parts.clip_selection import (
    bring_up_to_date,
    clips_of,
    follow,
    places_of,
    point_name,
    point_of,
    points_of,
    remember,
    take_over,
)

_WORDS = ("point", "filter", "color", "at", "lasso")


@dataclass(frozen=True)
class Choice:
    """What is chosen on the map that is shown.

    Attributes:
        picked: A point.
        selected: Points that were drawn around.
        filters: Entries that are let through, by facet.
        color: Facet that colors the points, "" for the first.
        camera: Enlargement, and shift in pixels; () for everything in sight.
        turn: As in `Touched`.
    """

    picked: int | None
    selected: tuple[int, ...]
    filters: dict[str, tuple[int, ...]]
    color: str
    camera: tuple[float, ...]
    turn: int = 0

    @property
    def is_narrowed(self) -> bool:
        """Whether some points are chosen and others are not."""
        return bool(self.selected or self.filters)

    def sent(self) -> dict[str, Any]:
        """What the maps' front end is told of it."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def points(self, facets: Sequence[Facet], count: int) -> IntArray:
        """The chosen ones of `count` points, as `let_through` says."""
        return np.flatnonzero(let_through(facets, self.filters, self.selected, count))


def current(projection: Projection, facets: Sequence[Facet], *, key: str, run: str, clips: int) -> Choice:
    """Take over what changed on the maps and return what is chosen now.

    Args:
        projection: The map that is shown.
        facets: What its points can be filtered and colored by.
        key: Of the component.
        run: Key of the run; another run starts with nothing drawn around.
        clips: Number of clips of the run.
    """
    session = st.session_state
    state = session.get(key)
    now = touched(state) if state is not None else Touched()
    last = session.get(f"{key}-seen", Touched()) if state is not None else Touched()
    session[f"{key}-seen"] = now
    (take_over if now == last else bring_up_to_date)(_WORDS)
    follow(run, clips)
    m = len(projection.rows)
    if (now.picked, now.turn) != (last.picked, last.turn):
        known = now.picked is not None and now.picked < 2 * m
        remember("point", point_name(projection, now.picked) if known and now.picked is not None else "")
    if now.selected != last.selected:
        session["lasso_points"] = places_of(projection, np.array([p for p in now.selected if p < 2 * m], np.int64))
        if now.selected:  # the latest action wins: what was just drawn around is shown, not the point picked before
            remember("point", "")
    if now.filters != last.filters and now.filters is not None:
        remember("filter", written(now.filters))
    if now.color != last.color and now.color is not None:
        remember("color", now.color)
    if now.camera != last.camera and now.camera is not None:
        remember("at", "" if now.camera == (1.0, 0.0, 0.0) else "_".join(f"{value:g}" for value in now.camera))
    places = session["lasso_points"]
    session["lasso_word"] = lasso_address.write(places)
    remember("lasso", session["lasso_word"])
    session[LASSO] = clips_of(places)
    color = st.query_params.get("color", "")
    return Choice(
        picked=point_of(projection, st.query_params.get("point", "")),
        selected=points_of(projection, places),
        filters=read(st.query_params.get("filter", ""), facets),
        color=color if color in {facet.name for facet in facets} else "",
        camera=_camera(st.query_params.get("at", "")),
        turn=now.turn,
    )


def written(filters: Mapping[str, Sequence[int]]) -> str:
    """Filters as a word of an address.

    >>> written({"class": (3, 7), "drift": (5,), "split": ()})
    'class.3.7~drift.5'
    """
    return "~".join(".".join([name, *map(str, on)]) for name, on in filters.items() if on)


def read(word: str, facets: Sequence[Facet]) -> dict[str, tuple[int, ...]]:
    """The filters of a word that comes from a visitor and is not to be trusted; what the facets lack is left out."""
    known = {facet.name: len(facet.entries) for facet in facets}
    found = {}
    for part in word[:4000].split("~"):
        name, *codes = part.split(".")
        numbers = [int(code) for code in codes if code.isascii() and code.isdecimal() and len(code) < 7]
        if on := tuple(sorted({code for code in numbers if code < known.get(name, 0)})):
            found[name] = on
    return found


def _camera(word: str) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in word[:60].split("_"))
    except ValueError:
        return ()
    return values if len(values) == 3 and all(map(math.isfinite, values)) else ()
