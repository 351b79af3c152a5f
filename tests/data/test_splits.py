from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avexplore.data.splits import TEST, TRAIN, VALIDATION, split_off_validation, stratified


@given(st.lists(st.integers(0, 6), max_size=60), st.floats(0, 1), st.integers(0, 5))
def test_every_class_keeps_and_gives_a_clip(labels: list[int], fraction: float, seed: int) -> None:
    array = np.array(labels, np.int64)
    drawn = stratified(array, fraction, seed)
    for label in set(labels):
        size, taken = (array == label).sum(), drawn[array == label].sum()
        assert taken == (0 if size == 1 else min(max(1, round(fraction * size)), size - 1))


def test_equal_seeds_draw_equal_clips() -> None:
    labels = np.arange(300) % 7
    assert np.array_equal(stratified(labels, 0.3, 1), stratified(labels, 0.3, 1))
    assert not np.array_equal(stratified(labels, 0.3, 1), stratified(labels, 0.3, 2))


def test_test_clips_are_left_alone() -> None:
    labels = np.arange(100) % 4
    split = np.where(np.arange(100) < 80, TRAIN, TEST)
    result = split_off_validation(split, labels, 0.25, 0)
    assert (result[80:] == TEST).all()
    assert (result[:80] == VALIDATION).sum() == 20
    assert (split[:80] == TRAIN).all(), "the input is not changed"


@pytest.mark.parametrize("n", [0, 1])
def test_next_to_nothing_gives_nothing(n: int) -> None:
    assert not stratified(np.zeros(n, np.int64), 0.5, 0).any()
