"""DOT, the language of Graphviz: what causal-learn, pydot and Tetrad write of it.

Read by hand instead of by Graphviz or pydot: node and edge statements, chains of edges, attribute lists, comments.
Subgraphs and HTML labels have no meaning here and are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from avexplore.artifacts import ClassGraph
from avexplore.errors import GraphError
from avexplore.graph.formats.draft import MOST_EDGES, Draft, short
from avexplore.graph.formats.shares import Shares

_TOKEN = re.compile(
    r"""
    (?P<space>\s+ | //[^\n]* | /\*.*?\*/ | ^\#[^\n]*)
  | (?P<quoted>"(?:[^"\\]|\\.)*")
  | (?P<arrow>->|--|<->|<-|@->|@-@|<-@|--@|@--)
  | (?P<mark>[{}\[\];,=:+])
  | (?P<word>(?!/\*)[^\s{}\[\];,=:+"<>@-]+(?:-(?![->@])[^\s{}\[\];,=:+"<>@-]+)*)
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Token:
    """A piece of text: `kind` is quoted, arrow, mark or word; `start` is where it stands."""

    kind: str
    text: str
    start: int


def tokens(content: str) -> Iterator[Token]:
    """Pieces of DOT or DAGitty text, comments left out.

    Raises:
        GraphError: At a character that begins nothing known.

    >>> [t.text for t in tokens('a -> "b c" // end')]
    ['a', '->', 'b c']
    """
    at = 0
    while at < len(content):
        match = _TOKEN.match(content, at)
        if match is None:
            line = content.count("\n", 0, at) + 1
            raise GraphError(f"{short(content[at : at + 20])} is not understood", where=f"line {line}")
        kind, text = match.lastgroup or "", match.group()
        if kind == "quoted":
            # Only \" and \\ are ours to undo; Graphviz hands the other escapes on as they are.
            text = re.sub(r'\\(["\\])', r"\1", text[1:-1].replace("\\\n", ""))
        if kind != "space":
            yield Token(kind, text, at)
        at = match.end()


@dataclass
class Parser:
    """Reads statements of `[di]graph NAME { ... }`, one token ahead.

    Attributes:
        content: The text.
        arrows: What each arrow means: True directed, False undirected; others are refused.
    """

    content: str
    arrows: dict[str, bool]
    draft: Draft = field(default_factory=Draft)

    def __post_init__(self) -> None:
        self._tokens = tokens(self.content)
        self._token: Token | None = None
        self._labels: dict[str, str] = {}
        self._waiting: list[tuple[str, str, bool, dict[str, str]]] = []
        self._seen: dict[str, None] = {}
        self._next()

    def _next(self) -> None:
        self._token = next(self._tokens, None)

    def _is(self, text: str) -> bool:
        return self._token is not None and self._token.kind != "quoted" and self._token.text == text

    def _fail(self, what: str) -> GraphError:
        at = self._token.start if self._token else len(self.content)
        found = short(self._token.text) if self._token else "the end"
        return GraphError(f"{what}, found {found}", where=f"line {self.content.count(chr(10), 0, at) + 1}")

    def _expect(self, text: str) -> None:
        if not self._is(text):
            raise self._fail(f"Expected {text!r}")
        self._next()

    def keyword(self, known: tuple[str, ...]) -> str:
        """Take one of the words that begin a graph."""
        if self._token is None or self._token.kind != "word" or self._token.text.lower() not in known:
            raise self._fail(f"Expected {' or '.join(known)}")
        word = self._token.text.lower()
        self._next()
        return word

    def body(self) -> Draft:
        """Read `NAME { statements }` to the end of the text."""
        if not self._is("{"):
            self._name()
        self._expect("{")
        while not self._is("}"):
            if self._is(";") or self._is(","):
                self._next()
                continue
            self._statement()
        self._next()
        if self._token is not None:
            raise self._fail("Expected nothing after the graph")
        return self._finish()

    def _name(self) -> str:
        """An identifier; `audio:X` without quotes is one name here, not a node with a port."""
        if self._token is None or self._token.kind not in ("word", "quoted"):
            raise self._fail("Expected a name")
        name, quoted = self._token.text, self._token.kind == "quoted"
        self._next()
        while quoted and self._is("+"):
            self._next()
            if self._token is None or self._token.kind != "quoted":
                raise self._fail("Expected quoted text")
            name += self._token.text
            self._next()
        parts = [name]
        while self._is(":"):
            self._next()
            if self._token is None or self._token.kind not in ("word", "quoted"):
                raise self._fail("Expected a name")
            parts.append(self._token.text)
            self._next()
        return ":".join(parts)

    def _statement(self) -> None:
        if self._is("{") or self._is("subgraph"):
            raise self._fail("Subgraphs are not supported")
        bare = self._token is not None and self._token.kind == "word"
        ends, kinds = [self._name()], []
        if self._is("="):
            self._next()
            self._name()
            return
        while self._token is not None and self._token.kind == "arrow":
            if self._token.text not in self.arrows:
                raise self._fail("Edges of a CPDAG are directed or undirected")
            kinds.append(self._token.text)
            self._next()
            if self._is("{") or self._is("subgraph"):
                raise self._fail("Subgraphs are not supported")
            ends.append(self._name())
        attributes: dict[str, str] = {}
        while self._is("["):
            attributes |= self._attributes()
        if not kinds:
            if not (bare and ends[0].lower() in ("node", "edge", "graph")):
                self._seen.setdefault(ends[0])
                if attributes.get("label"):
                    self._labels[ends[0]] = attributes["label"]
            return
        for one, kind, two in zip(ends, kinds, ends[1:], strict=False):
            source, target = (two, one) if kind == "<-" else (one, two)
            self._seen.setdefault(source)
            self._seen.setdefault(target)
            if len(self._waiting) >= MOST_EDGES:
                raise self._fail(f"There are more than {MOST_EDGES:,} edges")
            self._waiting.append((source, target, self.arrows[kind], attributes))

    def _attributes(self) -> dict[str, str]:
        self._expect("[")
        found: dict[str, str] = {}
        while not self._is("]"):
            if self._is(",") or self._is(";"):
                self._next()
                continue
            key = self._name()
            value = "true"
            if self._is("="):
                self._next()
                value = self._name()
            found[key.lower()] = value
        self._next()
        return found

    def _finish(self) -> Draft:
        names = {seen: self._labels.get(seen, seen) for seen in self._seen}
        for name in names.values():
            self.draft.add_node(name)
        for source, target, directed, attributes in self._waiting:
            _add(self.draft, names[source], names[target], directed, attributes)
        return self.draft


def _add(draft: Draft, source: str, target: str, directed: bool, attributes: dict[str, str]) -> None:
    """Graphviz draws `dir` and arrow shapes over what the operator says."""
    direction = attributes.get("dir", "forward" if directed else "none")
    head, tail = attributes.get("arrowhead", "normal"), attributes.get("arrowtail", "normal")
    into_target = directed and direction in ("forward", "both") and head != "none"
    into_source = directed and direction in ("back", "both") and tail != "none"
    if into_source and into_target:
        raise GraphError("An edge points both ways", where=f"{short(source)} and {short(target)}")
    if into_source:
        source, target = target, source
    draft.add_edge(source, target, into_source or into_target)


def read(content: str) -> Draft:
    """Read a digraph (or a graph, whose edges are undirected).

    Raises:
        GraphError: If it is not DOT or goes beyond nodes and edges; the message names the line.

    >>> read('digraph { a [label="audio_A"]; a -> "visual:A" [dir=none] }').finish().edges()
    [('audio:A', 'visual:A', False)]
    """
    parser = Parser(content, {"->": True, "--": False})
    word = parser.keyword(("strict", "digraph", "graph"))
    if word == "strict":
        parser.keyword(("digraph", "graph"))
    return parser.body()


def quoted(text: str) -> str:
    """A DOT string.

    >>> print(quoted('say "hi"'))
    "say \\"hi\\""
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write(graph: ClassGraph, shares: Shares | None = None) -> str:
    """A digraph; undirected edges carry dir=none.

    >>> import numpy as np
    >>> print(write(ClassGraph(("audio:A", "visual:A"), np.array([[0, 1], [1, 0]], np.int8))))
    digraph {
      "audio:A" [shape=ellipse];
      "visual:A" [shape=box];
      "audio:A" -> "visual:A" [dir=none];
    }
    <BLANKLINE>
    """
    lines = ["digraph {"]
    for name in graph.nodes:
        shape = "ellipse" if name.startswith("audio:") else "box"
        lines.append(f"  {quoted(name)} [shape={shape}];")
    shares = shares or Shares(graph, None)
    for source, target, directed in graph.edges():
        known = [f"{name}={value}" for name, value in shares.of(source, target).items()]
        attributes = [*([] if directed else ["dir=none"]), *known]
        listed = f" [{', '.join(attributes)}]" if attributes else ""
        lines.append(f"  {quoted(source)} -> {quoted(target)}{listed};")
    return "\n".join([*lines, "}", ""])
