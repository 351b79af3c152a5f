from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from avexplore.jobs import JobStatus, Registry
from avexplore.store import Store
from avexplore.workbench import Workbench

SCRIPT = Path(__file__).with_name("slow_stage.py")
COMMAND = ("-W", "ignore", str(SCRIPT))


def _load() -> ModuleType:
    known = sys.modules.get("slow_stage")
    if known is not None:
        return known
    spec = importlib.util.spec_from_file_location("slow_stage", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["slow_stage"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def slow() -> ModuleType:
    """The stage that counts slowly."""
    return _load()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    made = Registry(tmp_path / "home", workers=2, command=COMMAND)
    yield made
    for job in made.all():
        made.cancel(job.address)


@pytest.fixture
def bench(registry: Registry, tmp_path: Path) -> Workbench:
    return Workbench(Store(registry.root, tmp_path / "models"), registry, read_only=False)


@pytest.fixture
def until() -> Callable[..., JobStatus]:
    """Wait until a job is in one of the states (and a condition holds)."""

    def wait(
        registry: Registry,
        address: str,
        *states: str,
        fits: Callable[[JobStatus], bool] = lambda status: True,
        seconds: float = 60.0,
    ) -> JobStatus:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            status = registry.status(address)
            if status is not None and status.state in states and fits(status):
                return status
            time.sleep(0.05)
        raise AssertionError(f"still {registry.status(address)}\n{registry.log(address)}")

    return wait
