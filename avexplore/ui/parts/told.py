"""What goes wrong with what a visitor asks for is said on the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from avexplore.errors import AvexploreError
from avexplore.ui.parts.plain_text import as_markdown


class Telling:
    """`with Telling():` ends what stands within where something goes wrong, says so, and goes on behind it.

    Args:
        further: What else may go wrong, beside an `AvexploreError`.
        say: Shows the sentence.
    """

    def __init__(self, *further: type[Exception], say: Callable[[str], Any] = st.error) -> None:
        self._kinds: tuple[type[Exception], ...] = (AvexploreError, *further)
        self._say = say

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if isinstance(error, self._kinds):
            self._say(as_markdown(str(error)))
        return isinstance(error, self._kinds)


def told(work: Callable[..., Any], *given: Any) -> None:
    """Do something that a button asks for, and say what goes wrong, such as a full disk."""
    with Telling():
        work(*given)
