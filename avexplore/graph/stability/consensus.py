"""One graph from many: the edges that most bootstraps, search seeds, or graphs of other teachers hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from avexplore.artifacts import ClassGraph, FloatArray, GraphStability
from avexplore.errors import GraphError


def consensus_graph(
    stability: GraphStability, threshold: float = 0.5, over: Literal["bootstraps", "seeds"] = "bootstraps"
) -> ClassGraph:
    """The edges of at least a share of the bootstraps (or search seeds), directed where most of those agree.

    An edge is directed if one direction was found in more than half of the bootstraps that hold it. The result is a
    summary, not a CPDAG: its arrows need not be acyclic. It says what repeats, which need not be right.

    Raises:
        GraphError: If no seeds were searched.

    >>> empty = np.zeros((2, 2)); often = np.array([[0, 0.9], [0.9, 0]]); arrow = np.array([[0, 0.8], [0.1, 0]])
    >>> s = GraphStability(("audio:A", "visual:A"), often, arrow, empty, empty, np.eye(2), 10, *[np.zeros(2)] * 3)
    >>> consensus_graph(s).edges()
    [('audio:A', 'visual:A', True)]
    """
    links, arrows, count = stability.edge_frequency, stability.orientation_frequency, stability.bootstraps
    if over == "seeds":
        links, arrows, count = stability.seed_frequency, stability.seed_orientation_frequency, stability.seeds
        if not count:
            raise GraphError("No other seeds were searched", where="consensus", fix="Measure the stability with seeds")
    return _consensus(
        stability.nodes,
        links,
        arrows,
        stability.effect,
        threshold,
        stability.warnings,
        f"consensus of {count} {over} at {threshold:.0%}",
    )


def consensus_of_graphs(graphs: Sequence[ClassGraph], threshold: float = 0.5) -> ClassGraph:
    """The edges that at least a share of some graphs over the same nodes hold, such as those of several teachers.

    Effects are means over the graphs that hold an edge.

    Raises:
        GraphError: If there are no graphs, or their nodes differ.

    >>> one, two = (ClassGraph(("audio:A", "visual:A"), np.array([[0, k], [1, 0]], np.int8)) for k in (0, 1))
    >>> consensus_of_graphs([one, one, two]).edges()
    [('visual:A', 'audio:A', True)]
    """
    if not graphs or any(graph.nodes != graphs[0].nodes for graph in graphs):
        raise GraphError("A consensus needs graphs over the same nodes", where="consensus")
    stack = np.stack([graph.adjacency for graph in graphs]).astype(bool)
    links = stack | stack.transpose(0, 2, 1)
    arrows = stack & ~stack.transpose(0, 2, 1)
    effects = np.stack([graph.effect + graph.effect.T for graph in graphs])
    held = np.maximum(links.sum(axis=0), 1)
    return _consensus(
        graphs[0].nodes,
        links.mean(axis=0),
        arrows.mean(axis=0),
        np.where(links, effects, 0.0).sum(axis=0) / held,
        threshold,
        (),
        f"consensus of {len(graphs)} graphs at {threshold:.0%}",
    )


def _consensus(
    nodes: tuple[str, ...],
    links: FloatArray,
    arrows: FloatArray,
    effect: FloatArray,
    threshold: float,
    warnings: tuple[str, ...],
    source: str,
) -> ClassGraph:
    held = (links >= threshold) & (links > 0) & ~np.eye(len(nodes), dtype=bool)
    wins = arrows > 0.5 * links
    adjacency = (held & (wins | ~wins.T)).astype(np.int8)
    return ClassGraph(nodes, adjacency, effect=effect * adjacency, warnings=warnings, source=source)
