"""Correlations: against NumPy, in batches, and of resamples."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from avexplore.errors import DataError
from avexplore.graph.inputs import covariance
from avexplore.graph.inputs.covariance import CorrelationAccumulator, bootstrap_correlations, correlation


def test_agrees_with_numpy_far_from_zero() -> None:
    rows = np.random.default_rng(0).normal(size=(200, 6)) @ np.random.default_rng(1).normal(size=(6, 6)) + 1e5
    np.testing.assert_allclose(correlation(rows), np.corrcoef(rows.T), atol=1e-9)


def test_constant_column_correlates_with_nothing() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 3))
    rows[:, 1] = 0.1
    R = correlation(rows)
    np.testing.assert_array_equal(R[1], [0, 1, 0])
    assert np.isfinite(bootstrap_correlations(rows, 5, 0)).all()
    np.testing.assert_array_equal(bootstrap_correlations(rows, 5, 0)[:, 1], np.tile([0.0, 1.0, 0.0], (5, 1)))


@pytest.mark.parametrize("level", [0.0, 0.1, 1e-6, 1e6])
def test_columns_that_a_resample_makes_constant_correlate_with_nothing(level: float) -> None:
    """Two classes that one clip each stands out in, and resamples without those clips."""
    n, count = 1000, 200
    rows = np.random.default_rng(0).normal(size=(n, 6))
    rows[:, :2] = level
    rows[0, 0] += 1.0
    rows[1, 1] += 1.0
    times = np.random.default_rng(1).multinomial(n, np.full(n, 1 / n), size=count)
    constant = times[:, :2] == 0
    assert constant.all(axis=1).sum() >= 20
    for R, drawn, gone in zip(bootstrap_correlations(rows, count, seed=1), times, constant, strict=True):
        varying = np.flatnonzero([*~gone, True, True, True, True])
        expected = np.eye(6)
        expected[np.ix_(varying, varying)] = np.corrcoef(np.repeat(rows, drawn, axis=0)[:, varying].T)
        np.testing.assert_allclose(R, expected, atol=1e-9)
        np.testing.assert_array_equal(R[:2][gone], np.eye(6)[:2][gone])


def test_constant_columns_of_a_long_table_correlate_with_nothing() -> None:
    rows = np.random.default_rng(6).normal(size=(200_000, 3))
    rows[:, :2] = [0.1, 1 / 3]  # their sums round off
    np.testing.assert_array_equal(correlation(rows)[:2], np.eye(3)[:2])


def test_batches_make_no_difference() -> None:
    rows = np.random.default_rng(2).normal(size=(101, 5)) * [1, 10, 100, 1e3, 1e-3] + [0, 1e4, -5, 7, 1]
    accumulator = CorrelationAccumulator(5)
    for first in (0, 1, 50):
        accumulator.add(rows[first : {0: 1, 1: 50, 50: 101}[first]])
    accumulator.add(rows[:0])
    assert accumulator.samples == 101
    np.testing.assert_allclose(accumulator.correlation(), correlation(rows), atol=1e-12)
    np.testing.assert_allclose(accumulator.covariance(), np.cov(rows.T, ddof=0), rtol=1e-9, atol=1e-12)


def test_resamples_are_those_of_the_weights() -> None:
    rows = np.random.default_rng(3).normal(size=(40, 4)) + 3
    found = bootstrap_correlations(rows, 6, seed=9)
    weights = np.random.default_rng(9).multinomial(40, np.full(40, 1 / 40), size=6)
    for b in range(6):
        np.testing.assert_allclose(found[b], np.corrcoef(np.repeat(rows, weights[b], axis=0).T), atol=1e-12)


def test_a_mapped_file_is_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    rows = (rng.normal(size=(503, 6)) @ rng.normal(size=(6, 6)) + 1e4).astype(np.float32)
    rows.tofile(tmp_path / "rows.f32")
    table = np.memmap(tmp_path / "rows.f32", np.float32, "r", shape=rows.shape)
    seen: list[int] = []
    add = CorrelationAccumulator.add

    def watched(self: CorrelationAccumulator, block: np.ndarray) -> None:
        seen.append(block.size)
        add(self, block)

    monkeypatch.setattr(CorrelationAccumulator, "add", watched)
    monkeypatch.setattr(covariance, "BLOCK", 120)
    np.testing.assert_allclose(correlation(table), np.corrcoef(rows.astype(np.float64).T), atol=1e-9)
    assert max(seen) <= 120
    assert sum(seen) == rows.size


def test_memory_does_not_grow_with_the_rows() -> None:
    def peak(rows: int) -> int:
        accumulator = CorrelationAccumulator(40)
        accumulator.add(np.ones((1000, 40)))
        tracemalloc.start()
        for first in range(0, rows, 1000):
            accumulator.add(np.random.default_rng(first).normal(size=(1000, 40)))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(50_000) < 1.1 * peak(5_000)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_refuses_what_is_not_finite(bad: float) -> None:
    rows = np.ones((4, 2))
    rows[2, 1] = bad
    with pytest.raises(DataError, match="Column 1"):
        correlation(rows)


def test_refuses_no_rows_and_wrong_widths() -> None:
    with pytest.raises(DataError, match="no rows"):
        correlation(np.zeros((0, 2)))
    with pytest.raises(DataError, match="3 columns"):
        CorrelationAccumulator(3).add(np.zeros((2, 2)))
