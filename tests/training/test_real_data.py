from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avexplore.config.presets import preset
from avexplore.data import feature_file, load_features
from avexplore.retrieval import evaluate
from avexplore.training import train_student


@pytest.mark.slow
def test_the_twin_without_lir_retrieves_real_clips(shared_data: Path) -> None:
    data = feature_file(shared_data / "yt8m" / "yt8m_demo28.npz", annotation="random")
    features = load_features(data)
    figures = [
        evaluate(train_student(features, preset("quick", data, seed).twin, device="cpu").embeddings, features).metrics
        for seed in range(2)
    ]
    # Bounds known beforehand: logistic regression's probabilities .358, the labels themselves .815.
    assert 0.39 < np.mean([each["map"] for each in figures]) < 0.5
    assert 0.55 < np.mean([each["any_label_map"] for each in figures]) < 0.75
