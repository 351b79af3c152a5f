"""The two linked maps as a Streamlit component."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from avexplore.drawing.maps.packed import FRONTEND, is_index
from avexplore.ui.shell.component import component

_STATES = ("picked", "selection", "filter", "color", "camera")


@dataclass(frozen=True)
class Touched:
    """What a visitor did on the maps; points are 0..m-1 audio and m..2m-1 visual, as in `Projection`."""

    picked: int | None = None
    selected: tuple[int, ...] = ()
    filters: dict[str, tuple[int, ...]] | None = None
    """Entries that are let through, by facet; None before anything was filtered."""
    color: str | None = None
    camera: tuple[float, ...] | None = None
    turn: int = 0
    """Counts the picks, so that the browser can tell an answer to its last one from answers to earlier ones."""


def draw(content: bytes, *, key: str) -> Touched:
    """Show packed maps and return what the visitor did so far."""
    changes: dict[str, Any] = {f"on_{name}_change": lambda: None for name in _STATES}
    return touched(
        component("embedding", "view", FRONTEND)(data=content, key=key, default=dict.fromkeys(_STATES), **changes)
    )


def touched(result: Any) -> Touched:
    """Read a component's state, which comes from a browser and is not to be trusted."""
    pick, selection, filters, color, camera = (getattr(result, name, None) for name in _STATES)
    picked, turn = (pick.get("point"), pick.get("turn")) if isinstance(pick, Mapping) else (None, None)
    points = selection["points"] if isinstance(selection, Mapping) and "points" in selection else ()
    return Touched(
        picked=picked if is_index(picked) else None,
        selected=_indices(points),
        filters=({str(name): _indices(on) for name, on in filters.items()} if isinstance(filters, Mapping) else None),
        color=color if isinstance(color, str) else None,
        camera=_camera(camera),
        turn=turn if is_index(turn) else 0,
    )


def _camera(values: object) -> tuple[float, ...] | None:
    if not isinstance(values, (list, tuple)) or len(values) != 3:
        return None
    is_known = all(isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v) for v in values)
    return tuple(float(v) for v in values) if is_known else None


def _indices(values: object) -> tuple[int, ...]:
    return tuple(v for v in values if is_index(v)) if isinstance(values, (list, tuple)) else ()
