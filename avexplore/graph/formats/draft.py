"""A graph while it is being read: names and edges from a stranger's file, held to limits before any allocation."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from avexplore.artifacts import MODALITIES, ClassGraph
from avexplore.errors import GraphError
from avexplore.graph.algebra.separation import is_acyclic
from avexplore.graph.formats.marks import Meaning

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
    if not _has_modality(raw):
        raise GraphError(
            "A node's name tells no modality",
            where=short(raw),
            fix="Name nodes audio:X or visual:X (audio_X and audio.X also work)",
        )
    if len(raw) > LONGEST_NAME:
        raise GraphError(f"A node's name has {len(raw)} characters", where=short(raw), fix="Shorten it")
    modality = next(name for name in MODALITIES if raw.startswith(name))
    return f"{modality}:{raw[len(modality) + 1 :]}"


def _has_modality(raw: str) -> bool:
    # R's make.names writes a point for whatever is no letter, digit or point.
    return re.match(rf"({'|'.join(MODALITIES)})[:_.].*\S", raw, re.DOTALL) is not None


def plain_key(name: str) -> str:
    """What is left of a name where programs write one sign for all that are no letters or digits.

    >>> plain_key("audio:Train horn") == plain_key("audio.Train.horn") == plain_key("audio_Train_horn")
    True
    """
    return re.sub(r"[\W_]", "_", name)


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
    _shares: dict[str, dict[tuple[str, str], float]] = field(default_factory=dict)
    _strangers: dict[str, None] = field(default_factory=dict)
    _count: int = 0

    def list_node(self, raw: str) -> str:
        """Add a node that a file lists, whether or not it has edges; one that is no class is left out if it has none.

        Returns:
            Its class-node name, or the file's name where it is no class.
        """
        if _has_modality(raw):
            return self.add_node(raw)
        self._strangers.setdefault(raw)
        return raw

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

    def add_marked(
        self,
        source: str,
        target: str,
        mark: Meaning,
        shares: Mapping[str, float] | None = None,
        effect: float = 0.0,
        gain: float = 0.0,
    ) -> None:
        """Add an edge by what its mark means, with shares of bootstraps and the like by their name."""
        if mark == "none":
            return
        one, two = (target, source) if mark == "backward" else (source, target)
        self.add_edge(one, two, mark != "undirected", effect, gain)
        self.add_shares(one, two, mark == "undirected", shares or {})

    def add_shares(self, source: str, target: str, both: bool, shares: Mapping[str, float]) -> None:
        """Note what is known of an edge that was added; of an undirected one both ways, but for its direction."""
        one, two = node_name(source), node_name(target)
        for name, value in shares.items():
            if math.isfinite(value) and 0 <= value <= 1:
                table = self._shares.setdefault(name, {})
                table[one, two] = value
                if both or name != "direction":
                    table.setdefault((two, one), value)

    def finish(self, nodes: Sequence[str] = ()) -> ClassGraph:
        """The class graph over the given nodes, or over those that were added.

        Raises:
            GraphError: If there are no nodes, or some that are not among the given ones.
        """
        if not self.nodes and self._strangers:
            node_name(next(iter(self._strangers)))  # says why it is none
        if not self.nodes and not nodes:
            raise GraphError("There are no nodes", where="graph file", fix="Check that this is a graph")
        if self._strangers:
            some = ", ".join(short(name) for name in list(self._strangers)[:5])
            self.warnings.append(f"Left out: {len(self._strangers)} node(s) without edges that are no class ({some}).")
        if nodes:
            self._match_names(nodes)
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
        shares = {name: np.full((p, p), np.nan) for name in self._shares}
        for name, table in self._shares.items():
            for (one, two), value in table.items():
                shares[name][index[one], index[two]] = value
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
            shares=shares,
        )

    def _match_names(self, nodes: Sequence[str]) -> None:
        """Take names as R and Python write them for the one node that they can mean."""
        known: dict[str, list[str]] = {}
        for name in nodes:
            known.setdefault(plain_key(name), []).append(name)
        meant = {}
        for name in self.nodes:
            candidates = known.get(plain_key(name), [])
            if name not in nodes and len(candidates) == 1 and candidates[0] not in self.nodes:
                meant[name] = candidates[0]
        if not meant or len(set(meant.values())) < len(meant):
            return
        self.nodes = {meant.get(name, name): None for name in self.nodes}
        self._edges = {(meant.get(a, a), meant.get(b, b)): value for (a, b), value in self._edges.items()}
        self._shares = {
            share: {(meant.get(a, a), meant.get(b, b)): value for (a, b), value in table.items()}
            for share, table in self._shares.items()
        }
        name, means = next(iter(meant.items()))
        pair = f"{short(name)} with {short(means)}"
        self.warnings.append(f"{len(meant)} name(s) were matched with those of the classes, such as {pair}.")


def _number(value: float) -> float:
    return float(value) if math.isfinite(value) else 0.0
