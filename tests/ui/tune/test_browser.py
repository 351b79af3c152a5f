"""The page Tune in a real browser: each slider moves figures, lists, links and maps, and the command line agrees."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest
from in_browser import settled
from tuned_run import Tiny, train_tiny

from avexplore.config import SyntheticConfig

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
PATIENCE = 150_000
"""Milliseconds; a busy machine may be slow, and only what never happens is a failure."""


@pytest.fixture(scope="session")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return train_tiny(tmp_path_factory.mktemp("tune-home"), tmp_path_factory.mktemp("nothing"))


@pytest.fixture(scope="session")
def served(tuned: Tiny, start_app: Callable[..., str]) -> str:
    return start_app(tuned.bench.store.root)


class Screen:
    """The page, open in a browser."""

    def __init__(self, browser: Any, url: str, viewport: dict[str, int] | None = None) -> None:
        self.page = browser.new_page(viewport=viewport or {"width": 1440, "height": 900})
        self.page.set_default_timeout(PATIENCE)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.go(url)

    def go(self, url: str) -> None:
        self.page.goto(url)
        self.page.wait_for_selector(".maps[data-settled]")
        self.page.wait_for_selector(".graph-view[data-version]")

    def part(self, name: str, expression: str = "e.dataset.version") -> Any:
        return self.page.query_selector(f".{name}[data-version]").evaluate(f"e => {expression}")

    def figures(self) -> list[str]:
        found: list[str] = self.page.locator(".figure b").all_inner_texts()
        return found

    def answers(self) -> list[str]:
        """The rows of the right list, best first."""
        rows = self.page.locator(".list").nth(1).locator(".row")
        return sorted(rows.evaluate_all("rows => rows.filter(r => r.style.opacity != 0).map(r => r.ariaLabel)"))

    def places(self) -> str:
        return str(self.part("maps", "JSON.stringify([...e.tunePlaces.after])"))

    def nodes(self) -> str:
        return str(self.part("graph-view", "JSON.stringify(e.graphStage.network.getPositions())"))

    def edges(self) -> str:
        return str(self.part("graph-view", "JSON.stringify(e.graphStage.data.edges)"))

    def move(self, name: str, key: str) -> None:
        """Move a slider by a key, and wait until board and maps show what that does."""
        before = self.part("board"), self.part("maps")
        slider = self.page.get_by_role("slider", name=name).first
        slider.focus()
        slider.press(key)
        self.wait_for_change(*before)

    def wait_for_change(self, board: str, maps: str) -> None:
        self.until(lambda: self.part("board") != board and self.part("maps") == self.part("board") != maps)

    def until(self, holds: Callable[[], bool]) -> None:
        for _ in range(PATIENCE // 50):
            if holds():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("It did not come to that")

    def settled(self) -> None:
        """Until nothing is to come: bootstraps, compilation or training."""
        words = re.compile("bootstraps$|between classes$")
        self.until(lambda: bool(words.search(self.page.locator(".tune-links").inner_text())))
        self.until(lambda: "compiled" not in str(self.part("maps", "e.querySelector('.note').textContent")))


@pytest.fixture(scope="session")
def address(served: str, tuned: Tiny) -> str:
    """Of the page on the run that was trained; tests save others beside it."""
    return f"{served}/tune?run={tuned.student.address[:12]}"


@pytest.fixture
def shown(browser: Any, address: str) -> Iterator[Screen]:
    screen = Screen(browser, address)
    yield screen
    assert not screen.errors
    screen.page.close()


def unfold(shown: Screen, name: str) -> None:
    shown.page.locator("summary", has_text=name).click()


def choose_another(shown: Screen, combobox: Any, parameter: str) -> None:
    """Choose another option of a list, until the address says so: a list that opens while the page moves closes."""
    from playwright.sync_api import Error

    def chosen() -> bool:
        if f"{parameter}-" not in str(shown.page.evaluate("location.href")):
            with contextlib.suppress(Error):
                combobox.click(timeout=2000)
                shown.page.get_by_role("option", selected=False).first.click(timeout=2000)
                shown.page.wait_for_url(f"**{parameter}-**", timeout=2000)
            return False
        return True

    shown.until(chosen)


@pytest.mark.parametrize(
    ("fold", "slider", "key", "parts"),
    [
        ("", "Link strength", "End", ("figures", "places")),
        ("Embedding", "Posterior share", "ArrowRight", ("figures", "places")),
        ("Embedding", "Posterior temperature", "End", ("figures", "answers", "places")),
        ("Class graph", "Penalty", "End", ("edges",)),
    ],
)
def test_a_slider_moves_what_it_acts_on_and_no_node(
    shown: Screen, fold: str, slider: str, key: str, parts: tuple[str, ...]
) -> None:
    shown.settled()
    if fold:
        unfold(shown, fold)
    before = {part: getattr(shown, part)() for part in parts}
    nodes = shown.nodes()
    shown.move(slider, key)
    shown.until(lambda: all(getattr(shown, part)() != before[part] for part in parts))
    assert shown.nodes() == nodes, "positions of the graph move 0 px"
    assert "set=" in shown.page.url


def test_figures_equal_those_of_the_command_line(shown: Screen, tuned: Tiny) -> None:
    shown.settled()
    shown.move("Link strength", "End")
    unfold(shown, "Class graph")
    shown.move("Penalty", "ArrowRight")
    shown.settled()
    address = str(shown.page.evaluate("new URL(location).searchParams.get('set')"))
    command = [sys.executable, "-m", "avexplore", "tune", "--run", tuned.student.address[:12], "--address", address]
    environment = {**os.environ, "AVEXPLORE_HOME": str(tuned.bench.store.root)}
    said = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True, env=environment)
    metrics = json.loads(said.stdout)["metrics"]
    wanted = [f"{metrics[name]:.4f}" for name in ("map", "any_label_map", "hidden_pair_ap")]
    shown.until(lambda: shown.figures() == wanted)


def test_back_forward_reload_and_a_copied_link_bring_the_setting_back(shown: Screen, browser: Any) -> None:
    shown.settled()
    stored = shown.figures()
    shown.move("Link strength", "End")
    changed = shown.figures()
    assert changed != stored
    shown.page.go_back()
    shown.until(lambda: shown.figures() == stored)
    shown.page.go_forward()
    shown.until(lambda: shown.figures() == changed)
    shown.page.reload()
    shown.page.wait_for_selector(".maps[data-settled]")
    shown.until(lambda: shown.figures() == changed)
    other = Screen(browser, shown.page.url)
    other.until(lambda: other.figures() == changed)
    other.page.close()


def test_sources_pin_and_a_way_back_through_the_settings_tried(shown: Screen) -> None:
    shown.settled()
    stored = shown.figures()
    shown.page.get_by_role("button", name="Pin as A").click()
    shown.page.get_by_text("to A").first.wait_for()
    before = shown.part("board"), shown.part("maps")
    shown.page.locator("[data-testid=stButtonGroup]").get_by_text("None", exact=True).click()
    shown.wait_for_change(*before)
    assert "No links" in shown.page.locator(".tune-links").inner_text()
    shown.until(lambda: shown.figures() != stored)
    shown.until(lambda: shown.page.locator(".tried circle").count() == 2)
    shown.page.locator(".tried circle:not(.now)").click()
    shown.until(lambda: shown.figures() == stored)


def test_a_click_on_an_answer_asks_with_it(shown: Screen) -> None:
    shown.settled()
    before = shown.part("board")
    shown.page.locator(".list").nth(0).locator(".row").nth(3).click()
    shown.until(lambda: shown.part("board") != before)
    assert "query=" in shown.page.url


def test_a_training_parameter_is_trained_and_the_newest_one_is_shown(shown: Screen) -> None:
    shown.settled()
    stored = shown.figures()
    unfold(shown, "Training of LIR")
    slider = shown.page.get_by_role("slider", name="LIR weight").first
    for _ in range(3):
        slider.focus()
        slider.press("ArrowRight")
        shown.page.wait_for_timeout(300)
    # A quick machine may have trained it already.
    shown.until(lambda: shown.figures() != stored and not shown.page.get_by_text("Until it is trained").count())
    assert "regularizer.weight-" in shown.page.url


@pytest.mark.parametrize(
    ("control", "parameter"),
    [
        ("Form", "regularizer.form"),
        ("Start", "regularizer.start_epoch"),
        ("tau", "regularizer.tau"),
        ("Level", "regularizer.level"),
        ("Directed", "affinity.directed"),
    ],
)
def test_every_other_training_control_trains(shown: Screen, control: str, parameter: str) -> None:
    shown.settled()
    before = shown.part("board")
    unfold(shown, "Training of LIR")
    widget = shown.page.locator(f"[class*='st-key-set-{parameter.replace('.', '-')}']")
    widget.wait_for()
    widget.scroll_into_view_if_needed()
    shown.settled()  # unfolding draws anew, and a key that is pressed meanwhile is lost
    if widget.get_by_role("slider").count():
        widget.get_by_role("slider").first.press("ArrowRight")
    elif widget.get_by_role("spinbutton").count():
        widget.get_by_test_id("stNumberInputStepUp").click()
    elif widget.get_by_role("combobox").count():
        choose_another(shown, widget.get_by_role("combobox"), parameter)
    else:
        widget.get_by_role("switch").or_(widget.get_by_role("checkbox")).first.press("Space")
    shown.page.wait_for_url(f"**{parameter}-**")
    shown.until(lambda: shown.part("board") != before and not shown.page.get_by_text("Until it is trained").count())
    assert shown.page.get_by_text("could not be trained").count() == 0


def warm_process(home: Path) -> psutil.Process:
    """The training process of the app that is served from a data folder."""
    return next(
        one
        for one in psutil.process_iter(["cmdline", "environ"])
        if "avexplore.tuning.warm_worker" in (one.info["cmdline"] or ())
        and (one.info["environ"] or {}).get("AVEXPLORE_HOME") == str(home)
    )


def test_a_training_that_is_killed_in_the_middle_is_told_and_begun_again_by_a_click(shown: Screen, tuned: Tiny) -> None:
    shown.settled()
    unfold(shown, "Training of LIR")
    slider = shown.page.get_by_role("slider", name="LIR weight").first
    waiting = shown.page.get_by_text("Until it is trained")
    stored = shown.figures()
    slider.press("ArrowLeft")
    shown.until(lambda: shown.figures() != stored and not waiting.count())
    settled(shown.page)
    before = shown.figures()
    process = warm_process(tuned.bench.store.root)
    process.suspend()  # however fast the machine is, it is in the middle
    slider.press("ArrowLeft")
    waiting.wait_for()
    process.kill()
    shown.page.get_by_text("could not be trained. The training process ended unexpectedly").wait_for()
    assert waiting.count() == 0
    assert shown.figures() == before
    again = shown.page.get_by_role("button", name="Try again")
    again.click()
    again.wait_for(state="detached")
    shown.until(lambda: shown.figures() != before and not waiting.count())
    assert shown.page.get_by_text("could not be trained").count() == 0


def test_a_link_is_forbidden_by_right_click(shown: Screen) -> None:
    shown.settled()
    point = shown.part(
        "graph-view",
        """(() => { const stage = e.graphStage, box = stage.canvas.getBoundingClientRect();
          const edge = (x, y) => stage.thingAt({ x, y }).edge;
          for (let y = 8; y < box.height; y += 2) for (let x = 8; x < box.width; x += 2) {
            const here = edge(x, y);
            if (here && [[2, 2], [-2, 2], [2, -2], [-2, -2]].every(([a, b]) => edge(x + a, y + b) === here))
              return [box.x + x, box.y + y];
          }
          return null; })()""",
    )
    before = shown.part("board")
    assert point
    shown.page.mouse.click(*point, button="right")
    shown.page.get_by_role("menuitem", name="Forbid").first.click()
    shown.until(lambda: shown.part("board") != before)
    assert "knowledge.forbidden" in shown.page.url
    shown.page.get_by_role("button", name="Undo").first.click()
    shown.page.wait_for_function("() => !location.search.includes('knowledge.forbidden')")


def test_settings_are_saved_as_a_run_that_was_trained_already(shown: Screen, tuned: Tiny) -> None:
    shown.settled()
    shown.move("Link strength", "Home")
    shown.page.get_by_role("button", name="Save as run").click()
    shown.page.get_by_label("Name").fill("Without strength")
    shown.page.get_by_label("Name").press("Enter")
    shown.page.get_by_role("button", name="Save", exact=True).click()
    shown.until(lambda: any(run.name == "Without strength" for run in tuned.bench.runs()))


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_a_stage_has_figures_lists_links_and_maps_on_one_screen(
    browser: Any, address: str, size: tuple[int, int]
) -> None:
    shown = Screen(browser, f"{address}&present=1", {"width": size[0], "height": size[1]})
    shown.settled()
    strip = shown.page.locator(".st-key-presenter").bounding_box()["y"]
    for part in (".figure", ".list", ".graph-view .canvas", ".maps canvas"):
        for found in shown.page.locator(part).all():
            box = found.bounding_box()
            assert 0 < box["y"] < box["y"] + box["height"] <= strip, part
    rows = shown.page.locator(".list").first.locator(".row")
    tops = sorted(row.bounding_box()["y"] for row in rows.all())
    assert all(below - above > 30 for above, below in pairwise(tops)), "letters that grew have room"
    shown.page.close()


def test_twenty_visitors_at_once(browser: Any, address: str) -> None:
    contexts = [browser.new_context() for _ in range(20)]
    screens = []
    for context in contexts:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        screens.append(page)
    for page in screens:
        page.wait_for_selector(".maps[data-version]")
        settled(page)
    for i, page in enumerate(screens):
        page.get_by_role("slider", name="Link strength").first.press("ArrowRight" if i % 2 else "ArrowLeft")
    for page in screens:
        page.wait_for_function("() => location.search.includes('posterior_links')")
        assert page.get_by_text("Traceback").count() == 0
        assert page.locator("[data-testid=stException]").count() == 0
    for context in contexts:
        context.close()


def test_a_run_without_a_student_says_so(browser: Any, start_app: Callable[..., str], tmp_path: Path) -> None:
    from stored_run import make_run

    from avexplore.config import TeacherConfig
    from avexplore.store import Store

    made = make_run(tmp_path / "made")
    home = tmp_path / "bare"
    home.mkdir()
    teacher = TeacherConfig(SyntheticConfig(clips=160, classes=8))
    Store(home).put(teacher, made.teacher)
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{start_app(home)}/tune")
    page.get_by_text("no rankings to tune").wait_for()
    page.close()
