"""Both maps of a setting, as a component that is told coordinates in bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avexplore.analysis.ranked_answers import KINDS, kinds_of
from avexplore.drawing.maps import colors
from avexplore.drawing.maps.packed import framed
from avexplore.tuning.counts import TOP
from avexplore.ui.shell.component import component

if TYPE_CHECKING:
    from avexplore.artifacts import Clips, FloatArray, IntArray
    from avexplore.tuning.live_maps import MapPair

_FOLDER = Path(__file__).parent / "frontend"
_GRAY = ("#C3CAD1", "#4A5661")
_COLORED = 7
"""So many of the largest classes are colored."""


def draw(content: bytes, *, key: str, on_act: Callable[[], None]) -> None:
    """Show packed maps. In `st.session_state[key]`, inside `on_act`: `clip`, the row of a clip that was clicked."""
    component("tune_maps", "maps", _FOLDER)(data=content, key=key, on_clip_change=on_act)


def pack(
    pair: MapPair,
    clips: Clips,
    *,
    query: int,
    direction: int,
    orders: Sequence[IntArray],
    titles: Sequence[str],
    notes: Sequence[str] = ("", ""),
    note: str = "",
    universe: str,
    version: str,
) -> bytes:
    """What the browser needs.

    Layout: as `framed`; of the arrays, coordinates before and after (2 x points x 2 float32), then the color code of
    each point (uint8).

    Args:
        pair: The maps.
        clips: The test clips.
        query: The clip that is asked with.
        direction: 0 audio asks visual, 1 visual asks audio.
        orders: Its answers before and after, best first.
        titles, notes: Above the two panes.
        note: Below them.
        universe: What the points are; points of another universe do not glide.
        version: Tells two contents apart.
    """
    shown = pair.places
    label = clips.hard_label[shown]
    colored = np.argsort(-np.bincount(clips.hard_label, minlength=len(clips.classes)), kind="stable")
    colored = colored[:_COLORED]
    code = np.full(len(label), len(colored), np.uint8)
    for place, c in enumerate(colored):
        code[label == c] = place
    coordinates = [np.asarray(xy, "<f4") for xy in (pair.before, pair.after)]
    palette = [[*(colors.group(k)[side] for k in range(len(colored))), gray] for side, gray in enumerate(_GRAY)]
    head: Mapping[str, Any] = {
        "points": 2 * len(shown),
        "universe": universe,
        "version": version,
        "titles": list(titles),
        "notes": list(notes),
        "note": note,
        "palette": palette,
        "names": [_names(xy, code, [clips.classes[int(c)] for c in colored]) for xy in coordinates],
        "marks": [_marks(clips, shown, query, direction, order) for order in orders],
        "classes": list(clips.classes),
        "labels": label.tolist(),
        "places": shown.tolist(),
    }
    return framed(head, b"".join(xy.tobytes() for xy in (*coordinates, np.tile(code, 2))))


def _names(xy: FloatArray, code: IntArray, names: Sequence[str]) -> list[dict[str, Any]]:
    """Each colored class's name at the point that is nearest to all others of it."""
    both = np.tile(code, 2)
    found = []
    for place, name in enumerate(names):
        points = np.flatnonzero(both == place)
        if len(points):
            own = xy[points]
            middle = np.median(own, axis=0)
            point = int(points[((own - middle) ** 2).sum(axis=1).argmin()])
            found.append({"name": name, "point": point, "code": place})
    return found


def _marks(clips: Clips, shown: IntArray, query: int, direction: int, order: IntArray) -> list[dict[str, Any]]:
    """Rings around the query's point and its first answers' points."""
    place = {int(clip): i for i, clip in enumerate(shown)}
    half = len(shown)
    answers = order[:TOP]
    kinds = kinds_of(clips, query, answers)
    found = [
        {"point": place[int(clip)] + half * (1 - direction), "is_query": False, "colors": list(KINDS[kind].colors)}
        for clip, kind in zip(answers, kinds, strict=True)
        if int(clip) in place
    ]
    if query in place:
        found.append({"point": place[query] + half * direction, "is_query": True, "colors": []})
    return found
