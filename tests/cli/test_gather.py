"""A shipped run's features are gathered from shards by one command, and open it for training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from avexplore.cli import main
from avexplore.data.files.tfrecord import write_clips


@pytest.fixture
def clips() -> dict[str, np.ndarray]:
    """120 clips of four classes, whose features tell the class."""
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 4
    both = {
        name: rng.normal(size=(4, d))[labels] + rng.normal(size=(120, d)) for name, d in (("audio", 6), ("visual", 8))
    }
    return {name: values.astype(np.float16) for name, values in both.items()} | {"labels": labels}


def test_a_shipped_run_is_trained_anew_from_gathered_features(
    clips: dict[str, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    features, models = tmp_path / "features.npz", tmp_path / "models"
    np.savez_compressed(features, split=np.array(["train"] * 90 + ["test"] * 30), **clips)
    ship = ["retrain-models", str(features), "--no-synthetic", "--seeds", "0", "--preset", "tiny"]
    assert main([*ship, "--out", str(models), "-q"]) == 0
    features.unlink()
    monkeypatch.setenv("AVEXPLORE_MODELS", str(models))
    monkeypatch.setenv("AVEXPLORE_HOME", str(tmp_path / "elsewhere"))
    capsys.readouterr()
    assert main(["runs", "--json"]) == 0
    run = json.loads(capsys.readouterr().out)["runs"][0]["key"]

    shards = [tmp_path / "a.tfrecord", tmp_path / "b.tfrecord"]
    for path, rows in zip(shards, (np.arange(70, 120), np.arange(70)), strict=True):
        path.write_bytes(write_clips({name: values[rows] for name, values in clips.items()}))
    out = tmp_path / "gathered.npz"
    assert main(["gather", str(shards[0]), "--run", run, "-o", str(out), "-q"]) == 1
    assert "70 of 120 clips" in capsys.readouterr().err
    assert not out.exists()
    lambda_that_no_stop_has = ["tune", "--run", run, "--set", "regularizer.weight=0.7", "--json"]
    assert main(lambda_that_no_stop_has) == 1
    assert "features are not at hand" in capsys.readouterr().err

    assert main(["gather", *map(str, shards), "--run", run, "-o", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["by_file"] == {"a.tfrecord": 50, "b.tfrecord": 70}
    assert main(lambda_that_no_stop_has) == 0
    assert json.loads(capsys.readouterr().out)["words"].startswith("1 change")


def test_a_run_without_an_index_says_so(made: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gather", str(tmp_path / "a.tfrecord"), "--run", "", "-o", str(tmp_path / "out.npz")]) == 1
    assert "No index of this run's clips" in capsys.readouterr().err
