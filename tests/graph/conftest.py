from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def from_python() -> Callable[[Any], Any]:
    """Makes a part of the compiled engine a function of its own, which it is not inside the engine."""
    import numba

    def standing_alone(part: Any) -> Any:
        return numba.njit(part.py_func, error_model="numpy")

    return standing_alone
