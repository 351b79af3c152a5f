"""What was drawn around comes back from an address, and a made-up word does no harm."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest

from avexplore.ui.parts.lasso_address import LONGEST, read, write


def test_points_come_back_whatever_their_order() -> None:
    names = {f"{'audio' if i % 3 else 'visual'}-{i}" for i in range(0, 480, 5)}
    assert set(read(write(names), clips=480)) == names


def test_nothing_drawn_is_no_word() -> None:
    assert write(()) == ""
    assert read("", clips=10) == ()


@pytest.mark.parametrize("word", ["x", "²", "AAAA", "a" * (LONGEST + 1), "eJw", "../../etc"])
def test_a_word_that_is_none_draws_around_nothing(word: str) -> None:
    assert read(word, clips=10) == ()


def test_points_beyond_the_clips_are_left_out_and_never_unpacked() -> None:
    assert read(write(["audio-3", "visual-9999"]), clips=10) == ("audio-3",)
    bomb = base64.urlsafe_b64encode(zlib.compress(b"\xff" * 3_000_000, 9)).decode()
    assert len(bomb) < LONGEST
    assert len(read(bomb, clips=10)) == 20


def test_more_than_an_address_holds_is_not_written() -> None:
    drawn = np.random.default_rng(0).random(200_000) < 0.5
    assert write(f"audio-{i}" for i in np.flatnonzero(drawn)) == ""
