"""Small structured embeddings, before and after some clips moved to another class."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from avexplore.artifacts import Embeddings
from avexplore.config import ProjectionConfig, StudentConfig, SyntheticConfig


def _clustered(clips: int, classes: int = 6, dim: int = 16, seed: int = 0) -> tuple[Embeddings, np.ndarray]:
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(classes, dim))
    labels = np.arange(clips) % classes
    points = [centers[labels] + 0.6 * rng.normal(size=(clips, dim)) for _ in range(2)]
    unit = [(x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32) for x in points]
    return Embeddings(*unit), labels


@pytest.fixture
def clustered() -> Callable[..., tuple[Embeddings, np.ndarray]]:
    return _clustered


@pytest.fixture
def config() -> ProjectionConfig:
    student = StudentConfig(data=SyntheticConfig())
    return ProjectionConfig(before=student, after=student, neighbors=8, epochs=40, seed=3)
