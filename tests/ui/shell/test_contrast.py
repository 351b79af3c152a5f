"""Words on colored ground can be read in both themes (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser


def luminance(color: str) -> float:
    """Relative luminance of "rgb(r, g, b)"."""
    channels = [int(number) / 255 for number in re.findall(r"\d+", color)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_main_button_can_be_read(browser: Any, start_app: Callable[..., str], tmp_path: Path, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    try:
        page.goto(f"{start_app(tmp_path)}/training")
        words = page.get_by_role("button", name="Train", exact=True).get_by_text("Train")
        words.wait_for(timeout=60_000)
        page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=60_000)
        text = words.evaluate("e => getComputedStyle(e).color")
        ground = words.evaluate("e => getComputedStyle(e.closest('button')).backgroundColor")
    finally:
        context.close()
    dark, light = sorted((luminance(text), luminance(ground)))
    assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)
