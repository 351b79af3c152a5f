"""From a DAG to the graph of its Markov equivalence class, and back.

References:
    Chickering 1995, A transformational characterization of equivalent Bayesian network structures (order edges, label
    edges). Dor, Tarsi 1992, A simple algorithm to construct a consistent extension of a partially oriented graph.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from avexplore.artifacts import IntArray
from avexplore.errors import GraphError
from avexplore.graph.compiled.numba_cache import Int, entry_point, is_compiled

UNKNOWN, COMPELLED, REVERSIBLE = range(3)


@entry_point
def _label_edges(dag: IntArray, cpdag: IntArray) -> Int:
    """Write the CPDAG of `dag`; return how many nodes a topological order reaches, p unless there is a cycle."""
    p = len(dag)
    parents = np.empty((p, p), np.int32)
    count = np.zeros(p, np.int32)
    for x in range(p):
        for y in range(p):
            if dag[x, y] != 0:
                parents[y, count[y]] = x
                count[y] += 1
    topological = np.empty(p, np.int32)
    rank = np.empty(p, np.int32)
    waiting = count.copy()
    reached = 0
    for y in range(p):
        if waiting[y] == 0:
            topological[reached] = y
            reached += 1
    done = 0
    while done < reached:
        x = topological[done]
        rank[x] = done
        done += 1
        for y in range(p):
            if dag[x, y] != 0:
                waiting[y] -= 1
                if waiting[y] == 0:
                    topological[reached] = y
                    reached += 1
    if reached < p:
        return reached
    label = np.zeros((p, p), np.int8)
    for k in range(p):
        y = topological[k]
        # order edges: into y from the parent that comes last
        mine = parents[y, : count[y]]
        for i in range(1, len(mine)):
            x = mine[i]
            j = i
            while j > 0 and rank[mine[j - 1]] < rank[x]:
                mine[j] = mine[j - 1]
                j -= 1
            mine[j] = x
        # label edges
        for x in mine:
            if label[x, y] != UNKNOWN:
                continue
            settled = False
            for w in parents[x, : count[x]]:
                if label[w, x] == COMPELLED:
                    if dag[w, y] == 0:
                        for z in mine:
                            label[z, y] = COMPELLED
                        settled = True
                        break
                    label[w, y] = COMPELLED
            if settled:
                continue
            kind = REVERSIBLE
            for z in mine:
                if z != x and dag[z, x] == 0:
                    kind = COMPELLED
                    break
            for z in mine:
                if label[z, y] == UNKNOWN:
                    label[z, y] = kind
    for x in range(p):
        for y in range(p):
            if dag[x, y] != 0:
                cpdag[x, y] = 1
                if label[x, y] == REVERSIBLE:
                    cpdag[y, x] = 1
    return reached


def _quickest() -> Callable[[IntArray, IntArray], Int]:
    """The compiled function, or as long as that would have to be compiled first, the same as plain Python."""
    plain: Callable[[IntArray, IntArray], Int] = _label_edges.py_func  # type: ignore[attr-defined]
    return _label_edges if is_compiled() else plain


def dag_to_cpdag(dag: IntArray) -> IntArray:
    """The CPDAG of a DAG's Markov equivalence class.

    Args:
        dag: A[i, j] = 1 for i -> j. Shape (p, p).

    Returns:
        A[i, j] = 1 for i -> j; A[i, j] = A[j, i] = 1 for i - j. Shape (p, p), int8.

    Raises:
        GraphError: If the graph has a cycle.

    >>> dag_to_cpdag(np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]]))  # a chain has no direction
    array([[0, 1, 0],
           [1, 0, 1],
           [0, 1, 0]], dtype=int8)
    """
    edges = np.ascontiguousarray(dag, np.int8)
    cpdag = np.zeros(edges.shape, np.int8)
    if _quickest()(edges, cpdag) < len(edges):
        raise GraphError("The graph has a cycle", where="directed graph")
    return cpdag


def consistent_dag(cpdag: IntArray) -> IntArray:
    """One DAG with the same skeleton and v-structures that keeps every arrow.

    Args:
        cpdag: In the convention of `dag_to_cpdag`; any partially directed graph. Shape (p, p).

    Returns:
        Shape (p, p), int8.

    Raises:
        GraphError: If there is none, as in an undirected cycle of four without a chord.
    """
    left = np.array(cpdag, dtype=bool)
    dag: IntArray = (left & ~left.T).astype(np.int8)
    alive = np.ones(len(left), bool)
    while alive.any():
        adjacent = left | left.T
        for x in np.flatnonzero(alive):
            if (left[x] & ~left[:, x]).any():
                continue  # x has children
            neighbors = np.flatnonzero(left[x] & left[:, x])
            # every undirected neighbor of x must be adjacent to all that are adjacent to x
            around = np.flatnonzero(adjacent[x])
            linked = adjacent[np.ix_(neighbors, around)] | (neighbors[:, None] == around[None, :])
            if linked.all():
                dag[neighbors, x] = 1
                left[x] = left[:, x] = False
                alive[x] = False
                break
        else:
            raise GraphError("No DAG has this skeleton and these arrows without new v-structures", where="graph")
    return dag


def warm_up() -> None:
    """Compile for the array types that `dag_to_cpdag` passes."""
    _label_edges(np.zeros((2, 2), np.int8), np.zeros((2, 2), np.int8))
