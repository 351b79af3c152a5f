"""What a drawing of a class graph consists of, free of any library that draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

EdgeType = Literal["learned", "ghost", "forbidden"]
Change = Literal["", "kept", "half", "added", "removed", "reversed"]
"""How an edge differs between two graphs; "half": in both, with a direction in one of them only."""

LINE_LENGTH = 13
"""Letters in a line of a node's name before it is wrapped."""


def node_id(index: int) -> str:
    """Stable id of a node: its place in the node order, never its name.

    >>> node_id(3)
    'n3'
    """
    return f"n{index}"


def edge_id(i: int, j: int) -> str:
    """Stable id of the pair i, j whatever its direction.

    >>> edge_id(7, 3)
    'e3-7'
    """
    return f"e{min(i, j)}-{max(i, j)}"


def parse_id(text: str) -> tuple[int, ...]:
    """Node indices that an id names: one for a node, two for an edge, none for anything else.

    >>> parse_id("n3"), parse_id("e3-7"), parse_id("e3-"), parse_id("")
    ((3,), (3, 7), (), ())
    """
    kind, parts = text[:1], text[1:].split("-")
    if not all(part.isascii() and part.isdigit() for part in parts) or (kind, len(parts)) not in (("n", 1), ("e", 2)):
        return ()
    return tuple(int(part) for part in parts)


@lru_cache(8192)
def split_node(name: str) -> tuple[str, str]:
    """Modality and class of a node's name; a name without a modality counts as audio.

    >>> split_node("visual:Train horn")
    ('visual', 'Train horn')
    """
    modality, found, label = name.partition(":")
    return (modality, label) if found and modality in ("audio", "visual") else ("audio", name)


@lru_cache(8192)
def plain_name(name: str) -> str:
    """A node's name as a reader says it.

    >>> plain_name("visual:Train horn")
    'Train horn (visual)'
    """
    modality, label = split_node(name)
    return f"{label} ({modality})"


def wrapped(label: str, width: int = LINE_LENGTH, lines: int = 2) -> list[str]:
    """A class name in at most a few short lines.

    >>> wrapped("Acoustic guitar"), wrapped("Cat"), wrapped("a" * 40)
    (['Acoustic', 'guitar'], ['Cat'], ['aaaaaaaaaaaaaaa…'])
    """
    found = [""]
    for word in label.split():
        if found[-1] and len(found[-1]) + 1 + len(word) > width:
            found.append("")
        found[-1] = f"{found[-1]} {word}".strip()
    if len(found) > lines:
        found = [*found[: lines - 1], " ".join(found[lines - 1 :])]
    longest = width + 3
    return [line if len(line) <= longest else line[: longest - 1] + "…" for line in found]


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
        measure: What an edge's strength is: "frequency", or the name of a stand-in.
        null_known: Whether it is known how often a null model finds each edge.
        compared: Names of two graphs laid over each other, or none.
        summary: The picture in one sentence, for screen readers.
        message: A line under the picture.
    """

    universe: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    measure: str = "frequency"
    null_known: bool = False
    compared: tuple[str, str] | None = None
    summary: str = ""
    message: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def learned(self) -> list[Edge]:
        """The edges that count, without what stands only in bootstraps or in rules."""
        return [edge for edge in self.edges if edge.type == "learned"]


@lru_cache(8192)
def group_of(source: str, target: str) -> str:
    """Which modalities an edge links: "audio", "visual" or "across".

    >>> group_of("audio:Cat", "visual:Cat")
    'across'
    """
    a, b = split_node(source)[0], split_node(target)[0]
    return a if a == b else "across"
