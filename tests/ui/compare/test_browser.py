"""From a changed setting to a page of differences, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from in_browser import settled

from avexplore.config import EvaluationConfig, SyntheticConfig
from avexplore.config.presets import preset
from avexplore.store import Store
from avexplore.workbench import Workbench

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


def test_a_graph_is_trained_with_and_ends_on_a_page_of_differences(
    tmp_path: Path, start_app: Callable[..., str], browser: Any
) -> None:
    student = preset("tiny", SyntheticConfig(clips=80, classes=3))
    bench = Workbench(Store(tmp_path), read_only=False)
    bench.keep_run(student, "The first of all")
    for one in (student, student.twin):
        bench.get(EvaluationConfig(one))
    url = start_app(tmp_path, AVEXPLORE_DEVICE="cpu")
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(120_000)
    try:
        page.goto(f"{url}/class_graph?run={student.address[:12]}")
        page.get_by_role("slider", name="Penalty").press("ArrowRight")
        page.get_by_text("1 change: penalty 2.5").wait_for()
        settled(page)
        page.get_by_role("button", name="Train with this graph").click()
        page.get_by_role("heading", name="One setting differs").wait_for()
        page.get_by_text("The first of all").first.wait_for()
        page.get_by_test_id("stDataFrame").nth(1).wait_for()  # its figures, once it is trained
        settled(page)
        runs = {run.name: run for run in Workbench(Store(tmp_path)).runs() if not run.shipped}
        assert set(runs) == {
            "The first of all",
            "Synthetic, 3 classes: clips 80, tiny, penalty 2.5, seed 0",
        }
        assert "with=" in page.url
        page.reload()
        page.get_by_role("heading", name="One setting differs").wait_for()
        settled(page)
        page.get_by_role("heading", name="One question to both").wait_for()
        page.locator(".board .lists h5").nth(1).get_by_text("penalty 2.5").wait_for()
        page.get_by_test_id("stNumberInputStepUp").click()
        page.wait_for_url("**query=*")
        asked = page.evaluate("() => new URLSearchParams(location.search).get('query')")
        page.locator(".board .list").nth(1).locator(".row").nth(3).click()
        page.wait_for_function("(was) => new URLSearchParams(location.search).get('query') !== was", arg=asked)
        page.get_by_role("heading", name="Both maps").wait_for()
        page.locator(".st-key-compare-maps canvas").first.wait_for()
        page.get_by_role("button", name="Another second run").click()
        page.get_by_text("any-label MAP").first.wait_for()
        page.get_by_placeholder("Part of a name").locator("visible=true").fill("penalty 2.5")
        page.get_by_placeholder("Part of a name").locator("visible=true").press("Enter")
        page.wait_for_function("() => document.querySelectorAll('.st-key-second-list button').length === 1")
    finally:
        page.close()
