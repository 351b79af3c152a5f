"""An event of the maps may come with an address that is older than what was chosen last."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import streamlit as st

from avexplore.artifacts import Projection
from avexplore.ui.embedding_space import selection


@pytest.fixture
def browser_says(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What is chosen after a pass of the page, given the component's state and the address."""
    session: dict[str, Any] = {}
    both = np.zeros((8, 2), np.float32)
    shown = Projection(before=both, after=both, rows=np.arange(4), metrics={}, drift=np.zeros(8))
    monkeypatch.setattr(st, "session_state", session)

    def ask(address: dict[str, str], **state: Any) -> tuple[selection.Choice, dict[str, str]]:
        monkeypatch.setattr(st, "query_params", dict(address))
        session["maps"] = SimpleNamespace(**{**vars(session.get("maps", SimpleNamespace())), **state})
        found = selection.current(shown, (), key="maps", run="r", clips=4)
        return found, dict(st.query_params)

    return ask


def pick(point: int, turn: int) -> dict[str, int]:
    return {"point": point, "turn": turn}


def test_a_later_event_does_not_bring_back_what_was_picked_before(browser_says: Any) -> None:
    _, first = browser_says({}, picked=pick(1, 1))
    assert first == {"point": "audio-1"}
    chosen, second = browser_says({}, picked=pick(6, 2))
    assert (chosen.picked, second) == (6, {"point": "visual-2"})
    chosen, third = browser_says(first, camera=[2.0, 0.0, 0.0])
    assert (chosen.picked, third) == (6, {"point": "visual-2", "at": "2_0_0"})


def test_going_back_does(browser_says: Any) -> None:
    _, first = browser_says({}, picked=pick(1, 1))
    browser_says(first, picked=pick(6, 2))
    chosen, address = browser_says(first)
    assert (chosen.picked, address) == (1, first)
    chosen, _ = browser_says({"point": "visual-3"})
    assert chosen.picked == 7
