"""What a drawing of a class graph consists of, free of any library that draws it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from avexplore.artifacts import split_node
from avexplore.drawing.class_graph.names import edge_id

EdgeType = Literal["learned", "ghost", "forbidden"]
EdgeGroup = Literal["audio", "visual", "across"]
Change = Literal["", "kept", "half", "added", "removed", "reversed"]
"""How an edge differs between two graphs; "half": in both, with a direction in one of them only."""


@dataclass(frozen=True)
class Node:
    """A class in one modality."""

    name: str
    size: float = 11.0
    tier: int = 0
    title: str = ""


@dataclass(frozen=True)
class Edge:
    """A dependency between the nodes number `source` and `target`."""

    source: int
    target: int
    directed: bool = True
    frequency: float | None = None
    """Share of bootstraps that hold it; None while unknown."""
    rank: float = 1.0
    """Place among the edges, 1 for the strongest; stands in for the frequency while that is unknown."""
    type: EdgeType = "learned"
    negative: bool = False
    """Whether the two classes go against each other."""
    required: bool = False
    change: Change = ""
    title: str = ""
    settled: bool = True
    """Whether its direction may be read: only then it gets an arrowhead."""
    in_null: bool = False
    """Whether the null model finds it at least as often as the bootstraps do."""
    doubtful: bool = False
    """Whether its two classes are less than probably true to come together."""
    evidence: float = 0.3
    """What speaks for two classes that come together, in [-1, 1]: frequency times correlation of the soft labels times
    probability of the pair."""
    hidden_cause: bool = False
    """Whether a common cause that is no class may stand behind it; False while nobody asked."""
    strong: bool = True
    """Whether it is one of the few that a first view shows."""

    @property
    def id(self) -> str:
        """Stable id of the pair."""
        return edge_id(self.source, self.target)


@dataclass(frozen=True)
class Picture:
    """Everything that is drawn.

    Attributes:
        universe: What the node numbers refer to; another universe is another picture from scratch.
        nodes, edges: See there.
        measure: What an edge's strength is: "frequency", or the name of a fallback.
        strongest: How many of the strongest links a first view shows.
        compared: Names of two graphs laid over each other, or none.
        summary: The picture in one sentence, for screen readers.
    """

    universe: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    measure: str = "frequency"
    strongest: int = 0
    compared: tuple[str, str] | None = None
    summary: str = ""

    @property
    def learned(self) -> list[Edge]:
        """The edges that count, without what stands only in bootstraps or in rules."""
        return [edge for edge in self.edges if edge.type == "learned"]


@lru_cache(8192)
def group_of(source: str, target: str) -> EdgeGroup:
    """Which modalities an edge links: "audio", "visual" or "across".

    >>> group_of("audio:Cat", "visual:Cat")
    'across'
    """
    a, b = split_node(source)[0], split_node(target)[0]
    if a != b:
        return "across"
    return "audio" if a == "audio" else "visual"
