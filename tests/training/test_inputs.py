from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from avexplore.artifacts import FeatureSet
from avexplore.errors import DataError
from avexplore.training.inputs import fit_inputs, inputs_from_arrays, inputs_to_arrays


def test_whitened_training_clips_are_uncorrelated_with_unit_variance(features: FeatureSet) -> None:
    rows = features.rows("train")
    for each, values in zip(fit_inputs(features, "whitened", 256), (features.audio, features.visual), strict=True):
        out = each(values[rows])
        np.testing.assert_allclose(out.T @ out / len(rows), np.eye(each.width), atol=1e-4)
        np.testing.assert_allclose(out.mean(0), 0, atol=1e-4)


def test_components_are_at_most_those_asked_for_and_one_for_five_clips(features: FeatureSet) -> None:
    assert [m.width for m in fit_inputs(features, "whitened", 7)] == [7, 7]
    few = dataclasses.replace(features, split=np.where(np.arange(len(features.split)) < 30, 0, 2).astype(np.int8))
    assert [m.width for m in fit_inputs(few, "whitened", 256)] == [6, 6]


def test_constant_features_do_no_harm(features: FeatureSet) -> None:
    constant = np.hstack([features.audio, np.full((len(features.audio), 2), 3.0, np.float32)])
    wide = dataclasses.replace(features, audio=constant)
    plain, padded = (fit_inputs(f, "whitened", 256)[0] for f in (features, wide))
    assert padded.width == plain.width
    np.testing.assert_allclose(padded(constant), plain(features.audio), atol=1e-3)
    assert np.isfinite(fit_inputs(wide, "standardized", 1)[0](constant)).all()


def test_standardized_is_mean_zero_and_deviation_one(features: FeatureSet) -> None:
    rows = features.rows("train")
    out = fit_inputs(features, "standardized", 1)[1](features.visual[rows])
    np.testing.assert_allclose(out.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(out.std(0), 1, atol=1e-4)


def test_only_training_clips_have_a_say(features: FeatureSet) -> None:
    changed = features.visual.copy()
    changed[features.rows("validation")] *= 50
    changed[features.rows("test")] += 9
    other = dataclasses.replace(features, visual=changed)
    for kind in ("whitened", "standardized"):
        first, second = (fit_inputs(f, kind, 8)[1] for f in (features, other))
        np.testing.assert_array_equal(first.matrix, second.matrix)
        np.testing.assert_array_equal(first.mean, second.mean)


def test_maps_survive_arrays_and_refuse_other_features(features: FeatureSet) -> None:
    maps = inputs_from_arrays(inputs_to_arrays(fit_inputs(features, "whitened", 8)))
    np.testing.assert_array_equal(maps[0](features.audio), fit_inputs(features, "whitened", 8)[0](features.audio))
    with pytest.raises(DataError, match="trained on 12 features"):
        maps[0](features.visual)


def test_a_remembered_fit_is_of_the_same_clips_and_choices(features: FeatureSet) -> None:
    first = fit_inputs(features, "whitened", 8)
    assert fit_inputs(features, "whitened", 8) is first
    assert fit_inputs(features, "whitened", 7)[0].width == 7
    assert fit_inputs(features, "standardized", 7)[0].matrix.ndim == 1
    other = dataclasses.replace(features, audio=features.audio * 2)
    np.testing.assert_allclose(fit_inputs(other, "whitened", 8)[0].mean, first[0].mean * 2, rtol=1e-5, atol=1e-6)
