"""Whatever writes in the data folder: the folder is its owner's alone, and what the system refuses is a sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from avexplore.artifacts import History
from avexplore.config import ClipsConfig, SoftLabelFileConfig, SyntheticConfig
from avexplore.config.presets import preset
from avexplore.data.media.manifest import MediaEntry
from avexplore.errors import StoreError
from avexplore.jobs import Registry
from avexplore.store import Store
from avexplore.ui.class_graph.exchange import keep_import
from avexplore.workbench import Workbench, media_files
from avexplore.workbench.scenes import Scene, keep_scenes

SMALL = SyntheticConfig(clips=80, classes=3)
CONFIG = SoftLabelFileConfig("a result")
GRAPH = b"source,target\naudio:A,visual:B\n"


def clips() -> object:
    return Workbench(device="cpu").get(ClipsConfig(SMALL))


WRITERS: dict[str, Callable[[Path], object]] = {
    "a result": lambda root: Store(root).put(CONFIG, History({"loss": np.zeros(3)})),
    "a training": lambda root: Workbench(Store(root), device="cpu").get(preset("tiny", SMALL).soft_labels),  # type: ignore[type-var]
    "the name of a run": lambda root: Store(root).remember_run("a" * 64, "mine"),
    "where files lie": lambda root: Store(root).remember_files("a" * 64, [__file__]),
    "a job": lambda root: Registry(root, workers=0).submit(CONFIG),
    "the end of a job": lambda root: Registry(root, workers=0).cancel("a" * 64),
    "media files": lambda root: media_files.attach(root, clips(), "m.csv", {"synthetic_00": MediaEntry("a.mp4")}),  # type: ignore[arg-type]
    "media files no more": lambda root: media_files.forget(root, clips()),  # type: ignore[arg-type]
    "scenes": lambda root: keep_scenes(root, "abc", [Scene("One", "overview")]),
    "an imported graph": lambda root: keep_import(root, "graph.csv", GRAPH),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_folder_that_cannot_be_written_is_said(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"Cannot (read|write)"):
        WRITERS[name](tmp_path / "file" / "home")


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
@pytest.mark.parametrize("name", WRITERS)
def test_the_folder_is_for_its_owner_alone(name: str, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        WRITERS[name](tmp_path / "home")
    finally:
        os.umask(before)
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
