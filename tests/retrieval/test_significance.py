from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from avexplore.errors import DataError
from avexplore.retrieval.significance import (
    Interval,
    holm,
    interval,
    paired_difference,
    permutation_test,
    sign_test,
    verdict,
)


def test_interval_is_scipys():
    values = np.random.default_rng(0).normal(0.01, 0.02, 7)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = interval(values)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.count == 7
    assert interval([*values, np.nan]) == found


def test_one_value_has_no_interval():
    assert np.isnan(interval([0.3]).low)
    assert interval([]).count == 0


def test_pairing_takes_the_common_part_out():
    rng = np.random.default_rng(1)
    seeds = rng.normal(0, 1.0, 8)
    found = paired_difference(seeds + 0.01 + rng.normal(0, 1e-3, 8), seeds)
    assert 0 < found.low < 0.01 < found.high < 0.02


def test_unpaired_figures_are_refused():
    with pytest.raises(DataError, match="cannot be paired"):
        paired_difference([1.0, 2.0], [1.0])


def test_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(2)
    hits = [i.low < 0.5 < i.high for i in (interval(rng.normal(0.5, 2.0, 6)) for _ in range(1500))]
    assert 0.93 < np.mean(hits) < 0.97


def test_permutation_is_scipys():
    values = np.random.default_rng(3).normal(0.5, 1.0, 9)
    expected = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert permutation_test(values, 0 * values) == pytest.approx(expected)


def test_many_pairs_are_sampled_repeatably():
    values = np.random.default_rng(4).normal(0.3, 1.0, 30)
    expected = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=20_000, rng=1).pvalue
    assert permutation_test(values, 0 * values) == permutation_test(values, 0 * values)
    assert permutation_test(values, 0 * values) == pytest.approx(expected, abs=0.015)


def test_one_pair_shows_nothing():
    assert permutation_test([0.3], [0.1]) == permutation_test([], []) == 1.0


def test_sign_test_leaves_zeros_out():
    assert sign_test([1.0, 0.5, 1.0, -1.0], [0.0, 0.5, 0.0, 0.0]) == 1.0
    assert sign_test([0.0], [0.0]) == 1.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_ordered_and_between_plain_and_bonferroni(values):
    corrected = holm(values)
    plain = np.array(values)
    assert (corrected >= plain - 1e-15).all()
    assert (corrected <= np.minimum(1, plain * len(plain)) + 1e-12).all()
    order = np.argsort(plain, kind="stable")
    assert (np.diff(corrected[order]) >= 0).all()


def test_verdicts():
    assert verdict(Interval(-0.01, -0.02, -0.005, 10), 0.01) == "loss"
    assert verdict(Interval(0.01, 0.005, 0.02, 10), 0.2) == "gain, not confirmed"
    assert verdict(Interval(0.01, -0.005, 0.02, 10), 0.01) == "no difference shown"
    assert verdict(Interval(0.01, float("nan"), float("nan"), 1), 0.01) == "no difference shown"
