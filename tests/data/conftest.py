"""Small valid data sets in every format, from which tests make broken ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    """Forty clips of four classes, ten of them test clips."""
    rng = np.random.default_rng(0)
    return {
        "audio": rng.normal(size=(40, 6)).astype(np.float32),
        "visual": rng.normal(size=(40, 8)).astype(np.float32),
        "labels": np.arange(40) % 4,
        "classes": np.array(["Bus", "Cat", "Dog", "Bell"]),
        "split": np.array(["train"] * 30 + ["test"] * 10),
    }


@pytest.fixture
def npz(tmp_path: Path, arrays: dict[str, np.ndarray]) -> Callable[..., Path]:
    """Write the arrays as npz, with changes; None leaves an array out."""

    def write(**changes: Any) -> Path:
        content = {k: v for k, v in (arrays | changes).items() if v is not None}
        np.savez_compressed(tmp_path / "clips.npz", **content)
        return tmp_path / "clips.npz"

    return write
