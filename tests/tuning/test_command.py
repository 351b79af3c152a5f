"""`avexplore tune` gives the figures that the page shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tuned_run import Tiny

from avexplore.cli import main
from avexplore.config import EvaluationConfig, override
from avexplore.tuning.live_graphs import LiveGraphs
from avexplore.tuning.settings import WorkingSettings
from avexplore.tuning.tuning import Tuning


@pytest.fixture
def home(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AVEXPLORE_HOME", str(tiny.bench.store.root))
    return tiny.bench.store.root


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main(["tune", *arguments, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_figures_to_the_last_digit(tiny: Tiny, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tiny.student.address[:12]
    settings = ["-s", "regularizer.posterior_links=0.4", "-s", "student.posterior_share=0.7"]
    by_set = said(capsys, "--run", run, *settings)
    working = override(tiny.student, {"regularizer": {"posterior_links": 0.4}, "student": {"posterior_share": 0.7}})
    answer = Tuning(tiny.bench, tiny.run, LiveGraphs()).ask(working, "me")
    assert by_set["metrics"] == dict(answer.reading.report.metrics)
    assert by_set["settings"] == "regularizer.posterior_links-0.4*student.posterior_share-0.7"
    by_address = said(capsys, "--run", run, "--address", str(by_set["settings"]))
    assert by_address == by_set


def test_training_parameters_are_trained(tiny: Tiny, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tiny.student.address[:12]
    found = said(capsys, "--run", run, "-s", "regularizer.weight=1.5")
    whole = tiny.bench.get(EvaluationConfig(override(tiny.student, {"regularizer": {"weight": 1.5}})))
    assert found["metrics"] == dict(whole.metrics)


def test_without_changes_as_stored(tiny: Tiny, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = said(capsys, "--run", tiny.student.address[:12])
    assert found["metrics"] == dict(tiny.bench.get(EvaluationConfig(tiny.student)).metrics)
    assert found["settings"] == WorkingSettings().encode()


def test_what_cannot_be_is_said(tiny: Tiny, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tiny.student.address[:12]
    assert main(["tune", "--run", run, "-s", "regularizer.posterior_links=4", "-q"]) == 1
    assert "out of range" in capsys.readouterr().err
    assert main(["tune", "--run", run, "--address", "nonsense", "-q"]) == 1
    assert "no parameter" in capsys.readouterr().err
    assert main(["tune", "--run", run, "-q"]) == 0
    assert "hidden_pair_ap" in capsys.readouterr().out
