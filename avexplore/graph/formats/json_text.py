"""JSON: everything that a class graph knows of itself, and networkx' node-link form on reading."""

from __future__ import annotations

import json
import math
from typing import Any

from avexplore.artifacts import ClassGraph
from avexplore.errors import GraphError
from avexplore.graph.formats.draft import LONGEST_NAME, MOST_EDGES, Draft, short
from avexplore.graph.formats.shares import Shares

_FORMAT = "avexplore-class-graph"
_VERSION = 1


def read(content: str) -> Draft:
    """Read our own JSON, or nodes and edges (or links) as networkx writes them.

    Raises:
        GraphError: If it is not JSON or has another shape; the message says where.

    >>> read('{"nodes": [{"id": "audio:A"}], "links": [{"source": "audio:A", "target": "visual:A"}]}').finish().edges()
    [('audio:A', 'visual:A', True)]
    """
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise GraphError(f"Not JSON: {str(error)[:200]}", where="graph file") from None
    if not isinstance(parsed, dict):
        raise GraphError("Expected an object with nodes and edges", where="JSON")
    if parsed.get("format") == _FORMAT and parsed.get("version") != _VERSION:
        raise GraphError(
            f"This is version {short(str(parsed.get('version')))} of the format", where="JSON", fix="Update avexplore"
        )
    draft = Draft(score=_number(parsed.get("score"), float("nan")), samples=int(_number(parsed.get("samples"), 0)))
    if not 0 <= draft.samples < 2**53:
        raise GraphError("The number of samples makes no sense", where="JSON, samples")
    names: dict[Any, str] = {}
    for node in _list(parsed, "nodes"):
        identity = node.get("id", node.get("name")) if isinstance(node, dict) else node
        label = node.get("name", identity) if isinstance(node, dict) else node
        if not isinstance(identity, (str, int)) or not isinstance(label, str):
            raise GraphError("A node is a name, or an object with an id or a name", where=f"JSON, {short(str(node))}")
        names[identity] = draft.add_node(label)
    undirected = parsed.get("directed") is False
    for edge in _list(parsed, "edges" if "edges" in parsed else "links"):
        if not isinstance(edge, dict):
            raise GraphError("An edge is an object with source and target", where=f"JSON, {short(str(edge))}")
        ends = [_end(edge.get(end), names) for end in ("source", "target")]
        directed = edge.get("directed", not undirected)
        if not isinstance(directed, bool):
            raise GraphError("`directed` is true or false", where=f"JSON, {short(str(edge))}")
        draft.add_edge(ends[0], ends[1], directed, _number(edge.get("effect"), 0.0), _number(edge.get("gain"), 0.0))
    source = parsed.get("source")
    # Our own search is not where a file came from: whoever wrote it may have changed it.
    draft.source = source[:LONGEST_NAME] if isinstance(source, str) and source != "search" else ""
    draft.warnings.extend(w[:500] for w in _list(parsed, "warnings")[:50] if isinstance(w, str))
    return draft


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
