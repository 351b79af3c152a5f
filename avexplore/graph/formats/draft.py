"""A graph while it is being read: names and edges from a stranger's file, held to limits before any allocation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from avexplore.artifacts import MODALITIES, ClassGraph
from avexplore.errors import GraphError
from avexplore.graph.algebra.separation import is_acyclic

MOST_BYTES = 8_000_000
MOST_NODES = 2048
"""All of AudioSet's 527 classes in two modalities are 1,054 nodes; memory grows with the square."""
MOST_EDGES = 200_000
LONGEST_NAME = 300


def decode(content: str | bytes) -> str:
    """Text of a file.

    Raises:
        GraphError: If it is too large or not UTF-8.

    >>> decode(b"\\xef\\xbb\\xbfCause,Effect")
    'Cause,Effect'
    """
    if len(content) > MOST_BYTES:
        raise GraphError(f"The file is larger than {MOST_BYTES:,} bytes", where="graph file", fix="Export fewer nodes")
    if isinstance(content, bytes):
        try:
            content = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise GraphError(
                f"Byte {error.start} is not UTF-8 text", where="graph file", fix="Save the file as UTF-8"
            ) from None
    return content.removeprefix("\ufeff")


def node_name(raw: str) -> str:
    """The class node that a file's name stands for.

    Raises:
        GraphError: If no modality can be told from it.

    >>> node_name("audio_Train horn"), node_name("visual:Bus")
    ('audio:Train horn', 'visual:Bus')
    """
    for modality in MODALITIES:
        rest = raw[len(modality) :]
        if raw.startswith(modality) and rest[:1] in (":", "_") and rest[1:].strip():
            if len(raw) > LONGEST_NAME:
                raise GraphError(f"A node's name has {len(raw)} characters", where=short(raw), fix="Shorten it")
            return f"{modality}:{rest[1:]}"
    raise GraphError(
        "A node's name tells no modality", where=short(raw), fix="Name nodes audio:X or visual:X (audio_X also works)"
    )


def short(text: str) -> str:
    """A stranger's text, short and printable enough for a message.

    >>> short("a\\x00" + "b" * 100)
    "'a\\\\x00bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb...'"
    """
    return repr(text[:40] + ("..." if len(text) > 40 else ""))


@dataclass
class Draft:
    """Nodes and edges in order of appearance.

    Attributes:
        nodes: Names, each once.
        warnings: What was noticed, in sentences.
        score: Of the whole graph, NaN if the file has none.
        samples: Rows that it was learned from, 0 if the file does not say.
        source: Where the graph came from before, "" if the file does not say.
    """

    nodes: dict[str, None] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    score: float = float("nan")
    samples: int = 0
    source: str = ""
    _edges: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    _count: int = 0

    def add_node(self, raw: str) -> str:
        """Add a node by the file's name for it; returns its class-node name."""
        name = node_name(raw)
        self.nodes.setdefault(name)
        if len(self.nodes) > MOST_NODES:
            raise GraphError(f"There are more than {MOST_NODES:,} nodes", where="graph file", fix="Keep fewer classes")
        return name

    def add_edge(self, source: str, target: str, directed: bool = True, effect: float = 0.0, gain: float = 0.0) -> None:
        """Add an edge between the file's names of two nodes; the same pair both ways is undirected."""
        self._count += 1
        if self._count > MOST_EDGES:
            raise GraphError(f"There are more than {MOST_EDGES:,} edges", where="graph file", fix="Keep fewer")
        one, two = self.add_node(source), self.add_node(target)
        if one == two:
            raise GraphError("A node depends on itself", where=short(one), fix="Remove this edge")
        values = (_number(effect), _number(gain))
        self._edges[one, two] = values
        if not directed:
            self._edges[two, one] = values

    def finish(self, nodes: Sequence[str] = ()) -> ClassGraph:
        """The class graph over the given nodes, or over those that were added.

        Raises:
            GraphError: If there are no nodes, or some that are not among the given ones.
        """
        if not self.nodes and not nodes:
            raise GraphError("There are no nodes", where="graph file", fix="Check that this is a graph")
        order = tuple(nodes) or tuple(sorted(self.nodes, key=lambda name: not name.startswith("audio:")))
        index = {name: i for i, name in enumerate(order)}
        unknown = [name for name in self.nodes if name not in index]
        if unknown:
            raise GraphError(
                f"{len(unknown)} node(s) are not among the classes of these data",
                where=", ".join(short(name) for name in unknown[:5]),
                fix="Rename them, or open the graph on its own",
            )
        p = len(order)
        adjacency, effect, gain = np.zeros((p, p), np.int8), np.zeros((p, p)), np.zeros((p, p))
        for (one, two), (size, value) in self._edges.items():
            i, j = index[one], index[two]
            adjacency[i, j], effect[i, j], gain[i, j] = 1, size, value
        warnings = list(self.warnings)
        if not is_acyclic(adjacency):
            warnings.append("The directed edges of the imported graph form a cycle: it is no CPDAG.")
        return ClassGraph(
            order,
            adjacency,
            self.score,
            effect,
            gain,
            samples=self.samples,
            warnings=tuple(warnings),
            source="imported",
        )


def _number(value: float) -> float:
    return float(value) if math.isfinite(value) else 0.0
