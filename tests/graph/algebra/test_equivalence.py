from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avexplore.artifacts import ClassGraph
from avexplore.errors import GraphError
from avexplore.graph import d_separated
from avexplore.graph.algebra.equivalence import as_cpdag, as_dag, markov_equivalent
from avexplore.graph.algebra.separation import is_acyclic

NODES = tuple(f"audio:{k}" for k in "ABCD")


def random_dag(rng: np.random.Generator) -> ClassGraph:
    dag = np.triu(rng.random((4, 4)) < 0.6, 1)
    order = rng.permutation(4)
    dag = dag[np.ix_(order, order)].astype(np.int8)
    return ClassGraph(NODES, dag, effect=rng.normal(size=(4, 4)) * dag)


def independences(graph: ClassGraph) -> set[tuple[str, str, tuple[str, ...]]]:
    return {
        (one, two, cut)
        for one, two in combinations(NODES, 2)
        for size in range(3)
        for cut in combinations([node for node in NODES if node not in (one, two)], size)
        if d_separated(graph, [one], [two], cut)
    }


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_equivalent_means_the_same_independences(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, two = random_dag(rng), random_dag(rng)
    assert markov_equivalent(one, two) == (independences(one) == independences(two))
    assert markov_equivalent(one, as_dag(as_cpdag(one)))
    assert markov_equivalent(as_cpdag(one), one)


@given(st.integers(0, 10**6))
def test_there_and_back_keeps_class_and_effects(seed: int) -> None:
    graph = random_dag(np.random.default_rng(seed))
    cpdag = as_cpdag(graph)
    np.testing.assert_array_equal(as_cpdag(as_dag(cpdag)).adjacency, cpdag.adjacency)
    assert is_acyclic(as_dag(cpdag).adjacency)
    for i, j in np.argwhere(graph.adjacency):
        assert cpdag.effect[i, j] == graph.effect[i, j]
        assert cpdag.effect[j, i] == (graph.effect[i, j] if cpdag.adjacency[j, i] else 0)


def test_cycles_have_no_class() -> None:
    cycle = ClassGraph(NODES, np.roll(np.eye(4, dtype=np.int8), 1, axis=1))
    with pytest.raises(GraphError):
        as_cpdag(cycle)
