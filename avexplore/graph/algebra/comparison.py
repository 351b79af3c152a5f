"""How two class graphs differ: added, removed and re-directed edges, and the usual distances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from avexplore.artifacts import BoolArray, ClassGraph, FloatArray, IntArray
from avexplore.errors import GraphError

Change = Literal["same", "added", "removed", "reversed", "directed", "undirected"]


@dataclass(frozen=True)
class Comparison:
    """A graph against a reference over the same nodes.

    Attributes:
        nodes: Names of the p nodes, in the reference's order.
        shd: Structural Hamming distance, 1 per pair of nodes whose edge differs.
        jaccard: Shared adjacent pairs over all adjacent pairs; 1 if neither has any.
        directed_jaccard: The same for directed edges.
        adjacency_precision, adjacency_recall: Of the graph's adjacent pairs, the share that the reference has; and
            the reverse. NaN if the denominator is empty.
        arrow_precision, arrow_recall: The same for directed edges: of the graph's arrows, the share that the reference
            has in the same direction.
        agreement: Of the shared adjacent pairs, the share with the same edge; NaN without shared pairs.
        edges: (source, target, change) per adjacent pair of either graph, in node order. An edge is `reversed` if both
            direct it but otherwise, `directed` if only this graph does, `undirected` if only the reference does.
    """

    nodes: tuple[str, ...]
    shd: int
    jaccard: float
    directed_jaccard: float
    adjacency_precision: float
    adjacency_recall: float
    arrow_precision: float
    arrow_recall: float
    agreement: float
    edges: tuple[tuple[str, str, Change], ...]

    def count(self, change: Change) -> int:
        """Number of edges with one kind of change."""
        return sum(kind == change for _, _, kind in self.edges)


def compare(graph: ClassGraph, reference: ClassGraph) -> Comparison:
    """Compare a class graph with a reference.

    Args:
        graph: The graph in question.
        reference: What it is held against; must have the same nodes, in any order.

    Raises:
        GraphError: If the nodes differ; the message names some that do.

    >>> nodes = ("audio:A", "audio:B", "visual:A")
    >>> one = ClassGraph(nodes, np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]], np.int8))
    >>> two = ClassGraph(nodes, np.array([[0, 0, 1], [1, 0, 0], [0, 0, 0]], np.int8))
    >>> result = compare(one, two)
    >>> result.shd, result.edges
    (3, (('audio:A', 'audio:B', 'reversed'), ('audio:A', 'visual:A', 'removed'), ('audio:B', 'visual:A', 'added')))
    """
    ours = aligned(graph, reference.nodes).astype(bool)
    theirs = reference.adjacency.astype(bool)
    our_pairs, their_pairs = ours | ours.T, theirs | theirs.T
    our_arrows, their_arrows = ours & ~ours.T, theirs & ~theirs.T
    both = our_pairs & their_pairs
    same = both & (ours == theirs) & (ours.T == theirs.T)
    return Comparison(
        nodes=reference.nodes,
        shd=shd(ours, theirs),
        jaccard=_ratio(both.sum(), (our_pairs | their_pairs).sum(), empty=1.0),
        directed_jaccard=_ratio((our_arrows & their_arrows).sum(), (our_arrows | their_arrows).sum(), empty=1.0),
        adjacency_precision=_ratio(both.sum(), our_pairs.sum()),
        adjacency_recall=_ratio(both.sum(), their_pairs.sum()),
        arrow_precision=_ratio((our_arrows & their_arrows).sum(), our_arrows.sum()),
        arrow_recall=_ratio((our_arrows & their_arrows).sum(), their_arrows.sum()),
        agreement=_ratio(same.sum(), both.sum()),
        edges=_changes(ours, theirs, reference.nodes),
    )


def shd(one: BoolArray | IntArray, other: BoolArray | IntArray) -> int:
    """Structural Hamming distance of two adjacency matrices: 1 per pair of nodes whose edge differs.

    A reversed edge counts once. It is a metric.

    References:
        Tsamardinos, Brown, Aliferis 2006, for CPDAGs.

    >>> shd(np.array([[0, 1], [0, 0]]), np.array([[0, 0], [1, 0]]))
    1
    """
    different = one != other
    return int(np.triu(different | different.T, 1).sum())


def aligned(graph: ClassGraph, nodes: tuple[str, ...]) -> IntArray:
    """The adjacency matrix with rows and columns in another order of the same nodes.

    Raises:
        GraphError: If a node is missing on either side.
    """
    index = {name: i for i, name in enumerate(graph.nodes)}
    if set(index) != set(nodes):
        extra, missing = sorted(set(index) - set(nodes)), sorted(set(nodes) - set(index))
        parts = [
            f"only in the {side}: {', '.join(names[:5])}"
            for side, names in (("graph", extra), ("reference", missing))
            if names
        ]
        raise GraphError(
            "The graphs have different nodes", where="; ".join(parts), fix="Compare graphs over the same classes"
        )
    order = np.array([index[name] for name in nodes], np.int64)
    return graph.adjacency[np.ix_(order, order)] if len(order) else graph.adjacency


def _ratio(part: int, whole: int, *, empty: float = float("nan")) -> float:
    return float(part) / float(whole) if whole else empty


def _changes(ours: BoolArray, theirs: BoolArray, nodes: tuple[str, ...]) -> tuple[tuple[str, str, Change], ...]:
    found: list[tuple[str, str, Change]] = []
    for i, j in np.argwhere(np.triu(ours | ours.T | theirs | theirs.T, 1)):
        mine, yours = (bool(ours[i, j]), bool(ours[j, i])), (bool(theirs[i, j]), bool(theirs[j, i]))
        shown = mine if any(mine) else yours
        source, target = (j, i) if shown == (False, True) else (i, j)
        found.append((nodes[source], nodes[target], _change(mine, yours)))
    return tuple(found)


def _change(mine: tuple[bool, bool], yours: tuple[bool, bool]) -> Change:
    if mine == yours:
        return "same"
    if not any(yours):
        return "added"
    if not any(mine):
        return "removed"
    if all(mine):
        return "undirected"
    return "directed" if all(yours) else "reversed"


def edge_frequency(graphs: list[ClassGraph]) -> FloatArray:
    """Share of several graphs in which each pair is adjacent, in the first graph's node order. Shape (p, p).

    Raises:
        GraphError: If there are no graphs, or their nodes differ.

    >>> nodes = ("audio:A", "visual:A")
    >>> edge_frequency([ClassGraph(nodes, np.array([[0, 1], [0, 0]])), ClassGraph(nodes, np.zeros((2, 2), int))])
    array([[0. , 0.5],
           [0.5, 0. ]])
    """
    if not graphs:
        raise GraphError("There are no graphs to count edges over")
    stack = np.stack([aligned(graph, graphs[0].nodes) for graph in graphs])
    frequency: FloatArray = (stack | stack.transpose(0, 2, 1)).astype(bool).mean(axis=0)
    return frequency
