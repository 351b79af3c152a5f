"""Tetrad's text: a line of nodes, then numbered edges."""

from __future__ import annotations

import re

from avexplore.artifacts import ClassGraph
from avexplore.errors import GraphError
from avexplore.graph.formats.draft import LONGEST_NAME, Draft, short

_NUMBER = re.compile(r"\s*\d{1,9}\.\s+")
_ARROW = re.compile(r" (-->|<--|---|<->|o->|<-o|o-o|--o|o--) ")
_LONGEST_LINE = 2 * LONGEST_NAME + 400
_MEANING = {"-->": (True, False), "<--": (True, True), "---": (False, False)}


def read(content: str) -> Draft:
    """Read Tetrad's graph text; what follows the edges (attributes, bootstrap tables) is left alone.

    Raises:
        GraphError: If there is no list of nodes or an edge is broken; the message names the line.

    >>> read("Graph Nodes:\\naudio:A;visual:A\\n\\nGraph Edges:\\n1. audio:A --- visual:A\\n").finish().edges()
    [('audio:A', 'visual:A', False)]
    """
    draft, names, part = Draft(), {}, ""
    for number, line in enumerate(content.splitlines(), 1):
        heading = line.strip().lower()
        if heading in ("graph nodes:", "graph edges:"):
            part = heading
        elif heading.startswith("graph ") and heading.endswith(":"):
            part = "other"
        elif not heading:
            continue
        elif part == "graph nodes:":
            for raw in line.split(";" if ";" in line else ","):
                if raw.strip():
                    names[raw.strip()] = draft.add_node(raw.strip())
        elif part == "graph edges:":
            _read_edge(draft, names, line, number)
        elif not part:
            raise GraphError("Expected 'Graph Nodes:'", where=f"line {number}", fix="Check that this is Tetrad text")
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
        one, two = text[: arrow.start()].strip(), _known_start(text[arrow.end() :].strip(), names)
        if one in names and two is not None:
            if arrow.group(1) not in _MEANING:
                raise GraphError(
                    f"{arrow.group(1)} is no edge of a CPDAG", where=f"line {number}", fix="Use -->, <-- or ---"
                )
            directed, backward = _MEANING[arrow.group(1)]
            draft.add_edge(two if backward else one, one if backward else two, directed)
            return
    raise GraphError(f"No edge between listed nodes: {short(text)}", where=f"line {number}")


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
