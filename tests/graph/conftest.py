from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def from_python() -> Callable[[Any], Any]:
    """Makes a part of the compiled engine a function of its own, which it is not inside the engine."""
    import numba

    from avexplore.graph.compiled.numba_cache import borrow, pipeline

    def standing_alone(part: Any) -> Any:
        # Within an entry point, as the engine calls it: its parts count no references and are nothing on their own.
        @numba.njit(error_model="numpy", **pipeline("whole"))
        def called(first: Any, *others: Any) -> Any:
            return part(borrow(first), *others)

        return called

    return standing_alone
