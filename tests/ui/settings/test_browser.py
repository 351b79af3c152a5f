"""Working settings in a real browser: on every page, by link, by menu, by Back and Forward, after a reload."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from in_browser import settled

from avexplore.tuning.settings import WorkingSettings
from avexplore.ui.page_list import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SETTINGS = WorkingSettings.of({"graph.penalty_discount": 3.0, "regularizer.posterior_links": 0.3})
THERE = [page for page in PAGES if page.is_here]


@pytest.fixture
def page(server: Any, browser: Any) -> Iterator[Any]:
    wrong: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    found = context.new_page()
    found.set_default_timeout(180_000)
    found.on("pageerror", lambda error: wrong.append(str(error)))
    yield found
    context.close()
    assert wrong == []


def query(page: Any) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(page.url).query).items()}


def bar(page: Any) -> Any:
    return page.locator(".st-key-settings-bar")


def go(page: Any, title: str) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True).click()
    page.get_by_role("heading", name=title, exact=True, level=1).wait_for()
    settled(page)


def penalty(page: Any) -> str:
    return str(page.get_by_role("slider", name="Penalty").get_attribute("aria-valuetext"))


@pytest.mark.parametrize("info", THERE, ids=lambda info: info.name)
def test_a_copied_link_and_a_reload_restore_settings_and_query(info: Any, server: Any, page: Any) -> None:
    clip = int(server.made.clips.rows("test")[3])
    wanted = {"run": server.made.key, "set": SETTINGS.encode(), "query": str(clip)}
    page.goto(f"{server.url}/{info.name}?" + "&".join(f"{name}={value}" for name, value in wanted.items()))
    for _ in range(2):
        bar(page).get_by_text("2 changes: penalty 3, link strength 0.3").wait_for()
        settled(page)
        assert wanted.items() <= query(page).items()
        said = bar(page).get_by_text("as it is stored").count()
        assert said == (info.shows == "stored")
        page.reload()


def test_back_and_forward_restore_what_was_changed_on_other_pages(server: Any, page: Any) -> None:
    page.goto(f"{server.url}/class_graph")
    page.get_by_role("slider", name="Penalty").wait_for()
    settled(page)
    first = penalty(page)
    page.get_by_role("slider", name="Penalty").press("ArrowRight")
    bar(page).get_by_text("1 change: penalty").wait_for()
    settled(page)
    second = penalty(page)
    assert second != first
    go(page, "Retrieval")
    bar(page).get_by_text("This page shows the run as it is stored").wait_for()
    assert "query" not in query(page)
    page.get_by_role("button", name=re.compile("^Next")).click()
    page.wait_for_url("**query=**")
    settled(page)
    clip = query(page)["query"]
    go(page, "Evaluation")
    assert query(page)["query"] == clip
    go(page, "Retrieval")
    assert query(page)["query"] == clip, "chosen before, and still chosen"
    for _ in range(2):  # Evaluation, then Retrieval with the query
        page.go_back()
        settled(page)
    assert urlsplit(page.url).path == "/retrieval"
    assert query(page)["query"] == clip
    page.go_back()
    page.wait_for_function("() => !location.search.includes('query=')")
    settled(page)
    page.go_back()
    page.get_by_role("slider", name="Penalty").wait_for()
    settled(page)
    assert penalty(page) == second
    page.go_back()
    settled(page)
    assert penalty(page) == first
    bar(page).get_by_text("No changes").wait_for()
    page.go_forward()
    bar(page).get_by_text("1 change: penalty").wait_for()
    settled(page)
    assert penalty(page) == second


def test_undo_redo_and_reset(server: Any, page: Any) -> None:
    page.goto(f"{server.url}/class_graph?set={SETTINGS.encode()}")
    bar(page).get_by_text("2 changes").wait_for()
    settled(page)
    page.get_by_role("slider", name="Penalty").press("ArrowRight")
    bar(page).get_by_text("penalty 3.5").wait_for()
    settled(page)
    bar(page).get_by_role("button", name="Undo").click()
    bar(page).get_by_text("penalty 3,").wait_for()
    settled(page)
    assert penalty(page) == "3"
    go(page, "Overview")
    bar(page).get_by_role("button", name="Redo").click()
    bar(page).get_by_text("penalty 3.5").wait_for()
    settled(page)
    bar(page).get_by_role("button", name="Reset").click()
    bar(page).get_by_text("No changes").wait_for()
    settled(page)
    go(page, "Class graph")
    assert penalty(page) == "2"
    bar(page).get_by_role("button", name="Undo").click()
    bar(page).get_by_text("penalty 3.5").wait_for()


def test_hostile_settings_are_refused_in_words(server: Any, page: Any) -> None:
    page.goto(f"{server.url}/overview?set=graph.penalty_discount-nan*%3Cscript%3E")
    page.get_by_text("The settings in this address cannot be used").wait_for()
    page.get_by_role("heading", name="Overview", exact=True).wait_for()
