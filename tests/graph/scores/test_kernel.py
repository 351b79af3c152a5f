"""The kernel score: causal-learn's formula with two faults repaired, and refused where it would never end."""

from __future__ import annotations

import inspect
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from causallearn.score import LocalScoreFunction
from scipy.stats import multivariate_normal

from avexplore.artifacts import FloatArray, SoftLabels
from avexplore.config import GraphConfig, SoftLabelFileConfig, StabilityConfig
from avexplore.errors import GraphError
from avexplore.graph import learn_class_graph, measure_stability
from avexplore.graph.scores.kernel import NOISE, RIDGE, _loss, expected_seconds, kernel_local_score, refuse_if_endless

THEIRS = {"kfold": 10, "lambda": 0.01}


def example(n: int) -> FloatArray:
    """x; x with noise; nothing; a wave of x."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    columns = [x, x + 0.2 * rng.normal(size=n), rng.normal(size=n), np.sin(2 * x) + 0.2 * rng.normal(size=n)]
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("n", [60, 83])
def test_scores_are_those_of_causal_learn_with_its_faults_repaired(n: int) -> None:
    repaired = inspect.getsource(LocalScoreFunction.local_score_cv_general)
    for wrong, right in (
        ("H0 * Kx * H0", "H0 @ Kx @ H0"),
        ("H0 * Kpa * H0", "H0 @ Kpa @ H0"),
        ("C = np.sum(np.log(np.diag(L)))", "C = 2 * np.sum(np.log(np.diag(L)))"),
    ):
        assert wrong in repaired
        repaired = repaired.replace(wrong, right)
    names: dict[str, Any] = dict(vars(LocalScoreFunction))
    exec(repaired, names)
    data = example(n)
    ours = kernel_local_score(data)
    for node, parents in ((1, []), (1, [0]), (1, [0, 2]), (3, [0]), (3, [1, 2, 0])):
        theirs = names["local_score_cv_general"](data, node, parents, THEIRS)
        assert ours(node, parents) == pytest.approx(theirs, rel=1e-9)


def test_is_the_likelihood_of_features_that_can_be_written_down() -> None:
    """With a linear kernel feature space is that of the columns, where the regression can be done by hand."""
    rng = np.random.default_rng(2)
    features, causes = rng.normal(size=(60, 3)) * [0.5, 0.2, 0.1], 0.3 * rng.normal(size=(60, 2))
    test, train = np.arange(6), np.arange(6, 60)
    m, v, d = len(train), len(test), features.shape[1]

    def by_hand(residuals: FloatArray) -> float:
        noise = NOISE * np.eye(d) + residuals[train].T @ residuals[train] / m
        return -float(multivariate_normal(np.zeros(d), noise).logpdf(residuals[test]).sum())

    # The formula's constants are those of v dimensions, as the number of features is infinite in general.
    constants = 0.5 * v * (d - v) * math.log(2 * math.pi) + 0.5 * v * d * math.log(NOISE)
    kernel = features @ features.T
    assert _loss(kernel, None, test) == pytest.approx(by_hand(features) - constants)
    ridge = causes[train].T @ causes[train] + m * RIDGE * np.eye(2)
    coefficients = np.linalg.solve(ridge, causes[train].T @ features[train])
    assert _loss(kernel, causes @ causes.T, test) == pytest.approx(
        by_hand(features - causes @ coefficients) - constants
    )


def test_a_column_that_does_not_vary_tells_nothing() -> None:
    data = example(60)
    data[:, 2] = 0.1
    score = kernel_local_score(data)
    assert score(1, [2]) == score(1, [])
    assert score(1, [2, 0]) == score(1, [0])
    assert score(2, [0, 1]) == score(2, [])


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
    given = labels(120)
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


def test_bootstraps_without_the_only_clip_of_a_class_are_searched_too() -> None:
    given = labels(60)
    audio = np.array(given.audio)
    audio[:, 1] = 0.0
    audio[10, 1] = 1.0  # missing from a third of the resamples
    odd = replace(given, audio=audio)
    measured = measure_stability(odd, StabilityConfig(config(), bootstraps=4, seeds=0, null="none"))
    assert np.isfinite(measured.edge_frequency).all()
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
