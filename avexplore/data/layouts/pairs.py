"""Rows of both modalities that name their clips: brought into one order before anything pairs them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from avexplore.artifacts import FloatArray
from avexplore.data.layouts.columns import texts
from avexplore.data.layouts.source import Source
from avexplore.errors import DataError
from avexplore.large_arrays import taken

_WORDS = ("ids", "id", "clip_ids", "names")
_IDS = (
    *((f"audio_{word}", f"{other}_{word}") for other in ("visual", "video") for word in _WORDS),
    ("ids_audio", "ids_visual"),
)


def has_two_orders(names: Collection[str]) -> bool:
    """Whether each modality names its clips."""
    return any(set(pair) <= set(names) for pair in _IDS)


def aligned(
    file: Source, audio: FloatArray, visual: FloatArray, ids: Sequence[str] | None
) -> tuple[FloatArray, FloatArray, Sequence[str] | None]:
    """Audio and visual rows in the order of the labels, and the clips' names.

    Where both modalities list the clips in one order, the labels follow it. Where they do not, `clip_ids` or
    `label_ids` has to say which order the labels follow.

    Raises:
        DataError: If the modalities name other clips, a name repeats, or the order of the labels is not told.
    """
    pair = next((pair for pair in _IDS if set(pair) <= file.names), None)
    if pair is None:
        return audio, visual, ids
    listed = [texts(file, name) for name in pair]
    for name, found, values in zip(pair, listed, (audio, visual), strict=True):
        if len(set(found)) != len(found) or len(found) != len(values):
            raise DataError(
                f"Expected {len(values):,} different names, got {len(set(found)):,} among {len(found):,}",
                where=file.where(name),
            )
    order = ids if ids is not None else texts(file, "label_ids") if "label_ids" in file else None
    if order is None:
        if listed[0] != listed[1]:
            raise DataError(
                f"{pair[0]} and {pair[1]} list the clips in different orders, and nothing says which of them the "
                "labels follow",
                where=file.where(),
                fix="Add `clip_ids` or `label_ids`: one name per label",
            )
        return audio, visual, listed[0]
    sides = []
    for name, found, values in zip(pair, listed, (audio, visual), strict=True):
        place = {clip: i for i, clip in enumerate(found)}
        if missing := [clip for clip in order if clip not in place]:
            raise DataError(
                f"{len(missing):,} clip(s) are not among its names, the first is {missing[0][:80]!r}",
                where=file.where(name),
                fix="Both modalities must hold every labeled clip",
            )
        sides.append(taken(values, np.array([place[clip] for clip in order])))
    if listed[0] != listed[1] or list(order) != listed[0]:
        file.say("Audio, visual and labels list the clips in different orders; they were aligned by their names")
    return sides[0], sides[1], order
