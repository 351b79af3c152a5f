"""How far to trust each edge, beside the edge in a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from avexplore.artifacts import ClassGraph, GraphStability
from avexplore.errors import GraphError
from avexplore.graph.evidence.pair_probability import PairProbability

DIGITS = 6
NAMES = ("bootstraps", "direction", "null", "probability")


def stated(values: Mapping[str, Any]) -> dict[str, float]:
    """The shares among the named values of an edge in a file; what is no number counts as not stated.

    >>> stated({"bootstraps": "0.9", "effect": "2", "null": ""})
    {'bootstraps': 0.9}
    """
    found = {}
    for name in NAMES:
        try:
            found[name] = float(values.get(name, "nan"))
        except (TypeError, ValueError, OverflowError):
            continue
    return {name: value for name, value in found.items() if 0 <= value <= 1}


class Shares:
    """The shares that a file gives each edge: of bootstraps that hold it, of those with its direction, of graphs under
    the null model, and how probable it is that its classes come together.

    Args:
        graph: The graph that is written.
        stability: Over the same nodes; None where nothing is known but what the graph came with (`graph.shares`).
        probability: Of pairs of classes; None where nothing is known. Edges within a class have none.

    Raises:
        GraphError: If the nodes differ.
    """

    def __init__(
        self, graph: ClassGraph, stability: GraphStability | None, probability: PairProbability | None = None
    ) -> None:
        if stability is not None and stability.nodes != graph.nodes:
            raise GraphError("Graph and bootstraps have other nodes", where="graph file", fix="Measure this graph")
        self._index = {name: i for i, name in enumerate(graph.nodes)}
        self._matrices = dict(graph.shares)
        if stability is not None:
            self._matrices |= {"bootstraps": stability.edge_frequency, "direction": stability.orientation_frequency}
            if stability.null != "none":
                self._matrices["null"] = stability.null_frequency
        if probability is not None:
            self._matrices["probability"] = probability.of_nodes(graph.nodes)

    @property
    def names(self) -> tuple[str, ...]:
        """What is known of edges."""
        return tuple(self._matrices)

    def of(self, source: str, target: str) -> dict[str, float]:
        """The shares of one edge, by name; those that are unknown are left out."""
        i, j = self._index[source], self._index[target]
        known = {name: float(matrix[i, j]) for name, matrix in self._matrices.items() if np.isfinite(matrix[i, j])}
        return {name: round(value, DIGITS) for name, value in known.items()}
