"""Players in a real browser, on every page where one stands: the segment, one at a time, what does not play."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from in_browser import settled, until
from PIL import Image
from stored_run import PLANTED, make_run, store_projection

from avexplore.data.media.manifest import MediaEntry
from avexplore.workbench import media_files

av = pytest.importorskip("av", reason="PyAV is not installed")
pytestmark = pytest.mark.browser

START, END = 1.25, 1.75
SILENT, UNSEEN = 24, 25
"""Test clips: the one whose file no browser plays, and the one of which it plays the sound alone."""
TAIL, HEAD = PLANTED[0]
PAGES = {
    "retrieval": "/retrieval?query={clip}",
    "maps": "/embedding_space?point=visual-{clip}",
    "story": "/story",
    "soft labels": "/soft_labels?clip={clip}",
    "class": f"/class_graph?pick=n{TAIL}",
    "pair of clips": f"/class_graph?pick=e{TAIL}-{HEAD}",
}


def film(path: Path, video: str, audio: str) -> str:
    """Three seconds of a color and a tone."""
    with av.open(str(path), "w") as out:
        seen, heard = out.add_stream(video, rate=8), out.add_stream(audio, rate=48_000)
        seen.width, seen.height, seen.pix_fmt = 96, 64, "yuv420p"
        heard.layout = "mono"
        for i in range(24):
            frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), (200, 10 * i, 40), np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 8)
            out.mux(seen.encode(frame))
        out.mux(seen.encode())
        tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(144_000) / 48_000)
        for first in range(0, len(tone), 960):
            piece = tone[None, first : first + 960].astype(np.float32)
            block = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
            block.rate, block.pts, block.time_base = 48_000, first, Fraction(1, 48_000)
            out.mux(heard.encode(block))
        out.mux(heard.encode())
    return str(path)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, start_app: Callable[..., str]) -> SimpleNamespace:
    home = tmp_path_factory.mktemp("played")
    folder = home / "named"
    folder.mkdir()
    plays = film(folder / "plays.webm", "libvpx", "libopus")
    silent = film(folder / "silent.avi", "mpeg4", "mp2")
    unseen = film(folder / "unseen.mp4", "mpeg4", "aac")
    poster = folder / "poster.jpg"
    Image.new("RGB", (160, 90), "#0072B2").save(poster)
    made = make_run(home)
    store_projection(made)
    files = {name: {SILENT: silent, UNSEEN: unseen}.get(row, plays) for row, name in enumerate(made.clips.clip_ids)}
    entries = {
        name: MediaEntry(video=path, thumbnail=str(poster), start=START, end=END) for name, path in files.items()
    }
    media_files.attach(home, made.clips, "made.csv", entries)
    return SimpleNamespace(url=start_app(home, "--folder", str(folder)), made=made)


STATE = "all => all.map(one => [one.currentTime, one.paused, one.readyState])"


@pytest.mark.parametrize("page_name", PAGES)
def test_one_player_at_a_time_plays_its_segment(
    page_name: str, visit: Callable[..., Any], server: SimpleNamespace
) -> None:
    clip = int(server.made.clips.rows("test")[4])
    page = visit(PAGES[page_name].format(clip=clip))
    players = page.locator("video")
    players.first.wait_for()
    settled(page)
    count = players.count()
    assert count == (2 if page_name == "pair of clips" else 1)
    until(lambda: all(state[2] >= 2 and abs(state[0] - START) < 0.01 for state in players.evaluate_all(STATE)))
    for k in range(count):
        players.nth(k).evaluate("one => { one.muted = true; return one.play(); }")
    until(lambda: all(one[1] for one in players.evaluate_all(STATE)))
    times = players.evaluate_all("all => all.map(one => one.currentTime)")
    assert END <= times[-1] < END + 0.2, "the segment is over"
    assert all(START <= at < END for at in times[:-1]), "the one before was stopped"
    assert players.first.evaluate("one => one.clientWidth") <= 640
    players.last.evaluate("one => one.play()")
    until(lambda: START <= players.last.evaluate("one => one.currentTime") < END - 0.1)  # once more from its beginning


def test_what_a_browser_does_not_play_is_said(visit: Callable[..., Any], server: SimpleNamespace) -> None:
    page = visit(f"/retrieval?query={SILENT}")
    said = page.get_by_text("This browser does not play silent.avi. Convert it")
    said.wait_for()
    assert not page.locator("video").is_visible()
    assert said.locator("xpath=following-sibling::img").is_visible(), "its picture stands instead"
    page.goto(f"{server.url}/retrieval?query={UNSEEN}")
    page.get_by_text("This browser plays the sound of unseen.mp4 alone.").wait_for()
    assert page.locator("video").is_visible()


def test_a_file_that_is_not_there_for_a_moment_plays_after_all(
    visit: Callable[..., Any], server: SimpleNamespace
) -> None:
    page = visit("/story")
    lost: list[str] = []

    def once(route: Any) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(route.request.url)
            route.fulfill(status=404)

    page.route("**/media/**", once)
    page.goto(f"{server.url}/retrieval?query={int(server.made.clips.rows('test')[4])}")
    player = page.locator("video")
    player.wait_for()
    until(lambda: player.is_visible() and abs(player.evaluate("one => one.currentTime") - START) < 0.01)
    assert lost
