"""Class graphs as files: one module per format, and one way in and out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from avexplore.artifacts import ClassGraph, GraphStability
from avexplore.errors import GraphError
from avexplore.graph.evidence.pair_probability import PairProbability
from avexplore.graph.formats.draft import MOST_BYTES, Draft, decode
from avexplore.graph.formats.shares import Shares


@dataclass(frozen=True)
class GraphFormat:
    """A format that class graphs are read from, and perhaps written in.

    Attributes:
        name: Short and unique; its functions are in the module `NAME_text` beside this one.
        title: What people call it.
        suffixes: Ends of files that are read as it, the one that is written first.
        begins: Whether a text begins like one.
        is_written: Whether the app writes it.
        samples: Texts as other programs write them, from which a fuzzer starts.
        holds_shares: Whether it can say of each edge how often bootstraps found it; the others are read by programs
            that know edges only.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    begins: Callable[[str], bool]
    is_written: bool = True
    samples: tuple[str, ...] = ()
    holds_shares: bool = False

    @property
    def home(self) -> Any:
        """The module with `read(text) -> Draft` and, where it is written, `write(graph[, shares]) -> str`."""
        return import_module(f"{__name__}.{self.name}_text")


def _like(pattern: str) -> Callable[[str], bool]:
    """Whether a text matches at its start, behind white space and comments."""
    found = re.compile(r"(?:\s|//[^\n]*\n|/\*.*?\*/|#[^\n]*\n)*(?:" + pattern + ")", re.IGNORECASE | re.DOTALL)
    return lambda text: found.match(text[:_HEAD]) is not None


_HEAD = 20_000
"""Characters in which a text tells its format; causal-cmd writes a log first."""

_DOT = r"(?:strict\s+)?(?:di)?graph\b[^\[;]*\{"

_GML_START, _BIF_START = r"(?:\w+\s+\S+\s+)*graph\s*\[", r"(?:network\b|variable\b)[^\n]*\{"
_SIF = "audio_A --- visual_A audio_B\naudio_B pp visual_B\n"
_BIF = """network unknown {}
variable audio_A { type discrete [ 2 ] { no, yes }; }
variable visual_A { type discrete [ 2 ] { no, yes }; }
probability ( audio_A ) { table 0.5, 0.5; }
probability ( visual_A | audio_A ) { (no) 0.5, 0.5; (yes) 0.1, 0.9; }
"""
_GML = """graph [ directed 1
  node [ id 0 label "audio:A" ]
  node [ id 1 label "visual:A" graphics [ x 1.5 ] ]
  edge [ source 0 target 1 graphics [ sourceArrow "none" targetArrow "standard" ] ]
]
"""

ALL: tuple[GraphFormat, ...] = (
    GraphFormat(
        "csv",
        "CSV",
        (".csv", ".tsv"),
        begins=lambda text: False,
        holds_shares=True,
        samples=(
            "from,to,strength,direction\naudio_A,visual_A,0.9,0.8\nvisual_A,audio_A,0.9,0.2\n",
            ",audio_A,visual_A\naudio_A,0,-1\nvisual_A,1,0\n",
        ),
    ),
    GraphFormat("graphml", "GraphML", (".graphml", ".xml"), begins=lambda text: text[:1] == "<", holds_shares=True),
    GraphFormat("dot", "DOT", (".dot", ".gv"), begins=_like(_DOT), holds_shares=True),
    GraphFormat(
        "json",
        "JSON",
        (".json", ".cyjs"),
        begins=lambda text: text[:1] in ("{", "["),
        holds_shares=True,
        samples=(
            '{"nodes": [{"id": "audio:A"}, {"id": "audio:B"}], "adjacency": [[{"id": "audio:B"}], []]}',
            '[["audio:A", "audio:B"]]',
        ),
    ),
    GraphFormat("tetrad", "Tetrad", (".txt",), begins=lambda text: "graph nodes:" in text[:_HEAD].lower()),
    GraphFormat("dagitty", "DAGitty", (".txt", ".dagitty"), begins=_like(r"(?:dag|pdag|mag|pag)\b[^\[;]*\{")),
    GraphFormat("gml", "GML", (".gml",), begins=_like(_GML_START), is_written=False, samples=(_GML,)),
    GraphFormat("bif", "BIF", (".bif",), begins=_like(_BIF_START), is_written=False, samples=(_BIF,)),
    GraphFormat("sif", "SIF", (".sif",), begins=lambda text: False, is_written=False, samples=(_SIF,)),
)
"""All formats, in the order in which a text is compared with them."""

FORMATS = tuple(kind.name for kind in ALL)
WRITTEN = tuple(kind.name for kind in ALL if kind.is_written)
WITH_SHARES = tuple(kind.name for kind in ALL if kind.holds_shares)
SUFFIXES = {suffix: kind.name for kind in reversed(ALL) for suffix in kind.suffixes}
"""The format that a file's ending stands for where its text does not tell."""
_BY_NAME = {kind.name: kind for kind in ALL}


def read_graph(source: str | bytes | Path, format: str | None = None, *, nodes: Sequence[str] = ()) -> ClassGraph:
    """Read a class graph from a file or from its text, trusting nothing in it.

    Args:
        source: The text itself (`str` or UTF-8 `bytes`), or a `Path` to a file; at most 8 MB.
        format: One of `FORMATS`; None goes by the beginning of the text, or by the file's ending where that says
            nothing.
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
    chosen = format or told_format(content, source.suffix if isinstance(source, Path) else "")
    if chosen not in FORMATS:
        raise GraphError(f"{chosen!r} is no graph format", where=label, fix=f"Use one of {', '.join(FORMATS)}")
    try:
        draft: Draft = _BY_NAME[chosen].home.read(content)
    except RecursionError:
        raise GraphError("The file is nested too deeply", where=label) from None
    return replace(draft.finish(nodes), source=draft.source or f"{label} ({chosen})")


def write_graph(
    graph: ClassGraph,
    format: str,
    stability: GraphStability | None = None,
    probability: PairProbability | None = None,
) -> str:
    """The text of a class graph in one of `WRITTEN`.

    Every format keeps nodes and edges, directed or not; CSV cannot name isolated nodes. JSON and GraphML keep effects
    and gains, JSON everything else, too. With `stability`, formats among `WITH_SHARES` say of each edge in which share
    of the bootstraps it is, and points this way, and in which share of graphs under the null model; with `probability`,
    how probable it is that its classes come together. Reading gives that back as `ClassGraph.shares`.

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
    if format not in WRITTEN:
        raise GraphError(f"{format!r} is no graph format that is written", fix=f"Use one of {', '.join(WRITTEN)}")
    kind = _BY_NAME[format]
    shares = (Shares(graph, stability, probability),) if kind.holds_shares else ()
    text: str = kind.home.write(graph, *shares)
    return text


def _content(source: str | bytes | Path) -> str:
    if not isinstance(source, Path):
        return decode(source)
    try:
        with source.open("rb") as file:
            return decode(file.read(MOST_BYTES + 1))
    except OSError as error:
        raise GraphError(f"Cannot be opened: {error.strerror or error}", where=source.name) from error


def told_format(content: str, suffix: str = "") -> str:
    """The format of a text, by its beginning where that tells, else by the ending of its file.

    >>> told_format("dag { a -> b }", ".txt"), told_format("Cause,Effect"), told_format("a --- b", ".sif")
    ('dagitty', 'csv', 'sif')
    """
    text = content.lstrip("\ufeff \t\r\n")
    begun = [kind for kind in ALL if kind.begins(text)]
    for kind in begun:
        if suffix.lower() in kind.suffixes:
            return kind.name
    return begun[0].name if begun else SUFFIXES.get(suffix.lower(), "csv")
