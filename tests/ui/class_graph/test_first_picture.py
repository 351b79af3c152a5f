"""What stands on the page until the class graph is drawn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from avexplore.folders import app_folder
from avexplore.store import Store
from avexplore.ui.class_graph.first_picture import first_picture
from avexplore.ui.server import first_pictures
from avexplore.workbench import Workbench

SHIPPED = app_folder() / "models"
PLACED = re.compile(r'<text x="([-\d.]+)" y="([-\d.]+)"[^>]*>(.*?)</text>', re.DOTALL)


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AVEXPLORE_MODELS", str(SHIPPED))
    first_pictures._run.cache_clear()
    yield
    first_pictures._run.cache_clear()


@pytest.mark.parametrize("is_compiled", [False, True])
def test_the_kept_picture_is_the_first_shipped_runs(is_compiled: bool, tmp_path: Path) -> None:
    bench = Workbench(Store(tmp_path, SHIPPED))
    run = bench.runs()[0]
    kept = (first_pictures.FOLDER / first_pictures.file_name(run.key, is_compiled=is_compiled)).read_text("utf-8")
    now = first_picture(bench, run, is_compiled=is_compiled)
    fix = "run .ci/first_pictures.py"
    assert kept.count("<path") == now.count("<path"), fix
    words = [[(x, y, said) for x, y, said in PLACED.findall(svg)] for svg in (kept, now)]
    assert len(words[0]) > 28
    assert [said for *_, said in words[0]] == [said for *_, said in words[1]], fix
    places = [[float(n) for x, y, _ in found for n in (x, y)] for found in words]
    assert places[0] == pytest.approx(places[1], abs=1.0), fix


def test_it_is_shown_only_where_the_app_will_show_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    run = first_pictures._run()
    assert first_pictures.picture("class_graph", "").startswith("<svg")
    assert first_pictures.picture("class_graph", f"run={run}") == first_pictures.picture("class_graph", "")
    for page, query in (("overview", ""), ("class_graph", "run=abc"), ("class_graph", f"run={run}&g_layout=rings")):
        assert first_pictures.picture(page, query) == ""
    monkeypatch.setenv("AVEXPLORE_MODELS", str(SHIPPED.parent))
    first_pictures._run.cache_clear()
    assert first_pictures.picture("class_graph", "") == ""


@pytest.mark.browser
@pytest.mark.timeout(900)
@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
def test_it_stands_where_the_picture_will_and_is_gone_with_it(
    size: tuple[int, int], browser: Any, shipped_app: str
) -> None:
    viewport = dict(zip(("width", "height"), size, strict=True))
    bare = browser.new_context(java_script_enabled=False, viewport=viewport)
    page = bare.new_page()
    page.goto(f"{shipped_app}/class_graph")
    assert page.get_by_text("Orchestra", exact=True).is_visible()
    still = page.locator(".avx-still").bounding_box()
    bare.close()
    page = browser.new_page(viewport=viewport)
    page.goto(f"{shipped_app}/class_graph")
    page.locator(".graph-view[data-version]").wait_for(timeout=150_000)
    assert page.locator(".avx-still").count() == 0
    page.get_by_text("Is it right?").wait_for()
    drawn = page.locator(".graph-view canvas").first.bounding_box()
    for side in ("x", "y", "width", "height"):
        assert still[side] == pytest.approx(drawn[side], abs=2), side
    page.close()


@pytest.mark.browser
def test_it_is_gone_on_another_page(browser: Any, shipped_app: str) -> None:
    page = browser.new_page()
    # As if the picture were never drawn: left before that, the page shall not leave it behind.
    page.add_init_script(
        "const { remove } = Element.prototype;"
        "Element.prototype.remove = function () { if (!this.matches('.avx-still')) remove.call(this); }"
    )
    page.goto(f"{shipped_app}/class_graph")
    page.get_by_text("Is it right?").wait_for(timeout=150_000)
    assert page.locator(".avx-still").is_visible()
    page.get_by_role("link", name="Story").click()
    page.locator(".avx-still").wait_for(state="hidden", timeout=150_000)
    page.close()


@pytest.fixture(scope="module")
def shipped_app(start_app: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    return start_app(tmp_path_factory.mktemp("shipped"), AVEXPLORE_MODELS=str(SHIPPED))
