"""The maps as a widget: what it sends is what the app draws, and both sides hear each other."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import traitlets
from stored_run import Made, loaded_from

from avexplore.analysis.loaded_run import LoadedRun
from avexplore.artifacts import Projection
from avexplore.drawing.maps import facets, packed
from avexplore.drawing.maps.class_groups import class_groups
from avexplore.notebook import MapsWidget
from avexplore.projection import project_pca


@pytest.fixture
def run(made: Made) -> LoadedRun:
    return loaded_from(made)


@pytest.fixture
def projection(run: LoadedRun) -> Projection:
    return project_pca(run.before, run.after, run.clips.rows("test"))


@pytest.fixture
def widget(run: LoadedRun, projection: Projection) -> MapsWidget:
    return MapsWidget(run, projection)


def tell(widget: MapsWidget, **states: Any) -> None:
    """What the browser sends when the reader has done something."""
    widget.set_state({"_told": {**widget._told, **states}})


def test_it_sends_what_the_app_draws(widget: MapsWidget, run: LoadedRun, projection: Projection) -> None:
    of = facets.of_run(run, projection, class_groups(run.soft_labels, None))
    assert widget._data == packed.pack(packed.content_of(run, projection, of))


def test_a_lasso_reaches_python_as_clips(widget: MapsWidget, projection: Projection) -> None:
    m = len(projection.rows)
    tell(widget, selection={"rows": "x", "points": [3, m + 1, m + 3]})
    assert widget.selection == (projection.rows[1], projection.rows[3])
    tell(widget, selection=None)
    assert widget.selection == ()


def test_facets_and_lasso_narrow_together(widget: MapsWidget, run: LoadedRun, projection: Projection) -> None:
    labels = np.asarray(run.clips.hard_label)[projection.rows]
    tell(widget, filter={"class": [2], "nonsense": [1]})
    assert widget.selection == tuple(int(row) for row in projection.rows[labels == 2])
    first = int(np.flatnonzero(labels == 2)[0])
    tell(widget, selection={"points": [first, int(np.flatnonzero(labels != 2)[0])]})
    assert widget.selection == (int(projection.rows[first]),)


def test_a_click_reaches_python(widget: MapsWidget, projection: Projection) -> None:
    m = len(projection.rows)
    tell(widget, picked={"point": m + 2, "turn": 1})
    assert widget.picked == ("visual", int(projection.rows[2]))
    tell(widget, picked={"point": None, "turn": 2})
    assert widget.picked == ()


def test_what_python_assigns_reaches_the_maps(widget: MapsWidget, projection: Projection) -> None:
    m, rows = len(projection.rows), [int(row) for row in projection.rows]
    tell(widget, filter={"class": [2]}, picked={"point": 0, "turn": 4})
    before = widget._asked["asked"]
    widget.selection = (rows[5], rows[1])
    widget.picked = ("visual", rows[7])
    asked = widget._asked
    assert asked["asked"] > before, "a new number: the maps take it over"
    assert (asked["selected"], asked["filter"]) == ([1, 5, m + 1, m + 5], {})
    assert (asked["picked"], asked["turn"]) == (m + 7, 4)
    assert widget.selection == (rows[1], rows[5])


def test_what_the_reader_does_is_not_sent_back_as_news(widget: MapsWidget) -> None:
    tell(widget, selection={"points": [1, 2]}, picked={"point": 1, "turn": 1}, filter={"class": [0, 1, 2]})
    assert widget._asked["asked"] == 0


@pytest.mark.parametrize(
    "told",
    [
        {"selection": {"points": "12"}},
        {"selection": [1]},
        {"selection": {"points": [-1, True, 1.5, 10**9]}},
        {"filter": [1]},
        {"filter": {"class": "1"}},
        {"picked": {"point": 3}},
        {"picked": 7},
        {"picked": {"point": "3", "turn": 1}},
    ],
)
def test_a_browser_is_not_believed(widget: MapsWidget, told: dict[str, Any]) -> None:
    tell(widget, **told)
    assert (widget.selection, widget.picked) == ((), ())


def test_only_what_is_shown_can_be_chosen(widget: MapsWidget, run: LoadedRun) -> None:
    with pytest.raises(traitlets.TraitError):
        widget.selection = (int(run.clips.rows("train")[0]),)
    for wrong in (("audio",), ("smell", 0), ("audio", -1)):
        with pytest.raises(traitlets.TraitError):
            widget.picked = wrong
    assert (widget.selection, widget.picked) == ((), ())


def test_readers_without_widgets_see_a_still(widget: MapsWidget, projection: Projection) -> None:
    bundle = widget._repr_mimebundle_()
    assert bundle is not None
    still = bundle[0]["image/svg+xml"]
    assert len(re.findall(r"M[\d.]+ [\d.]+h0", still)) == 4 * len(projection.rows)
    assert "&lt;b&gt;Bus" in still
    assert "opacity" not in still
    widget.selection = (int(projection.rows[0]),)
    assert "opacity" in widget.svg()
