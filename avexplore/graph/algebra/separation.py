"""What a graph says about its nodes: parents, children, Markov blankets, paths, d-separation."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from avexplore.artifacts import BoolArray, ClassGraph, FloatArray, IntArray
from avexplore.errors import GraphError


@dataclass(frozen=True)
class Neighborhood:
    """A node's surroundings, all in node order.

    Attributes:
        parents, children: Ends of directed edges.
        undirected: Adjacent nodes whose edge has no direction.
        markov_blanket: Parents, children, undirected neighbors, and other parents of the children: given these, the
            node tells nothing more about any other node. With undirected edges it is the union over what they may be
            short of new colliders.
    """

    parents: tuple[str, ...]
    children: tuple[str, ...]
    undirected: tuple[str, ...]
    markov_blanket: tuple[str, ...]


def neighborhood(graph: ClassGraph, node: str) -> Neighborhood:
    """Parents, children, undirected neighbors and Markov blanket of a node.

    Raises:
        GraphError: If there is no such node.

    >>> collider = ClassGraph(("audio:A", "audio:B", "visual:A"), np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]]))
    >>> neighborhood(collider, "audio:A").markov_blanket
    ('audio:B', 'visual:A')
    """
    k = _index(graph, node)
    out, into = graph.adjacency[k].astype(bool), graph.adjacency[:, k].astype(bool)
    children, parents, undirected = out & ~into, into & ~out, out & into
    arrows = graph.adjacency.astype(bool) & ~graph.adjacency.T.astype(bool)
    blanket = children | parents | undirected | arrows[:, children].any(axis=1)
    blanket[k] = False
    return Neighborhood(*(_names(graph, mask) for mask in (parents, children, undirected, blanket)))


def within_hops(graph: ClassGraph, node: str, hops: int) -> tuple[str, ...]:
    """The nodes at most `hops` edges away, whatever their direction, the node itself included.

    >>> chain = ClassGraph(("audio:A", "audio:B", "visual:A"), np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]]))
    >>> within_hops(chain, "audio:A", 1)
    ('audio:A', 'audio:B')
    """
    return _names(graph, _distances_from(graph.skeleton, _index(graph, node)) <= hops)


def directed_paths(graph: ClassGraph, source: str, target: str, *, at_most: int = 100) -> list[tuple[str, ...]]:
    """Paths along which a dependency may run from source to target, shortest first.

    Undirected edges may be passed either way. The number of paths grows exponentially in dense graphs: the search
    stops at `at_most` paths.

    Raises:
        GraphError: If there is no such node.

    >>> diamond = ClassGraph(("audio:A", "audio:B", "visual:A"), np.array([[0, 1, 1], [0, 0, 1], [0, 0, 0]]))
    >>> directed_paths(diamond, "audio:A", "visual:A")
    [('audio:A', 'visual:A'), ('audio:A', 'audio:B', 'visual:A')]
    """
    start, end = _index(graph, source), _index(graph, target)
    if start == end:
        return []
    return [tuple(graph.nodes[k] for k in path) for path in islice(_paths(graph.adjacency, start, end), at_most)]


def _paths(adjacency: IntArray, start: int, end: int) -> Iterator[list[int]]:
    """Simple paths by length. Only nodes that can still reach the end are entered."""
    reaches = _distances_from(adjacency.T, end)
    if np.isinf(reaches[start]):
        return
    for length in range(int(reaches[start]), len(adjacency)):
        stack = [[start]]
        while stack:
            path = stack.pop()
            left = length - (len(path) - 1)
            for k in np.flatnonzero(adjacency[path[-1]])[::-1]:
                if k == end:
                    if left == 1:
                        yield [*path, int(k)]
                elif reaches[k] < left and k not in path:
                    stack.append([*path, int(k)])


def _distances_from(adjacency: BoolArray | IntArray, start: int) -> FloatArray:
    """Edges from one node to each, infinite where none lead. Shape (p,)."""
    from scipy.sparse.csgraph import shortest_path

    distances: FloatArray = shortest_path(adjacency, unweighted=True, indices=start)
    return distances


def d_separated(
    graph: ClassGraph, first: Collection[str], second: Collection[str], given: Collection[str] = ()
) -> bool:
    """Whether the graph says that two sets of nodes are independent given a third.

    A CPDAG's undirected edges are directed first, consistently; every DAG of the class gives the same answer.

    Raises:
        GraphError: If a node is unknown, the sets overlap, or no DAG fits the graph.

    >>> chain = ClassGraph(("audio:A", "audio:B", "visual:A"), np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]]))
    >>> d_separated(chain, ["audio:A"], ["visual:A"]), d_separated(chain, ["audio:A"], ["visual:A"], ["audio:B"])
    (False, True)
    """
    import networkx as nx

    from avexplore.graph.algebra.cpdag import consistent_dag

    sets = [{_index(graph, name) for name in names} for names in (first, second, given)]
    if sets[0] & sets[1] or sets[0] & sets[2] or sets[1] & sets[2]:
        raise GraphError("The three sets of nodes overlap", where="d-separation", fix="Name each node once")
    dag = nx.from_numpy_array(consistent_dag(graph.adjacency), create_using=nx.DiGraph)
    return bool(nx.is_d_separator(dag, *sets))


def is_acyclic(adjacency: IntArray) -> bool:
    """Whether the directed edges alone form no cycle; undirected ones do not count.

    >>> is_acyclic(np.array([[0, 1], [1, 0]])), is_acyclic(np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]]))
    (True, False)
    """
    from scipy.sparse.csgraph import connected_components

    arrows = adjacency.astype(bool) & ~adjacency.T.astype(bool)
    # Nodes of a cycle reach each other: without one, each is a component by itself.
    return bool(connected_components(arrows, connection="strong", return_labels=False) == len(arrows))


def _index(graph: ClassGraph, node: str) -> int:
    if node not in graph.nodes:
        raise GraphError(f"There is no node {node!r}", where="class graph", fix="Nodes are named audio:X or visual:X")
    return graph.nodes.index(node)


def _names(graph: ClassGraph, mask: BoolArray) -> tuple[str, ...]:
    return tuple(name for name, yes in zip(graph.nodes, mask, strict=True) if yes)
