from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avexplore.artifacts import ClassGraph
from avexplore.errors import GraphError
from avexplore.graph.algebra.cpdag import dag_to_cpdag
from avexplore.graph.algebra.separation import (
    d_separated,
    directed_paths,
    is_acyclic,
    neighborhood,
    within_hops,
)
from avexplore.graph.exchange import to_networkx

NODES = tuple(f"audio:{k}" for k in "ABCDEF")
seeds = st.integers(0, 10**6)


def random_dag(seed: int, p: int = 6, density: float = 0.4) -> ClassGraph:
    rng = np.random.default_rng(seed)
    dag = np.triu(rng.random((p, p)) < density, 1)
    order = rng.permutation(p)
    return ClassGraph(NODES[:p], dag[np.ix_(order, order)].astype(np.int8))


def separated_by_moral_graph(graph: ClassGraph, one: str, two: str, given_nodes: tuple[str, ...]) -> bool:
    """Lauritzen's criterion: cut in the moral graph of the ancestors."""
    dag = to_networkx(graph)
    wanted = {one, two, *given_nodes}
    ancestors = wanted.union(*(nx.ancestors(dag, node) for node in wanted))
    moral = nx.moral_graph(dag.subgraph(ancestors))
    moral.remove_nodes_from(given_nodes)
    return not nx.has_path(moral, one, two)


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_d_separation_is_that_of_the_moral_graph_in_dag_and_cpdag(seed: int) -> None:
    graph = random_dag(seed)
    cpdag = ClassGraph(NODES, dag_to_cpdag(graph.adjacency))
    one, two, *rest = np.random.default_rng(seed).permutation(NODES).tolist()
    for size in range(3):
        for cut in combinations(rest, size):
            expected = separated_by_moral_graph(graph, one, two, cut)
            assert d_separated(graph, [one], [two], cut) == expected
            assert d_separated(cpdag, [one], [two], cut) == expected


@given(seeds)
def test_the_markov_blanket_separates_a_node_from_all_others(seed: int) -> None:
    graph = random_dag(seed)
    for node in NODES:
        blanket = neighborhood(graph, node).markov_blanket
        for other in set(NODES) - {node, *blanket}:
            assert separated_by_moral_graph(graph, node, other, blanket)
        for other in blanket:
            assert not separated_by_moral_graph(graph, node, other, tuple(set(blanket) - {other}))


def test_a_cycle_has_no_d_separation() -> None:
    cycle = np.roll(np.eye(3, dtype=np.int8), 1, axis=1)
    with pytest.raises(GraphError, match="No DAG"):
        d_separated(ClassGraph(NODES[:3], cycle), [NODES[0]], [NODES[1]])


@given(seeds)
def test_acyclicity_agrees_with_networkx(seed: int) -> None:
    rng = np.random.default_rng(seed)
    adjacency = (rng.random((6, 6)) < 0.2).astype(np.int8)
    np.fill_diagonal(adjacency, 0)
    arrows = adjacency * (1 - adjacency.T)
    assert is_acyclic(adjacency) == nx.is_directed_acyclic_graph(nx.from_numpy_array(arrows, create_using=nx.DiGraph))


@given(seeds)
def test_directed_paths_are_networkx_simple_paths_shortest_first(seed: int) -> None:
    cpdag = ClassGraph(NODES, dag_to_cpdag(random_dag(seed).adjacency))
    found = directed_paths(cpdag, NODES[0], NODES[5])
    assert sorted(found) == sorted(map(tuple, nx.all_simple_paths(to_networkx(cpdag), NODES[0], NODES[5])))
    assert [len(path) for path in found] == sorted(len(path) for path in found)


def test_directed_paths_stop_at_the_limit_in_a_dense_graph() -> None:
    p = 60
    nodes = tuple(f"audio:{k}" for k in range(p))
    dense = ClassGraph(nodes, np.triu(np.ones((p, p), np.int8), 1))
    found = directed_paths(dense, nodes[0], nodes[-1], at_most=40)
    assert len(found) == 40
    assert found[0] == (nodes[0], nodes[-1])
    assert directed_paths(dense, nodes[-1], nodes[0]) == []
    assert directed_paths(dense, nodes[0], nodes[0]) == []


@given(seeds, st.integers(0, 4))
def test_hops_ignore_direction(seed: int, hops: int) -> None:
    graph = random_dag(seed, density=0.25)
    ball = nx.ego_graph(to_networkx(graph).to_undirected(), NODES[0], hops).nodes
    assert set(within_hops(graph, NODES[0], hops)) == set(ball)


def test_neighborhood_tells_lines_from_arrows() -> None:
    adjacency = np.array([[0, 1, 1], [0, 0, 0], [1, 0, 0]], np.int8)
    around = neighborhood(ClassGraph(NODES[:3], adjacency), "audio:A")
    assert (around.parents, around.children, around.undirected) == ((), ("audio:B",), ("audio:C",))
    with pytest.raises(GraphError, match="no node 'audio:Z'"):
        neighborhood(ClassGraph(NODES[:3], adjacency), "audio:Z")


def test_overlapping_sets_are_refused() -> None:
    with pytest.raises(GraphError, match="overlap"):
        d_separated(random_dag(0), ["audio:A"], ["audio:A"])
