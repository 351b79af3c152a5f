from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from avexplore.artifacts import ExperimentReport, FloatArray
from avexplore.config import ExperimentConfig, GraphConfig, SoftLabelFileConfig, SyntheticConfig, TeacherConfig
from avexplore.config.presets import preset
from avexplore.data import export_features, feature_file, load_features
from avexplore.experiments import TWIN
from avexplore.store import Store
from avexplore.workbench import Failed, Ready, Workbench
from avexplore.workbench.estimate import Work


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


def test_the_work_that_is_told_is_the_work_that_is_done(tmp_path: Path) -> None:
    bench = Workbench(Store(tmp_path / "home"), read_only=False)
    student = preset("tiny", SyntheticConfig(clips=80, classes=3))
    config = ExperimentConfig(student, ("graph+I", "identity", "proxies:aadml"), seeds=2)
    assert bench.work(config).seconds is None, "nothing has been measured here"
    bench.get(student)
    before = bench.work(config)
    stored = {stage: len(bench.store.entries(stage)) for stage in ("student", "teacher")}
    bench.get(config)
    made = {stage: len(bench.store.entries(stage)) - stored[stage] for stage in stored}
    assert {"student": before.students, "teacher": before.teachers} == made
    assert before.seconds is not None
    assert before.seconds > 0
    assert bench.work(config) == Work(0, 0, 0.0, can_read=True)

    # The same run as a shipped one: its times are told, as those of another machine.
    shipped = Workbench(Store(tmp_path / "another", tmp_path / "home" / "artifacts"), read_only=False)
    more = config.replace(first_seed=7)
    assert not bench.work(more).elsewhere
    assert shipped.work(more).elsewhere
    assert shipped.work(more).seconds > 0


def test_an_experiment_read_anew_has_nearness_and_links_too(tmp_path: Path) -> None:
    bench = Workbench(Store(tmp_path / "home"), read_only=False)
    student = preset("tiny", SyntheticConfig(clips=120, classes=4))
    arms = ("graph+I", "random+I", "reading:anew", "reading:links")
    own = bench.get(ExperimentConfig(student, arms, seeds=2))
    anew = bench.get(ExperimentConfig(student, arms, seeds=2, reading="chosen"))
    assert anew.metrics == own.metrics
    assert anew.arms == tuple(arm for arm in own.arms if arm != "reading:anew")

    def figures(report: ExperimentReport, arm: str, figure: str) -> FloatArray:
        return report.values[report.arms.index(arm), :, report.metrics.index(figure)]

    for figure in ("link_precision", "link_recall", "linked_pairs"):  # links do not depend on how they are read
        for arm in ("graph+I", "random+I"):
            np.testing.assert_array_equal(figures(anew, arm, figure), figures(own, arm, figure))
        assert np.isnan(figures(anew, "reading:links", figure)).all()
    for report in (own, anew):
        assert (figures(report, TWIN, "delta_d") == 0).all()
        assert np.isfinite(figures(report, "reading:links", "delta_d")).all()
    np.testing.assert_array_equal(figures(anew, TWIN, "map"), figures(own, "reading:anew", "map"))


def test_features_that_are_gone_are_known_before_anything_is_started(tmp_path: Path) -> None:
    bench = Workbench(Store(tmp_path / "home"), read_only=False)
    export_features(load_features(SyntheticConfig(clips=80, classes=3)), tmp_path / "a.npz")
    data = feature_file(tmp_path / "a.npz")
    student = preset("tiny", data)
    assert bench.can_read(data)
    assert bench.work(student).can_read
    (tmp_path / "a.npz").rename(tmp_path / "b.npz")
    assert not bench.can_read(data)
    assert not bench.work(student).can_read
    assert not bench.work(student.replace(data=data.replace(paths=()))).can_read, "as a shipped one"
    moved = feature_file(tmp_path / "b.npz")
    bench.store.remember_files(moved.fingerprint, moved.paths)
    assert bench.work(student).can_read
