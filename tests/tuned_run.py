"""A real run of the smallest preset, for tests that tune it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from avexplore.config import (
    ClipsConfig,
    EvaluationConfig,
    OutputsConfig,
    StudentConfig,
    SyntheticConfig,
)
from avexplore.config.presets import preset
from avexplore.store import Store
from avexplore.tuning.reading import OpenRun, open_run
from avexplore.workbench import Workbench


@dataclass(frozen=True)
class Tiny:
    """The run, and where it is stored."""

    bench: Workbench
    student: StudentConfig
    run: OpenRun


def train_tiny(home: Path, nothing_shipped: Path) -> Tiny:
    """Train and store it: some seconds."""
    student = preset("tiny", SyntheticConfig(clips=300, classes=5))
    bench = Workbench(Store(home, nothing_shipped), device="cpu")
    for model in (student.twin, student):
        bench.get(EvaluationConfig(model))
    bench.get(OutputsConfig(student))
    bench.get(ClipsConfig(student.data))
    assert student.stability is not None
    bench.get(student.stability.graph)
    bench.keep_run(student)
    return Tiny(bench, student, open_run(bench, student))
