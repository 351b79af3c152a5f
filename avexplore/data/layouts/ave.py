"""The features that the AVE data set's authors publish: one HDF5 file per array, second by second.

`audio_feature.h5` (4143, 10, 128), `visual_feature.h5` (4143, 10, 7, 7, 512), `labels.h5` (4143, 10, 29) with the last
column for background, and `train_order.h5`, `val_order.h5`, `test_order.h5` with the clips of each split. Features are
averaged over time and space; a clip's class is that of its foreground seconds.

References:
    Tian et al., Audio-Visual Event Localization in Unconstrained Videos, ECCV 2018; github.com/YapengTian/AVE-ECCV18.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from avexplore.data.assembly import RawClips, whole_numbers
from avexplore.data.files.limits import Limits
from avexplore.data.layouts.columns import features, texts
from avexplore.data.layouts.source import Source
from avexplore.data.layouts.told_split import told_split
from avexplore.data.splits import TEST, TRAIN, VALIDATION
from avexplore.errors import DataError

CLASSES = (
    "Church bell",
    "Male speech, man speaking",
    "Bark",
    "Fixed-wing aircraft, airplane",
    "Race car, auto racing",
    "Female speech, woman speaking",
    "Helicopter",
    "Violin, fiddle",
    "Flute",
    "Ukulele",
    "Frying (food)",
    "Truck",
    "Shofar",
    "Motorcycle",
    "Acoustic guitar",
    "Train horn",
    "Clock",
    "Banjo",
    "Goat",
    "Baby cry, infant cry",
    "Bus",
    "Chainsaw",
    "Cat",
    "Horse",
    "Toilet flush",
    "Rodents, rats, mice",
    "Accordion",
    "Mandolin",
)
"""In the order of the data set's own category list."""

ORDERS = {"train_order": TRAIN, "val_order": VALIDATION, "test_order": TEST}


def read_release(file: Source, limits: Limits) -> RawClips:
    """Read the files of the release, already opened as one; labels per second or per clip.

    Raises:
        DataError: If shapes do not fit, or the orders point outside of the clips or overlap.
    """
    where = file.where("labels")
    shape = file.headers["labels"].shape
    labels = file.read("labels")
    if len(shape) > 1 and shape[1] > 1:
        labels = whole_numbers(labels, where)
        if labels.min() < 0 or labels.max() > 1:
            raise DataError(f"Labels per {'second' if len(shape) == 3 else 'clip'} must be 0 or 1", where=where)
        if shape[-1] == len(CLASSES) + 1:
            file.say(f"The last of the {shape[-1]} columns of labels is the background, and left out")
        labels = without_background(labels)
    given = texts(file, "classes") if "classes" in file else None
    ours = CLASSES if labels.ndim == 2 and labels.shape[1] == len(CLASSES) else None
    return RawClips(
        where=file.where(),
        audio=features(file, "audio", limits),
        visual=features(file, "visual", limits),
        labels=labels,
        classes=given or ours,
        split=_split(file, shape[0]),
        clip_ids=texts(file, "clip_ids") if "clip_ids" in file else None,
        source="AVE (Tian et al., ECCV 2018), averaged over time and space" if ours else "",
    )


def without_background(labels: NDArray[Any]) -> NDArray[np.uint8]:
    """Which classes a clip holds, from its labels per second or per clip. Shape (n, C)."""
    events = labels[..., :-1] if labels.shape[-1] == len(CLASSES) + 1 else labels
    return np.asarray(events.any(axis=1) if labels.ndim == 3 else events != 0, np.uint8)


def _split(file: Source, clips: int) -> np.ndarray | None:
    if not set(ORDERS) & file.names:
        return told_split(file, clips)
    if missing := {"train_order", "test_order"} - file.names:
        fix = "Give all order files, or none"
        raise DataError(f"The file {min(missing)}.h5 is missing", where=file.where(), fix=fix)
    split = np.full(clips, -1, np.int8)
    for name, part in ORDERS.items():
        if name not in file:
            continue
        where = file.where(name)
        rows = whole_numbers(file.read(name).reshape(-1), where)
        if rows.min() < 0 or rows.max() >= clips:
            raise DataError(f"It points to clip {rows.max()} of {clips:,}", where=where)
        if (split[rows] >= 0).any() or len(np.unique(rows)) < len(rows):
            raise DataError("A clip is listed twice", where=where, fix="Keep every clip in one split")
        split[rows] = part
    file.say("The split is the official one of the order files", split_from="order files")
    return split
