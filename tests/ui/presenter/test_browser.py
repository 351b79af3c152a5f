"""A talk in a real browser: scenes are kept, shown by arrow keys, exported, and left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from in_browser import settled

from avexplore.workbench.scenes import read_scenes

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


def keep(page: Any, title: str) -> None:
    settled(page)
    page.get_by_role("button", name="Present", exact=False).first.click()
    field = page.get_by_label("Title of this view")
    field.fill(title)
    field.press("Enter")
    settled(page)
    page.get_by_role("button", name="Keep this view as a scene").click()
    page.get_by_role("button", name=title, exact=True).wait_for()
    settled(page)


def test_scenes_are_kept_shown_and_exported(server: Any, browser: Any, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(90_000)
    try:
        page.goto(f"{server.url}/retrieval?set=graph.penalty_discount-3&query={server.made.clips.rows('test')[2]}")
        keep(page, "A query")
        page.goto(f"{server.url}/evaluation")
        keep(page, "The figures")
        settled(page)
        with page.expect_download() as got:
            page.get_by_role("button", name="Export (JSON)").click()
        got.value.save_as(tmp_path / "scenes.json")
        scenes = read_scenes((tmp_path / "scenes.json").read_text())
        assert [(scene.title, scene.page) for scene in scenes] == [
            ("A query", "retrieval"),
            ("The figures", "evaluation"),
        ]
        assert json.loads((server.home / "scenes" / f"{server.made.key}.json").read_text())
        page.get_by_role("button", name="Start presenting").click()
        page.get_by_text("A query · 1 of 2").wait_for()
        settled(page)
        assert urlsplit(page.url).path == "/retrieval"
        asked = parse_qs(urlsplit(page.url).query)
        assert asked["set"] == ["graph.penalty_discount-3"]
        assert asked["present"] == ["1"]
        assert not page.get_by_test_id("stSidebar").is_visible()
        size = page.get_by_text("penalty 3").evaluate("element => parseFloat(getComputedStyle(element).fontSize)")
        assert size >= 22, "readable from ten meters"
        page.keyboard.press("ArrowRight")
        page.get_by_text("The figures · 2 of 2").wait_for()
        settled(page)
        assert urlsplit(page.url).path == "/evaluation"
        page.keyboard.press("ArrowLeft")
        page.get_by_text("A query · 1 of 2").wait_for()
        settled(page)
        page.keyboard.press("Escape")
        page.get_by_role("heading", name="Retrieval", level=1).wait_for()
        assert "present" not in page.url
    finally:
        page.close()


def test_arrow_keys_lead_through_the_story(server: Any, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(90_000)
    try:
        page.goto(f"{server.url}/story?present=1")
        page.get_by_text("1 · The clip").wait_for()
        settled(page)
        for step in ("2", "3"):
            page.keyboard.press("ArrowRight")
            page.wait_for_url(f"**step={step}**")
            settled(page)
        page.keyboard.press("ArrowLeft")
        page.wait_for_url("**step=2**")
    finally:
        page.close()
