"""Compile what maps take ahead of the first one."""

from __future__ import annotations

import numpy as np

from avexplore.artifacts import Embeddings
from avexplore.config import ProjectionConfig, StudentConfig, SyntheticConfig
from avexplore.projection.maps import project


def fill_cache() -> None:
    """Compile all that a pair of maps takes, unless it is kept already."""
    sides = np.random.default_rng(0).normal(size=(2, 40, 4)).astype(np.float32)
    embeddings = Embeddings(*(side / np.linalg.norm(side, axis=1, keepdims=True) for side in sides))
    student = StudentConfig(SyntheticConfig())
    project(embeddings, embeddings, np.arange(40), ProjectionConfig(before=student, after=student, epochs=10))
