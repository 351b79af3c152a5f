"""CPDAGs: by hand, and against causal-learn on random DAGs."""

from __future__ import annotations

import numpy as np
import pytest

from avexplore.artifacts import IntArray
from avexplore.errors import GraphError
from avexplore.graph.algebra import cpdag
from avexplore.graph.algebra.cpdag import consistent_dag, dag_to_cpdag


def random_dag(rng: np.random.Generator, p: int, density: float) -> IntArray:
    upper = np.triu(rng.random((p, p)) < density, 1)
    shuffled = rng.permutation(p)
    return upper[np.ix_(shuffled, shuffled)].astype(np.int8)


def their_cpdag(dag: IntArray) -> IntArray:
    from causallearn.graph.Dag import Dag
    from causallearn.graph.GraphNode import GraphNode
    from causallearn.utils.DAG2CPDAG import dag2cpdag

    nodes = [GraphNode(str(i)) for i in range(len(dag))]
    graph = Dag(nodes)
    for i, j in np.argwhere(dag):
        graph.add_directed_edge(nodes[i], nodes[j])
    ends = dag2cpdag(graph).graph  # ends[j, i] = 1 and ends[i, j] = -1: i -> j; both -1: i - j
    undirected = (ends == -1) & (ends.T == -1)
    return (((ends.T == 1) & (ends == -1)) | undirected).astype(np.int8)


def test_agrees_with_causal_learn_on_random_dags() -> None:
    rng = np.random.default_rng(1)
    for _ in range(520):
        dag = random_dag(rng, int(rng.integers(2, 13)), float(rng.uniform(0.05, 0.9)))
        np.testing.assert_array_equal(dag_to_cpdag(dag), their_cpdag(dag))


def test_plain_python_gives_the_same_before_anything_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    dags = [random_dag(rng, int(rng.integers(1, 20)), float(rng.uniform(0.05, 0.9))) for _ in range(40)]
    asked = []

    def compiled(yes: bool) -> list[IntArray]:
        monkeypatch.setattr(cpdag, "is_compiled", lambda: asked.append(yes) or yes)
        return [dag_to_cpdag(dag) for dag in dags]

    for one, two in zip(compiled(True), compiled(False), strict=True):
        np.testing.assert_array_equal(one, two)
    assert len(asked) == 80
    with pytest.raises(GraphError, match="cycle"):
        dag_to_cpdag(np.array([[0, 1], [1, 0]]))


def test_v_structure_is_kept_and_orients_what_follows() -> None:
    dag = np.zeros((4, 4), np.int8)
    dag[0, 2] = dag[1, 2] = dag[2, 3] = 1
    np.testing.assert_array_equal(dag_to_cpdag(dag), dag)


def test_complete_graph_is_undirected() -> None:
    dag = np.triu(np.ones((5, 5), np.int8), 1)
    np.testing.assert_array_equal(dag_to_cpdag(dag), dag | dag.T)


def test_cycle_is_refused() -> None:
    with pytest.raises(GraphError, match="cycle"):
        dag_to_cpdag(np.array([[0, 1], [1, 0]]))


def test_consistent_dag_is_in_the_class() -> None:
    rng = np.random.default_rng(2)
    for _ in range(200):
        cpdag = dag_to_cpdag(random_dag(rng, int(rng.integers(1, 12)), float(rng.uniform(0.05, 0.9))))
        member = consistent_dag(cpdag)
        assert not (member & ~cpdag).any()
        np.testing.assert_array_equal(dag_to_cpdag(member), cpdag)


def test_chordless_undirected_cycle_has_no_consistent_dag() -> None:
    square = np.zeros((4, 4), np.int8)
    for i in range(4):
        square[i, (i + 1) % 4] = square[(i + 1) % 4, i] = 1
    with pytest.raises(GraphError, match="No DAG"):
        consistent_dag(square)
