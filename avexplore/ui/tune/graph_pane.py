"""What is linked, small: the class graph itself, or another source's links in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from avexplore.artifacts import ClassGraph
from avexplore.drawing.class_graph.arrangement import of_classes
from avexplore.drawing.class_graph.build import build_picture, class_support, first_threshold
from avexplore.drawing.class_graph.first_view import first_view
from avexplore.drawing.class_graph.layout_candidates import layout_of, soft_label_correlation
from avexplore.drawing.class_graph.names import node_id
from avexplore.drawing.class_graph.payload import to_payload
from avexplore.ui.class_graph.component import mount
from avexplore.ui.class_graph.state.session_state import obey
from avexplore.ui.settings import working

if TYPE_CHECKING:
    from avexplore.artifacts import FloatArray, GraphStability, IntArray, SoftLabels
    from avexplore.drawing.class_graph.arrangement import Arrangement
    from avexplore.tuning.tuning import Answer, Tuning

KEY = "tune-graph"
STAGE = (420.0, 300.0)
"""Of the layout: another size would be another one, and this one leaves names the most room."""
HEIGHT = 288
"""Pixels of the picture."""


@st.cache_resource(show_spinner=False, max_entries=16)
def _of_run(address: str, _labels: SoftLabels, _stability: GraphStability) -> tuple[Arrangement, FloatArray, IntArray]:
    """What no setting changes: where classes stand, how soft labels correlate, and each class node's clips."""
    places = of_classes(layout_of(_labels, _stability, STAGE), address)
    return places, np.nan_to_num(soft_label_correlation(_labels)), class_support(_labels)


def draw(tuning: Tuning, answer: Answer, node: int) -> None:
    """Draw the links of an answer; a right click in the class graph makes rules of the working settings.

    Args:
        tuning: The run.
        answer: What is drawn.
        node: The query's class node, which stands out with its edges.
    """
    lir = answer.reading.config.regularizer
    assert lir is not None
    run, source = tuning.run, lir.affinity.stability.graph.soft_labels
    is_graph = lir.affinity.source == "graph" and lir.linked == "graph"
    graph = answer.live.graph if is_graph else links_as_graph(answer)
    rules = lir.affinity.stability.graph.knowledge
    bootstrapped = is_graph and answer.live.stability.bootstraps > 0 and answer.live.is_own
    places, correlation, support = _of_run(run.student.address, run.soft_labels, run.stability)
    picture = build_picture(
        graph,
        answer.live.stability if bootstrapped else None,
        support=support,
        rules=rules if is_graph else None,
        universe=source.address,
        given=not is_graph,
        correlation=correlation,
    )
    threshold = first_threshold(picture)
    payload = to_payload(
        picture,
        places,
        view={
            **first_view(),
            "threshold": threshold,
            "auto": True,
            "selection": {"kind": "node", "id": node_id(node)},
            "serial": f"{threshold}-{is_graph}-{node}",
            "seen": 0,
        },
        height=HEIGHT,
        can_undo=working.history().can_undo,
        can_redo=working.history().can_redo,
        compact=True,
    )

    def commanded() -> None:
        obey(st.session_state[KEY].get("command"), rules, run.soft_labels.nodes)

    mount(payload, key=KEY, on_change=lambda: None, on_command=commanded)


def links_as_graph(answer: Answer) -> ClassGraph:
    """Another source's weights as a graph without directions, for the same picture."""
    affinity = answer.reading.affinity
    same_class = np.tile(np.eye(len(affinity.nodes) // 2, dtype=bool), (2, 2))
    weights = np.where(same_class, 0.0, affinity.weights)
    lir = answer.reading.config.regularizer
    if lir is not None and lir.linked != "graph":
        weights = np.kron(np.ones((2, 2)), answer.reading.presence)
    if not answer.reading.presence.any():
        weights = np.zeros_like(weights)
    strength = np.maximum(weights, weights.T)
    return ClassGraph(
        nodes=affinity.nodes,
        adjacency=(strength > 0).astype(np.int8),
        gain=strength,
        effect=strength,
        source="links",
    )
