from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avexplore.artifacts import FeatureSet
from avexplore.config import FeatureFileConfig, SyntheticConfig
from avexplore.data import load_features
from avexplore.data.thinning import FEWEST, thinned

DATA = SyntheticConfig(clips=300, classes=4)
WHOLE = load_features(DATA)


def ids(features: FeatureSet, split: str = "train") -> set[str]:
    return {features.clip_ids[row] for row in features.rows(split)}


@given(st.floats(0.001, 1.0), st.floats(0.001, 1.0), st.integers(0, 5))
def test_a_smaller_part_lies_within_a_larger_one(one: float, other: float, seed: int) -> None:
    small, large = (thinned(WHOLE, fraction, seed) for fraction in sorted((one, other)))
    assert ids(small) <= ids(large) <= ids(WHOLE)
    for split in ("validation", "test"):
        assert ids(small, split) == ids(WHOLE, split)


@pytest.mark.parametrize("fraction", [0.001, 0.1, 0.5])
def test_every_class_keeps_its_share(fraction: float) -> None:
    found = thinned(WHOLE, fraction, 0)
    before, after = (np.bincount(f.hard_label[f.rows("train")], minlength=4) for f in (WHOLE, found))
    np.testing.assert_array_equal(after, np.maximum(np.ceil(fraction * before), FEWEST))


def test_clips_keep_what_belongs_to_them() -> None:
    media = tuple(f"{i}.mp4" for i in range(len(WHOLE.hard_label)))
    found = thinned(dataclasses.replace(WHOLE, media=media), 0.3, 1)
    rows = [WHOLE.clip_ids.index(name) for name in found.clip_ids]
    assert rows == sorted(rows)
    for name in ("audio", "visual", "hard_label", "split", "true_labels", "true_audio", "true_visual"):
        np.testing.assert_array_equal(getattr(found, name), getattr(WHOLE, name)[rows])
    assert found.media == tuple(media[row] for row in rows)


def test_the_config_asks_for_it_and_keeps_old_addresses() -> None:
    part = DATA.replace(train_fraction=0.25)
    assert ids(load_features(part)) == ids(thinned(WHOLE, 0.25, DATA.seed))
    assert load_features(DATA.replace(train_fraction=1.0)).clip_ids == WHOLE.clip_ids
    assert DATA.replace(train_fraction=1.0).address == DATA.address != part.address
    assert FeatureFileConfig("ab", train_fraction=1.0).address == FeatureFileConfig("ab").address
