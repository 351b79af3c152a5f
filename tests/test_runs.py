from __future__ import annotations

from pathlib import Path

import pytest
import torch

from avexplore.config import ExperimentConfig, GraphConfig, SoftLabelFileConfig, SyntheticConfig, TeacherConfig
from avexplore.presets import preset
from avexplore.workbench import Failed, Ready, Workbench


def test_students_of_an_experiment_do_not_crowd_the_list_of_runs(avexplore_home: Path) -> None:
    student = preset("tiny", SyntheticConfig(clips=60, classes=3))
    bench = Workbench()
    bench.get(ExperimentConfig(student, ("graph+I", "identity"), seeds=2))
    assert bench.runs() == []
    bench.keep_run(student)
    bench.get(student)
    assert [run.student for run in Workbench().runs()] == [student]


def test_a_trained_network_says_what_it_was_made_on(avexplore_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    teacher = preset("tiny", SyntheticConfig(clips=60, classes=3)).soft_labels
    assert isinstance(teacher, TeacherConfig)
    bench = Workbench()
    bench.get(GraphConfig(teacher))
    made_on = {}
    for config in (teacher, GraphConfig(teacher)):
        answer = Workbench().ask(config)
        assert isinstance(answer, Ready)
        assert answer.provenance is not None
        made_on[config.stage] = answer.provenance.device, answer.provenance.threads
    assert made_on == {"teacher": ("cpu", torch.get_num_threads()), "graph": ("cpu", 0)}


def test_nothing_is_held_for_a_result_that_could_not_be_made(avexplore_home: Path) -> None:
    bench = Workbench()
    assert isinstance(bench.ask(SoftLabelFileConfig("0" * 64, path="/nowhere.npz")), Failed)
    assert bench._busy == {}
