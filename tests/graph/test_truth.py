from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from avexplore.errors import GraphError
from avexplore.graph.truth import class_pair_scores, compare_with_truth, true_co_occurrence


def test_conditional_probabilities_by_hand() -> None:
    #            A      B      C
    clips = np.array([[1, 1, 0]] + [[1, 0, 0]] * 3 + [[0, 1, 1]] + [[0, 1, 0]] * 15, bool)
    weights = true_co_occurrence(clips)
    assert weights.shape == (6, 6)
    assert weights[0, 1] == pytest.approx(1 / 4)  # P(B | A) = 1/4 beats P(A | B) = 1/17
    assert weights[2, 1] == 1.0  # C never comes alone
    assert weights[0, 2] == 0.0
    np.testing.assert_array_equal(weights, weights.T)
    np.testing.assert_array_equal(np.diagonal(weights), 0)
    assert weights[0, 3] == 0.0  # the same class in both modalities is no pair of classes


def test_modalities_make_their_own_blocks() -> None:
    audio = np.array([[1, 0], [0, 1]], bool)
    visual = np.array([[1, 1], [0, 1]], bool)
    weights = true_co_occurrence(audio | visual, true_audio=audio, true_visual=visual)
    assert weights[0, 1] == 0.0
    assert weights[2, 3] == 1.0
    assert weights[0, 3] == 1.0  # whenever A is heard, B is seen
    np.testing.assert_array_equal(weights, weights.T)


def test_real_labels_hold_the_known_number_of_pairs(shared_data) -> None:  # type: ignore[no-untyped-def]
    data = np.load(shared_data / "yt8m" / "yt8m_demo28.npz")
    train = np.flatnonzero(data["split"] == "train")
    fit = np.random.default_rng(0).permutation(train)[300:]  # the training clips of the study behind the figure
    truth = class_pair_scores(true_co_occurrence(data["labels"][fit].astype(bool)))
    assert int((truth > 0).sum()) // 2 == 34
    assert len(truth) * (len(truth) - 1) // 2 == 378


@given(st.integers(0, 10_000))
def test_auc_agrees_with_sklearn_and_precision_with_sorting(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 8, (7, 7)) / 8
    truth = (rng.random((7, 7)) < 0.3).astype(float)
    scores, truth = np.maximum(scores, scores.T), np.maximum(truth, truth.T)
    upper = np.triu_indices(7, 1)
    report = compare_with_truth(scores, truth)
    value, true = scores[upper], truth[upper] > 0
    assert report.true_pairs == true.sum()
    if 0 < true.sum() < len(true):
        assert report.auc == pytest.approx(roc_auc_score(true, value))
        # Ties at the cut: the mean over random orders of the tied pairs.
        picks = [true[np.lexsort((rng.random(len(value)), -value))[: true.sum()]].mean() for _ in range(400)]
        assert report.precision_at_true == pytest.approx(np.mean(picks), abs=0.06)
    else:
        assert math.isnan(report.auc)


def test_shapes_must_agree() -> None:
    with pytest.raises(GraphError, match="shape"):
        compare_with_truth(np.zeros((2, 2)), np.zeros((3, 3)))
