"""GraphML, as Gephi, yEd, networkx and igraph write it."""

from __future__ import annotations

import io
import math
import re
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

import numpy as np

from avexplore.artifacts import ClassGraph
from avexplore.errors import GraphError
from avexplore.graph.formats.draft import MOST_EDGES, Draft, short
from avexplore.graph.formats.marks import meaning, of_ends, shape_end, stated_mark
from avexplore.graph.formats.shares import Shares, stated

_NAMESPACE = "http://graphml.graphdrawing.org/xmlns"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DEEPEST = 50
_NAME_KEYS = ("name", "label", "id")


def read(content: str) -> Draft:
    """Read nodes and edges of the first graph, those in groups as well.

    Keys named name or label give the nodes' names, else what yEd draws on them, else their ids. Arrowheads that yEd
    draws and marks of other programs count for more than the order of an edge's ends.

    Document types are refused: entities are how an XML file of a kilobyte unfolds to gigabytes, or reads other files.

    Raises:
        GraphError: If it is not GraphML, or holds a document type.
    """
    graph, names_of_keys = _first_graph(content)
    draft = Draft()
    names: dict[str, str] = {}
    graphs = [graph]
    for part in graphs:  # grows while groups are found
        for node in _children(part, "node"):
            inner = _children(node, "graph")
            graphs += inner
            values = _values(node, names_of_keys)
            named = next((values[key] for key in _NAME_KEYS if values.get(key)), "") or _drawn_label(node)
            identity = node.get("id", "")
            names[identity] = draft.list_node(named or identity)
    for part in graphs:
        default = part.get("edgedefault", graph.get("edgedefault", "directed")) != "undirected"
        for edge in _children(part, "edge"):
            _read_edge(draft, edge, default, names, names_of_keys)
    return draft


def _read_edge(
    draft: Draft, edge: Element, default: bool, names: dict[str, str], names_of_keys: dict[str, str]
) -> None:
    ends = [edge.get(end, "") for end in ("source", "target")]
    for end in ends:
        if end not in names:
            raise GraphError("An edge ends at a node that is not there", where=f"GraphML, {short(end)}")
    values = _values(edge, names_of_keys)
    where = f"GraphML, {short(names[ends[0]])} and {short(names[ends[1]])}"
    directed = {"true": True, "false": False}.get(edge.get("directed", "").lower(), default)
    arrows = next((item for item in edge.iter() if _tag(item) == "Arrows"), None)
    if mark := stated_mark(values):
        found = meaning(mark, where=where)
    elif arrows is not None:
        found = of_ends(*(shape_end(arrows.get(end, "none")) for end in ("source", "target")), where=where)
    else:
        found = "forward" if directed else "undirected"
    effect, gain = _float(values.get("effect")), _float(values.get("gain"))
    draft.add_marked(names[ends[0]], names[ends[1]], found, stated(values), effect, gain)


def _drawn_label(node: Element) -> str:
    """The text that yEd draws on a node, "" without; of a group, not that of what is in it."""
    for data in _children(node, "data"):
        for item in data.iter():
            if _tag(item) == "NodeLabel" and (item.text or "").strip():
                return (item.text or "").strip()
    return ""


def _first_graph(content: str) -> tuple[Element, dict[str, str]]:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    names_of_keys: dict[str, str] = {}
    depth, elements = 0, 0
    # The declaration may name another encoding, but this text is already decoded.
    stream = io.BytesIO(re.sub(r"^\s*<\?xml[^>]*\?>", "", content, count=1).encode("utf-8", "surrogatepass"))
    try:
        for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
            depth += 1 if event == "start" else -1
            elements += event == "start"
            if depth > _DEEPEST or elements > 5 * MOST_EDGES:
                raise GraphError("The elements are nested too deeply or too many", where="GraphML")
            if event == "end" and _tag(element) == "key":
                names_of_keys[element.get("id", "")] = element.get("attr.name", "").lower()
            if event == "end" and _tag(element) == "graph" and depth == 1:
                return element, names_of_keys
    except DefusedXmlException:
        raise GraphError("Document types and entities are refused", where="GraphML", fix="Remove <!DOCTYPE>") from None
    except (ParseError, ValueError, LookupError) as error:
        raise GraphError(f"Not XML: {error}", where="GraphML") from None
    raise GraphError("There is no graph element", where="GraphML", fix="Check that this is a GraphML file")


def _tag(element: Element) -> str:
    tag: str = element.tag
    return tag.rpartition("}")[2]


def _children(graph: Element, tag: str) -> list[Element]:
    return [child for child in graph if _tag(child) == tag]


def _values(element: Element, names_of_keys: dict[str, str]) -> dict[str, str]:
    found = {}
    for data in _children(element, "data"):
        key = data.get("key", "")
        found[names_of_keys.get(key) or key.lower()] = data.text or ""
    return found


def _float(text: str | None) -> float:
    try:
        value = float(text) if text else 0.0
    except ValueError:
        raise GraphError("An edge's value is not a number", where=f"GraphML, {short(text or '')}") from None
    return value if math.isfinite(value) else 0.0


def write(graph: ClassGraph, shares: Shares | None = None) -> str:
    """GraphML with each node's name and modality and each edge's effect and gain.

    Raises:
        GraphError: If a name holds a character that XML cannot.
    """
    root = Element("graphml", {"xmlns": _NAMESPACE})
    keys = (("name", "node", "string"), ("modality", "node", "string"), ("effect", "edge", "double"))
    shares = shares or Shares(graph, None)
    for name, owner, kind in (*keys, ("gain", "edge", "double"), *((name, "edge", "double") for name in shares.names)):
        SubElement(root, "key", {"id": name, "for": owner, "attr.name": name, "attr.type": kind})
    body = SubElement(root, "graph", {"id": "class graph", "edgedefault": "directed"})
    for i, name in enumerate(graph.nodes):
        if bad := _NOT_XML.search(name):
            raise GraphError(f"XML cannot hold the character {bad.group()!r}", where=short(name), fix="Use JSON")
        node = SubElement(body, "node", {"id": f"n{i}"})
        SubElement(node, "data", {"key": "name"}).text = name
        SubElement(node, "data", {"key": "modality"}).text = name.partition(":")[0]
    # Undirected edges are two opposite ones: networkx and igraph refuse graphs that mix both kinds.
    for i, j in np.argwhere(graph.adjacency):
        edge = SubElement(body, "edge", {"source": f"n{i}", "target": f"n{j}"})
        SubElement(edge, "data", {"key": "effect"}).text = repr(float(graph.effect[i, j]))
        SubElement(edge, "data", {"key": "gain"}).text = repr(float(graph.gain[i, j]))
        for name, value in shares.of(graph.nodes[i], graph.nodes[j]).items():
            SubElement(edge, "data", {"key": name}).text = repr(value)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode").replace("\r", "&#13;") + "\n"
