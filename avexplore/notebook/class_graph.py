"""A class graph that answers, in a notebook."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from avexplore.artifacts import class_nodes, split_node
from avexplore.drawing.class_graph.arrangement import of_classes
from avexplore.drawing.class_graph.build import build_picture, class_support, first_threshold
from avexplore.drawing.class_graph.first_view import first_view
from avexplore.drawing.class_graph.layout_candidates import (
    between_classes,
    edge_weights,
    layout_of,
    soft_label_correlation,
)
from avexplore.drawing.class_graph.names import edge_id, node_id, parse_id
from avexplore.drawing.class_graph.payload import to_payload
from avexplore.drawing.class_graph.sources import FRONTEND, loader_source
from avexplore.drawing.class_graph.svg import to_svg
from avexplore.drawing.one_module import front_end
from avexplore.errors import GraphError
from avexplore.graph.algebra.hidden_causes import hidden_causes
from avexplore.graph.evidence.pair_probability import pair_probability
from avexplore.notebook.front_end import AppWidget, widget_source

if TYPE_CHECKING:
    from avexplore.artifacts import ClassGraph, GraphStability, SoftLabels
    from avexplore.config import KnowledgeConfig
    from avexplore.graph.layout.class_layout import ClassLayout

WIDTH = 860.0
"""Pixels that the picture is laid out for; a notebook's cell is about as wide."""


class ClassGraphWidget(AppWidget):
    """A class graph as on the app's page: find, select, focus, filter, drag.

    Both traits work in both directions: they change as the reader clicks, and the picture follows what is assigned.

    Args:
        graph: What to draw, over the nodes `audio:X` of all classes, then `visual:X`.
        stability: Its edge frequencies; without them links are ranked by their BIC gain.
        soft_labels: What it was learned from: gives signs their size and classes their places, and marks links between
            classes that are less than probably true to come together.
        rules: Required and forbidden edges and tiers, to be drawn as such.
        height: Of the picture, in pixels.

    Attributes:
        selection: Names of class nodes: one for a class, two for a link, none for nothing.
        threshold: Share of bootstraps, in [0, 1], from which on links are shown; without stability, of the way from the
            weakest link to the strongest.

    Raises:
        GraphError: If the nodes are not both sides of every class, or those of `soft_labels` or `stability` differ.
    """

    _esm = widget_source(front_end("view", FRONTEND), loader_source())
    _data = traitlets.Dict().tag(sync=True)
    selection = traitlets.Tuple().tag(sync=True)
    threshold = traitlets.Float(min=0.0, max=1.0).tag(sync=True)

    def __init__(
        self,
        graph: ClassGraph,
        stability: GraphStability | None = None,
        soft_labels: SoftLabels | None = None,
        *,
        rules: KnowledgeConfig | None = None,
        height: int = 480,
    ) -> None:
        _check(graph, stability, soft_labels)
        self._nodes = graph.nodes
        self._picture = build_picture(
            graph,
            stability,
            support=None if soft_labels is None else class_support(soft_labels),
            rules=rules,
            universe=hashlib.sha256("\n".join(graph.nodes).encode()).hexdigest(),
            given=graph.source != "search",
            probability=None if soft_labels is None else pair_probability(soft_labels),
            correlation=None if soft_labels is None else np.nan_to_num(soft_label_correlation(soft_labels)),
            possible_causes=(possible := hidden_causes(graph)),
        )
        self._arrangement = of_classes(_places(graph, stability, soft_labels, (WIDTH, float(height))))
        self._view = {**first_view(), "threshold": first_threshold(self._picture), "auto": True, "serial": 0, "seen": 0}
        marks = possible is not None
        data = to_payload(self._picture, self._arrangement, height=height, standalone=True, can_mark_causes=marks)
        super().__init__(_data=data, _asked={"view": self._view}, threshold=self._view["threshold"])

    @traitlets.validate("selection")
    def _known(self, proposal: Mapping[str, Any]) -> tuple[str, ...]:
        names = tuple(proposal["value"])
        known = len(names) <= 2 and len(set(names)) == len(names) and all(name in self._nodes for name in names)
        if not known:
            raise traitlets.TraitError(f"One or two of the graph's nodes can be selected, not {names!r}")
        if len(names) == 2 and edge_id(*map(self._nodes.index, names)) not in {e.id for e in self._picture.edges}:
            raise traitlets.TraitError(f"The picture holds no link between {names[0]} and {names[1]}")
        return names

    @traitlets.observe("_told")
    def _hear(self, _: Any) -> None:
        """What the reader does comes from a browser, and is not believed: what makes no sense changes nothing."""
        told = self._told.get("view")
        if not isinstance(told, Mapping):
            return
        view = {key: told[key] for key in first_view() if key in told}
        names = self._names(view.get("selection"))
        threshold = view.get("threshold")
        if names is None or not isinstance(threshold, (int, float)) or not 0 <= threshold <= 1:
            return
        self._view |= view | {"threshold": float(threshold), "seen": told.get("touched", 0)}
        with self.hold_trait_notifications():
            self.selection, self.threshold = names, float(threshold)
        # Under the old number: a picture that is on screen knows it already, one that comes later begins with it.
        self._asked = {"view": dict(self._view)}

    @traitlets.observe("selection", "threshold")
    def _ask(self, _: Any) -> None:
        ids = [self._nodes.index(name) for name in self.selection]
        chosen = None
        if ids:
            chosen = {"kind": "node", "id": node_id(*ids)} if len(ids) == 1 else {"kind": "edge", "id": edge_id(*ids)}
        if (chosen, self.threshold) == (self._view["selection"], self._view["threshold"]):
            return
        self._view |= {"selection": chosen, "threshold": self.threshold, "serial": self._view["serial"] + 1}
        self._asked = {"view": dict(self._view)}

    def _names(self, selection: object) -> tuple[str, ...] | None:
        """Names of what a view has selected; None if there is no such thing."""
        if selection is None:
            return ()
        index = parse_id(str(selection.get("id"))) if isinstance(selection, Mapping) else ()
        if not index or max(index) >= len(self._nodes):
            return None
        if len(index) == 1:
            return (self._nodes[index[0]],)
        edge = next((edge for edge in self._picture.edges if edge.id == edge_id(*index)), None)
        return None if edge is None else (self._nodes[edge.source], self._nodes[edge.target])

    def svg(self) -> str:
        """What is shown now as a vector graphic, with its legend."""
        hidden = [*self._view["hidden"], *(["same"] if self._view["hideSameClass"] else [])]
        return to_svg(self._picture, self._arrangement, self.threshold, hidden, causes=self._view["markCauses"])


def _check(graph: ClassGraph, stability: GraphStability | None, soft_labels: SoftLabels | None) -> None:
    classes = tuple(split_node(name)[1] for name in graph.nodes[: len(graph.nodes) // 2])
    if not classes or graph.nodes != class_nodes(classes):
        raise GraphError(
            "The picture needs both sides of every class",
            where="class graph, nodes",
            fix="Name the nodes audio:X for every class X, then visual:X in the same order",
        )
    for name, nodes in (
        ("stability", stability and stability.nodes),
        ("soft labels", soft_labels and soft_labels.nodes),
    ):
        if nodes is not None and nodes != graph.nodes:
            raise GraphError(f"The {name} and the graph are of other classes", where=name)


def _places(
    graph: ClassGraph, stability: GraphStability | None, soft_labels: SoftLabels | None, stage: tuple[float, float]
) -> ClassLayout:
    if soft_labels is not None and stability is not None:
        return layout_of(soft_labels, stability, stage)
    from avexplore.graph.layout.class_layout import lay_out

    classes: Sequence[str] = [split_node(name)[1] for name in graph.nodes[: len(graph.nodes) // 2]]
    support = None if soft_labels is None else class_support(soft_labels)[: len(classes)]
    return lay_out(between_classes(edge_weights(graph) * (graph.effect >= 0)), classes, support, stage)
