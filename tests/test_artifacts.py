from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from avexplore.artifacts import ClassGraph, FeatureSet, SoftLabels
from avexplore.errors import DataError, GraphError


def feature_set(**changes: Any) -> FeatureSet:
    values: dict[str, Any] = {
        "audio": np.zeros((4, 3), np.float32),
        "visual": np.zeros((4, 5), np.float32),
        "hard_label": np.array([0, 1, 0, 1]),
        "classes": ("Bus", "Cat"),
        "split": np.array([0, 0, 1, 2]),
        "clip_ids": ("a", "b", "c", "d"),
    }
    return FeatureSet(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"audio": np.zeros((3, 3), np.float32)}, "3 audio rows but 4 labels"),
        ({"visual": np.full((4, 5), np.nan, np.float32)}, "20 value.* NaN or infinite, the first in row 0, column 0"),
        ({"audio": np.zeros((4, 3), np.int64)}, "floating-point"),
        ({"hard_label": np.array([0, 1, 2, 0])}, r"0\.\.2 but there are 2 classes"),
        ({"hard_label": np.array([0.0, 1, 0, 1])}, "whole numbers"),
        ({"classes": ("Bus", "Bus")}, "repeat"),
        ({"split": np.array([0, 0, 1, 7])}, "Unknown split"),
        ({"clip_ids": ("a",)}, "1 clip ids for 4 clips"),
        ({"true_labels": np.ones((4, 2))}, "bool"),
    ],
)
def test_misfits_are_refused_in_words(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        feature_set(**changes)


def test_artifacts_are_read_only_but_their_source_is_not() -> None:
    audio = np.zeros((4, 3), np.float32)
    features = feature_set(audio=audio)
    with pytest.raises(ValueError, match="read-only"):
        features.audio[0, 0] = 1
    audio[0, 0] = 1  # the caller's own array stays writable


def test_clips_leave_the_features_out() -> None:
    clips = feature_set().clips()
    assert not hasattr(clips, "audio")
    assert clips.rows("train").tolist() == [0, 1]
    assert clips.rows("all").tolist() == [0, 1, 2, 3]


def soft_labels(kind: Any, **changes: Any) -> SoftLabels:
    rng = np.random.default_rng(0)
    values = {"audio": rng.normal(size=(6, 3)), "visual": rng.normal(size=(6, 3))} | changes
    labels = np.zeros(6, int)
    return SoftLabels(kind=kind, classes=("a", "b", "c"), split=np.zeros(6, int), hard_label=labels, **values)


def test_soft_labels_that_are_not_finite_are_refused_by_name() -> None:
    audio = np.zeros((6, 3))
    audio[4, 1] = np.nan
    with pytest.raises(DataError, match=r"the first in row 4, column 1 \(b\) \(soft labels, audio\)"):
        soft_labels("logits", audio=audio)


def test_probabilities_of_competing_classes_sum_to_one_and_keep_the_order() -> None:
    labels = soft_labels("logits", temperature=np.array([2.0, 0.5]))
    p = labels.probabilities()
    assert np.allclose(p.sum(2), 1)
    assert (p[0].argsort(1) == labels.audio.argsort(1)).all()
    assert p[0].max() < p[1].max()  # a high temperature flattens


def test_platt_scaling_stands_in_for_the_temperature() -> None:
    platt = np.stack([np.full((2, 3), 2.0), np.full((2, 3), -1.0)], axis=2)
    labels = soft_labels("logits", normalized=False, platt=platt)
    assert np.allclose(labels.probabilities()[1], 1 / (1 + np.exp(-(2 * labels.visual - 1))))


def test_a_matrix_lists_audio_columns_first() -> None:
    labels = soft_labels("logits")
    assert labels.nodes[0] == "audio:a"
    assert np.array_equal(labels.matrix()[:, 3:], labels.visual)


def test_edges_name_undirected_pairs_once() -> None:
    graph = ClassGraph(("a", "b", "c"), np.array([[0, 1, 1], [1, 0, 0], [0, 0, 0]], np.int8))
    assert graph.edges() == [("a", "b", False), ("a", "c", True)]
    assert graph.skeleton.sum() == 4


def test_a_graph_with_a_loop_is_refused() -> None:
    with pytest.raises(GraphError, match="diagonal"):
        ClassGraph(("a", "b"), np.eye(2, dtype=np.int8))
