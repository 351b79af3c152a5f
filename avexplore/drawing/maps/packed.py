"""The two linked maps as the browser gets them: geometry and facets as typed arrays, not as JSON."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from avexplore.analysis.class_medoids import class_medoids
from avexplore.analysis.clip_labels import says_something
from avexplore.analysis.loaded_run import TITLES, LoadedRun
from avexplore.artifacts import FloatArray, Projection
from avexplore.drawing.maps.facets import Facet

FRONTEND = Path(__file__).parent / "frontend"


@dataclass(frozen=True)
class Content:
    """What of the maps stays while a visitor looks at them; `pack` adds what is chosen."""

    head: dict[str, Any]
    arrays: bytes


def content_of(loaded: LoadedRun, projection: Projection, facets: Sequence[Facet]) -> Content:
    """A run's maps, with names of classes and clips."""
    clips, rows = loaded.clips, projection.rows
    names = class_medoids(projection, np.asarray(clips.hard_label)[rows], len(clips.classes))
    said = [clips.clip_ids[row] for row in rows.tolist()]
    return content(
        projection,
        facets,
        names=names,
        said=[name if says_something(name) else "" for name in said],
        panes=loaded.titles,
    )


def content(
    projection: Projection,
    facets: Sequence[Facet],
    *,
    names: FloatArray,
    said: Sequence[str] = (),
    panes: tuple[str, str] = TITLES,
) -> Content:
    """The maps as `pack` needs them.

    Args:
        projection: The maps of m clips.
        facets: Those of the maps, the annotated class ("class") among them.
        names: Where each class's name stands before and after, NaN for nowhere. Shape (C, 4).
        said: Names of the m clips, "" where a name says nothing; () for no names.
        panes: What the two maps are called.
    """
    trust = [projection.metrics[f"trustworthiness_{when}"] for when in ("before", "after")]
    geometry = np.concatenate([projection.before, projection.after], axis=1).astype("<f4")
    m = len(projection.rows)
    rows = np.asarray(projection.rows).astype("<u4")
    codes = [np.asarray(f.code).astype("<u2" if len(f.entries) > 256 else "u1") for f in facets]
    head = {
        "clips": m,
        "geometry": f"{projection.method}-{_fingerprint(geometry)}",
        "rows": _fingerprint(rows),
        "panes": panes,
        "ends": ("without", "with LIR") if panes == TITLES else ("left", "right"),
        "notes": [f"{projection.method.upper()}, trustworthiness {value:.3f}" for value in trust],
        "facets": [_facet(f, m) for f in facets],
        "facetsKey": "-".join(f"{f.name}{_fingerprint(code)}" for f, code in zip(facets, codes, strict=True)),
        "names": [[c, *(round(float(v), 4) for v in at)] for c, at in enumerate(names) if np.isfinite(at).all()],
        "said": list(said) if any(said) else [],
        "color": next(f.name for f in facets if not f.colors_of or f.colors_of not in {g.name for g in facets}),
    }
    return Content(head, b"".join(np.ascontiguousarray(a).tobytes() for a in (rows, geometry, *codes)))


def pack(
    content: Content,
    *,
    color: str = "",
    filters: Mapping[str, Sequence[int]] | None = None,
    camera: Sequence[float] = (),
    picked: int | None = None,
    selected: Sequence[int] = (),
    turn: int = 0,
) -> bytes:
    """What the browser needs, as bytes.

    Layout: as `framed`; of the arrays, row of each clip (uint32), coordinates before and after per point (4 x float32),
    and per facet its codes, per clip or per point, of one byte or (`wide`) two.

    Args:
        content: The maps.
        color: Name of the facet that colors the points; otherwise the first that can.
        filters: Entries that are let through, by facet.
        camera: Enlargement, and shift in pixels.
        picked, selected, turn: As in `clip_selection.Choice`.
    """
    head = {
        **content.head,
        "color": color or content.head["color"],
        "filter": {name: list(on) for name, on in (filters or {}).items()},
        "camera": list(camera),
        "picked": -1 if picked is None else picked,
        "turn": turn,
        "selected": list(selected),
    }
    return framed(head, content.arrays)


def framed(head: Mapping[str, Any], arrays: bytes) -> bytes:
    """Length of the head (uint32, little-endian), the head (JSON, UTF-8, padded to 4 bytes), then arrays."""
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    text += b" " * (-(4 + len(text)) % 4)
    return struct.pack("<I", len(text)) + text + arrays


def _facet(facet: Facet, m: int) -> dict[str, object]:
    return {
        "name": facet.name,
        "title": facet.title,
        "entries": [{"name": e.name, "colors": e.colors, "inks": e.inks or e.colors} for e in facet.entries],
        "per": "clip" if len(facet.code) == m else "point",
        "wide": len(facet.entries) > 256,
        "isSorted": facet.is_sorted,
        "colorsOf": facet.colors_of,
    }


def _fingerprint(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:12]


def is_index(value: object) -> TypeGuard[int]:
    """Whether what a browser sends is a number of a point, a clip or an entry."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
