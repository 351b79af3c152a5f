"""What goes wrong behind a button is said on the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from avexplore.errors import AvexploreError
from avexplore.ui.parts.plain_text import as_markdown


def told(work: Callable[..., Any], *given: Any) -> None:
    """Do something that a button asks for, and say what goes wrong, such as a full disk."""
    try:
        work(*given)
    except AvexploreError as error:
        st.error(as_markdown(str(error)))
