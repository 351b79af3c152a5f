"""Figures that are known of the authors' released files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avexplore.artifacts import SoftLabels
from avexplore.config import GraphConfig, SoftLabelFileConfig
from avexplore.graph import compare, learn_class_graph, read_graph
from avexplore.graph.algebra.comparison import aligned
from avexplore.graph.scores.gaussian_bic import bic_score

CLASSES = (
    "Clock",
    "Motorcycle",
    "Train horn",
    "Bark",
    "Cat",
    "Bus",
    "Rodents/rats",
    "Toilet flush",
    "Acoustic guitar",
    "Frying (food)",
    "Chainsaw",
    "Horse",
    "Helicopter",
    "Infant cry",
    "Truck",
)


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "causalcmr"


@pytest.fixture(scope="module")
def scores(folder: Path) -> SoftLabels:
    data = np.load(folder / "prediction_500.npz")
    count = len(data["audio"])
    split = np.repeat([0, 1, 2], [1186, 189, count - 1375])
    unknown = np.full(count, -1)
    return SoftLabels(data["audio"], data["visual"], "scores", CLASSES, split, unknown)


def config(**changes: Any) -> GraphConfig:
    return GraphConfig(**({"soft_labels": SoftLabelFileConfig(fingerprint="0"), "rows": "all"} | changes))


def test_all_same_class_pairs_are_adjacent_at_penalty_two(scores: SoftLabels) -> None:
    graph = learn_class_graph(scores, config())
    assert graph.score > 59_950
    assert all(graph.skeleton[k, k + 15] for k in range(15))


def test_the_file_is_said_to_hold_scores_and_to_be_nearly_singular(scores: SoftLabels) -> None:
    graph = learn_class_graph(scores, config(strategy="single"))
    said = " ".join(graph.warnings)
    assert "not probabilities" in said
    assert "condition number 6,360" in said
    assert "378 of them validation or test clips" in said
    assert "dense" in said


def test_the_published_graph_scores_what_is_known(scores: SoftLabels, folder: Path) -> None:
    published = read_graph(folder / "causal_500.csv")
    dag = aligned(published, scores.nodes)
    matrix = scores.matrix()
    assert bic_score(np.corrcoef(matrix.T), len(matrix), dag, 2.0) == pytest.approx(58_839.9, abs=0.05)
    # The same in n ln(residual variance) + 2 ln(n) |parents|, unbiased covariance.
    covariance, total = np.cov(matrix.T), 0.0
    for j in range(30):
        parents = np.flatnonzero(dag[:, j])
        left = covariance[j, j]
        if len(parents):
            block = covariance[np.ix_(parents, parents)]
            left -= covariance[j, parents] @ np.linalg.solve(block, covariance[parents, j])
        total += len(matrix) * np.log(left) + 2 * np.log(len(matrix)) * len(parents)
    assert total == pytest.approx(-185_473.8, abs=0.05)


def test_published_graphs_compare_as_is_known(folder: Path) -> None:
    one, other = (read_graph(folder / name) for name in ("causal_500.csv", "grasp_causal_baseline.csv"))
    assert (len(one.edges()), len(other.edges())) == (218, 240)
    result = compare(one, other)
    assert 0.3 < result.jaccard < 0.6  # two runs of one method
    assert aligned(one, other.nodes).sum() == 218


def test_ours_beats_causal_learn_and_every_search_that_grows_parents_anew(scores: SoftLabels) -> None:
    ours = learn_class_graph(scores, config(penalty_discount=4))
    theirs = learn_class_graph(scores, config(penalty_discount=4, engine="causal-learn-grasp"))
    assert ours.score >= 57_640
    assert 52_000 < theirs.score < ours.score
