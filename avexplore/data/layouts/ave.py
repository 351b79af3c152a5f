"""The features that the AVE data set's authors publish: one HDF5 file per array, second by second.

`audio_feature.h5` (4143, 10, 128), `visual_feature.h5` (4143, 10, 7, 7, 512), `labels.h5` (4143, 10, 29) with the last
column for background, and `train_order.h5`, `val_order.h5`, `test_order.h5` with the clips of each split. Features are
averaged over time and space; a clip's class is that of its foreground seconds.

References:
    Tian et al., Audio-Visual Event Localization in Unconstrained Videos, ECCV 2018; github.com/YapengTian/AVE-ECCV18.
"""

from __future__ import annotations

import numpy as np

from avexplore.data.assembly import RawClips, whole_numbers
from avexplore.data.files.limits import Limits
from avexplore.data.files.npy import ArrayFile
from avexplore.data.layouts.columns import features
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

_ORDERS = {"train_order": TRAIN, "val_order": VALIDATION, "test_order": TEST}


def read_release(file: ArrayFile, limits: Limits) -> RawClips:
    """Read the files of the release, already opened as one.

    Raises:
        DataError: If shapes do not fit, or the orders point outside of the clips or overlap.
    """
    where = file.where("labels")
    shape = file.headers["labels"].shape
    labels = whole_numbers(file.read("labels"), where)
    if labels.min() < 0 or labels.max() > 1:
        raise DataError("Labels per second must be 0 or 1", where=where)
    if shape[2] == len(CLASSES) + 1:
        labels = labels[:, :, :-1]
    present = np.asarray(labels.any(axis=1), np.uint8)
    return RawClips(
        where=file.where(),
        audio=features(file, "audio", limits),
        visual=features(file, "visual", limits),
        labels=present,
        classes=CLASSES if present.shape[1] == len(CLASSES) else None,
        split=_split(file, shape[0]),
        source="AVE (Tian et al., ECCV 2018), averaged over time and space",
    )


def _split(file: ArrayFile, clips: int) -> np.ndarray | None:
    if not set(_ORDERS) & set(file.headers):
        return None
    if missing := {"train_order", "test_order"} - set(file.headers):
        fix = "Give all order files, or none"
        raise DataError(f"The file {min(missing)}.h5 is missing", where=file.where(), fix=fix)
    split = np.full(clips, -1, np.int8)
    for name, part in _ORDERS.items():
        if name not in file.headers:
            continue
        where = file.where(name)
        rows = whole_numbers(file.read(name).reshape(-1), where)
        if rows.min() < 0 or rows.max() >= clips:
            raise DataError(f"It points to clip {rows.max()} of {clips:,}", where=where)
        if (split[rows] >= 0).any() or len(np.unique(rows)) < len(rows):
            raise DataError("A clip is listed twice", where=where, fix="Keep every clip in one split")
        split[rows] = part
    return split
