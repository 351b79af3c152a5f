"""The verdict in one sentence: no praise that few bootstraps, few clips or improbable pairs cannot carry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avexplore.analysis.graph_headline import cautious, headline
from avexplore.analysis.graph_verdict import Remark
from avexplore.artifacts import ClassGraph, GraphStability
from avexplore.graph.evidence.pair_probability import PairProbability

CLASSES = tuple("ABCD")
NODES = (*(f"audio:{name}" for name in CLASSES), *(f"visual:{name}" for name in CLASSES))


def a_graph(*edges: tuple[int, int]) -> ClassGraph:
    adjacency = np.zeros((8, 8), np.int8)
    for i, j in edges:
        adjacency[i, j] = 1
    return ClassGraph(NODES, adjacency, effect=0.5 * adjacency, samples=500)


def a_stability(bootstraps: int = 100, forth: float = 0.5) -> GraphStability:
    one, zero, pair = np.ones((8, 8)), np.zeros((8, 8)), np.zeros(2)
    return GraphStability(NODES, one, forth * one, zero, zero, zero, bootstraps, pair, pair, pair)


def a_probability(*likely: tuple[int, int]) -> PairProbability:
    share = np.full((4, 4), 0.1)
    for i, j in likely:
        share[i, j] = share[j, i] = 0.95
    return PairProbability(CLASSES, share, 0.7)


def test_it_counts_the_pairs_of_classes_that_are_drawn() -> None:
    graph = a_graph((0, 1), (4, 5), (1, 2), (2, 3))
    found = headline(graph, a_stability(), a_probability((0, 1)))
    assert found.text.startswith("1 of the 3 pairs of classes drawn as linked probably do come together")
    assert "0 of 4 directions hold" in found.text
    assert found.level == "fair"
    drawn = np.zeros((8, 8), bool)
    drawn[0, 1] = drawn[1, 0] = True
    assert headline(graph, a_stability(), a_probability((0, 1)), drawn).level == "good"
    assert headline(graph, a_stability(), a_probability()).level == "poor"


@pytest.mark.parametrize(("bootstraps", "samples"), [(4, 500), (100, 24)])
def test_few_bootstraps_or_clips_carry_no_praise(bootstraps: int, samples: int) -> None:
    graph = replace(a_graph((0, 1)), samples=samples)
    stability = a_stability(bootstraps)
    assert headline(graph, stability, a_probability((0, 1))).level != "good"
    praised = [Remark("good", "All well."), Remark("poor", "Not at all.")]
    assert [one.level for one in cautious(praised, graph, stability)] == ["fair", "poor"]
    assert cautious(praised, a_graph((0, 1)), a_stability()) == praised


def test_what_is_unknown_is_called_so() -> None:
    assert "once the bootstraps are done" in headline(a_graph((0, 1)), None).text
    assert "elsewhere" in headline(replace(a_graph((0, 1)), source="a file"), None).text
    assert headline(a_graph(), a_stability()).level == "poor"
    assert "nine of ten" in headline(a_graph((0, 1)), a_stability(), None).text
