from __future__ import annotations

import numpy as np
import pytest

from avexplore.config import SyntheticConfig
from avexplore.data import Standardizer
from avexplore.data.synthetic import generate
from avexplore.errors import DataError


def test_training_rows_come_out_standardized() -> None:
    values = np.random.default_rng(0).normal(5, 3, (200, 4)).astype(np.float32)
    scaled = Standardizer.fit(values).transform(values)
    assert scaled.dtype == np.float32
    assert np.allclose(scaled.mean(axis=0), 0, atol=1e-5)
    assert np.allclose(scaled.std(axis=0), 1, atol=1e-5)


def test_a_constant_feature_stays_finite() -> None:
    values = np.full((10, 2), 0.1, np.float32)
    assert np.allclose(Standardizer.fit(values).transform(values), 0, atol=1e-6)


def test_only_training_clips_have_a_say() -> None:
    features = generate(SyntheticConfig(clips=200, classes=4))
    before, _ = Standardizer.fit_features(features)
    audio = features.audio.copy()
    audio[features.split != 0] = 1e6
    object.__setattr__(features, "audio", audio)
    after, _ = Standardizer.fit_features(features)
    assert np.array_equal(before.mean, after.mean)
    assert np.array_equal(before.scale, after.scale)


def test_float16_features_do_not_overflow() -> None:
    values = np.full((50_000, 1), 60_000, np.float16)
    values[::2] = -60_000
    assert np.isfinite(Standardizer.fit(values).scale).all()


def test_no_rows_and_wrong_widths_are_refused() -> None:
    with pytest.raises(DataError, match="no training clips"):
        Standardizer.fit(np.zeros((0, 3)))
    with pytest.raises(DataError, match="Expected 3 features"):
        Standardizer.fit(np.ones((2, 3))).transform(np.ones((2, 4)))
