"""The story on a low screen, such as a projector's, for clips without files to show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from in_browser import settled, until
from stored_run import make_run

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Server:
    """The app with a run whose clips have no files."""

    url: str


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, start_app: Callable[..., str]) -> Server:
    home = tmp_path_factory.mktemp("low")
    make_run(home)
    return Server(start_app(home))


def test_each_step_fits_without_scrolling(visit: Callable[..., Any]) -> None:
    page = visit("/story")
    page.set_viewport_size({"width": 1280, "height": 720})
    for step in range(1, 6):
        page.locator(f".st-key-step-{step - 1} button").first.click()
        page.locator(f".st-key-step-{step - 1} button[kind=primary]").first.wait_for()
        settled(page)
        page.locator(".card" if step == 5 else ".scene svg").first.wait_for()
        main = page.locator('[data-testid="stMain"]')
        until(lambda main=main: main.evaluate("main => main.scrollHeight <= main.clientHeight"))
        title, first = (page.locator(at).first.bounding_box() for at in ("h1", ".st-key-step-0 button"))
        assert title["y"] + title["height"] <= first["y"] + 1
    letters = page.locator(".card b, .card small")
    assert min(letters.evaluate_all("all => all.map(e => parseFloat(getComputedStyle(e).fontSize))")) >= 12
