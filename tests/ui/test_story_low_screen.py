"""The story on a low screen, such as a projector's, for clips without files to show and with a picture each."""

from __future__ import annotations

import wave
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from in_browser import settled, until
from PIL import Image
from stored_run import make_run

from avexplore.data.media.manifest import MediaEntry
from avexplore.workbench import media_files

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Server:
    """The app with a run whose clips have no files, or a picture and a sound each."""

    url: str
    have_files: bool


@pytest.fixture(scope="module", params=[False, True], ids=["no files", "pictures and sounds"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, start_app: Callable[..., str]
) -> Server:
    home = tmp_path_factory.mktemp("low")
    made = make_run(home)
    folder = home / "named"
    folder.mkdir()
    if request.param:
        entries = {}
        for clip, name in enumerate(made.clips.clip_ids):
            picture, sound = folder / f"{clip}.jpg", folder / f"{clip}.wav"
            Image.new("RGB", (320, 240), (200, 5 * clip % 255, 40)).save(picture)
            with wave.open(str(sound), "wb") as out:
                out.setparams((1, 2, 8000, 0, "NONE", ""))
                out.writeframes(bytes(16_000))
            entries[name] = MediaEntry(picture=str(picture), thumbnail=str(picture), sound=str(sound))
        media_files.attach(home, made.clips, "m.csv", entries)
    return Server(start_app(home, "--folder", str(folder)), request.param)


@pytest.mark.parametrize("size", [(1280, 720), (1440, 900), (1920, 1080)])
def test_each_step_fits_without_scrolling(visit: Callable[..., Any], server: Server, size: tuple[int, int]) -> None:
    page = visit("/story")
    page.set_viewport_size({"width": size[0], "height": size[1]})
    for step in range(1, 6):
        page.locator(f".st-key-step-{step - 1} button").first.click()
        page.locator(f".st-key-step-{step - 1} button[kind=primary]").first.wait_for()
        settled(page)
        page.locator(".card" if step == 5 else ".scene svg, audio").first.wait_for()
        main = page.locator('[data-testid="stMain"]')
        until(lambda main=main: main.evaluate("main => main.scrollHeight <= main.clientHeight"))
        title, first = (page.locator(at).first.bounding_box() for at in ("h1", ".st-key-step-0 button"))
        assert title["y"] + title["height"] <= first["y"] + 1
    pictures = page.locator(".card .media img")
    assert pictures.count() == (20 if server.have_files else 0)
    if server.have_files:
        page.locator(".card").first.hover()
        until(lambda: pictures.first.bounding_box()["height"] > 140)
    letters = page.locator(".card b, .card small")
    assert min(letters.evaluate_all("all => all.map(e => parseFloat(getComputedStyle(e).fontSize))")) >= 12
