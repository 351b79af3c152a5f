"""The picture on the class graph page: where its nodes stand, and what the component is told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from avexplore.drawing.class_graph.arrangement import Arrangement, of_classes
from avexplore.drawing.class_graph.build import build_picture, class_support, first_threshold
from avexplore.drawing.class_graph.layout_candidates import (
    between_classes,
    candidate_weights,
    class_weights,
    edge_weights,
    soft_label_correlation,
    stored_weights,
    strongest,
)
from avexplore.drawing.class_graph.layouts import arrange
from avexplore.drawing.class_graph.names import LAYOUTS, LayoutName, parse_id
from avexplore.drawing.class_graph.payload import to_payload
from avexplore.graph.algebra.hidden_causes import MOST_NODES, hidden_causes
from avexplore.graph.compiled.numba_cache import is_compiled
from avexplore.graph.layout.class_layout import STAGE, lay_out
from avexplore.ui.class_graph.component import mount
from avexplore.ui.class_graph.state import kept_graphs as variants
from avexplore.ui.class_graph.state import session_state as visit
from avexplore.ui.class_graph.state import settings
from avexplore.ui.parts.job_progress import cached_or_quick
from avexplore.ui.settings import working

if TYPE_CHECKING:
    from avexplore.artifacts import ClassGraph, FloatArray, GraphStability, SoftLabels
    from avexplore.config import SoftLabelSource
    from avexplore.drawing.class_graph.picture import Picture
    from avexplore.graph.layout.class_layout import ClassLayout
    from avexplore.ui.class_graph.scene import Scene


@st.cache_data(show_spinner=False, max_entries=64)
def _positions(layout: LayoutName, weights_key: str, tiers: tuple[int, ...], _weights: FloatArray) -> FloatArray:
    return arrange(layout, _weights, np.array(tiers, int))


@st.cache_resource(show_spinner=False, max_entries=32)
def _candidates(source_address: str, _labels: SoftLabels, _source: SoftLabelSource) -> FloatArray:
    return candidate_weights(_labels, _source)


@st.cache_resource(show_spinner="Finding a place for every class", max_entries=32)
def _class_layout(key: str, stage: tuple[float, float], _weights: Callable[[], FloatArray], _labels: SoftLabels) -> Any:
    return lay_out(_weights(), _labels.classes, class_support(_labels)[: len(_labels.classes)], stage)


def class_layout(
    labels: SoftLabels,
    source: SoftLabelSource,
    stage: tuple[float, float] = STAGE,
    arranged: ClassGraph | None = None,
    stability: Callable[[], GraphStability | None] = lambda: None,
) -> ClassLayout:
    """Places of a run's classes on a stage of some size; of no control, unless they are arranged for one graph.

    On a machine where the search has not been compiled yet, the soft labels' correlation tells which classes belong
    together, and `stability` where it is stored: nobody waits for a compiler, and nothing moves until the app is
    started again.
    """
    key = source.address if arranged is None else f"{source.address}-{_digest(arranged)}"

    def weights() -> FloatArray:
        if arranged is not None:
            return between_classes(edge_weights(arranged) * (arranged.effect >= 0))
        if not is_compiled():
            return stored_weights(labels, stability())
        return class_weights(labels, source)

    found: ClassLayout = _class_layout(key, stage, weights, labels)
    return found


def _digest(graph: ClassGraph) -> str:
    return hashlib.sha256(graph.adjacency.tobytes()).hexdigest()


@st.cache_resource(show_spinner=False, max_entries=32)
def _correlation(source_address: str, _labels: SoftLabels) -> FloatArray:
    return np.nan_to_num(soft_label_correlation(_labels))


def _arranged(scene: Scene) -> tuple[ClassGraph | None, str]:
    """The graph that the reader arranged the nodes for, and a key for it; None for all candidates."""
    asked = variants.read(st.session_state.graph_arranged, settings.stored(scene.run).graph, scene.nodes)
    for _, config in asked.values():
        graph = cached_or_quick(config)
        if graph is not None and graph.nodes == scene.nodes:
            return graph, config.address
    return None, scene.run.soft_labels.address


def place(scene: Scene) -> Arrangement:
    """Where the nodes stand; its version changes exactly when they shall move."""
    state = st.session_state
    layout: LayoutName = state.get("g_layout", LAYOUTS[0])
    arranged, key = _arranged(scene)
    tiers = tuple(scene.rules.tier_of(name) for name in scene.nodes) if layout == "layered" else ()
    mark = hashlib.sha256(repr((layout, key, tiers, state.get("graph_home", 0))).encode()).hexdigest()[:12]
    source = scene.run.soft_labels
    if layout == "classes":
        stability = settings.stored(scene.run).stability
        places = class_layout(scene.labels, source, arranged=arranged, stability=lambda: cached_or_quick(stability))
        found = of_classes(places, mark)
    else:
        weights = _candidates(source.address, scene.labels, source)
        if arranged is not None:
            weights = strongest(edge_weights(arranged))
        found = Arrangement(layout, _positions(layout, key, tiers or (0,) * len(scene.nodes), weights), mark)
    position = np.array(found.position)
    for identifier, (x, y) in state.graph_moved.get(layout, {}).items():
        number = parse_id(identifier)
        if len(number) == 1 and number[0] < len(position):
            position[number[0]] = (x, y)
    return replace(found, position=position)


def draw_picture(scene: Scene) -> tuple[Picture, dict[str, Any]]:
    """Mount the picture; what is drawn, and what is looked at (as in `graph_address.first_view`)."""
    state = st.session_state
    shown = scene.shown
    possible = hidden_causes(shown.graph) if state.graph_view["markCauses"] else None
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
        correlation=_correlation(scene.run.soft_labels.address, scene.labels),
        possible_causes=possible,
    )
    arrangement = place(scene)
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
        arrangement,
        view={**view, "serial": f"{scene.run.key}-{state.graph_serial}", "seen": state.get("graph_seen", 0)},
        can_undo=history.can_undo,
        can_redo=history.can_redo,
        can_mark_causes=possible is not None if state.graph_view["markCauses"] else len(scene.nodes) <= MOST_NODES,
    )
    mount(payload, key=visit.VIEW_KEY, on_change=visit.looked, on_command=visit.commanded)
    visit.write(scene.run, arrangement.layout)
    # For tables and files, one more kind of edge that the legend hides.
    return picture, view | {"hidden": [*view["hidden"], *(["same"] if view["hideSameClass"] else [])]}
