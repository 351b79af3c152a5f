"""Fixtures that more than one folder of tests needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from stored_run import Made

    from avexplore.analysis.loaded_run import LoadedRun

# Set before numba or torch are imported: tests share two cores with each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")
# Tests see what they made themselves; tests/test_models.py names the shipped results by their folder.
# A page that a test draws in this process would otherwise narrow what all later tests may read.
os.environ["AVEXPLORE_FOLDERS"] = os.path.abspath(os.sep)  # noqa: PTH100 - the root, on any platform
os.environ["AVEXPLORE_MODELS"] = str(Path(__file__).parent / "no-models")

# A first example compiles, and machines are busy: time is measured by benchmarks, not here.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

CHROMIUM = "/usr/bin/chromium"
MAIN = sys.modules["__main__"]
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test wrote travels between processes as text, and names of files need not be text."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """A page that a test draws in this process takes the place of `__main__`; what is spawned later would run it."""
    sys.modules["__main__"] = MAIN


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call() -> None:
    """As above, for pages that a fixture drew."""
    sys.modules["__main__"] = MAIN


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside a checkout; tests that need it are skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("real data is not on this machine")
    return SHARED_DATA


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """The folder of reduced real cases beside a checkout; tests that need it are skipped where it is absent."""
    cases = SHARED_DATA.parent / "cases"
    if not cases.is_dir():
        pytest.skip("the folder of reduced cases is not on this machine")
    return cases


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """The search is compiled before the first test: pages and graphs answer otherwise while it is not."""
    from avexplore.graph.search.warm_up import fill_cache

    fill_cache()


@pytest.fixture(autouse=True)
def avexplore_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test works in its own data folder."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("AVEXPLORE_HOME", str(home))
    return home


@pytest.fixture
def made(avexplore_home: Path) -> Made:
    """A stored run in the test's own data folder."""
    from stored_run import make_run

    return make_run(avexplore_home)


@pytest.fixture
def loaded(made: Made) -> LoadedRun:
    """The run as pages hold it."""
    from stored_run import loaded_from

    return loaded_from(made)


@pytest.fixture
def stories(loaded: LoadedRun) -> Callable[..., LoadedRun]:
    """The run with some of its parts exchanged."""
    return lambda **changes: replace(loaded, **changes)


@pytest.fixture(scope="module")  # not longer: a thread can hold one Playwright at a time
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not on this machine")
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()
