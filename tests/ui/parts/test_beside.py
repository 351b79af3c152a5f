"""Another run in the twin's place: on both sides of every comparing page stand that run's own figures and answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from stored_run import Made
from streamlit.testing.v1 import AppTest

from avexplore.artifacts import Embeddings, TrainedStudent
from avexplore.config import ClipsConfig, EvaluationConfig, StudentConfig, SyntheticConfig, override
from avexplore.store import Store

Visit = Callable[..., AppTest]
NAME = "Difference"


@pytest.fixture
def other(made: Made) -> StudentConfig:
    """Another run of the same clips, whose name is that of a column."""
    return _keep(made, override(made.student, {"regularizer": {"weight": 2.5}}), NAME)


def _keep(made: Made, student: StudentConfig, name: str) -> StudentConfig:
    store, rng = Store(made.home), np.random.default_rng(7)
    store.remember_run(student.address, name)
    embeddings = Embeddings(*(rng.normal(size=getattr(made.after, m).shape).astype("f4") for m in ("audio", "visual")))
    trained = store.get(made.student).artifact
    report = store.get(EvaluationConfig(made.student)).artifact
    low = {key: value / 2 for key, value in report.metrics.items()}
    for one in (student.twin, student):
        store.put(one, TrainedStudent(embeddings, {}, trained.history, 3, 5))
        store.put(EvaluationConfig(one), replace(report, metrics=low, average_precision=report.average_precision / 2))
    return student


def board(at: AppTest) -> Any:
    return next(json.loads(c.proto.json) for c in at.get("bidi_component") if "retrieval" in c.proto.component_name)


def words(at: AppTest) -> str:
    return "\n".join(str(e.value) for kind in ("warning", "caption", "markdown") for e in at.get(kind))


def test_figures_are_those_of_both_runs(app: Visit, made: Made, other: StudentConfig) -> None:
    at = app("evaluation", run=made.key, beside=other.address[:12])
    assert not at.exception
    table = at.dataframe[0].value
    left, right = list(table)[1:3]
    reports = [Store(made.home).get(EvaluationConfig(one)).artifact.metrics for one in (other, made.student)]
    row = table[table["Figure"] == "MAP, mean"].iloc[0]
    assert [row[left], row[right]] == [reports[0]["map"], reports[1]["map"]]
    assert left == f"“{NAME}”"
    assert "Compare runs" in words(at), "where their settings' differences stand"


@pytest.mark.parametrize("page", ["retrieval", "embedding_space"])
def test_lists_and_maps_are_those_of_both_runs(page: str, app: Visit, made: Made, other: StudentConfig) -> None:
    at = app(page, run=made.key, beside=other.address[:12])
    assert not at.exception
    if page == "retrieval":
        assert NAME in board(at)["lists"][0]["title"]
    next(button for button in at.button if button.key == "beside-twin").click().run()
    assert not at.exception
    assert "beside" not in at.query_params
    if page == "retrieval":
        assert board(at)["lists"][0]["title"] == "Without LIR"


def test_an_unknown_run_and_one_of_other_clips_leave_the_twin(app: Visit, made: Made) -> None:
    at = app("retrieval", run=made.key, beside="0" * 12)
    assert "not on this machine" in words(at)
    assert board(at)["lists"][0]["title"] == "Without LIR"
    data = SyntheticConfig(clips=160, classes=8, seed=5)
    store = Store(made.home)
    clips = store.get(ClipsConfig(made.student.data)).artifact
    store.put(ClipsConfig(data), replace(clips, hard_label=np.roll(clips.hard_label, 1)))
    foreign = _keep(made, override(made.student, {"regularizer": {"weight": 3.5}}).replace(data=data), "Other clips")
    at = app("retrieval", run=made.key, beside=foreign.address[:12])
    assert "other clips" in words(at)
    assert board(at)["lists"][0]["title"] == "Without LIR"
