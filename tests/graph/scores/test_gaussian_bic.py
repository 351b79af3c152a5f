"""The BIC and what edges add to it, against least squares on the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from avexplore.artifacts import FloatArray, IntArray
from avexplore.graph.algebra.cpdag import consistent_dag, dag_to_cpdag
from avexplore.graph.inputs.covariance import correlation
from avexplore.graph.scores.gaussian_bic import bic_score, edge_effects, edge_gains
from avexplore.graph.search import grow_shrink
from avexplore.graph.search.grow_shrink import SCORE, new_trees


def least_squares_bic(data: FloatArray, dag: IntArray, c: float) -> float:
    n = len(data)
    standard = (data - data.mean(0)) / data.std(0)
    total = 0.0
    for y in range(dag.shape[0]):
        parents = standard[:, dag[:, y] == 1]
        fitted = parents @ np.linalg.lstsq(parents, standard[:, y], rcond=None)[0]
        total -= n * np.log(np.mean((standard[:, y] - fitted) ** 2)) + c * np.log(n) * parents.shape[1]
    return total


def example(seed: int, p: int = 7) -> tuple[FloatArray, IntArray]:
    rng = np.random.default_rng(seed)
    data = rng.normal(size=(150, p)) @ rng.normal(size=(p, p)) + rng.normal(size=p)
    return data, np.triu(rng.random((p, p)) < 0.5, 1).astype(np.int8)


@pytest.mark.parametrize("seed", range(5))
def test_bic_is_that_of_least_squares(seed: int) -> None:
    data, dag = example(seed)
    assert bic_score(correlation(data), len(data), dag, 1.5) == pytest.approx(least_squares_bic(data, dag, 1.5))


def test_empty_graph_scores_zero() -> None:
    data, dag = example(0)
    assert bic_score(correlation(data), len(data), np.zeros_like(dag), 2.0) == 0.0


def test_markov_equivalent_dags_score_the_same() -> None:
    different = 0
    for seed in range(40):
        data, dag = example(seed, 5)
        member = consistent_dag(dag_to_cpdag(dag))
        different += bool((member != dag).any())
        R = correlation(data)
        assert bic_score(R, 150, member, 2.0) == pytest.approx(bic_score(R, 150, dag, 2.0), abs=1e-7)
    assert different > 5


def test_gain_is_the_score_lost_without_the_edge() -> None:
    data, dag = example(3)
    R = correlation(data)
    gains = edge_gains(R, len(data), dag, 2.0)
    assert not gains[dag == 0].any()
    for i, j in np.argwhere(dag):
        without = dag.copy()
        without[i, j] = 0
        lost = bic_score(R, len(data), dag, 2.0) - bic_score(R, len(data), without, 2.0)
        assert gains[i, j] == pytest.approx(lost)


def test_effects_are_standardized_coefficients() -> None:
    data, dag = example(4)
    effects = edge_effects(correlation(data), dag)
    standard = (data - data.mean(0)) / data.std(0)
    for y in range(dag.shape[0]):
        parents = dag[:, y] == 1
        expected = np.linalg.lstsq(standard[:, parents], standard[:, y], rcond=None)[0]
        np.testing.assert_allclose(effects[parents, y], expected, atol=1e-9)
    assert not effects[dag == 0].any()


def slow_grow_shrink(data: FloatArray, y: int, among: list[int], c: float) -> tuple[list[int], float]:
    """Add the best while it improves, remove the best while it improves; every score by least squares."""

    def local(parents: list[int]) -> float:
        dag = np.zeros((data.shape[1],) * 2, np.int8)
        dag[parents, y] = 1
        return least_squares_bic(data, dag, c)

    parents: list[int] = []
    score = local(parents)
    while len(parents) < len(among):
        gain, best = max((local([*parents, x]) - score, x) for x in among if x not in parents)
        if gain <= 0:
            break
        parents, score = [*parents, best], score + gain
    while parents:
        gain, worst = max((local([x for x in parents if x != z]) - score, z) for z in parents)
        if gain <= 0:
            break
        parents, score = [x for x in parents if x != worst], score + gain
    return sorted(parents), score


def test_tree_gives_the_parents_of_a_plain_grow_shrink(from_python: Callable[[Any], Any]) -> None:
    clear, find = from_python(grow_shrink.clear), from_python(grow_shrink.find)
    shrunk = 0
    for seed in range(12):
        data, _ = example(seed, 8)
        trees = new_trees(correlation(data), 150, 1.0, memory=1 << 22)
        clear(trees)
        rng = np.random.default_rng(seed)
        for _ in range(15):
            y = int(rng.integers(8))
            among = [int(x) for x in rng.permutation(8)[: rng.integers(9)] if x != y]
            prefix = np.array([[sum(1 << x for x in among)]])
            node = find(trees, y, prefix, 0)
            parents, score = slow_grow_shrink(data, y, among, 1.0)
            assert [x for x in range(8) if trees.nodes[node, 7] >> x & 1] == parents
            assert trees.values[node, SCORE] == pytest.approx(score, abs=1e-6)
            shrunk += bin(int(trees.nodes[node, 5])).count("1") > len(parents)
    assert shrunk > 3
