from __future__ import annotations

import numpy as np
import pytest
from sklearn.cross_decomposition import CCA

from avexplore.artifacts import FeatureSet
from avexplore.config import BaselineConfig, SyntheticConfig
from avexplore.training.baselines import baseline_embeddings, correlated_directions


def pair(n: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 3))
    left = shared @ rng.normal(size=(3, 6)) + rng.normal(size=(n, 6))
    right = shared @ rng.normal(size=(3, 8)) + rng.normal(size=(n, 8))
    return left, right


def test_cca_agrees_with_scikit_learn() -> None:
    audio, visual = pair()
    left, right, correlations = correlated_directions(audio, visual, np.arange(300), 3, ridge=0.0)
    theirs = CCA(n_components=3, max_iter=5000, tol=1e-12).fit(audio, visual).transform(audio, visual)
    for k in range(3):
        expected = np.corrcoef(theirs[0][:, k], theirs[1][:, k])[0, 1]
        ours = np.corrcoef(audio @ left[:, k], visual @ right[:, k])[0, 1]
        assert ours == pytest.approx(expected, abs=1e-6)
        assert ours == pytest.approx(correlations[k], abs=1e-9)


def test_cluster_cca_is_cca_on_all_pairs_of_a_class() -> None:
    audio, visual = pair(60)
    groups = np.random.default_rng(0).integers(4, size=60)
    n, m = np.nonzero(groups[:, None] == groups[None, :])
    expected = correlated_directions(audio[n], visual[m], np.arange(len(n)), 3, ridge=0.1)
    found = correlated_directions(audio, visual, groups, 3, ridge=0.1)
    np.testing.assert_allclose(found[2], expected[2], atol=1e-10)
    np.testing.assert_allclose(np.abs(found[0]), np.abs(expected[0]), atol=1e-7)


@pytest.mark.parametrize("method", ["cca", "cluster-cca"])
def test_baselines_rank_better_than_chance(features: FeatureSet, method: str) -> None:
    figures: list[float] = []
    config = BaselineConfig(data=SyntheticConfig(), method=method, dim=4)
    found = baseline_embeddings(
        features, config, lambda _, message="", **named: figures.append(named["map_validation"])
    )
    np.testing.assert_allclose(np.linalg.norm(found.audio, axis=1), 1, rtol=1e-5)
    assert len(figures) == 4
    test = features.rows("test")
    nearest = (found.audio[test] @ found.visual[test].T).argmax(1)
    assert (features.hard_label[test][nearest] == features.hard_label[test]).mean() > 0.4


def test_test_clips_have_no_say(features: FeatureSet) -> None:
    config = BaselineConfig(data=SyntheticConfig(), method="cluster-cca", dim=4)
    changed = features.audio.copy()
    test = features.rows("test")
    changed[test] += 100
    other = FeatureSet(**{**vars(features), "audio": changed})
    train = features.rows("train")
    first, second = (baseline_embeddings(f, config) for f in (features, other))
    np.testing.assert_array_equal(first.audio[train], second.audio[train])
