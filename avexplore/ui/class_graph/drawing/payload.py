"""From a picture to what the browser gets: a pyvis network with stable ids, as JSON values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pyvis.network import Network

from avexplore.artifacts import FloatArray, plain_name, split_node
from avexplore.ui.class_graph.drawing.layouts import bends, sides
from avexplore.ui.class_graph.drawing.picture import Picture, group_of, wrapped
from avexplore.ui.class_graph.state.names import LayoutName, node_id

OPTIONS = {
    "physics": {"enabled": False},
    "layout": {"improvedLayout": False},
    "edges": {"selectionWidth": 0, "hoverWidth": 0.5},
    "nodes": {"font": {"size": 0}},
    "interaction": {
        "hover": True,
        "hoverConnectedEdges": False,
        "selectConnectedEdges": False,
        "multiselect": False,
        "keyboard": False,
        "tooltipDelay": 140,
        "hideEdgesOnDrag": False,
        "zoomSpeed": 0.7,
    },
}


def to_network(picture: Picture, position: FloatArray, layout: LayoutName) -> Network:
    """The picture as a pyvis network, one node per class node and one edge per pair."""
    network = Network(directed=True)
    for index, (node, (x, y), side) in enumerate(zip(picture.nodes, position, sides(layout, position), strict=True)):
        modality, label = split_node(node.name)
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
        )
    curved = bends(layout, position, [(edge.source, edge.target) for edge in picture.edges])
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
        )
        # Not an argument above, because pyvis takes that name for itself.
        network.edges[-1]["directed"] = edge.directed
    network.set_options(json.dumps(OPTIONS))
    return network


def to_payload(
    picture: Picture,
    position: FloatArray,
    layout: LayoutName,
    *,
    layout_version: str = "",
    view: Mapping[str, Any] | None = None,
    height: int = 0,
    can_undo: bool = False,
    can_redo: bool = False,
) -> dict[str, Any]:
    """Everything the component needs, as JSON values; `version` tells two payloads apart.

    Args:
        picture: What to draw.
        position: Where the nodes stand. Shape (p, 2).
        layout: Which layout gave the positions; decides on curves and on where names stand.
        layout_version: Changes exactly when nodes shall move to new places.
        view: What Python wants to be looked at: `threshold`, `auto` (whether the page chose that), `hidden`,
            `hideSameClass`, `focus`, `path`, `selection`, `search`. Taken over whenever its `serial` changes, once
            Python has `seen` all that the reader changed.
        height: Pixels; 0 fits the picture to the window.
        can_undo, can_redo: Whether these have anything to do.
    """
    network = to_network(picture, position, layout)
    body: dict[str, Any] = {
        "universe": picture.universe,
        "nodes": [dict(node) for node in network.nodes],
        "edges": [dict(edge) for edge in network.edges],
        "options": network.options,
        "layout": {"name": layout, "version": layout_version or layout},
        "view": dict(view or {}),
        "measure": picture.measure,
        "nullKnown": picture.null_known,
        "compared": {"first": picture.compared[0], "second": picture.compared[1]} if picture.compared else None,
        "summary": picture.summary,
        "message": picture.message,
        "tiers": max((node.tier for node in picture.nodes), default=0),
        "height": height,
        "canUndo": can_undo,
        "canRedo": can_redo,
    }
    body["version"] = hashlib.blake2s(json.dumps(body, sort_keys=True).encode(), digest_size=8).hexdigest()
    return body
