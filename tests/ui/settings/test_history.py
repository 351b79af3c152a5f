"""What a visitor does can be taken back."""

from __future__ import annotations

from typing import Any

from avexplore.ui.settings.history import LONGEST, History


def test_history_goes_back_and_forth_and_forgets_the_future() -> None:
    history: History[Any] = History()
    for value in range(3):
        history.visit({"v": value})
    assert history.undo() == {"v": 1}
    history.visit({"v": 1})
    assert history.redo() == {"v": 2}
    history.undo()
    history.visit({"v": 9})
    assert history.redo() is None
    assert history.undo() == {"v": 1}


def test_history_is_bounded() -> None:
    history: History[Any] = History()
    for value in range(3 * LONGEST):
        history.visit({"v": value})
    assert len(history.past) == LONGEST
