"""What a visitor sees before Streamlit's front end is there."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_seen_without_any_script_and_gone_with_the_page(scheme: Any, browser: Any, server: Any) -> None:
    bare = browser.new_context(java_script_enabled=False, color_scheme=scheme)
    page = bare.new_page()
    page.goto(f"{server.url}/class_graph")
    words = page.locator(".avx-first b")
    assert words.is_visible()
    assert words.bounding_box()["width"] > 100
    bare.close()
    page = browser.new_page(color_scheme=scheme)
    page.goto(f"{server.url}/class_graph")
    page.get_by_test_id("stApp").wait_for()
    assert page.locator(".avx-first").count() == 0
    page.close()
