"""Class graphs as files: one module per format, and one way in and out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Literal, get_args

from avexplore.artifacts import ClassGraph, GraphStability
from avexplore.errors import GraphError
from avexplore.graph.evidence.pair_probability import PairProbability
from avexplore.graph.formats.draft import MOST_BYTES, Draft, decode
from avexplore.graph.formats.shares import Shares

Format = Literal["csv", "graphml", "dot", "tetrad", "dagitty", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)
WITH_SHARES: tuple[Format, ...] = ("csv", "graphml", "dot", "json")
"""The others are read by programs that know edges only."""
SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".graphml": "graphml",
    ".xml": "graphml",
    ".dot": "dot",
    ".gv": "dot",
    ".txt": "tetrad",
    ".dagitty": "dagitty",
    ".json": "json",
}
_HOMES = {name: f"avexplore.graph.formats.{name}_text" for name in FORMATS}


def read_graph(source: str | bytes | Path, format: str | None = None, *, nodes: Sequence[str] = ()) -> ClassGraph:
    """Read a class graph from a file or from its text, trusting nothing in it.

    Args:
        source: The text itself (`str` or UTF-8 `bytes`), or a `Path` to a file; at most 8 MB.
        format: One of `FORMATS`; None goes by the file's suffix or the first characters of the text.
        nodes: All class nodes in the wanted order; isolated ones need not be in the file then, unknown ones in the
            file are refused. Empty takes the file's nodes, audio first, in order of appearance.

    Returns:
        A graph whose nodes are named `audio:X` and `visual:X` (files may say `audio_X`), with `source` telling where
        from (as JSON of ours remembers it) and warnings about what was noticed.

    Raises:
        GraphError: If the file cannot be read as that format; the message says where.

    >>> read_graph(",Cause,Effect\\n0,audio_Clock,visual_Bark\\n", "csv").edges()
    [('audio:Clock', 'visual:Bark', True)]
    """
    label = source.name if isinstance(source, Path) else "pasted text"
    content = _content(source)
    chosen = format or _guess(source, content)
    if chosen not in FORMATS:
        raise GraphError(f"{chosen!r} is no graph format", where=label, fix=f"Use one of {', '.join(FORMATS)}")
    try:
        draft: Draft = import_module(_HOMES[chosen]).read(content)
    except RecursionError:
        raise GraphError("The file is nested too deeply", where=label) from None
    return replace(draft.finish(nodes), source=draft.source or f"{label} ({chosen})")


def write_graph(
    graph: ClassGraph,
    format: str,
    stability: GraphStability | None = None,
    probability: PairProbability | None = None,
) -> str:
    """The text of a class graph in one of `FORMATS`.

    Every format keeps nodes and edges, directed or not; CSV cannot name isolated nodes. JSON and GraphML keep effects
    and gains, JSON everything else, too. With `stability`, formats among `WITH_SHARES` say of each edge in which share
    of the bootstraps it is, and points this way, and in which share of graphs under the null model; with `probability`,
    how probable it is that its classes come together. Readers skip that.

    Raises:
        GraphError: If there is no such format, it cannot hold a node's name, or the stability is of other nodes.

    >>> import numpy as np
    >>> graph = ClassGraph(("audio:Clock", "visual:Bark"), np.array([[0, 1], [0, 0]], np.int8))
    >>> print(write_graph(graph, "tetrad"))
    Graph Nodes:
    audio:Clock;visual:Bark
    <BLANKLINE>
    Graph Edges:
    1. audio:Clock --> visual:Bark
    <BLANKLINE>
    """
    if format not in FORMATS:
        raise GraphError(f"{format!r} is no graph format", fix=f"Use one of {', '.join(FORMATS)}")
    home = import_module(_HOMES[format])
    text: str = home.write(graph, Shares(graph, stability, probability)) if format in WITH_SHARES else home.write(graph)
    return text


def _content(source: str | bytes | Path) -> str:
    if not isinstance(source, Path):
        return decode(source)
    try:
        with source.open("rb") as file:
            return decode(file.read(MOST_BYTES + 1))
    except OSError as error:
        raise GraphError(f"Cannot be opened: {error.strerror or error}", where=source.name) from error


def _guess(source: str | bytes | Path, content: str) -> str:
    if isinstance(source, Path) and source.suffix.lower() in SUFFIXES:
        return SUFFIXES[source.suffix.lower()]
    head = content.lstrip("\ufeff \t\r\n")[:200]
    lowered = head.lower()
    if head.startswith("<"):
        return "graphml"
    if head.startswith("{"):
        return "json"
    if lowered.startswith(("graph nodes", "graph node")):
        return "tetrad"
    if lowered.startswith(("dag", "pdag", "mag", "pag")):
        return "dagitty"
    if lowered.startswith(("digraph", "graph", "strict", "//", "/*")):
        return "dot"
    return "csv"
