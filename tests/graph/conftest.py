from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def from_python() -> Callable[[Any], Any]:
    """Makes a part of the compiled engine a function of its own, which it is not inside the engine."""
    import numba

    from avexplore.graph.compilation import borrow

    def standing_alone(part: Any) -> Any:
        alone = numba.njit(part.py_func, error_model="numpy")

        @numba.njit
        def called(first: Any, *others: Any) -> Any:
            # The parts below it count no references, so neither may this one: as inside an entry point.
            return alone(borrow(first), *others)

        return called

    return standing_alone
