"""PAGs beside their definition: what all ancestral graphs that say the same of independence agree on."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import networkx as nx
import numpy as np
import pytest

from avexplore.graph.algebra.hidden_causes import ARROW, CIRCLE, TAIL, may_have_hidden_cause, pag_of_dag

DIRECTED, BIDIRECTED = (TAIL, ARROW), (ARROW, ARROW)


def random_dag(p: int, share: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    order = rng.permutation(p)
    dag = np.triu(rng.random((p, p)) < share, 1)
    return dag[np.ix_(order, order)].astype(np.int8)


def independences(graph: nx.DiGraph, p: int) -> frozenset[tuple[int, int, frozenset[int]]]:
    """All m-separations among 0 ... p - 1; other vertices are hidden."""
    return frozenset(
        (i, j, frozenset(given))
        for i, j in itertools.combinations(range(p), 2)
        for size in range(p - 1)
        for given in itertools.combinations([v for v in range(p) if v not in (i, j)], size)
        if nx.is_d_separator(graph, {i}, {j}, set(given))
    )


def with_hidden_causes(p: int, edges: dict[tuple[int, int], tuple[int, int]]) -> nx.DiGraph | None:
    """The DAG of an ancestral graph, a hidden cause for each bidirected edge; None if it is not ancestral."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(p))
    graph.add_edges_from((i, j) for (i, j), marks in edges.items() if marks == DIRECTED)
    graph.add_edges_from((j, i) for (i, j), marks in edges.items() if marks == DIRECTED[::-1])
    if not nx.is_directed_acyclic_graph(graph):
        return None
    for number, ((i, j), marks) in enumerate(edges.items()):
        if marks == BIDIRECTED:
            if nx.has_path(graph, i, j) or nx.has_path(graph, j, i):
                return None
            graph.add_edges_from([(p + number, i), (p + number, j)])
    return graph


def equivalent(dag: np.ndarray) -> Iterator[dict[tuple[int, int], tuple[int, int]]]:
    """Marks, at both ends of each edge, of every ancestral graph that says the same as a DAG."""
    p, lines = len(dag), [(int(i), int(j)) for i, j in np.argwhere(np.triu(dag | dag.T))]
    said = independences(nx.DiGraph(dag), p)
    for marks in itertools.product((DIRECTED, DIRECTED[::-1], BIDIRECTED), repeat=len(lines)):
        edges = dict(zip(lines, marks, strict=True))
        graph = with_hidden_causes(p, edges)
        if graph is not None and independences(graph, p) == said:
            yield edges


def by_definition(dag: np.ndarray) -> np.ndarray:
    marks = np.zeros(dag.shape, int)
    for edges in equivalent(dag):
        for (i, j), (at_i, at_j) in edges.items():
            for one, two, mark in ((j, i, at_i), (i, j, at_j)):
                marks[one, two] = mark if marks[one, two] in (0, mark) else CIRCLE
    return marks


@pytest.mark.parametrize("seed", range(40))
def test_is_what_all_equivalent_ancestral_graphs_agree_on(seed: int) -> None:
    p = 4 + seed % 2
    dag = random_dag(p, 0.7 if p == 4 else 0.5, seed)
    if dag.sum() <= 6:
        np.testing.assert_array_equal(pag_of_dag(dag), by_definition(dag))


@pytest.mark.parametrize("seed", range(12))
def test_where_a_hidden_cause_changes_nothing_that_is_seen_it_is_possible(seed: int) -> None:
    p = 5
    dag = random_dag(p, 0.5, seed)
    possible = may_have_hidden_cause(dag)
    assert (possible == possible.T).all()
    assert not possible[(dag | dag.T) == 0].any()
    said = independences(nx.DiGraph(dag), p)
    for i, j in np.argwhere(dag):
        more = nx.DiGraph(dag)
        more.add_edges_from([(p, int(i)), (p, int(j))])
        if independences(more, p) == said:
            assert possible[i, j]


@pytest.mark.parametrize("seed", range(12))
def test_where_it_is_not_possible_any_hidden_cause_would_be_seen(seed: int) -> None:
    p = 5
    dag = random_dag(p, 0.4, seed)
    said = independences(nx.DiGraph(dag), p)
    for i, j in np.argwhere(np.triu((dag | dag.T) & ~may_have_hidden_cause(dag))):
        for edges in equivalent(dag) if dag.sum() <= 5 else ():
            graph = with_hidden_causes(p, edges)
            assert graph is not None
            graph.add_edges_from([(100, int(i)), (100, int(j))])
            assert independences(graph, p) != said


def test_an_edge_out_of_a_collider_rules_a_hidden_cause_out() -> None:
    dag = np.zeros((4, 4), np.int8)
    dag[[0, 1, 2], [2, 2, 3]] = 1
    possible = may_have_hidden_cause(dag)
    assert not possible[2, 3]
    assert possible[0, 2]
    assert possible[1, 2]


def test_a_graph_of_the_size_of_a_page_takes_a_moment() -> None:
    dag = random_dag(64, 0.1, 0)
    began = time.process_time()
    marks = pag_of_dag(dag)
    assert time.process_time() - began < 20
    assert ((marks > 0) == ((dag | dag.T) > 0)).all()
