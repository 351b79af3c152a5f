"""The kernel score: causal-learn's formula with its centering repaired, and refused where it would never end."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from causallearn.score import LocalScoreFunction

from avexplore.artifacts import FloatArray, SoftLabels
from avexplore.config import GraphConfig, SoftLabelFileConfig, StabilityConfig
from avexplore.errors import GraphError
from avexplore.graph import learn_class_graph, measure_stability
from avexplore.graph.kernel_score import expected_seconds, kernel_local_score, refuse_if_endless

THEIRS = {"kfold": 10, "lambda": 0.01}


def example(n: int) -> FloatArray:
    """x; x with noise; nothing; a wave of x."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    columns = [x, x + 0.2 * rng.normal(size=n), rng.normal(size=n), np.sin(2 * x) + 0.2 * rng.normal(size=n)]
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("n", [60, 83])
def test_scores_are_those_of_causal_learn_with_matrix_products(n: int) -> None:
    source = inspect.getsource(LocalScoreFunction.local_score_cv_general)
    repaired = source.replace("H0 * Kx * H0", "H0 @ Kx @ H0").replace("H0 * Kpa * H0", "H0 @ Kpa @ H0")
    assert repaired != source
    names: dict[str, Any] = dict(vars(LocalScoreFunction))
    exec(repaired, names)
    data = example(n)
    ours = kernel_local_score(data)
    for node, parents in ((1, []), (1, [0]), (1, [0, 2]), (3, [0]), (3, [1, 2, 0])):
        theirs = names["local_score_cv_general"](data, node, parents, THEIRS)
        assert ours(node, parents) == pytest.approx(theirs, rel=1e-9)


def test_prefers_true_parents_where_the_released_score_takes_any() -> None:
    data = example(120)
    ours = kernel_local_score(data)
    assert ours(1, [0]) > ours(1, []) > ours(1, [2])
    assert ours(3, [0]) > ours(3, []) > ours(3, [2])
    related, unrelated = (LocalScoreFunction.local_score_cv_general(data, 1, [k], THEIRS) for k in (0, 2))
    assert related == pytest.approx(unrelated, rel=1e-5)


def labels(n: int = 80, classes: int = 2) -> SoftLabels:
    rng = np.random.default_rng(1)
    audio = rng.normal(size=(n, classes))
    visual = rng.normal(size=(n, classes))
    visual[:, 0] = np.cos(1.5 * audio[:, 0]) + 0.1 * rng.normal(size=n)
    names = tuple(f"C{k}" for k in range(classes))
    return SoftLabels(audio, visual, "logits", names, np.zeros(n, np.int64), audio.argmax(axis=1))


def config(**changes: Any) -> GraphConfig:
    return GraphConfig(SoftLabelFileConfig(fingerprint="0"), score="kernel", strategy="single", **changes)


def test_finds_a_dependency_that_correlation_does_not_see() -> None:
    given = labels()
    assert abs(np.corrcoef(given.audio[:, 0], given.visual[:, 0])[0, 1]) < 0.2
    found = learn_class_graph(given, config())
    assert found.skeleton[0, 2]
    assert found.skeleton.sum() == 2
    assert any("kernel score" in warning for warning in found.warnings)
    assert not learn_class_graph(given, config().replace(score="bic", penalty_discount=4.0)).skeleton[0, 2]


def test_bootstraps_and_null_model() -> None:
    measured = measure_stability(
        labels(60), StabilityConfig(config(), bootstraps=2, seeds=1, null="within-class", null_bootstraps=2)
    )
    assert measured.edge_frequency[0, 2] == 1.0


def test_what_would_never_end_is_refused_with_how_long() -> None:
    assert expected_seconds(200, 8) < 60
    with pytest.raises(GraphError, match=r"\d+ (hours|days) for 1,564 clips and 30 nodes"):
        refuse_if_endless(1564, 30)
    with pytest.raises(GraphError, match="3,000 clips"):
        learn_class_graph(labels(3000), config())
    with pytest.raises(GraphError, match="and 20100 searches"):
        measure_stability(labels(), StabilityConfig(config(), bootstraps=10_000, seeds=100, null_bootstraps=10_000))
    with pytest.raises(GraphError, match="10 folds"):
        kernel_local_score(np.zeros((9, 2)))
