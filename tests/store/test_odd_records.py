"""One odd record in the data folder: every list still shows the rest."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from avexplore import cli
from avexplore.artifacts import History
from avexplore.config import SoftLabelFileConfig
from avexplore.store import Store
from avexplore.workbench import Workbench

GOOD = SoftLabelFileConfig("a result")
NOT_UTF8 = b"\xff\xfe odd \x00"
PLACES = (
    "artifacts/odd", "artifacts/soft_labels/odd", f"artifacts/soft_labels/{'f' * 64}/manifest.json",
    "artifacts/\udcff/x", "jobs/\udcff/x", "staging/odd", "staging/host-1-abc/manifest.json", "quarantine/odd",
    "quarantine/odd/reason.txt", f"quarantine/soft_labels-{'f' * 64}/reason.txt", "runs/odd", f"runs/{'f' * 64}",
    "files/odd", "files/odd.json", "given/odd.json", "visitors/odd", "visitors/odd/uploads/odd", "states/odd",
    "states/odd.safetensors", "locks/odd", "scenes/odd.json", "media/odd.json", "jobs/odd",
    "jobs/odd/request.json", "jobs/slots.json", "ended_logins",
)  # fmt: skip


def file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(NOT_UTF8)


def folder(path: Path) -> None:
    path.mkdir(parents=True)


@pytest.mark.parametrize("make", [file, folder])
@pytest.mark.parametrize("place", PLACES)
def test_no_list_ends(
    place: str, make: Callable[[Path], None], avexplore_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not place.isprintable() and sys.platform != "linux":
        pytest.skip("names are text there")
    store = Store(avexplore_home)
    store.put(GOOD, History({"loss": np.zeros(3)}))
    make(avexplore_home / place)
    assert [one.address for one in store.entries() if one.config] == [GOOD.address]
    assert store.get(GOOD) is not None
    store.quarantine()
    store.unlisted()
    store.check()
    bench = Workbench()
    bench.runs()
    bench.jobs.all()
    for command in ("store info", "store check", "jobs list", "runs", "health"):
        assert cli.main(command.split()) in (0, 1), command
        assert "Unexpected" not in capsys.readouterr().err, command
    assert store.get(GOOD) is not None
