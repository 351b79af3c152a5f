"""Graphs from elsewhere get the effects of the clips at hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avexplore.artifacts import ClassGraph, SoftLabels
from avexplore.config import GraphConfig, SoftLabelFileConfig
from avexplore.errors import GraphError
from avexplore.graph.learn import learn_class_graph, with_effects

CONFIG = GraphConfig(SoftLabelFileConfig("a" * 64))


@pytest.fixture
def labels() -> SoftLabels:
    rng = np.random.default_rng(0)
    audio = rng.normal(size=(400, 4))
    visual = 0.6 * audio + rng.normal(size=(400, 4))
    visual[:, 0] -= 0.8 * audio[:, 1]
    return SoftLabels(audio, visual, "logits", tuple("ABCD"), np.zeros(400, int), np.arange(400) % 4)


def test_a_learned_graph_that_went_through_a_file_gets_its_own_effects_back(labels: SoftLabels) -> None:
    learned = learn_class_graph(labels, CONFIG)
    bare = ClassGraph(learned.nodes, learned.adjacency, source="a file")
    found = with_effects(bare, labels, CONFIG)
    arrows = learned.adjacency.astype(bool) & ~learned.adjacency.T.astype(bool)
    np.testing.assert_allclose(np.sign(found.effect[arrows]), np.sign(learned.effect[arrows]))
    assert found.source == "a file"
    assert ((found.effect != 0) == (found.adjacency != 0)).all()


def test_by_least_squares(labels: SoftLabels) -> None:
    nodes, adjacency = labels.nodes, np.zeros((8, 8), np.int8)
    adjacency[0, 4] = adjacency[1, 4] = 1
    found = with_effects(ClassGraph(nodes, adjacency), labels, CONFIG)
    matrix = labels.matrix()
    standard = (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)
    wanted, *_ = np.linalg.lstsq(standard[:, :2], standard[:, 4], rcond=None)
    np.testing.assert_allclose(found.effect[:2, 4], wanted, atol=1e-9)
    assert found.effect[1, 4] < 0


def test_a_cycle_gets_correlations(labels: SoftLabels) -> None:
    adjacency = np.zeros((8, 8), np.int8)
    adjacency[0, 4] = adjacency[4, 1] = adjacency[1, 0] = 1
    found = with_effects(ClassGraph(labels.nodes, adjacency), labels, CONFIG)
    r = np.corrcoef(labels.matrix(), rowvar=False)
    np.testing.assert_allclose(found.effect[0, 4], r[0, 4], atol=1e-9)
    assert (found.effect != 0).sum() == 3


def test_other_classes_are_refused(labels: SoftLabels) -> None:
    graph = ClassGraph(("audio:X", "visual:X"), np.zeros((2, 2), np.int8))
    with pytest.raises(GraphError):
        with_effects(replace(graph), labels, CONFIG)
