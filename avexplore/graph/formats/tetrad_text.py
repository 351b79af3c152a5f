"""Tetrad's text: a line of nodes, then numbered edges."""

from __future__ import annotations

import re

from avexplore.artifacts import ClassGraph
from avexplore.errors import GraphError
from avexplore.graph.formats.draft import LONGEST_NAME, Draft, short
from avexplore.graph.formats.marks import meaning

_NUMBER = re.compile(r"\s*\d{1,9}\.\s+")
_ARROW = re.compile(r" (-->|<--|---|<->|o->|<-o|o-o|--o|o--|\.\.\.) ")
_SHARE = re.compile(r"\[([^\[\]]{1,900})\]:\s*([01](?:\.\d{1,17})?)")
_LONGEST_LINE = 8 * LONGEST_NAME + 2000


def read(content: str) -> Draft:
    """Read Tetrad's graph text; what precedes the nodes (a log of causal-cmd) and follows the edges (attributes,
    triples) is left alone. Shares of bootstraps behind an edge are read.

    Raises:
        GraphError: If there is no list of nodes or an edge is broken; the message names the line.

    >>> read("Graph Nodes:\\naudio:A;visual:A\\n\\nGraph Edges:\\n1. audio:A --- visual:A\\n").finish().edges()
    [('audio:A', 'visual:A', False)]
    """
    draft, names, part, edges, blank = Draft(), {}, "", 0, False
    for number, line in enumerate(content.splitlines(), 1):
        heading = line.strip().lower()
        if heading in ("graph nodes:", "graph edges:"):
            part, blank = heading, False
        elif heading.startswith("graph ") and heading.endswith(":"):
            part = "other"
        elif not heading:
            blank = True
        elif part == "graph nodes:":
            for raw in line.split(";" if ";" in line else ","):
                if raw.strip():
                    names[raw.strip()] = draft.list_node(raw.strip())
        elif part == "graph edges:":
            if blank and edges and not _NUMBER.match(line):
                part = "other"  # triples
                continue
            _read_edge(draft, names, line, number)
            edges += 1
    if not part:
        raise GraphError("Expected 'Graph Nodes:'", where="Tetrad text", fix="Check that this is Tetrad text")
    return draft


def _read_edge(draft: Draft, names: dict[str, str], line: str, number: int) -> None:
    start = _NUMBER.match(line)
    if start is None or len(line) > _LONGEST_LINE:
        raise GraphError(f"Expected a numbered edge, found {short(line)}", where=f"line {number}")
    text = line[start.end() :].rstrip()
    # A name may hold an arrow of its own: take the arrow that stands between two known names.
    for arrow in _ARROW.finditer(text):
        one, rest = text[: arrow.start()].strip(), text[arrow.end() :].strip()
        two = _known_start(rest, names)
        if one in names and two is not None:
            mark = meaning(arrow.group(1), where=f"line {number}")
            draft.add_marked(one, two, mark, _shares(rest[len(two) :], one, arrow.group(1), two))
            return
    raise GraphError(f"No edge between listed nodes: {short(text)}", where=f"line {number}")


def _shares(text: str, one: str, arrow: str, two: str) -> dict[str, float]:
    """What Tetrad's bootstraps say of an edge: `[a --> b]:0.91;[a --- b]:0.09;[edge]:1.0`."""
    found = {name.strip(): float(value) for name, value in _SHARE.findall(text)}
    if not found:
        return {}
    # Some releases leave out the share of the edge as a whole.
    whole = found.get("edge", 1 - found["no edge"] if "no edge" in found else sum(found.values()))
    shares = {"bootstraps": min(1.0, whole)}
    way = found.get(f"{one} {arrow} {two}", found.get(arrow))
    return shares if way is None or arrow == "---" else shares | {"direction": way}


def _known_start(text: str, names: dict[str, str]) -> str | None:
    """The listed name that the text is or begins with (Tetrad appends flags and frequencies after a space)."""
    if text in names:
        return text
    words = text.split(" ")
    for count in range(min(len(words), 60) - 1, 0, -1):
        begin = " ".join(words[:count])
        if begin in names:
            return begin
    return None


def write(graph: ClassGraph) -> str:
    """Tetrad's graph text.

    Raises:
        GraphError: If a name holds a semicolon or a line break, or begins or ends with a space.
    """
    for name in graph.nodes:
        alone = len(graph.nodes) == 1 and "," in name
        if alone or ";" in name or len(name.splitlines()) != 1 or name != name.strip():
            raise GraphError("Tetrad's text cannot hold this name", where=short(name), fix="Use GraphML or JSON")
    lines = ["Graph Nodes:", ";".join(graph.nodes), "", "Graph Edges:"]
    for number, (source, target, directed) in enumerate(graph.edges(), 1):
        lines.append(f"{number}. {source} {'-->' if directed else '---'} {target}")
    return "\n".join([*lines, ""])
