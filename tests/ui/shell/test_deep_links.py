"""Every page by its own address, on a server that nobody has visited before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avexplore.ui.page_list import PAGES

pytestmark = pytest.mark.browser


def test_a_page_asked_for_by_name_is_shown(
    browser: Any, start_app: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    address = start_app(tmp_path_factory.mktemp("deep"))
    page, errors = browser.new_page(), []
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    try:
        # The first round meets a server that does not know the navigation yet, the second one does.
        for info in (*PAGES, *PAGES):
            page.goto(f"{address}/{info.name}?kept=1")
            page.get_by_role("heading", name=info.title, exact=True, level=1).wait_for(timeout=60_000)
            page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=60_000)
            assert page.get_by_role("dialog").count() == 0, "Streamlit says that there is no such page"
            assert "kept=1" in page.evaluate("location.search")
        assert errors == []
    finally:
        page.close()


def test_without_any_run_the_visitor_is_told_what_to_do(
    browser: Any, start_app: Callable[..., str], tmp_path: Path
) -> None:
    page = browser.new_page()
    try:
        page.goto(f"{start_app(tmp_path)}/retrieval")
        page.get_by_role("link", name="Go to Training").click(timeout=60_000)
        page.get_by_role("heading", name="Training", exact=True, level=1).wait_for(timeout=60_000)
    finally:
        page.close()
