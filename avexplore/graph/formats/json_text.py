"""JSON: everything that a class graph knows of itself; on reading also what other programs write."""

from __future__ import annotations

import json
import math
from typing import Any

from avexplore.artifacts import ClassGraph
from avexplore.errors import GraphError
from avexplore.graph.formats.draft import LONGEST_NAME, MOST_EDGES, Draft, short
from avexplore.graph.formats.marks import End, meaning, of_ends, shape_end, stated_mark
from avexplore.graph.formats.matrix import from_matrix
from avexplore.graph.formats.shares import Shares, stated

_FORMAT = "avexplore-class-graph"
_VERSION = 1

_EDGE_KEYS = ("edges", "links", "arcs", "edgesSet", "dependencies")
_ENDS = (("source", "target"), ("from", "to"), ("cause", "effect"), ("node1", "node2"), ("parent", "child"))
_TETRAD_ENDS = ("TAIL", "ARROW", "CIRCLE")


def read(content: str) -> Draft:
    """Read our own JSON, or what networkx (node-link, adjacency, dicts of lists), Cytoscape, Tetrad and R write.

    Raises:
        GraphError: If it is not JSON or has another shape; the message says where. Without a list of edges that is
            known as such, nothing is taken for an empty graph.

    >>> read('{"nodes": [{"id": "audio:A"}], "links": [{"source": "audio:A", "target": "visual:A"}]}').finish().edges()
    [('audio:A', 'visual:A', True)]
    """
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise GraphError(f"Not JSON: {str(error)[:200]}", where="graph file") from None
    if isinstance(parsed, list):
        parsed = {"edges": parsed}
    if not isinstance(parsed, dict):
        raise GraphError("Expected an object with nodes and edges", where="JSON")
    if parsed.get("format") == _FORMAT and parsed.get("version") != _VERSION:
        raise GraphError(
            f"This is version {short(str(parsed.get('version')))} of the format", where="JSON", fix="Update avexplore"
        )
    if isinstance(parsed.get("elements"), dict):  # Cytoscape
        inner = {part: [_data(item) for item in _list(parsed["elements"], part)] for part in ("nodes", "edges")}
        parsed = {**parsed, **inner}
    draft = Draft(score=_number(parsed.get("score"), float("nan")), samples=int(_number(parsed.get("samples"), 0)))
    if not 0 <= draft.samples < 2**53:
        raise GraphError("The number of samples makes no sense", where="JSON, samples")
    names: dict[Any, str] = {}
    for node in _list(parsed, "nodes"):
        identity = node.get("id", node.get("name")) if isinstance(node, dict) else node
        label = node.get("name", node.get("label", identity)) if isinstance(node, dict) else node
        if not isinstance(identity, (str, int)) or not isinstance(label, str):
            raise GraphError("A node is a name, or an object with an id or a name", where=f"JSON, {short(str(node))}")
        names[identity] = draft.list_node(label)
    undirected = parsed.get("directed") is False
    for edge in _edges(parsed, list(names), draft):
        _read_edge(draft, edge, names, undirected)
    source = parsed.get("source")
    # Our own search is not where a file came from: whoever wrote it may have changed it.
    draft.source = source[:LONGEST_NAME] if isinstance(source, str) and source != "search" else ""
    draft.warnings.extend(w[:500] for w in _list(parsed, "warnings")[:50] if isinstance(w, str))
    return draft


def _edges(parsed: dict[str, Any], nodes: list[Any], draft: Draft) -> list[Any]:
    """Edges, wherever they stand, each as an object with two ends."""
    key = next((key for key in _EDGE_KEYS if key in parsed), None)
    if key is not None:
        return [_pair(edge) for edge in _list(parsed, key)]
    table = next((parsed[key] for key in ("adjacency", "adjacency_matrix", "matrix") if key in parsed), None)
    if isinstance(table, list) and table and len(table) == len(nodes):
        if all(isinstance(row, list) and len(row) == len(nodes) for row in table) and _is_numbers(table):
            found = from_matrix([str(node) for node in nodes], table)
            draft.warnings += found.warnings
            return [{"source": a, "target": b, "directed": d} for a, b, d in found.finish().edges()]
        if all(isinstance(row, list) for row in table):  # networkx' adjacency_data
            pairs = zip(nodes, table, strict=True)
            return [{"source": node, "target": _id(other)} for node, row in pairs for other in row]
    if parsed and "nodes" not in parsed and all(isinstance(value, list) for value in parsed.values()):
        # networkx' to_dict_of_lists: each node with those that it points to
        names = {name for row in parsed.values() for name in row if isinstance(name, str)} | set(parsed)
        for name in names:
            draft.list_node(name)
        return [{"source": node, "target": other} for node, row in parsed.items() for other in row]
    found_keys = ", ".join(short(str(key)) for key in list(parsed)[:8]) or "nothing"
    raise GraphError(
        f"There is no list of edges, only {found_keys}",
        where="JSON",
        fix=f"Name it {', '.join(_EDGE_KEYS[:3])}; of a graph without edges, write an empty list",
    )


def _read_edge(draft: Draft, edge: Any, names: dict[Any, str], undirected: bool) -> None:
    where = f"JSON, {short(str(edge))}"
    if not isinstance(edge, dict):
        raise GraphError("An edge is an object with source and target", where=where)
    pair = next((pair for pair in _ENDS if set(pair) <= set(edge)), _ENDS[0])
    one, two = (_end(_id(edge.get(end)), names) for end in pair)
    directed = edge.get("directed", not undirected)
    if not isinstance(directed, bool):
        raise GraphError("`directed` is true or false", where=where)
    if "endpoint1" in edge or "endpoint2" in edge:
        found = of_ends(*(_tetrad_end(edge.get(end), where) for end in ("endpoint1", "endpoint2")), where=where)
    elif mark := stated_mark(edge):
        found = meaning(mark, where=where)
    else:
        found = "forward" if directed else "undirected"
    # Where "cause" and "effect" are the ends, an effect is no number.
    effect = edge.get("effect") if pair != ("cause", "effect") else None
    draft.add_marked(one, two, found, stated(edge), _number(effect, 0.0), _number(edge.get("gain"), 0.0))


def _pair(edge: Any) -> Any:
    is_pair = isinstance(edge, list) and len(edge) in (2, 3) and all(isinstance(end, (str, int)) for end in edge[:2])
    return {"source": edge[0], "target": edge[1]} if is_pair else edge


def _data(item: Any) -> Any:
    return item["data"] if isinstance(item, dict) and isinstance(item.get("data"), dict) else item


def _id(value: Any) -> Any:
    return value.get("id", value.get("name")) if isinstance(value, dict) else value


def _is_numbers(table: list[list[Any]]) -> bool:
    return all(isinstance(value, (int, float)) and abs(value) < 1e300 for row in table for value in row)


def _tetrad_end(value: Any, where: str) -> End:
    """A mark as Tetrad writes it: its name, or an object with its name or its place in the list of marks."""
    name = value.get("name", value.get("ordinal")) if isinstance(value, dict) else value
    if isinstance(name, int) and not isinstance(name, bool) and 0 <= name < len(_TETRAD_ENDS):
        name = _TETRAD_ENDS[name]
    if not isinstance(name, str) or name.upper() not in _TETRAD_ENDS:
        raise GraphError("The mark at an edge's end is not known", where=where, fix="Use TAIL or ARROW")
    return shape_end(name)


def _list(parsed: dict[str, Any], key: str) -> list[Any]:
    values = parsed.get(key, [])
    if not isinstance(values, list):
        raise GraphError("Expected a list", where=f"JSON, {short(key)}")
    if len(values) > MOST_EDGES:
        raise GraphError(f"There are more than {MOST_EDGES:,} entries", where=f"JSON, {short(key)}")
    return values


def _end(value: Any, names: dict[Any, str]) -> str:
    if isinstance(value, (str, int)) and value in names:
        return names[value]
    if isinstance(value, str):
        return value
    raise GraphError("An edge ends at a node that is not there", where=f"JSON, {short(str(value))}")


def _number(value: Any, missing: float) -> float:
    if value is None:
        return missing
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise GraphError("Expected a number", where=f"JSON, {short(str(value))}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    return number if math.isfinite(number) else missing


def write(graph: ClassGraph, shares: Shares | None = None) -> str:
    """Nodes, edges with effect and gain, score, samples, warnings."""
    index = {name: i for i, name in enumerate(graph.nodes)}
    shares = shares or Shares(graph, None)
    edges = [
        {
            "source": source,
            "target": target,
            "directed": directed,
            "effect": float(graph.effect[index[source], index[target]]),
            "gain": float(graph.gain[index[source], index[target]]),
            **shares.of(source, target),
        }
        for source, target, directed in graph.edges()
    ]
    content = {
        "format": _FORMAT,
        "version": _VERSION,
        "nodes": list(graph.nodes),
        "edges": edges,
        "score": graph.score if math.isfinite(graph.score) else None,
        "samples": graph.samples,
        "source": graph.source,
        "warnings": list(graph.warnings),
    }
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
