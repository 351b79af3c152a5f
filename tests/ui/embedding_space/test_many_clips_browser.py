"""Maps of more points than are drawn one by one, in a real browser: density, a closer look, facets, lasso, tables."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from in_browser import settled, steady, until
from stored_run import Made, make_run, store_large_projection

from avexplore.drawing.maps.facets import DRIFT_STEPS

pytestmark = pytest.mark.browser
CLIPS, LAID_OUT = 30_000, 2_000


@dataclass(frozen=True)
class Server:
    """The app with a run of many clips."""

    url: str
    made: Made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, start_app: Callable[..., str]) -> Server:
    home = tmp_path_factory.mktemp("many")
    made = make_run(home, CLIPS, measured=False)
    store_large_projection(made, LAID_OUT)
    return Server(start_app(home), made)


@pytest.fixture
def page(visit: Callable[..., Any], server: Server) -> Any:
    shown = visit(f"/embedding_space?run={server.made.key}&split=all")
    canvas = shown.locator("canvas.marks").first
    canvas.wait_for()
    until(lambda: canvas.evaluate("canvas => Boolean(canvas.owner?.head)") and is_done(canvas))
    steady(shown, canvas)
    return shown


def is_done(canvas: Any) -> bool:
    return bool(canvas.evaluate("canvas => canvas.owner.painter.isDone"))


def is_density(canvas: Any) -> bool:
    return bool(canvas.evaluate("canvas => canvas.owner.panes.every(pane => pane.raster.isDensity)"))


def test_all_clips_are_a_density_first_and_points_on_a_closer_look(page: Any) -> None:
    canvas = page.locator("canvas.marks").first
    page.get_by_text(f"{LAID_OUT:,} clips, drawn evenly, were laid out").wait_for()
    assert canvas.evaluate("canvas => canvas.owner.points") == 2 * CLIPS
    assert is_density(canvas)
    page.locator("canvas.marks").first.focus()
    for _ in range(6):
        page.keyboard.press("+")
    until(lambda: is_done(canvas) and not is_density(canvas))


def test_facets_lasso_table_and_files_hold_all_clips(page: Any, server: Server) -> None:
    canvas = page.locator("canvas.marks").first
    page.locator(".facet[data-facet=class] .row[data-code='2']").click()
    count = int((np.asarray(server.made.clips.hard_label) == 2).sum())
    page.get_by_text(f"{2 * count:,} points of {count:,} clips").first.wait_for()
    settled(page)
    box = canvas.bounding_box()
    corners = [(0.02, 0.02), (0.98, 0.02), (0.98, 0.98), (0.02, 0.98)]
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=3)
    page.mouse.up()
    until(lambda: canvas.evaluate("canvas => canvas.owner.selected !== null"))
    steady(page, canvas)
    chosen = canvas.evaluate("canvas => canvas.owner.count")
    assert 0 < chosen <= 2 * count
    page.get_by_text(f"{chosen:,} points of").first.wait_for()
    settled(page)
    with page.expect_download() as download:
        page.get_by_text("Chosen points (CSV)").click()
    lines = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert len(lines) == chosen
    assert {line["class"] for line in lines} == {server.made.clips.classes[2]}
    assert {line["answer"] for line in lines} >= {"not asked"}
    assert len({line["drift"] for line in lines}) == len(DRIFT_STEPS) + 1


def test_a_point_that_was_not_laid_out_has_its_card_and_neighbors(page: Any, server: Server) -> None:
    page.locator("canvas.marks").first.evaluate("(canvas, point) => canvas.owner.pick(point)", LAID_OUT + 5)
    page.get_by_text("Nearest neighbors in the embedding itself").wait_for()
    settled(page)
    until(lambda: page.locator("[data-testid=stDataFrame]").count() >= 2)
