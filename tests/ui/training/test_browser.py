"""An experiment, a sweep and a training from the page to their ends, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from in_browser import settled

from avexplore.config import EvaluationConfig, SyntheticConfig
from avexplore.config.presets import preset
from avexplore.store import Store
from avexplore.workbench import Workbench

PATIENCE = 400_000  # ms; a busy machine compiles and trains slowly
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1500)]


@dataclass(frozen=True)
class Server:
    """A running app on a home with one tiny run."""

    url: str
    home: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, start_app: Callable[..., str]) -> Server:
    home = tmp_path_factory.mktemp("served")
    student = preset("tiny", SyntheticConfig(clips=80, classes=3))
    bench = Workbench(Store(home))
    bench.keep_run(student)
    for one in (student, student.twin):
        bench.get(EvaluationConfig(one))
    return Server(start_app(home, AVEXPLORE_DEVICE="cpu"), home)


@pytest.fixture
def page(server: Server, browser: Any) -> Iterator[Any]:
    wrong: list[str] = []
    allowed = (server.url, server.url.replace("http", "ws"), "data:", "blob:")
    found = browser.new_page(viewport={"width": 1366, "height": 900})
    found.set_default_timeout(PATIENCE)
    found.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    found.on("request", lambda request: request.url.startswith(allowed) or wrong.append(f"outside: {request.url}"))
    yield found
    found.close()
    assert wrong == []


def drawn(page: Any, figures: int) -> None:
    """Wait for so many figures: a page that has run still draws them."""
    page.wait_for_function("wanted => document.querySelectorAll('.js-plotly-plot').length === wanted", arg=figures)


def type_in(page: Any, label: str, value: int) -> None:
    field = page.get_by_label(label, exact=True).locator("visible=true").first
    field.fill(str(value))
    field.press("Enter")
    settled(page)


@contextmanager
def elsewhere(page: Any) -> Iterator[Any]:
    """The same address in a browser that has never been here."""
    context = page.context.browser.new_context(viewport=page.viewport_size)
    fresh = context.new_page()
    fresh.set_default_timeout(PATIENCE)
    try:
        fresh.goto(page.url)
        fresh.get_by_role("heading", level=1).wait_for()
        settled(fresh)
        yield fresh
    finally:
        context.close()


def test_an_experiment_runs_to_its_verdict_and_is_found_again_after_a_reload(page: Any, server: Server) -> None:
    page.goto(f"{server.url}/experiments")
    page.get_by_role("button", name="Compute now").wait_for()
    type_in(page, "Seeds", 2)
    page.get_by_text("7 arms and the twin x 2 seeds: not computed yet").wait_for()
    page.get_by_text("Trains 12 students and 1 teacher").wait_for()  # two students and a teacher are there
    settled(page)
    page.get_by_role("button", name="Compute now").click()
    page.get_by_role("button", name="Cancel").or_(page.get_by_text("In plain words")).first.wait_for()
    page.reload()  # the work goes on without the page
    page.get_by_text("In plain words").wait_for()
    settled(page)
    page.get_by_text("over 2 seeds").first.wait_for()
    drawn(page, 1)
    assert [entry.stage for entry in Store(server.home).entries("experiment")] == ["experiment"]
    page.get_by_role("combobox", name="Figure").click()
    page.get_by_role("option", name="Delta-D").click()
    page.get_by_text("strongest edges lie").wait_for()
    settled(page)
    assert "Delta-D" in page.url
    with elsewhere(page) as fresh:
        fresh.get_by_text("strongest edges lie").wait_for()
    page.goto(f"{server.url}/training")
    card = page.get_by_text("7 arms and the twin x 2 seeds")
    card.wait_for()
    settled(page)
    page.get_by_role("link", name="Open").first.click()
    page.get_by_text("In plain words").wait_for()


def test_a_form_is_restored_from_its_address_by_somebody_else(page: Any, server: Server) -> None:
    page.goto(f"{server.url}/experiments?view=Sweep")
    page.get_by_text("Values to try").wait_for()
    settled(page)
    for choice in ("Grid", "Any-label MAP"):
        page.get_by_text(choice, exact=True).click()
        settled(page)
    type_in(page, "Seeds", 3)
    page.get_by_text("25 of 25 combinations, 3 seeds each").wait_for()
    settled(page)
    page.get_by_text("Values to try").click()
    page.get_by_label("Remove 0.25").or_(page.locator('[data-tag]:has-text("0.25") button')).first.click()
    page.get_by_text("20 of 20 combinations, 3 seeds each").wait_for()
    settled(page)
    with elsewhere(page) as fresh:
        fresh.get_by_text("20 of 20 combinations, 3 seeds each").wait_for()
        for choice in ("Grid", "Any-label MAP"):
            assert fresh.get_by_role("radio", name=choice, exact=True).is_checked()
    page.goto(f"{server.url}/training")
    page.get_by_role("button", name="Nothing is changed yet").wait_for()  # it opens on the run that is looked at
    settled(page)
    page.get_by_text("Synthetic benchmark", exact=True).click()
    page.get_by_text("Tiny", exact=True).click()
    settled(page)
    type_in(page, "Seed", 4)
    page.get_by_text("My features", exact=True).click()
    page.get_by_text("Features are averaged over the clip").wait_for()
    settled(page)
    with elsewhere(page) as fresh:
        fresh.get_by_text("Features are averaged over the clip").wait_for()
    page.get_by_text("Synthetic benchmark", exact=True).click()
    page.get_by_text("Parameters of the benchmark").click()
    settled(page)
    type_in(page, "Clips", 300)
    with elsewhere(page) as fresh:
        assert fresh.get_by_role("radio", name="Tiny").is_checked()
        # By their keys: the benchmark has a seed, too, and what is folded away counts as visible for a moment.
        assert fresh.locator(".st-key-training-seed input").input_value() == "4"
        assert fresh.locator(".st-key-training-synthetic-clips input").input_value() == "300"


def test_a_sweep_runs_to_its_best_which_opens_in_training_and_becomes_a_run(page: Any, server: Server) -> None:
    page.goto(f"{server.url}/experiments?view=Sweep")
    page.get_by_text("Values to try").wait_for()
    settled(page)
    type_in(page, "Seeds", 1)
    type_in(page, "Trials", 3)
    page.get_by_text("3 of 25 combinations, 1 seed each: not computed yet").wait_for()
    settled(page)
    page.get_by_role("button", name="Compute now").click()
    page.get_by_text("Best of 3 trials").wait_for()
    settled(page)
    drawn(page, 2)  # parallel coordinates and the heatmap
    page.get_by_text("Open the best in Training").click()
    page.get_by_text("Filled in from student").wait_for()
    settled(page)
    address = str(page.evaluate("new URL(location.href).searchParams.get('student')"))
    students = [entry for entry in Store(server.home).entries("student") if entry.address.startswith(address)]
    assert len(students) == 1
    page.get_by_text("This student is on this machine already").wait_for()
    # another seed of the best one, which no other test has trained, from the form
    type_in(page, "Seed", 7)
    page.get_by_text("This student is on this machine already").wait_for(state="detached")
    settled(page)
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text("This student is on this machine already").wait_for()
    known = {entry.address for entry in Store(server.home).entries("student")}
    assert len([a for a in known if a in Store(server.home).known_runs()]) >= 2
