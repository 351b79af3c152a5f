"""DOT, the language of Graphviz: what causal-learn, pydot and Tetrad write of it.

Read by hand instead of by Graphviz or pydot: node and edge statements, chains of edges, attribute lists and their
defaults (`edge [dir=none]`), clusters, comments. An edge to a whole subgraph and HTML labels are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from avexplore.artifacts import ClassGraph
from avexplore.errors import GraphError
from avexplore.graph.formats.draft import MOST_EDGES, Draft, short
from avexplore.graph.formats.marks import Meaning, meaning, of_ends, shape_end
from avexplore.graph.formats.shares import Shares, stated

_DEEPEST = 20

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
            # A line may be broken after a backslash. Graphviz hands other escapes than \" and \\ on as they are.
            text = re.sub(r'\\(?:\n|(["\\]))', r"\1", text[1:-1])
        if kind != "space":
            yield Token(kind, text, at)
        at = match.end()


@dataclass
class Parser:
    """Reads statements of `[di]graph NAME { ... }`, one token ahead.

    Attributes:
        content: The text.
        arrows: The mark of each arrow; others are refused.
        drawn: Whether attributes (`dir`, shapes of arrowheads) count for more than the arrow, as in Graphviz.
    """

    content: str
    arrows: dict[str, str]
    drawn: bool = True
    draft: Draft = field(default_factory=Draft)

    def __post_init__(self) -> None:
        self._tokens = tokens(self.content)
        self._token: Token | None = None
        self._labels: dict[str, str] = {}
        self._waiting: list[tuple[str, str, str, dict[str, str]]] = []
        self._defaults: list[dict[str, str]] = [{}]
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

    def _accept(self, *marks: str) -> bool:
        """Whether one of these stands here; it is taken then."""
        found = any(map(self._is, marks))
        if found:
            self._next()
        return found

    def _expect(self, mark: str) -> None:
        if not self._accept(mark):
            raise self._fail(f"Expected {mark!r}")

    def _take(self, what: str, *kinds: str) -> Token:
        token = self._token
        if token is None or token.kind not in kinds:
            raise self._fail(f"Expected {what}")
        self._next()
        return token

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
        self._statements()
        if self._token is not None:
            raise self._fail("Expected nothing after the graph")
        return self._finish()

    def _statements(self) -> None:
        self._expect("{")
        while not self._accept("}"):
            if not self._accept(";", ","):
                self._statement()

    def _name(self) -> str:
        """An identifier; `audio:X` without quotes is one name here, not a node with a port."""
        first = self._take("a name", "word", "quoted")
        name = first.text
        while first.kind == "quoted" and self._accept("+"):
            name += self._take("quoted text", "quoted").text
        while self._accept(":"):
            name += ":" + self._take("a name", "word", "quoted").text
        return name

    def _subgraph(self) -> None:
        """A cluster is drawn around nodes: it says nothing of them, but defaults set in it end with it."""
        if self._accept("subgraph") and not self._is("{"):
            self._name()
        if len(self._defaults) > _DEEPEST:
            raise self._fail("Subgraphs are nested too deeply")
        self._defaults.append(dict(self._defaults[-1]))
        self._statements()
        self._defaults.pop()
        if self._token is not None and self._token.kind == "arrow":
            raise self._fail("Edges to subgraphs are not supported")

    def _statement(self) -> None:
        if self._is("{") or self._is("subgraph"):
            self._subgraph()
            return
        bare = self._token is not None and self._token.kind == "word"
        ends, marks = [self._name()], []
        if self._accept("="):
            self._name()
            return
        while self._token is not None and self._token.kind == "arrow":
            mark = self._token.text
            if mark not in self.arrows:
                raise self._fail("Edges of a CPDAG are directed or undirected")
            marks.append(self.arrows[mark])
            self._next()
            if self._is("{") or self._is("subgraph"):
                raise self._fail("Edges to subgraphs are not supported")
            ends.append(self._name())
        attributes: dict[str, str] = {}
        while self._is("["):
            attributes |= self._attributes()
        if not marks:
            if bare and ends[0].lower() in ("node", "edge", "graph"):
                if ends[0].lower() == "edge":
                    self._defaults[-1] |= attributes
                return
            self._seen.setdefault(ends[0])
            if attributes.get("label"):
                self._labels[ends[0]] = attributes["label"]
            return
        for one, mark, two in zip(ends, marks, ends[1:], strict=False):
            self._seen.setdefault(one)
            self._seen.setdefault(two)
            if len(self._waiting) >= MOST_EDGES:
                raise self._fail(f"There are more than {MOST_EDGES:,} edges")
            self._waiting.append((one, two, mark, self._defaults[-1] | attributes))

    def _attributes(self) -> dict[str, str]:
        self._expect("[")
        found: dict[str, str] = {}
        while not self._accept("]"):
            if not self._accept(",", ";"):
                key = self._name().lower()
                found[key] = self._name() if self._accept("=") else "true"
        return found

    def _finish(self) -> Draft:
        names = {seen: self._labels.get(seen, seen) for seen in self._seen}
        for name in names.values():
            self.draft.list_node(name)
        for source, target, mark, attributes in self._waiting:
            where = f"{short(names[source])} and {short(names[target])}"
            found = _as_drawn(mark, attributes, where) if self.drawn else meaning(mark, where=where)
            self.draft.add_marked(names[source], names[target], found, stated(attributes))
        return self.draft


def _as_drawn(mark: str, attributes: dict[str, str], where: str) -> Meaning:
    """Graphviz draws `dir` and the shapes of arrowheads over what the operator says."""
    direction = attributes.get("dir", "forward" if mark == "-->" else "none").lower()
    head, tail = (shape_end(attributes.get(end, "normal")) for end in ("arrowhead", "arrowtail"))
    ends = (tail if direction in ("back", "both") else "tail", head if direction in ("forward", "both") else "tail")
    return of_ends(*ends, where=where)


def read(content: str) -> Draft:
    """Read a digraph (or a graph, whose edges are undirected).

    Raises:
        GraphError: If it is not DOT or goes beyond nodes and edges; the message names the line.

    >>> read('digraph { a [label="audio_A"]; a -> "visual:A" [dir=none] }').finish().edges()
    [('audio:A', 'visual:A', False)]
    """
    parser = Parser(content, {"->": "-->", "--": "---"})
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
