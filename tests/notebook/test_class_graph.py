"""The class graph as a widget: what it sends is what the app draws, and both sides hear each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import traitlets
from stored_run import Made

from avexplore.artifacts import ClassGraph, GraphStability, SoftLabels
from avexplore.drawing.class_graph.arrangement import of_classes
from avexplore.drawing.class_graph.build import build_picture, class_support
from avexplore.drawing.class_graph.layout_candidates import layout_of, soft_label_correlation
from avexplore.drawing.class_graph.payload import to_payload
from avexplore.errors import GraphError
from avexplore.graph.algebra.hidden_causes import hidden_causes
from avexplore.graph.evidence.pair_probability import pair_probability
from avexplore.notebook import ClassGraphWidget
from avexplore.notebook.class_graph import WIDTH


def stability_of(graph: ClassGraph) -> GraphStability:
    share = graph.skeleton * 0.8
    nothing = np.zeros_like(share)
    two = np.zeros(2)
    return GraphStability(graph.nodes, share, graph.adjacency * 0.6, nothing, nothing, share, 20, two, two, two)


@pytest.fixture
def widget(made: Made) -> ClassGraphWidget:
    return ClassGraphWidget(made.graph, stability_of(made.graph), made.teacher.soft_labels)


def tell(widget: ClassGraphWidget, **changes: Any) -> None:
    """What the browser sends when the reader has done something."""
    view = dict(widget._asked["view"]) | {"touched": 7.0} | changes
    widget.set_state({"_told": {"view": view}})


def test_it_sends_what_the_app_draws(widget: ClassGraphWidget, made: Made) -> None:
    labels, stability = made.teacher.soft_labels, stability_of(made.graph)
    picture = build_picture(
        made.graph,
        stability,
        support=class_support(labels),
        universe=widget._data["universe"],
        given=False,
        probability=pair_probability(labels),
        correlation=np.nan_to_num(soft_label_correlation(labels)),
        possible_causes=hidden_causes(made.graph),
    )
    places = of_classes(layout_of(labels, stability, (WIDTH, 480.0)))
    expected = to_payload(picture, places, height=480, can_mark_causes=True)
    differing = {key for key, value in expected.items() if widget._data[key] != value}
    assert differing == {"standalone", "version"}


def test_a_click_reaches_python(widget: ClassGraphWidget, made: Made) -> None:
    heard: list[Any] = []
    widget.observe(lambda change: heard.append((change["name"], change["new"])), ["selection", "threshold"])
    tell(widget, selection={"kind": "node", "id": "n3"}, threshold=0.75)
    assert dict(heard) == {"selection": (made.graph.nodes[3],), "threshold": 0.75}
    tell(widget, selection={"kind": "edge", "id": "e0-2"})
    assert widget.selection == (made.graph.nodes[0], made.graph.nodes[2])
    tell(widget, selection=None)
    assert widget.selection == ()


def test_what_python_assigns_reaches_the_picture_with_the_readers_own_view(widget: ClassGraphWidget) -> None:
    tell(widget, hidden=["negative"], search="dog")
    before = widget._asked["view"]["serial"]
    widget.selection = ("audio:Dog",)
    widget.threshold = 0.9
    view = widget._asked["view"]
    assert view["serial"] > before, "a new number: the picture takes it over"
    assert (view["selection"], view["threshold"]) == ({"kind": "node", "id": "n3"}, 0.9)
    assert (view["hidden"], view["search"], view["seen"]) == (["negative"], "dog", 7.0)


def test_what_the_reader_does_is_not_sent_back_as_news(widget: ClassGraphWidget) -> None:
    before = widget._asked["view"]["serial"]
    tell(widget, selection={"kind": "node", "id": "n1"}, threshold=0.3)
    assert widget._asked["view"]["serial"] == before


@pytest.mark.parametrize(
    "told",
    [
        {"selection": {"kind": "node", "id": "n99"}},
        {"selection": {"kind": "edge", "id": "e0-1"}},
        {"selection": "n1"},
        {"selection": [1]},
        {"threshold": 7},
        {"threshold": "high"},
        {"threshold": None},
    ],
)
def test_a_browser_is_not_believed(widget: ClassGraphWidget, told: dict[str, Any]) -> None:
    before = widget.selection, widget.threshold, widget._asked
    tell(widget, **told)
    assert (widget.selection, widget.threshold, widget._asked) == before
    widget.set_state({"_told": {"view": "nonsense"}})
    assert (widget.selection, widget.threshold, widget._asked) == before


@pytest.mark.parametrize("names", [("audio:Nobody",), ("audio:Dog", "audio:Dog"), ("audio:Dog", "visual:Violin")])
def test_only_what_is_there_can_be_selected(widget: ClassGraphWidget, names: tuple[str, ...]) -> None:
    with pytest.raises(traitlets.TraitError):
        widget.selection = names
    assert widget.selection == ()


def test_a_graph_alone_is_enough(made: Made) -> None:
    widget = ClassGraphWidget(made.graph)
    assert widget.threshold == 0.0
    assert len(widget._data["nodes"]) == len(made.graph.nodes)


def test_graphs_that_do_not_fit_are_told_apart(made: Made) -> None:
    nodes = tuple(reversed(made.graph.nodes))
    with pytest.raises(GraphError, match="both sides"):
        ClassGraphWidget(ClassGraph(nodes, made.graph.adjacency))
    soft = made.teacher.soft_labels
    others = SoftLabels(
        soft.audio[:, :3], soft.visual[:, :3], "logits", ("A", "B", "C"), soft.split, soft.hard_label % 3
    )
    with pytest.raises(GraphError, match="other classes"):
        ClassGraphWidget(made.graph, soft_labels=others)


def test_readers_without_widgets_see_a_still(widget: ClassGraphWidget) -> None:
    bundle = widget._repr_mimebundle_()
    assert bundle is not None
    assert "application/vnd.jupyter.widget-view+json" in bundle[0]
    still = bundle[0]["image/svg+xml"]
    assert still.startswith("<svg")
    assert "<b>Bus" not in still
    assert len(still) < 100_000


def test_nothing_is_fetched(widget: ClassGraphWidget) -> None:
    source = str(widget._esm)
    assert "https://cdn" not in source
    assert "unpkg" not in source
    assert 'import "http' not in source


def test_who_hears_a_click_may_answer_it(widget: ClassGraphWidget) -> None:
    def answer(change: Any) -> None:
        if change["new"] == ("audio:Dog",):
            widget.selection, widget.threshold = ("audio:Rain",), 0.9

    widget.observe(answer, "selection")
    tell(widget, selection={"kind": "node", "id": "n3"}, threshold=0.2)
    assert (widget.selection, widget.threshold) == (("audio:Rain",), 0.9)
    view = widget._asked["view"]
    assert (view["selection"], view["threshold"]) == ({"kind": "node", "id": "n5"}, 0.9)
