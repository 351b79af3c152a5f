"""The two linked maps as the browser gets them: geometry and colors as typed arrays, not as JSON."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from avexplore.artifacts import Projection
from avexplore.drawing.maps.colors import PALETTE_DARK, PALETTE_LIGHT, TITLES, Paint

NAMES = ("Without LIR", "With LIR")


@cache
def view_source(kind: str) -> str:
    """The front end: its "html", "css" or "js"."""
    return (Path(__file__).parent / "frontend" / f"view.{kind}").read_text(encoding="utf-8")


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
