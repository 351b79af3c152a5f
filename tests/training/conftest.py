from __future__ import annotations

import numpy as np
import pytest
import torch

from avexplore.artifacts import FeatureSet


def make_features(n: int = 240, classes: int = 4, seed: int = 0, noise: float = 0.5) -> FeatureSet:
    """Clips of one annotated class and sometimes a second, hidden one: 0 goes with 1, 2 goes with 3."""
    rng = np.random.default_rng(seed)
    hard = rng.integers(classes, size=n)
    true = np.eye(classes, dtype=bool)[hard]
    joined = rng.random(n) < 0.5
    true[joined, (hard ^ 1)[joined]] = True
    split = np.zeros(n, np.int8)
    split[int(0.6 * n) :] = 1
    split[int(0.8 * n) :] = 2
    audio = true @ rng.normal(size=(classes, 12)) + noise * rng.normal(size=(n, 12))
    visual = true @ rng.normal(size=(classes, 20)) + noise * rng.normal(size=(n, 20))
    return FeatureSet(
        hard_label=hard,
        classes=tuple(["Alarm", "Bell", "Cat", "Dog", "Engine", "Fire", "Gong", "Horn"][:classes]),
        split=split,
        clip_ids=tuple(f"clip{i}" for i in range(n)),
        true_labels=true,
        audio=audio.astype(np.float32),
        visual=visual.astype(np.float32),
    )


@pytest.fixture(scope="session")
def features() -> FeatureSet:
    """240 clips of four classes."""
    return make_features()


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
