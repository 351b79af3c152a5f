"""Which runs may answer the same question."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from avexplore.analysis.run_differences import same_clips
from avexplore.artifacts import Clips


def clips() -> Clips:
    return Clips(
        hard_label=np.array([0, 1, 0]),
        split=np.array([0, 0, 2]),
        classes=("Bus", "Cat"),
        clip_ids=("a", "b", "c"),
    )


def test_the_same_clips_of_other_features_are_the_same() -> None:
    assert same_clips(clips(), replace(clips(), source="elsewhere"))


def test_other_clips_annotations_or_splits_are_not() -> None:
    for change in (
        {"clip_ids": ("a", "c", "b")},
        {"hard_label": np.array([1, 1, 0])},
        {"split": np.array([0, 2, 2])},
        {"classes": ("Bus", "Dog")},
    ):
        assert not same_clips(clips(), replace(clips(), **change))
