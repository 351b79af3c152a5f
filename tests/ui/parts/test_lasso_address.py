"""What was drawn around comes back from an address, and a made-up word does no harm."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest

from avexplore.ui.parts.lasso_address import LONGEST, read, write


def test_points_come_back_whatever_their_order() -> None:
    places = np.random.default_rng(0).permutation(np.arange(0, 960, 7))
    assert read(write(places), clips=480).tolist() == sorted(places)


def test_nothing_drawn_is_no_word() -> None:
    assert write(np.zeros(0, int)) == ""
    assert len(read("", clips=10)) == 0


@pytest.mark.parametrize("word", ["x", "²", "AAAA", "a" * (LONGEST + 1), "eJw", "../../etc"])
def test_a_word_that_is_none_draws_around_nothing(word: str) -> None:
    assert len(read(word, clips=10)) == 0


def test_points_beyond_the_clips_are_left_out_and_never_unpacked() -> None:
    assert read(write(np.array([6, 19_999])), clips=10).tolist() == [6]
    bomb = base64.urlsafe_b64encode(zlib.compress(b"\xff" * 3_000_000, 9)).decode()
    assert len(bomb) < LONGEST
    assert len(read(bomb, clips=10)) == 20


def test_more_than_an_address_holds_is_not_written() -> None:
    drawn = np.random.default_rng(0).random(200_000) < 0.5
    assert write(np.flatnonzero(drawn)) == ""
