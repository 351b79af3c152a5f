from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avexplore.artifacts import ClassGraph
from avexplore.errors import GraphError
from avexplore.graph.algebra.comparison import compare, edge_frequency, shd

NODES = ("audio:A", "audio:B", "visual:A", "visual:B")


def random_graph(seed: int) -> ClassGraph:
    rng = np.random.default_rng(seed)
    kinds = np.triu(rng.integers(0, 4, (4, 4)), 1)
    return ClassGraph(NODES, ((kinds & 1) + (kinds >> 1).T).astype(np.int8))


seeds = st.integers(0, 10_000)


@given(seeds, seeds, seeds)
def test_shd_is_a_metric(a: int, b: int, c: int) -> None:
    one, two, three = (random_graph(seed).adjacency for seed in (a, b, c))
    assert shd(one, one) == 0
    assert shd(one, two) == shd(two, one)
    assert (shd(one, two) == 0) == np.array_equal(one, two)
    assert shd(one, three) <= shd(one, two) + shd(two, three)


@given(seeds, seeds)
def test_against_a_plain_loop_over_pairs(a: int, b: int) -> None:
    one, two = random_graph(a), random_graph(b)
    result = compare(one, two)
    mine = {frozenset(edge[:2]): edge for edge in one.edges()}
    theirs = {frozenset(edge[:2]): edge for edge in two.edges()}
    shared = mine.keys() & theirs.keys()
    differing = {pair for pair in mine.keys() | theirs.keys() if mine.get(pair) != theirs.get(pair)}
    assert result.shd == len(differing)
    assert result.count("same") == len(mine.keys() | theirs.keys()) - len(differing)
    assert result.count("added") == len(mine.keys() - theirs.keys())
    assert result.count("removed") == len(theirs.keys() - mine.keys())
    arrows, their_arrows = ({edge for edge in g.edges() if edge[2]} for g in (one, two))
    same = len(arrows & their_arrows)
    for value, part, whole in [
        (result.adjacency_precision, len(shared), len(mine)),
        (result.adjacency_recall, len(shared), len(theirs)),
        (result.arrow_precision, same, len(arrows)),
        (result.arrow_recall, same, len(their_arrows)),
        (result.agreement, len(shared) - len(differing & shared), len(shared)),
    ]:
        assert math.isnan(value) if whole == 0 else value == pytest.approx(part / whole)


def test_each_kind_of_change() -> None:
    def edges(*pairs: tuple[int, int]) -> ClassGraph:
        adjacency = np.zeros((4, 4), np.int8)
        for i, j in pairs:
            adjacency[i, j] = 1
        return ClassGraph(NODES, adjacency)

    result = compare(
        edges((0, 1), (2, 0), (0, 3), (3, 0), (1, 2)), edges((1, 0), (2, 0), (3, 0), (1, 2), (2, 1), (2, 3))
    )
    kinds = {frozenset((a, b)): kind for a, b, kind in result.edges}
    assert kinds == {
        frozenset(("audio:A", "audio:B")): "reversed",
        frozenset(("audio:A", "visual:A")): "same",
        frozenset(("audio:A", "visual:B")): "undirected",
        frozenset(("audio:B", "visual:A")): "directed",
        frozenset(("visual:A", "visual:B")): "removed",
    }


def test_nodes_may_come_in_another_order_but_not_be_others() -> None:
    graph = random_graph(3)
    order = [2, 0, 3, 1]
    shuffled = ClassGraph(tuple(NODES[k] for k in order), graph.adjacency[np.ix_(order, order)])
    assert compare(shuffled, graph).shd == 0
    other = ClassGraph((*NODES[:3], "visual:C"), graph.adjacency)
    with pytest.raises(GraphError, match="only in the graph: visual:C; only in the reference: visual:B"):
        compare(other, graph)


def test_empty_graphs_agree() -> None:
    empty = ClassGraph(NODES, np.zeros((4, 4), np.int8))
    result = compare(empty, empty)
    assert (result.shd, result.jaccard, result.directed_jaccard) == (0, 1.0, 1.0)
    assert math.isnan(result.adjacency_precision)


def test_edge_frequency_counts_adjacency_in_either_direction() -> None:
    graphs = [random_graph(seed) for seed in range(10)]
    expected = np.mean([graph.skeleton for graph in graphs], axis=0)
    np.testing.assert_allclose(edge_frequency(graphs), expected)
    with pytest.raises(GraphError, match="no graphs"):
        edge_frequency([])
