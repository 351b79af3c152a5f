"""From a picture to what the browser gets: a pyvis network with stable ids, as JSON values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pyvis.network import Network

from avexplore.artifacts import plain_name, split_node
from avexplore.drawing.class_graph.arrangement import halves
from avexplore.drawing.class_graph.names import node_id
from avexplore.drawing.class_graph.picture import Picture, group_of
from avexplore.graph.layout.name_boxes import wrapped

if TYPE_CHECKING:
    from avexplore.drawing.class_graph.arrangement import Arrangement
    from avexplore.graph.layout.class_layout import ClassLayout

OPTIONS = {
    "physics": {"enabled": False},
    "layout": {"improvedLayout": False},
    "nodes": {"font": {"size": 0}},
    "interaction": {
        "hover": False,
        "selectConnectedEdges": False,
        "multiselect": False,
        "keyboard": False,
        "zoomSpeed": 0.7,
    },
}


def to_network(picture: Picture, arrangement: Arrangement) -> Network:
    """The picture as a pyvis network, one node per class node and one edge per pair."""
    network = Network(directed=True)
    classes = arrangement.classes
    count = len(picture.nodes) // 2
    offsets = halves(classes.radius) if classes is not None else None
    places = zip(picture.nodes, arrangement.position, arrangement.sides(), strict=True)
    for index, (node, (x, y), side) in enumerate(places):
        modality, label = split_node(node.name)
        offset, partner, reach = 0, "", node.size
        if classes is not None and offsets is not None:
            offset = int(offsets[index % count]) * (-1 if index < count else 1)
            partner = node_id((index + count) % (2 * count))
            reach = float(classes.radius[index % count]) * 0.6
        network.add_node(
            node_id(index),
            label=label,
            shape="square" if modality == "visual" else "dot",
            # vis-network cuts fractions off when a node is added, but not when it is moved.
            x=round(float(x)),
            y=round(float(y)),
            size=round(node.size, 1),
            title=node.title or plain_name(node.name),
            name=plain_name(node.name),
            lines=wrapped(label) if side == "below" else wrapped(label, width=22, lines=1),
            search=plain_name(node.name).lower(),
            modality=modality,
            side=side,
            tier=node.tier,
            offset=offset,
            partner=partner,
            reach=round(reach, 1),
        )
    curved = arrangement.bends([(edge.source, edge.target) for edge in picture.edges])
    names = [node.name for node in picture.nodes]
    for edge, bend in zip(picture.edges, curved, strict=True):
        source, target = names[edge.source], names[edge.target]
        network.add_edge(
            node_id(edge.source),
            node_id(edge.target),
            id=edge.id,
            arrows="to" if edge.directed and edge.settled else "",
            frequency=None if edge.frequency is None else round(edge.frequency, 4),
            rank=round(edge.rank, 4),
            evidence=round(edge.evidence, 4),
            strong=edge.strong,
            type=edge.type,
            negative=edge.negative,
            knowledge="required" if edge.required else "",
            change=edge.change,
            group=group_of(source, target),
            same=split_node(source)[1] == split_node(target)[1],
            bend=round(bend, 3),
            title=edge.title,
            settled=edge.settled,
            in_null=edge.in_null,
            doubtful=edge.doubtful,
            hidden_cause=edge.hidden_cause,
        )
        # Not an argument above, because pyvis takes that name for itself.
        network.edges[-1]["directed"] = edge.directed
    network.set_options(json.dumps(OPTIONS))
    return network


def to_payload(
    picture: Picture,
    arrangement: Arrangement,
    *,
    view: Mapping[str, Any] | None = None,
    height: int = 0,
    can_undo: bool = False,
    can_redo: bool = False,
    compact: bool = False,
    standalone: bool = False,
    can_mark_causes: bool = False,
) -> dict[str, Any]:
    """Everything the component needs, as JSON values; `version` tells two payloads apart.

    Args:
        picture: What to draw.
        arrangement: Where the nodes stand.
        view: What Python wants to be looked at: `threshold`, `auto` (whether the page chose that), `hidden`,
            `hideSameClass`, `markCauses`, `focus`, `path`, `selection`, `search`. Taken over whenever its `serial`
            changes, once Python has `seen` all that the reader changed.
        height: Pixels; 0 fits the picture to the window.
        can_undo, can_redo: Whether these have anything to do.
        compact: Leave out the tool bar and the sentence below, for a small picture on another page.
        standalone: No page is around it: it says itself what is selected, and offers no rules to edit.
        can_mark_causes: Offer to mark where a hidden common cause is possible.
    """
    network = to_network(picture, arrangement)
    body: dict[str, Any] = {
        "universe": picture.universe,
        "nodes": [dict(node) for node in network.nodes],
        "edges": [dict(edge) for edge in network.edges],
        "options": network.options,
        "layout": {"name": arrangement.layout, "version": arrangement.version or arrangement.layout},
        "classes": None
        if arrangement.classes is None
        else _classes(arrangement.classes, [split_node(node.name)[1] for node in picture.nodes]),
        "view": dict(view or {}),
        "measure": picture.measure,
        "strongest": picture.strongest,
        "compared": {"first": picture.compared[0], "second": picture.compared[1]} if picture.compared else None,
        "summary": picture.summary,
        "tiers": max((node.tier for node in picture.nodes), default=0),
        "height": height,
        "compact": compact,
        "standalone": standalone,
        "canUndo": can_undo,
        "canRedo": can_redo,
        "canMarkCauses": can_mark_causes,
    }
    body["version"] = hashlib.blake2s(json.dumps(body, sort_keys=True).encode(), digest_size=8).hexdigest()
    return body


def _classes(layout: ClassLayout, labels: list[str]) -> dict[str, Any]:
    """What the layout of classes knows beside places: letters, boxes, groups."""
    return {
        "font": round(layout.font, 3),
        "scale": round(layout.scale, 4),
        "radius": [round(float(r), 2) for r in layout.radius],
        "boxes": [[round(float(v), 2) for v in box] for box in layout.boxes],
        "lines": [wrapped(label) for label in labels[: len(layout.place)]],
        "named": layout.named.tolist(),
        "part": layout.part.tolist(),
        "groups": [
            {"full": title.full, "text": title.text, "titleBox": [round(v, 1) for v in title.box]}
            for title in layout.titles
        ],
    }
