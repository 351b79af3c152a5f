"""Front ends of ours as Streamlit components."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from avexplore.drawing.one_module import front_end


@cache
def component(name: str, entry: str, *folders: Path) -> Callable[..., Any]:
    """A front end, registered when it is first asked for.

    Args:
        name: Tells components apart.
        entry, folders: As for `front_end`.
    """
    texts = front_end(entry, *folders)
    mount: Callable[..., Any] = st.components.v2.component(
        f"avexplore_{name}", html=texts["html"], css=texts["css"], js=texts["js"]
    )
    return mount
