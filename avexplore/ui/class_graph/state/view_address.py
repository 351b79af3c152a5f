"""What is on screen, in the address: restored on a cold start, kept up to date afterwards.

Widgets bind themselves to the address (`bind="query-params"`); this is for what lives in the picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from avexplore.drawing.class_graph.first_view import FIRST_HIDDEN, View, first_view
from avexplore.drawing.class_graph.names import node_id, parse_id

NOTHING, LEARNED = "none", "learned"
"""Names of graphs: none, and the one that the controls learn."""
NAMES = ("at_least", "hide", "same", "causes", "focus", "path", "pick", "find", "look")
_TRAITS = (
    *("node-audio", "node-visual", "edge-audio", "edge-visual", "edge-across"),
    *("directed", "undirected", "negative", "rare", "null", "doubtful", "weak", "ghost", "forbidden"),
    *("change-kept", "change-half", "change-added", "change-removed", "change-reversed"),
)


def read_view(query: Mapping[str, str], nodes: int) -> View:
    """The view that an address asks for; what makes no sense for that many nodes is left out.

    >>> view = read_view({"at_least": "0.8", "pick": "e1-3", "hide": "directed", "focus": "n2.1", "path": "n9-n1"}, 4)
    >>> view["threshold"], view["selection"], view["hidden"], view["focus"], view["path"]
    (0.8, {'kind': 'edge', 'id': 'e1-3'}, ['directed'], {'node': 'n2', 'hops': 1}, None)
    """
    view = first_view()
    with suppress(KeyError, ValueError):
        view["threshold"] = min(1.0, max(0.0, float(query["at_least"])))
    if "hide" in query:
        view["hidden"] = [trait for trait in query["hide"].split(".") if trait in _TRAITS]
    view["hideSameClass"] = query.get("same") == "0"
    view["markCauses"] = query.get("causes") == "1"
    node, _, hops = query.get("focus", "").partition(".")
    if _known(node, nodes, 1) and hops in ("1", "2", "3"):
        view["focus"] = {"node": node, "hops": int(hops)}
    ends = query.get("path", "").split("-")
    if len(ends) == 2 and all(_known(end, nodes, 1) for end in ends):
        view["path"] = ends
    pick = query.get("pick", "")
    if _known(pick, nodes, 1) or _known(pick, nodes, 2):
        view["selection"] = {"kind": "node" if pick.startswith("n") else "edge", "id": pick}
    view["search"] = query.get("find", "")[:80]
    view["camera"] = _read_camera(query.get("look", ""))
    return view


def _read_camera(text: str) -> list[float] | None:
    """Middle of the view, and how much nearer than the whole picture."""
    try:
        x, y, nearer = (float(number) for number in text.split("~"))
    except ValueError:
        return None
    return [x, y, nearer] if abs(x) < 1e5 and abs(y) < 1e5 and 0.05 <= nearer <= 50 else None


def _known(identifier: str, nodes: int, count: int) -> bool:
    found = parse_id(identifier)
    return len(found) == count and all(index < nodes for index in found)


def clean_view(view: Mapping[str, Any], nodes: int) -> View:
    """A view that came from the browser, in the form above whatever it held.

    >>> clean_view({"threshold": "x", "selection": {"id": "n77"}, "hidden": ["rare", 3]}, 4)["hidden"]
    ['rare']
    """
    return read_view({key: value for key, value in write_view(view).items() if value}, nodes)


def write_view(view: Mapping[str, Any]) -> dict[str, str]:
    """The view as query parameters; "" for what need not be said.

    >>> write_view(first_view() | {"threshold": 0.8, "focus": {"node": "n2", "hops": 1}})["focus"]
    'n2.1'
    """
    focus, path, selection = view.get("focus") or {}, view.get("path") or [], view.get("selection") or {}
    hidden = sorted(str(trait) for trait in view.get("hidden") or [])
    threshold = view.get("threshold")
    return {
        "at_least": f"{threshold:g}" if isinstance(threshold, (int, float)) else "",
        "hide": "" if hidden == FIRST_HIDDEN else ".".join(hidden) or "none",
        "same": "0" if view.get("hideSameClass") else "",
        "causes": "1" if view.get("markCauses") else "",
        "focus": f"{focus.get('node')}.{focus.get('hops')}" if focus else "",
        "path": "-".join(str(end) for end in path),
        "pick": str(selection.get("id") or ""),
        "find": str(view.get("search") or ""),
        "look": _write_camera(view.get("camera")),
    }


def _write_camera(camera: Any) -> str:
    if not isinstance(camera, (list, tuple)) or len(camera) != 3:
        return ""
    return "~".join(f"{number:g}" for number in camera if isinstance(number, (int, float)))


def write_moved(moved: Mapping[str, Any]) -> str:
    """Positions of dragged nodes as short text.

    >>> write_moved({"n3": [10, -4]}), read_moved("3.10.-4", 5)
    ('3.10.-4', {'n3': (10.0, -4.0)})
    """
    parts = []
    for identifier, place in sorted(moved.items()):
        found = parse_id(identifier)
        if len(found) == 1 and len(place) == 2:
            parts.append(f"{found[0]}.{round(float(place[0]))}.{round(float(place[1]))}")
    return "_".join(parts)


def read_moved(text: str, nodes: int) -> dict[str, tuple[float, float]]:
    """Read what `write_moved` wrote; what makes no sense is left out."""
    found = {}
    for part in text.split("_"):
        try:
            index, x, y = (int(number) for number in part.split("."))
        except ValueError:
            continue
        if 0 <= index < nodes and max(abs(x), abs(y)) < 100_000:
            found[node_id(index)] = (float(x), float(y))
    return found
