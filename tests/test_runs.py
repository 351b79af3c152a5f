from __future__ import annotations

from pathlib import Path

from avexplore.config import ExperimentConfig, SyntheticConfig
from avexplore.presets import preset
from avexplore.workbench import Workbench


def test_students_of_an_experiment_do_not_crowd_the_list_of_runs(avexplore_home: Path) -> None:
    student = preset("tiny", SyntheticConfig(clips=60, classes=3))
    bench = Workbench()
    bench.get(ExperimentConfig(student, ("graph+I", "identity"), seeds=2))
    assert bench.runs() == []
    bench.keep_run(student)
    bench.get(student)
    assert [run.student for run in Workbench().runs()] == [student]
