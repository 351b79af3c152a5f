"""The picture on the class graph page: where its nodes stand, and what the component is told."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from avexplore.ui.class_graph.drawing.build import build_picture, class_support, first_threshold
from avexplore.ui.class_graph.drawing.component import mount
from avexplore.ui.class_graph.drawing.layouts import arrange
from avexplore.ui.class_graph.drawing.payload import to_payload
from avexplore.ui.class_graph.layout_candidates import candidate_weights, edge_weights, strongest
from avexplore.ui.class_graph.scene import at_hand
from avexplore.ui.class_graph.state import kept_graphs as variants
from avexplore.ui.class_graph.state import rules as rules_of
from avexplore.ui.class_graph.state import session_state as visit
from avexplore.ui.class_graph.state import settings
from avexplore.ui.class_graph.state.names import LAYOUTS, LayoutName, parse_id
from avexplore.ui.settings import working

if TYPE_CHECKING:
    from avexplore.artifacts import FloatArray, SoftLabels
    from avexplore.config import SoftLabelSource
    from avexplore.ui.class_graph.drawing.picture import Picture
    from avexplore.ui.class_graph.scene import Scene


@st.cache_data(show_spinner=False, max_entries=64)
def _positions(layout: LayoutName, weights_key: str, tiers: tuple[int, ...], _weights: FloatArray) -> FloatArray:
    return arrange(layout, _weights, np.array(tiers, int))


@st.cache_resource(show_spinner=False, max_entries=32)
def _candidates(source_address: str, _labels: SoftLabels, _source: SoftLabelSource) -> FloatArray:
    return candidate_weights(_labels, _source)


def _weights(scene: Scene) -> tuple[FloatArray, str]:
    """What the layout makes room for, and a key for it: all candidate edges, or the graph it was arranged for."""
    source = scene.run.soft_labels
    asked = variants.read(st.session_state.graph_arranged, settings.stored(scene.run).graph, scene.nodes)
    for _, config in asked.values():
        graph = at_hand(config)
        if graph is not None and graph.nodes == scene.nodes:
            return strongest(edge_weights(graph)), config.address
    return _candidates(source.address, scene.labels, source), source.address


def place(scene: Scene) -> tuple[LayoutName, FloatArray, str]:
    """Layout, positions, and a version that changes exactly when nodes shall move."""
    state = st.session_state
    layout: LayoutName = state.get("g_layout", LAYOUTS[0])
    weights, key = _weights(scene)
    tiers = tuple(rules_of.tier_of(scene.rules, name) for name in scene.nodes) if layout == "layered" else ()
    position = np.array(_positions(layout, key, tiers or (0,) * len(scene.nodes), weights))
    for identifier, (x, y) in state.graph_moved.get(layout, {}).items():
        found = parse_id(identifier)
        if len(found) == 1 and found[0] < len(position):
            position[found[0]] = (x, y)
    mark = hashlib.sha256(repr((layout, key, tiers, state.get("graph_home", 0))).encode()).hexdigest()[:12]
    return layout, position, mark


def draw_picture(scene: Scene) -> tuple[Picture, dict[str, Any]]:
    """Mount the picture; what is drawn, and what is looked at (as in `graph_address.first_view`)."""
    state = st.session_state
    shown = scene.shown
    picture = build_picture(
        shown.graph,
        shown.stability,
        support=class_support(scene.labels),
        rules=scene.rules,
        other=shown.other,
        compared=(shown.name, shown.other_name) if shown.other is not None else None,
        universe=scene.run.soft_labels.address,
        given=not shown.is_own,
        probability=scene.pairs.probability,
    )
    layout, position, version = place(scene)
    view = dict(state.graph_view)
    view["auto"] = view["threshold"] is None
    if view["auto"]:
        view["threshold"] = first_threshold(picture)
        if state.get("graph_first_threshold") != view["threshold"]:
            state.graph_first_threshold = view["threshold"]
            state.graph_serial += 1
    history = working.history()
    payload = to_payload(
        picture,
        position,
        layout,
        layout_version=version,
        view={**view, "serial": f"{scene.run.key}-{state.graph_serial}", "seen": state.get("graph_seen", 0)},
        can_undo=history.can_undo,
        can_redo=history.can_redo,
    )
    mount(payload, key=visit.VIEW_KEY, on_change=visit.looked, on_command=visit.commanded)
    visit.write(scene.run, layout)
    # For tables and files, one more kind of edge that the legend hides.
    return picture, view | {"hidden": [*view["hidden"], *(["same"] if view["hideSameClass"] else [])]}
