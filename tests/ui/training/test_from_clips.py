"""From a folder of clips to a played answer, in a real browser, by who sits at the machine."""

from __future__ import annotations

import os
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_browser import settled, until
from PIL import Image
from streamlit.testing.v1 import AppTest

av = pytest.importorskip("av", reason="PyAV is not installed")

COUNT = 48
CLASSES = {"Bell": ((220, 40, 40), 400.0), "Siren": ((40, 40, 220), 2500.0), "Rain": ((40, 200, 60), 5000.0)}


def clip(path: Path, color: tuple[int, int, int], hertz: float) -> None:
    """Half a second of a color and a tone, as browsers play it."""
    from fractions import Fraction

    with av.open(str(path), "w") as out:
        video = out.add_stream("libvpx", rate=6)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        audio = out.add_stream("libopus", rate=48_000)
        audio.layout = "mono"
        for i in range(4):
            frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), color, np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 6)
            out.mux(video.encode(frame))
        out.mux(video.encode())
        tone = 0.4 * np.sin(2 * np.pi * hertz * np.arange(30_720) / 48_000)
        for first in range(0, len(tone), 960):
            block = av.AudioFrame.from_ndarray(
                tone[None, first : first + 960].astype(np.float32), format="flt", layout="mono"
            )
            block.rate, block.pts, block.time_base = 48_000, first, Fraction(1, 48_000)
            out.mux(audio.encode(block))
        out.mux(audio.encode())


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    lines = ["file,label"]
    for i in range(COUNT):
        label = list(CLASSES)[i % 3]
        color, hertz = CLASSES[label]
        own = tuple(int(c) for c in np.clip(np.array(color) + rng.integers(-30, 30, 3), 0, 255))
        clip(folder / f"{i:02d}.webm", own, hertz * (1 + 0.1 * rng.random()))  # type: ignore[arg-type]
        lines.append(f"{i:02d}.webm,{label}")
    (folder / "broken.webm").write_text("no video")
    lines.append("broken.webm,Bell")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, start_app: Callable[..., str]) -> str:
    return start_app(tmp_path_factory.mktemp("home"), AVEXPLORE_DEVICE="cpu")


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    found = browser.new_page(viewport={"width": 1366, "height": 900})
    found.set_default_timeout(300_000)
    yield found
    found.close()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_from_a_folder_to_a_played_answer(url: str, clips: Path, page: Any) -> None:
    page.goto(f"{url}/training?training.source=My+clips&training.preset=tiny")
    field = page.get_by_role("textbox", name="Folder of clips")
    field.fill(str(clips / "nowhere"))
    page.get_by_role("button", name="Make features").click()
    page.get_by_text("There is no such folder").wait_for()
    settled(page)
    field.fill(str(clips))
    page.get_by_role("button", name="Make features").click()
    page.get_by_text(f"Features of {COUNT} of {COUNT + 1} clips").wait_for()
    page.get_by_text(f"Of {COUNT + 1} clips, 1 left out").wait_for()
    page.get_by_text(f"names media files for {COUNT} of {COUNT} clips.").wait_for()
    settled(page)
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text("This student is on this machine already").wait_for()
    settled(page)
    run = page.get_by_role("link", name="Open it").get_attribute("href").partition("run=")[2]

    page.goto(f"{url}/retrieval?run={run}")
    page.locator(".card img").first.wait_for()
    until(lambda: page.locator(".card img").first.evaluate("image => image.naturalWidth") > 0)
    page.locator(".card").first.click()
    player = page.locator("video")
    player.wait_for()
    until(lambda: player.evaluate("video => video.readyState") >= 2)
    # Asked again each time: the page may be drawn anew with another player while this one starts.
    until(lambda: player.evaluate("video => { video.muted = true; video.play(); return video.currentTime; }") > 0)

    # Every picture shows the color of its own clip.
    found = page.locator(".card:has(img)").evaluate_all(
        """cards => Promise.all(cards.map(async card => {
            const image = card.querySelector("img");
            await image.decode();
            const canvas = new OffscreenCanvas(1, 1).getContext("2d");
            canvas.drawImage(image, 0, 0, 1, 1);
            return [card.querySelector("b").textContent, [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)];
        }))"""
    )
    assert len(found) >= 10
    for label, color in found:
        assert int(np.argmax(color)) == int(np.argmax(CLASSES[label][0])), (label, color)

    page.goto(f"{url}/retrieval?run={run}&by=Own+clip")
    upload = page.locator("input[type=file]").first
    upload.wait_for(state="attached")
    settled(page)
    upload.set_input_files(str(clips / "broken.webm"))
    page.get_by_text("no kind that is decoded").wait_for()
    settled(page)
    upload.set_input_files(str(clips / "01.webm"))
    ranked(page, "Siren")

    with wave.open(str(clips / "own.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        tone = 12_000 * np.sin(2 * np.pi * CLASSES["Bell"][1] * 1.05 * np.arange(16_000) / 16_000)
        out.writeframes(tone.astype("<i2").tobytes())
    Image.new("RGB", (90, 60), CLASSES["Rain"][0]).save(clips / "own.png")
    for direction, name, label in (("A→V", "own.wav", "Bell"), ("V→A", "own.png", "Rain")):
        page.goto(f"{url}/retrieval?run={run}&by=Own+clip&direction={direction}")
        upload.wait_for(state="attached")
        settled(page)
        upload.set_input_files(str(clips / name))
        ranked(page, label)


def ranked(page: Any, label: str) -> None:
    """A clip of one's own has answers without and with LIR, with their pictures."""
    page.get_by_text("The query is a clip of your own").wait_for()
    page.locator(".card img").first.wait_for()
    settled(page)
    for side in ("left", "right"):
        found = page.locator(f".{side} .card b").all_inner_texts()
        assert found[0] == label, (side, found)


def test_who_sits_elsewhere_is_told_the_command(app: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch) -> None:
    from avexplore.ui.shell import session

    monkeypatch.setattr(session, "sits_here", lambda: False)
    at = app("training", **{"training.source": "My clips"})
    assert not at.exception
    assert any("avexplore features FOLDER" in code.value for code in at.code)
    assert not [field for field in at.text_input if str(field.key).startswith("training.")]


@pytest.mark.parametrize("variable", ["AVEXPLORE_SHARED", "AVEXPLORE_DEMO"])
def test_on_a_shared_server_no_path_may_be_typed(
    app: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    at = app("training", **{"training.source": "My clips"})
    assert not at.exception
    assert not [field for field in at.text_input if str(field.key).startswith("training.")]
    assert os.environ[variable] == "1"
