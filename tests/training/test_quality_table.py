"""The table of all losses: paired by seed, and never computed twice."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import stats

from avexplore.artifacts import Affinity, SoftLabels, class_nodes
from avexplore.config import SyntheticConfig

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "quality.py"


@pytest.fixture(scope="module")
def quality() -> ModuleType:
    """The script, with one metric loss to compare."""
    spec = importlib.util.spec_from_file_location("quality_benchmark", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.arms = lambda: iter([("supervised-contrastive", "none")])
    return script


def benches(quality: ModuleType, path: Path) -> list[Any]:
    """Two seeds of a small data set; what LIR needs is put there, not learned."""
    records, found = quality.Records(path), []
    for seed in range(2):
        data = SyntheticConfig(clips=240, classes=4, seed=seed)
        bench = quality.Bench(data, seed, "tiny", False, records, quality.Workbench())
        clips = bench.features
        logits = 4.0 * clips.true_labels.astype(np.float32)
        given = {"classes": clips.classes, "split": clips.split, "hard_label": clips.hard_label}
        soft_labels = SoftLabels(audio=logits, visual=logits, kind="logits", **given)
        bench.shared = soft_labels, Affinity(class_nodes(clips.classes), np.tile(np.eye(4), (2, 2)))
        found.append(bench)
    return found


def test_a_row_is_a_mean_over_seeds_with_what_lir_adds_to_it(
    quality: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = benches(quality, tmp_path / "records.jsonl")
    assert list(quality.rows(found)) == ["cca", "cluster-cca", "infonce", "cross-entropy", "supervised-contrastive"]
    students = [bench.compared()["supervised-contrastive"] for bench in found]
    plain, linked = (np.array([found[0].records[c]["test.map"] for c in pair]) for pair in
                     ([s.twin for s in students], students))  # fmt: skip
    row = quality.table(found, "", "test").splitlines()[-1]
    cells = [float(number) for number in re.findall(r"[+-]?\d\.\d+", row)]
    spread = stats.t.interval(0.95, 1, plain.mean(), stats.sem(plain))
    assert cells[:2] == pytest.approx([plain.mean(), (spread[1] - spread[0]) / 2], abs=6e-5)
    assert cells[6] == pytest.approx((linked - plain).mean(), abs=6e-5)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(quality, "train_student", refuse)
    monkeypatch.setattr(quality, "train_prefix", refuse)
    monkeypatch.setattr(quality, "baseline_embeddings", refuse)
    again = benches(quality, tmp_path / "records.jsonl")
    assert len(list(quality.rows(again))) == 5
    assert quality.page({"Synthetic": again}, "tiny", False) == quality.page({"Synthetic": found}, "tiny", False)
