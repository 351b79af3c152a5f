"""GML, as networkx, igraph, Gephi and yEd write it: nested lists of keys and values."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from avexplore.errors import GraphError
from avexplore.graph.formats.draft import Draft, short
from avexplore.graph.formats.marks import meaning, of_ends, shape_end, stated_mark
from avexplore.graph.formats.shares import stated

_TOKEN = re.compile(r'\s*(?:#[^\n]*\n\s*)*(?:"([^"]*)"|([\[\]])|([^\s\[\]"]+))')
_DEEPEST = 50
Pairs = list[tuple[str, Any]]


def read(content: str) -> Draft:
    """Read nodes and edges of the first graph; labels and names give the nodes' names, else their ids.

    Raises:
        GraphError: If it is not GML, or an edge ends at a node that is not there.

    >>> nodes = 'node [ id 0 label "audio:A" ] node [ id 1 label "visual:A" ]'
    >>> read(f"graph [ directed 1 {nodes} edge [ source 0 target 1 ] ]").finish().edges()
    [('audio:A', 'visual:A', True)]
    """
    graph = next((value for key, value in _parse(content) if key == "graph" and isinstance(value, list)), None)
    if graph is None:
        raise GraphError("There is no graph", where="GML", fix="Check that this is GML")
    draft, names = Draft(), {}
    directed = _first(graph, "directed") == "1"
    for key, value in graph:
        if key == "node" and isinstance(value, list):
            identity = _first(value, "id")
            names[identity] = draft.list_node(_first(value, "label") or _first(value, "name") or identity)
    for key, value in graph:
        if key == "edge" and isinstance(value, list):
            _read_edge(draft, value, names, directed)
    return draft


def _read_edge(draft: Draft, edge: Pairs, names: dict[str, str], directed: bool) -> None:
    ends = [_first(edge, end) for end in ("source", "target")]
    for end in ends:
        if end not in names:
            raise GraphError("An edge ends at a node that is not there", where=f"GML, {short(end)}")
    one, two = (names[end] for end in ends)
    where = f"GML, {short(one)} and {short(two)}"
    values = {key: value for key, value in edge if isinstance(value, str)}
    graphics = next((value for key, value in edge if key == "graphics" and isinstance(value, list)), [])
    shapes = [_first(graphics, key) for key in ("sourceArrow", "targetArrow")]
    if mark := stated_mark(values):
        found = meaning(mark, where=where)
    elif any(shapes):  # yEd
        found = of_ends(*(shape_end(shape or "none") for shape in shapes), where=where)
    else:
        found = "forward" if directed else "undirected"
    draft.add_marked(one, two, found, stated(values))


def _first(pairs: Pairs, wanted: str) -> str:
    return next((value for key, value in pairs if key == wanted and isinstance(value, str)), "")


def _parse(content: str) -> Pairs:
    """Keys and values, where a value is a text or again such a list."""
    root: Pairs = []
    open_lists, key, at = [root], None, 0
    while match := _TOKEN.match(content, at):
        at = match.end()
        text, bracket, word = match.groups()
        if bracket == "]":
            if key is not None or len(open_lists) == 1:
                raise _unexpected(content, at)
            open_lists.pop()
        elif key is None:
            if word is None:
                raise _unexpected(content, at)
            key = word
        elif bracket == "[":
            inner: Pairs = []
            open_lists[-1].append((key, inner))
            open_lists.append(inner)
            key = None
            if len(open_lists) > _DEEPEST:
                raise GraphError("The lists are nested too deeply", where="GML")
        else:
            open_lists[-1].append((key, unescape(text) if text is not None else word))
            key = None
    if content[at:].strip() or key is not None or len(open_lists) > 1:
        raise _unexpected(content, at)
    return root


def _unexpected(content: str, at: int) -> GraphError:
    return GraphError("This is not understood", where=f"GML, line {content.count(chr(10), 0, at) + 1}")
