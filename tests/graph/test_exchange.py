"""Class graphs in networkx and causal-learn are the graphs that they were."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from causallearn.graph.Dag import Dag
from causallearn.graph.GraphNode import GraphNode
from causallearn.utils.DAG2CPDAG import dag2cpdag

from avexplore.artifacts import ClassGraph, class_nodes
from avexplore.graph.algebra.cpdag import dag_to_cpdag
from avexplore.graph.exchange import to_causal_learn, to_networkx

NODES = class_nodes(("Bus", "Cat", "Dog"))


def random_dag(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(NODES))
    dag = np.triu(rng.random((len(NODES), len(NODES))) < 0.4, 1)
    return dag[np.ix_(order, order)].astype(np.int8)


@pytest.mark.parametrize("seed", range(5))
def test_causal_learn_finds_the_cpdag_that_we_hand_it(seed: int) -> None:
    dag = random_dag(seed)
    nodes = [GraphNode(name) for name in NODES]
    theirs = Dag(nodes)
    for i, j in np.argwhere(dag):
        theirs.add_directed_edge(nodes[i], nodes[j])
    ours = to_causal_learn(ClassGraph(NODES, dag_to_cpdag(dag)))
    assert [node.get_name() for node in ours.get_nodes()] == list(NODES)
    assert np.array_equal(ours.graph, dag2cpdag(theirs).graph)


@pytest.mark.parametrize("seed", range(5))
def test_networkx_has_an_arc_each_way_for_an_undirected_edge(seed: int) -> None:
    adjacency = dag_to_cpdag(random_dag(seed))
    effect = np.where(adjacency, np.random.default_rng(seed).normal(size=adjacency.shape), 0.0)
    made = to_networkx(ClassGraph(NODES, adjacency, effect=effect, gain=np.abs(effect)))
    assert np.array_equal(nx.to_numpy_array(made, nodelist=NODES, weight=None) > 0, adjacency > 0)
    for source, target, directed in made.edges(data="directed"):
        assert directed == (not made.has_edge(target, source))
    assert made.nodes["visual:Cat"] == {"modality": "visual", "name": "Cat"}
    undirected = [(a, b) for a, b, directed in made.edges(data="directed") if not directed]
    for a, b in undirected:
        assert made[a][b]["effect"] == made[b][a]["effect"] != 0
