"""The table of all losses: paired by seed, read fairly, and never computed twice."""

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
    """The script."""
    spec = importlib.util.spec_from_file_location("quality_benchmark", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def benches(quality: ModuleType, path: Path) -> list[Any]:
    """Two seeds of a small data set and one metric loss; what LIR needs is put there, not learned."""
    records, found = quality.Records(path), []
    for seed in range(2):
        data = SyntheticConfig(clips=240, classes=4, seed=seed)
        bench = quality.Bench(data, seed, "tiny", False, records, quality.Workbench())
        bench.losses = ("supervised-contrastive",)
        clips = bench.features
        logits = 4.0 * clips.true_labels.astype(np.float32)
        given = {"classes": clips.classes, "split": clips.split, "hard_label": clips.hard_label}
        bench.soft_labels = SoftLabels(audio=logits, visual=logits, kind="logits", **given)
        affinity = Affinity(class_nodes(clips.classes), np.tile(np.eye(4), (2, 2)) + np.eye(8)[::-1] / 2)
        for student in bench.compared().values():
            bench.affinities[student.regularizer.affinity.address] = affinity
        found.append(bench)
    return found


def numbers(table: str, row: int) -> list[float]:
    return [float(number) for number in re.findall(r"[+-]?\d\.\d+", table.splitlines()[row])]  # seeds are whole


def test_a_row_is_a_mean_over_seeds_with_what_lir_adds_beyond_reading(
    quality: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "FEWEST_SEEDS", 2)
    found = benches(quality, tmp_path / "records.jsonl")
    names = ["cca", "cluster-cca", "supervised-contrastive", quality.PAPERS]
    assert list(quality.rows(found)) == names
    students = [bench.compared()["supervised-contrastive"] for bench in found]
    records = found[0].records

    def values(configs: list[Any], figure: str = "map") -> np.ndarray:
        return np.array([records[config][f"test.{figure}"] for config in configs])

    twins = [s.twin for s in students]
    read, with_lir = ([quality.anew(s) for s in side] for side in (twins, students))
    tables = quality.Tables(found)
    cells = numbers(tables.fair(), 4)
    spread = stats.t.interval(0.95, 1, values(read).mean(), stats.sem(values(read)))
    assert cells[:2] == pytest.approx([values(read).mean(), (spread[1] - spread[0]) / 2], abs=6e-5)
    assert cells[6] == pytest.approx((values(read) - values(twins)).mean(), abs=6e-5)
    assert cells[8] == pytest.approx((values(with_lir) - values(read)).mean(), abs=6e-5)

    links = [quality.through_links(s) for s in students]
    hidden = [values(c, "hidden_pair_ap") for c in (twins, links, students)]
    whole, reading, training = numbers(tables.split(False), 2)[6::2]
    assert whole == pytest.approx((hidden[2] - hidden[0]).mean(), abs=6e-5)
    assert reading == pytest.approx((hidden[1] - hidden[0]).mean(), abs=6e-5)
    assert training == pytest.approx((hidden[2] - hidden[1]).mean(), abs=6e-5)

    chosen = [quality.through_links(s, choose=True) for s in students]
    parts = [values(c) for c in (read, chosen, with_lir)]
    expected = [(parts[2] - parts[0]).mean(), (parts[1] - parts[0]).mean(), (parts[2] - parts[1]).mean()]
    assert numbers(tables.split(True), 2)[:6:2] == pytest.approx(expected, abs=6e-5)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("made again")

    for name in ("train_student", "train_prefix", "read_student", "baseline_embeddings"):
        monkeypatch.setattr(quality, name, refuse)
    again = benches(quality, tmp_path / "records.jsonl")
    assert list(quality.rows(again)) == names
    assert quality.page({"Synthetic": again}, "tiny", False) == quality.page({"Synthetic": found}, "tiny", False)


def test_shares_are_chosen_for_each_arm(quality: ModuleType, tmp_path: Path) -> None:
    found = benches(quality, tmp_path / "records.jsonl")
    list(quality.rows(found))
    for bench in found:
        for student in bench.compared().values():
            for one in (student, student.twin):
                as_it_was, read = bench.records[one], bench.records[quality.anew(one)]
                assert read["validation.map"] >= as_it_was["validation.map"] - 1e-6
