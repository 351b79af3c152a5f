"""The class graph as a small picture on another page: the strongest links, on a layout for its own size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from avexplore.drawing.class_graph.arrangement import of_classes
from avexplore.drawing.class_graph.build import build_picture, class_support, first_threshold
from avexplore.drawing.class_graph.first_view import first_view
from avexplore.drawing.class_graph.payload import to_payload
from avexplore.ui.class_graph.component import mount
from avexplore.ui.class_graph.picture_pane import class_layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from avexplore.artifacts import ClassGraph, GraphStability, SoftLabels
    from avexplore.config import KnowledgeConfig, SoftLabelSource
    from avexplore.graph.evidence.pair_probability import PairProbability


def draw_small_graph(
    graph: ClassGraph,
    stability: GraphStability | None,
    labels: SoftLabels,
    source: SoftLabelSource,
    *,
    key: str,
    size: tuple[int, int] = (540, 300),
    probability: PairProbability | None = None,
    rules: KnowledgeConfig | None = None,
    on_change: Callable[[], None] = lambda: None,
    on_command: Callable[[], None] = lambda: None,
) -> Any:
    """Mount the graph without tool bar; clicks, drags and the right-click menu work as on its own page.

    Args:
        graph: What to draw, over the nodes of `labels`.
        stability: Its edge frequencies, if known.
        labels: The soft labels that it comes from.
        source: What made these: places depend on it alone, so nothing moves when the graph changes.
        key: Session key; what the reader selects lands there (`mount`).
        size: Width that the picture will about have, and its height, in pixels.
        probability: How probable it is that two classes come together, if known.
        rules: Required and forbidden edges.
        on_change, on_command: Called when the reader selects or drags something, or uses the menu.
    """
    picture = build_picture(
        graph,
        stability,
        support=class_support(labels),
        rules=rules,
        universe=source.address,
        given=False,
        probability=probability,
    )
    view = {**first_view(), "threshold": first_threshold(picture), "auto": True, "serial": source.address, "seen": 0}
    places = class_layout(labels, source, (float(size[0]), float(size[1])), stability=lambda: stability)
    arrangement = of_classes(places, f"{size[0]}x{size[1]}")
    return mount(
        to_payload(picture, arrangement, view=view, height=size[1], compact=True),
        key=key,
        on_change=on_change,
        on_command=on_command,
    )
