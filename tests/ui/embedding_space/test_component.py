"""What comes from the browser is not believed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from avexplore.ui.embedding_space import component


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({}, (None, (), None, 0)),
        ({"picked": {"point": 3, "turn": 2}, "selection": {"points": [1, 2]}, "lit": [0]}, (3, (1, 2), (0,), 2)),
        ({"picked": {"point": None, "turn": 4}}, (None, (), None, 4)),
        ({"picked": {"point": True, "turn": True}, "selection": {"points": "12"}, "lit": "x"}, (None, (), None, 0)),
        ({"picked": {"point": -1, "turn": -1}, "selection": [1], "lit": [-1, "0", 2]}, (None, (), (2,), 0)),
        ({"picked": 7, "selection": {"points": [1.5, None, 4]}, "lit": []}, (None, (4,), (), 0)),
        ({"picked": {"point": "7", "turn": [1]}}, (None, (), None, 0)),
    ],
)
def test_a_browsers_state_is_read_without_trust(state: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = component.touched(SimpleNamespace(**state))
    assert (found.picked, found.selected, found.lit, found.turn) == expected
