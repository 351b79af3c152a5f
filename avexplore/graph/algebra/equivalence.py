"""Graphs that say the same: DAGs of one Markov equivalence class, and the CPDAG that stands for all of them.

A published or imported graph is often a single DAG; compare it with a learned CPDAG through `as_cpdag`, or arrows that
no data can decide count as differences.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from avexplore.artifacts import ClassGraph, FloatArray, IntArray
from avexplore.graph.algebra.comparison import aligned


def as_cpdag(graph: ClassGraph) -> ClassGraph:
    """The CPDAG of a DAG; a graph with undirected edges is completed first. Effects and gains follow the edges.

    Raises:
        GraphError: If no DAG fits the graph, for instance because its arrows form a cycle.

    >>> nodes = ("audio:A", "audio:B", "visual:A")
    >>> as_cpdag(ClassGraph(nodes, np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]], np.int8))).edges()
    [('audio:A', 'audio:B', False), ('audio:B', 'visual:A', False)]
    """
    from avexplore.graph.algebra.cpdag import consistent_dag, dag_to_cpdag

    adjacency = dag_to_cpdag(np.ascontiguousarray(consistent_dag(graph.adjacency)))
    effect, gain = (along_lines(values, adjacency) for values in (graph.effect, graph.gain))
    return replace(graph, adjacency=adjacency, effect=effect, gain=gain)


def along_lines(values: FloatArray, cpdag: IntArray) -> FloatArray:
    """Values of a DAG's edges, mirrored where the CPDAG leaves the edge undirected. Shape (p, p)."""
    undirected = (cpdag & cpdag.T).astype(bool)
    mirrored: FloatArray = np.where(undirected & (values == 0), values.T, values)
    return np.where(cpdag.astype(bool), mirrored, 0.0)


def as_dag(graph: ClassGraph) -> ClassGraph:
    """One DAG of a CPDAG's class. Effects and gains follow the edges.

    Raises:
        GraphError: If no DAG fits the graph.
    """
    from avexplore.graph.algebra.cpdag import consistent_dag

    dag = consistent_dag(graph.adjacency)
    return replace(graph, adjacency=dag, effect=graph.effect * dag, gain=graph.gain * dag)


def markov_equivalent(graph: ClassGraph, other: ClassGraph) -> bool:
    """Whether two graphs over the same nodes, DAGs or CPDAGs, say the same of which classes are independent.

    Raises:
        GraphError: If the nodes differ, or no DAG fits one of the graphs.

    >>> nodes = ("audio:A", "audio:B")
    >>> one, two = (ClassGraph(nodes, np.array(a, np.int8)) for a in ([[0, 1], [0, 0]], [[0, 0], [1, 0]]))
    >>> markov_equivalent(one, two)
    True
    """
    return np.array_equal(aligned(as_cpdag(graph), other.nodes), as_cpdag(other).adjacency)
