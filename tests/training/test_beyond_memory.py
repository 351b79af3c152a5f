"""Training with every array in a mapped file gives the bytes that it gives in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avexplore import large_arrays
from avexplore.artifacts import FeatureSet
from avexplore.config import FeatureFileConfig, StudentConfig, TeacherConfig
from avexplore.config.base import override
from avexplore.config.presets import preset
from avexplore.data import export_features, feature_file
from avexplore.errors import Cancelled
from avexplore.retrieval import evaluate
from avexplore.store import Store
from avexplore.training import inputs
from avexplore.training.inputs import fit_inputs
from avexplore.training.teacher import split_tensors
from avexplore.workbench import Workbench
from avexplore.workbench.recent_results import bytes_in_memory

BLOCK = 4000
"""Bytes: a few dozen clips."""


@pytest.fixture(scope="module")
def data(features: FeatureSet, tmp_path_factory: pytest.TempPathFactory) -> FeatureFileConfig:
    path = tmp_path_factory.mktemp("data") / "clips.npz"
    export_features(features, path)
    return feature_file(path)


@pytest.fixture(autouse=True)
def _forget() -> None:
    inputs._last = None


def student_of(data: FeatureFileConfig, kind: str = "whitened") -> StudentConfig:
    changes: dict[str, dict[str, Any]] = {name: {"inputs": kind} for name in ("teacher", "student")}
    return override(preset("tiny", data), changes)


def bench_in(folder: Path, monkeypatch: pytest.MonkeyPatch, *, in_files: bool) -> Workbench:
    monkeypatch.setattr(large_arrays, "BLOCK", BLOCK)
    monkeypatch.setattr(large_arrays, "LARGE", 0 if in_files else 2**40)
    monkeypatch.setenv("AVEXPLORE_HOME", str(folder))
    return Workbench(Store(folder, folder / "none"), device="cpu")


def content(bench: Workbench, config: Any) -> str:
    entry = bench.store.get(config)
    assert entry is not None
    return entry.content


@pytest.mark.parametrize("kind", ["whitened", "standardized"])
def test_teacher_student_and_evaluation_are_the_same_to_the_byte(
    data: FeatureFileConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    student = student_of(data, kind)
    assert student.stability is not None
    found, figures = [], []
    for in_files in (False, True):
        bench = bench_in(tmp_path / str(in_files), monkeypatch, in_files=in_files)
        trained = bench.get(student)
        features = bench.get(data)
        assert (bytes_in_memory(features.visual) <= 64) == in_files
        found.append([content(bench, c) for c in (student.stability.graph.soft_labels, student.stability, student)])
        figures.append(evaluate(trained.embeddings, features).metrics)
    assert found[0] == found[1]
    assert figures[0] == figures[1]


def test_inputs_are_those_of_all_clips_at_once(features: FeatureSet, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {kind: fit_inputs(features, kind, 8) for kind in ("whitened", "standardized")}  # type: ignore[arg-type]
    monkeypatch.setattr(large_arrays, "BLOCK", BLOCK)
    monkeypatch.setattr(large_arrays, "LARGE", 0)
    rows = features.rows("train")
    for kind, known in whole.items():
        inputs._last = None
        maps = fit_inputs(features, kind, 8)  # type: ignore[arg-type]
        for each, other, values in zip(maps, known, (features.audio, features.visual), strict=True):
            np.testing.assert_allclose(each.mean, other.mean, rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(each(values), other(values), rtol=1e-4, atol=1e-4)
            of_rows = each.of_rows(values, rows)
            assert bytes_in_memory(of_rows) <= 64
            np.testing.assert_allclose(of_rows, each(values[rows]), rtol=1e-5, atol=1e-5)


def test_no_validation_clips_are_a_split_of_none(features: FeatureSet) -> None:
    import torch

    without = FeatureSet(**(vars(features) | {"split": np.where(features.split == 1, 2, features.split)}))
    parts = split_tensors(without, fit_inputs(without, "whitened", 8), torch.device("cpu"))
    assert parts["validation"]["visual"].shape == (0, 8)


@pytest.mark.parametrize("stage", ["teacher", "student"])
def test_a_stopped_training_goes_on_to_the_same_bytes(
    data: FeatureFileConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    student = student_of(data)
    assert student.stability is not None
    config: Any = student if stage == "student" else student.stability.graph.soft_labels
    assert isinstance(config, StudentConfig | TeacherConfig)
    bench = bench_in(tmp_path / "whole", monkeypatch, in_files=False)
    bench.get(config)
    known = content(bench, config)
    bench = bench_in(tmp_path / "stopped", monkeypatch, in_files=True)
    if stage == "student":
        bench.get(student.stability)
    epochs: list[float] = []

    def stop(fraction: float, message: str = "", **figures: float) -> None:
        epochs.append(figures.get("epoch", 0))
        if figures.get("epoch") == 2:
            raise Cancelled("Stopped")

    with pytest.raises(Cancelled):
        bench.get(config, stop)
    assert 2 in epochs
    inputs._last = None
    again = bench_in(tmp_path / "stopped", monkeypatch, in_files=True)
    epochs.clear()
    again.get(config, lambda fraction, message="", **figures: epochs.append(figures.get("epoch", 0)))
    assert min(epoch for epoch in epochs if epoch) == 3
    assert content(again, config) == known
