"""How far to trust each edge, beside the edge in a file."""

from __future__ import annotations

from avexplore.artifacts import ClassGraph, GraphStability
from avexplore.errors import GraphError

DIGITS = 6


class Shares:
    """The shares that a file gives each edge: of bootstraps that hold it, of those with its direction, and of graphs
    under the null model.

    Args:
        graph: The graph that is written.
        stability: Over the same nodes; None where nothing is known, and then no file says anything.

    Raises:
        GraphError: If the nodes differ.
    """

    def __init__(self, graph: ClassGraph, stability: GraphStability | None) -> None:
        if stability is not None and stability.nodes != graph.nodes:
            raise GraphError("Graph and bootstraps have other nodes", where="graph file", fix="Measure this graph")
        self._index = {name: i for i, name in enumerate(graph.nodes)}
        self._matrices = {}
        if stability is not None:
            self._matrices = {"bootstraps": stability.edge_frequency, "direction": stability.orientation_frequency}
            if stability.null != "none":
                self._matrices["null"] = stability.null_frequency

    @property
    def names(self) -> tuple[str, ...]:
        """What is known of every edge; nothing without bootstraps."""
        return tuple(self._matrices)

    def of(self, source: str, target: str) -> dict[str, float]:
        """The shares of one edge, by name."""
        i, j = self._index[source], self._index[target]
        return {name: round(float(matrix[i, j]), DIGITS) for name, matrix in self._matrices.items()}
