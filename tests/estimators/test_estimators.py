"""Estimators keep scikit-learn's promises, and give what the command line gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

from avexplore import cli
from avexplore.artifacts import SPLITS, class_nodes
from avexplore.config import EvaluationConfig, StudentConfig, SyntheticConfig
from avexplore.config.presets import preset
from avexplore.data import export_features, feature_file, load_features
from avexplore.errors import DataError
from avexplore.estimators import ClassGraphSearch, LatentInteractionStudent
from avexplore.store import Store
from avexplore.workbench import Workbench

FAST = {"teacher": {"members": 1, "epochs": 1}, "stability": {"bootstraps": 2, "null_bootstraps": 2, "seeds": 0}}
FAST = {**FAST, "student": {"epochs": 2}, "regularizer": {"start_epoch": 1}, "graph": {"iterations": 1}}


class OnOneArray(TransformerMixin, BaseEstimator):
    """The student as scikit-learn's checks call an estimator: both modalities in one array, one embedding out.

    Targets of the checks may be real numbers; the class is whether they exceed their median.
    """

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        X, y = validate_data(self, X, y, dtype=np.float32, ensure_min_samples=4)
        label = np.unique(y, return_inverse=True)[1] if len(np.unique(y)) < 6 else (y > np.median(y)).astype(int)
        inner = LatentInteractionStudent(preset="tiny", settings=FAST, random_state=self.random_state)
        self.student_ = inner.fit(X, X[:, ::-1], label)
        return self

    def transform(self, X: Any) -> Any:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, reset=False)
        return np.hstack(self.student_.transform(X, X[:, ::-1]))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = ["float32"]  # the networks compute in it
        return tags


@parametrize_with_checks([ClassGraphSearch(kind="scores", modalities=("audio",), iterations=3)])
def test_class_graph_search_passes_every_check_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


@parametrize_with_checks([OnOneArray()])
def test_the_student_passes_every_check_through_one_array(estimator: Any, check: Any) -> None:
    """Checks call `fit(X, y)`, and the student is called `fit(audio, visual, labels)`: the rest all apply."""
    check(estimator)


@pytest.mark.parametrize("estimator", [LatentInteractionStudent(), ClassGraphSearch()])
def test_parameters_are_scikit_learns(estimator: Any) -> None:
    estimator_checks.check_no_attributes_set_in_init(type(estimator).__name__, estimator)
    estimator_checks.check_parameters_default_constructible(type(estimator).__name__, estimator)
    estimator_checks.check_get_params_invariance(type(estimator).__name__, estimator)
    estimator_checks.check_set_params(type(estimator).__name__, estimator)
    assert clone(estimator.set_params(random_state=3)).random_state == 3


def made_up(rng: np.random.Generator, n: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels = rng.integers(0, 3, n)
    heard, seen = (np.eye(3)[labels] + 0.3 * rng.normal(size=(n, 3)) for _ in range(2))
    return heard, seen, labels


def test_the_graph_is_the_command_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    events = rng.random((300, 4)) < 0.4
    events[:, 1] |= events[:, 0]
    heard, seen = ((events + rng.normal(0, 0.4, events.shape)).astype(np.float32) for _ in range(2))
    np.savez(tmp_path / "soft.npz", audio=heard, visual=seen)
    arguments = ["--kind", "logits", "--penalty-discount", "4", "--seed", "2", "--json"]
    assert cli.main(["graph", str(tmp_path / "soft.npz"), *arguments]) == 0
    theirs = json.loads(capsys.readouterr().out)
    search = ClassGraphSearch(kind="logits", penalty_discount=4, random_state=2).fit(np.hstack([heard, seen]))
    ours = {(source, target, directed) for source, target, directed in search.graph_.edges()}
    assert ours == {(e["source"], e["target"], e["directed"]) for e in theirs["edges"]}
    assert search.graph_.score == pytest.approx(theirs["score"], rel=1e-12)
    assert list(search.nodes_) == theirs["nodes"]


def test_the_student_is_the_workbenchs(tmp_path: Path) -> None:
    features = load_features(SyntheticConfig(clips=200, classes=4))
    path = tmp_path / "clips.npz"
    export_features(features, path)
    config = preset("tiny", feature_file(path, annotation="given"), seed=5)
    bench = Workbench(Store(tmp_path / "home"))
    theirs = bench.get(config)
    split = np.array(SPLITS)[features.split]
    student = LatentInteractionStudent(preset="tiny", random_state=5)
    ours = student.fit(features.audio, features.visual, features.hard_label, split=split)
    assert ours.student_.best_epoch == theirs.best_epoch
    assert np.array_equal(ours.student_.embeddings.audio, theirs.embeddings.audio)
    assert np.array_equal(ours.graph_.adjacency, bench.get(config.stability.graph).adjacency)  # type: ignore[union-attr]
    test = features.rows("test")
    report = bench.get(EvaluationConfig(config))
    figures = student.score(features.audio[test], features.visual[test], features.hard_label[test])
    assert figures == pytest.approx(report.metrics["map"], abs=1e-6)
    twin = clone(student).set_params(lir=False).fit(features.audio, features.visual, features.hard_label, split=split)
    assert np.array_equal(twin.student_.embeddings.visual, bench.get(config.twin).embeddings.visual)
    assert twin.graph_ is None
    with pytest.raises(DataError, match="no class graph"):
        twin.to_networkx()


def test_pandas_in_pandas_out() -> None:
    heard, seen, labels = made_up(np.random.default_rng(0))
    index = pd.Index([f"clip {k}" for k in range(len(labels))], name="clip")
    names = np.array(["Bus", "Cat", "Dog"])[labels]
    tables = [pd.DataFrame(values, index=index) for values in (heard, seen)]
    student = LatentInteractionStudent(preset="tiny", settings=FAST)
    audio, visual = student.fit_transform(*tables, pd.Series(names, index=index))
    assert audio.index.equals(index)
    assert visual.columns[0] == "visual_z0"
    plain = clone(student).fit_transform(heard, seen, names)
    assert np.array_equal(audio.to_numpy(), plain[0])
    assert np.allclose(np.linalg.norm(plain[1], axis=1), 1, atol=1e-5)
    assert list(student.classes_) == ["Bus", "Cat", "Dog"]
    assert set(student.to_networkx().nodes) == set(class_nodes(("Bus", "Cat", "Dog")))
    with pytest.raises(DataError, match="list other clips"):
        student.transform(tables[0], tables[1].iloc[::-1])
    soft = pd.DataFrame(np.hstack([heard, seen]), columns=class_nodes(("Bus", "Cat", "Dog")))
    search = ClassGraphSearch(kind="scores").fit(soft)
    assert search.nodes_ == class_nodes(("Bus", "Cat", "Dog"))
    with pytest.raises(DataError, match="modality by modality"):
        ClassGraphSearch(kind="scores").fit(soft[soft.columns[::-1]])


def test_validation_clips_are_drawn_as_of_files_where_none_are_given(tmp_path: Path) -> None:
    features = load_features(SyntheticConfig(clips=200, classes=4))
    split = np.where(features.split == SPLITS.index("test"), "test", "train")
    arrays = {"audio": features.audio, "visual": features.visual, "labels": features.hard_label}
    np.savez(tmp_path / "clips.npz", **arrays, split=split)
    config = feature_file(tmp_path / "clips.npz", split_seed=4)
    student = LatentInteractionStudent(preset="tiny", settings=FAST, random_state=4)
    student.fit(features.audio, features.visual, features.hard_label, split=split)
    assert student.soft_labels_ is not None
    assert np.array_equal(student.soft_labels_.split, load_features(config).split)


def test_a_tracker_and_settings_reach_the_training() -> None:
    heard, seen, labels = made_up(np.random.default_rng(0))
    epochs: list[tuple[str, int]] = []
    student = LatentInteractionStudent(
        preset="tiny", settings=FAST, track=lambda config, epoch, figures: epochs.append((config.stage, epoch))
    ).fit(heard, seen, labels)
    assert isinstance(student.config_, StudentConfig)
    assert student.config_.epochs == 2
    assert epochs == [("teacher", 1), ("prefix", 1), ("student", 2)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.zeros(119)}, "119 labels for 120 clips"),
        ({"labels": np.zeros(120)}, "There is 1 class"),
        ({"visual": np.zeros((7, 3))}, "120 audio rows but 7 visual rows"),
        ({"audio": np.full((120, 3), np.nan)}, "contains NaN"),
        ({"split": ["train"] * 119 + ["exam"]}, "words train, validation, test"),
        ({"split": ["test"] * 119 + ["validation"]}, "There are no train clips"),
        ({"labels": np.arange(120)}, "There are no validation clips"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    heard, seen, labels = made_up(np.random.default_rng(0))
    given = {"audio": heard, "visual": seen, "labels": labels, **change}
    with pytest.raises(ValueError, match=message):
        LatentInteractionStudent(preset="tiny").fit(**given)


def test_soft_labels_that_do_not_fit_are_refused() -> None:
    values = np.random.default_rng(0).normal(size=(20, 5))
    with pytest.raises(DataError, match="not the same classes in both modalities"):
        ClassGraphSearch(kind="scores").fit(values)
    with pytest.raises(DataError, match="are no modalities"):
        ClassGraphSearch(kind="scores", modalities=("smell",)).fit(values)
    with pytest.raises(DataError, match="whole numbers"):
        ClassGraphSearch(kind="scores").fit(values[:, :4], hard_label=np.full(20, 2))


def test_bootstraps_give_frequencies_of_the_nodes_at_hand() -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(size=200)
    values = np.c_[first, first + 0.3 * rng.normal(size=200), rng.normal(size=200)]
    search = ClassGraphSearch(kind="scores", modalities=("visual",), bootstraps=8).fit(values)
    assert search.stability_ is not None
    assert search.stability_.edge_frequency.shape == (3, 3)
    assert search.stability_.edge_frequency[0, 1] == 1.0
    assert search.to_networkx()["visual:class_00"]["visual:class_01"]["edge_frequency"] == 1.0
    table = search.to_pandas()
    assert [tuple(row) for row in table[["source", "target", "directed"]].itertuples(index=False)] == list(
        search.graph_.edges()
    )
    assert table.edge_frequency.tolist() == [1.0] * len(table)
