"""The three pages in a real browser: what only a browser can show. Nothing may fail or call home on the way."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from in_browser import address, settled, steady, until

from avexplore.config import EvaluationConfig
from avexplore.store import Store

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", [(390, 800), (1280, 720), (1440, 900), (1920, 1080)])
@pytest.mark.parametrize("path", ["/embedding_space?filter=class.2", "/retrieval"])
def test_no_text_is_wider_than_its_box(path: str, size: tuple[int, int], visit: Callable[..., Any]) -> None:
    page = visit("/story")
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page = visit(path)
    shown = page.locator(".facet .row" if "embedding" in path else ".card").first
    shown.wait_for()
    steady(page, shown)
    cut = page.locator(".facets *, .bar *, figcaption span, .status, .card *, .column h3 span, .key li").evaluate_all(
        """all => all.filter(e => e.checkVisibility() && e.textContent && e.scrollWidth > e.clientWidth + 1 &&
            getComputedStyle(e).display !== "inline" && getComputedStyle(e).overflow !== "visible")
            .map(e => e.className + ": " + e.textContent)"""
    )
    assert cut == []
    assert page.locator('[data-testid="stMain"]').evaluate("main => main.scrollWidth - main.clientWidth") <= 0


def test_ranked_lists_are_those_of_the_embeddings_and_an_answer_is_explained(
    visit: Callable[..., Any], server: Any
) -> None:
    made = server.made
    gallery = made.clips.rows("test")
    clip = int(gallery[2])
    page = visit(f"/retrieval?query={clip}")
    page.locator(".card").first.wait_for()
    steady(page, page.locator(".board"))
    for side, embeddings in (("left", made.before), ("right", made.after)):
        order = np.argsort(-(embeddings.visual[gallery] @ embeddings.audio[clip]), kind="stable")[:10]
        shown = page.locator(f".{side} .card").evaluate_all("cards => cards.map(card => Number(card.dataset.clip))")
        assert shown == [int(gallery[i]) for i in order]
    both = page.locator(".card").evaluate_all("cards => new Set(cards.map(card => card.dataset.clip)).size")
    until(lambda: page.locator(".board path").count() == both)
    page.locator(".right .card").nth(1).click()
    until(lambda: "answer=" in address(page))
    page.get_by_text("Answer,").first.wait_for()
    until(lambda: page.locator(".card[aria-pressed=true]").count() >= 1)


def test_a_clip_with_a_file_can_be_played(visit: Callable[..., Any], server: Any) -> None:
    clip = int(server.made.clips.rows("test")[0])
    page = visit(f"/retrieval?query={clip}")
    player = page.locator("audio")
    player.wait_for()
    until(lambda: player.evaluate("player => player.readyState") >= 2)
    assert player.evaluate("player => player.duration") == pytest.approx(0.5, abs=0.05)


def test_a_manifest_brings_thumbnails_and_one_player_to_every_page(visit: Callable[..., Any], server: Any) -> None:
    made = server.made
    rows = made.clips.rows("test")
    query = int(rows[5])
    scores = made.after.visual[rows] @ made.after.audio[query]
    ranked = rows[np.argsort(-scores, kind="stable")]
    film, tone = [int(clip) for clip in ranked if clip not in (query, rows[0])][:2]
    names = made.clips.clip_ids
    page = visit(f"/retrieval?query={query}")
    page.locator(".card").first.wait_for()
    settled(page)
    page.get_by_role("button", name="Media files").click()
    upload = page.locator('[data-testid="stPopoverBody"] input[type=file]')

    def give(text: str) -> None:
        settled(page)
        upload.set_input_files({"name": "media.csv", "mimeType": "text/csv", "buffer": text.encode()})

    give(f"clip_id,path\n{names[film]},{server.home}/beep.wav\n")
    page.get_by_text("leads out of the folders").wait_for()
    give(f"clip_id,path,thumbnail\n{names[film]},clip.webm,frame.png\n{names[tone]},tone.wav,\n{names[1]},gone.mp4,\n")
    page.get_by_text("names media files for 3 of 160 clips; 1 of them are not there").wait_for()

    page.goto(f"{server.url}/retrieval?query={query}")
    picture = page.locator(f".right .card[data-clip='{film}'] img")
    picture.wait_for()
    until(lambda: picture.evaluate("image => image.naturalWidth") > 0)
    size, sign = picture.bounding_box(), page.locator(f".right .card[data-clip='{film}'] .media i")
    assert size["width"] >= 100, "a picture that can be recognized"
    assert size["height"] >= 60
    assert sign.inner_text() == "▶"
    assert sign.bounding_box()["x"] >= size["x"] + size["width"], "beside it, not on it"
    assert page.locator(f".right .card[data-clip='{tone}'] img").count() == 0
    until(lambda: page.locator("audio").count() == 1)  # the query's own, from the data set
    steady(page, page.locator(".board"))
    page.locator(f".right .card[data-clip='{film}']").click()
    player = page.locator("video")
    player.wait_for()
    until(lambda: page.locator("audio").count() == 0)
    until(lambda: player.evaluate("video => video.readyState") >= 2)
    assert player.evaluate("video => [video.videoWidth, video.videoHeight]") == [96, 64]
    # Asked again each time: the page may be drawn anew with another player while this one starts.
    until(lambda: player.evaluate("video => { video.muted = true; video.play(); return video.currentTime; }") > 0)
    settled(page)
    page.locator(f".right .card[data-clip='{tone}']").click()
    until(lambda: page.locator("video").count() == 0)
    sound = page.locator("audio")
    until(lambda: sound.evaluate("sound => sound.duration") == pytest.approx(0.75, abs=0.05))

    page.goto(f"{server.url}/embedding_space?point=visual-{film}")
    player.wait_for()
    until(lambda: player.evaluate("video => video.readyState") >= 2)


def test_own_vectors_without_stored_weights_get_a_sentence(visit: Callable[..., Any]) -> None:
    page = visit("/retrieval?by=Own+clip")
    upload = page.locator("input[type=file]")
    upload.wait_for(state="attached")
    upload.set_input_files({"name": "mine.npy", "mimeType": "application/octet-stream", "buffer": b"nonsense"})
    page.get_by_text("no array file that can be read safely").wait_for()


def test_the_story_is_walked_through_and_its_links_set_the_pages(visit: Callable[..., Any], server: Any) -> None:
    page = visit("/story")
    page.get_by_text("Somebody annotated this clip").wait_for()
    for step in range(2, 6):
        settled(page)
        page.get_by_role("button", name="Next").click()
        until(lambda step=step: f"step={step}" in address(page))
    page.locator(".card").first.wait_for()
    settled(page)
    page.get_by_text("Go on from here in Retrieval").click()
    until(lambda: "/retrieval" in address(page) and "query=" in address(page))
    page.locator(".card").first.wait_for()


# --- a phone ------------------------------------------------------------------------------------------------------


@pytest.fixture
def phone(visit: Callable[..., Any]) -> Callable[..., Any]:
    def go(path: str) -> Any:
        page = visit("/story")
        page.set_viewport_size({"width": 390, "height": 800})
        return visit(path)

    return go


@pytest.mark.parametrize("path", ["/retrieval", "/story?step=5"])
def test_the_titles_of_answers_can_be_read_on_a_phone(path: str, phone: Callable[..., Any]) -> None:
    page = phone(path)
    page.locator(".card").first.wait_for()
    steady(page, page.locator(".board"))
    cut = page.locator(".card .words b").evaluate_all("all => all.filter(b => b.scrollWidth > b.clientWidth).length")
    assert cut == 0


@pytest.mark.parametrize("step", range(1, 5))
def test_the_story_can_be_read_on_a_phone(step: int, phone: Callable[..., Any]) -> None:
    page = phone(f"/story?step={step}")
    page.get_by_text("How typical is it?").wait_for()
    settled(page)
    if step == 1 and not page.locator(".scene svg").count():
        return  # this clip has a file to play instead
    page.locator(".scene svg").wait_for()
    heights = page.locator(".scene text").evaluate_all(
        "all => all.map(t => parseFloat(t.getAttribute('font-size')) * t.getScreenCTM().a)"
    )
    assert min(heights) > 11
    page.set_viewport_size({"width": 1366, "height": 900})
    until(lambda: page.locator(".scene svg").get_attribute("viewBox").startswith("0 0 900"))


@pytest.mark.parametrize("path", ["/soft_labels", "/soft_labels?sl_view=Classes"])
def test_wide_matrices_do_not_move_the_page_sideways(path: str, phone: Callable[..., Any]) -> None:
    page = phone(path)
    page.locator(".st-key-matrix canvas, .st-key-matrix svg").first.wait_for()
    settled(page)
    assert page.locator('[data-testid="stMain"]').evaluate("main => main.scrollWidth - main.clientWidth") <= 0
    assert page.locator(".st-key-matrix").evaluate("box => box.scrollWidth > box.clientWidth")


def test_small_soft_labels_have_small_bars(visit: Callable[..., Any]) -> None:
    page = visit("/retrieval")
    page.locator(".card").first.wait_for()
    steady(page, page.locator(".board"))
    shares = page.locator(".bars i").evaluate_all("all => all.map(bar => parseInt(bar.style.height))")
    assert min(shares) <= 2
    heights = page.locator(".bars i").evaluate_all("all => all.map(bar => bar.getBoundingClientRect().height)")
    assert min(heights) < 0.5
    page.get_by_text("rank 6 with LIR").wait_for()


# --- evaluation ---------------------------------------------------------------------------------------------------


def test_evaluation_tables_and_pictures_download(visit: Callable[..., Any], server: Any) -> None:
    page = visit("/evaluation?view=By+class&picture=png")
    plot = page.locator(".js-plotly-plot").first
    plot.wait_for()
    steady(page, plot)
    with page.expect_download() as table:
        page.locator('[data-testid="stDownloadButton"] button').first.click()
    assert table.value.suggested_filename == "figures.csv"
    lines = list(csv.DictReader(table.value.path().read_text().splitlines()))
    stored = Store(server.home).get(EvaluationConfig(server.made.student))
    mean = next(line for line in lines if line["Figure"] == "MAP, mean")
    assert float(mean["With LIR"]) == stored.artifact.metrics["map"]
    plot.hover()
    settled(page)
    with page.expect_download() as picture:
        page.locator('.modebar-btn[data-title*="ownload"]').first.click()
    assert picture.value.suggested_filename == "map-by-class.png"
    assert picture.value.path().read_bytes()[:4] == b"\x89PNG"


def test_a_table_is_copied_as_latex_and_a_picture_saved_as_vectors(visit: Callable[..., Any], server: Any) -> None:
    page = visit("/evaluation")
    plot = page.locator(".js-plotly-plot").first
    plot.wait_for()
    steady(page, plot)
    plot.hover()
    with page.expect_download() as picture:
        page.locator('.modebar-btn[data-title*="ownload"]').first.click()
    assert picture.value.suggested_filename == "map-by-class.svg"
    drawn = picture.value.path().read_text(encoding="utf-8")
    assert drawn.lstrip().startswith("<svg")
    assert "Train horn" in drawn
    page.get_by_role("button", name="Copy as Markdown").first.click()
    code = page.locator('[data-testid="stPopoverBody"] code')
    code.wait_for()
    until(lambda: "| MAP, mean |" in code.inner_text())


def test_evaluation_tabs_stand_in_the_address(visit: Callable[..., Any]) -> None:
    page = visit("/evaluation")
    page.get_by_role("tab", name="Over epochs").wait_for()
    settled(page)
    page.get_by_role("tab", name="Over epochs").click()
    page.get_by_text("Up to LIR's start both trainings are one").wait_for()
    until(lambda: "view=Over" in address(page))
    page.reload()
    page.get_by_text("Up to LIR's start both trainings are one").wait_for()
