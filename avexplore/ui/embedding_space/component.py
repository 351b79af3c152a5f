"""The two linked maps as a component: geometry and colors go to the browser as typed arrays, not as JSON."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from avexplore.artifacts import Projection
from avexplore.ui.embedding_space.colors import PALETTE_DARK, PALETTE_LIGHT, TITLES, Paint
from avexplore.ui.parts.clip_selection import Touched

_FOLDER = Path(__file__).parent / "frontend"
NAMES = ("Without LIR", "With LIR")


@cache
def _component() -> Callable[..., Any]:
    html, css, js = ((_FOLDER / f"view.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    renderer: Callable[..., Any] = st.components.v2.component("avexplore_embedding", html=html, css=css, js=js)
    return renderer


def pack(
    projection: Projection,
    paint: Paint,
    *,
    labels: Sequence[int],
    classes: Sequence[str],
    ids: Sequence[str],
    picked: int | None = None,
    selected: Sequence[int] = (),
    lit: Sequence[int] | None = None,
    turn: int = 0,
) -> bytes:
    """What the browser needs, as bytes.

    Layout: length of the head (uint32, little-endian), the head (JSON, UTF-8, padded to 4 bytes), coordinates before
    and after per point (4 x float32), one number per point (float32), legend code per point (uint16), annotated class
    per clip (uint16).
    """
    m = len(projection.rows)
    trust = [projection.metrics[f"trustworthiness_{when}"] for when in ("before", "after")]
    geometry = np.concatenate([projection.before, projection.after], axis=1).astype("<f4")
    head = {
        "clips": m,
        "geometry": f"{projection.method}-{_fingerprint(geometry)}",
        "rows": _fingerprint(np.asarray(projection.rows)),
        "paint": f"{paint.mode}-{_fingerprint(paint.code)}",
        "mode": paint.mode,
        "title": TITLES[paint.mode],
        "value": paint.value_name,
        "panes": NAMES,
        "notes": [f"{projection.method.upper()}, trustworthiness {value:.3f}" for value in trust],
        "palette": [PALETTE_LIGHT, PALETTE_DARK],
        "legend": [{"name": e.name, "count": e.count, "colors": e.colors} for e in paint.legend],
        "lit": list(paint.lit if lit is None else lit),
        "classes": list(classes),
        "ids": list(ids),
        "picked": -1 if picked is None else picked,
        "turn": turn,
        "selected": list(selected),
    }
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    text += b" " * (-(4 + len(text)) % 4)
    arrays = (geometry, paint.value.astype("<f4"), paint.code.astype("<u2"), np.asarray(labels).astype("<u2"))
    return struct.pack("<I", len(text)) + text + b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)


def _fingerprint(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:12]


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
