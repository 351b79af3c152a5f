from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp

from avexplore.artifacts import SoftLabels
from avexplore.errors import ConfigError
from avexplore.graph.inputs.transforms import TRANSFORMS, _against_all_others, classes_of, normal_scores, transform

N, C = 60, 4
ALL = np.arange(N)


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def make(kind: Any, seed: int = 0, **changes: Any) -> SoftLabels:
    rng = np.random.default_rng(seed)
    audio, visual = rng.normal(scale=2, size=(2, N, C))
    if kind == "probabilities":
        audio, visual = softmax(audio), softmax(visual)
    values: dict[str, Any] = {"hard_label": np.arange(N) % C} | changes
    return SoftLabels(audio, visual, kind, tuple("ABCD"), np.zeros(N, np.int64), **values)


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("kind", ["logits", "scores", "probabilities"])
def test_every_transform_gives_one_finite_column_per_node(name: str, kind: str) -> None:
    done = transform(make(kind), name, ALL)
    assert done.matrix.shape == (N, 2 * C)
    assert np.isfinite(done.matrix).all()
    assert all(not done.matrix[:, k].any() or name == "ilr" for k in done.dropped)


@pytest.mark.parametrize("name", ["clr", "ilr", "logit"])
def test_logits_need_no_detour_over_probabilities(name: str) -> None:
    logits, probabilities = make("logits"), make("probabilities")
    np.testing.assert_allclose(
        transform(logits, name, ALL).matrix, transform(probabilities, name, ALL).matrix, atol=1e-8
    )


def test_ilr_is_an_isometry_of_clr() -> None:
    labels = make("probabilities")
    clr, ilr = transform(labels, "clr", ALL).matrix, transform(labels, "ilr", ALL)
    assert set(ilr.dropped) == {C - 1, 2 * C - 1}
    np.testing.assert_allclose(ilr.matrix[:, [C - 1, 2 * C - 1]], 0, atol=1e-12)
    distance = lambda x: np.linalg.norm(x[:, None] - x[None], axis=2)  # noqa: E731
    np.testing.assert_allclose(distance(ilr.matrix), distance(clr), atol=1e-9)


def test_independent_logits_are_log_odds_already() -> None:
    labels = make("logits", normalized=False)
    done = transform(labels, "logit", ALL)
    np.testing.assert_array_equal(done.matrix, labels.matrix())
    assert done.notes


def test_log_odds_survive_extreme_logits() -> None:
    labels = SoftLabels(
        np.array([[800.0, 0.0], [0.0, 800.0]]), np.zeros((2, 2)), "logits", ("A", "B"), np.zeros(2, int), np.arange(2)
    )
    np.testing.assert_allclose(transform(labels, "logit", np.arange(2)).matrix[:, :2], [[800, -800], [-800, 800]])


def test_log_odds_are_those_of_each_class_against_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avexplore.graph.inputs.transforms.BLOCK", 100)
    for scale in (0.01, 1.0, 10.0, 300.0):
        logits = np.random.default_rng(0).normal(scale=scale, size=(2, 30, 12))
        logits[:, 0] = 0.0  # all tie
        logits[:, 1, :2] = logits.max() + 5.0  # two tie for the best
        logits[:, 2] -= 1e4
        labels = SoftLabels(*logits, "logits", tuple("ABCDEFGHIJKL"), np.zeros(30, int), np.zeros(30, int))
        found = transform(labels, "logit", np.arange(30)).matrix.reshape(30, 2, 12)
        for k in range(12):
            expected = logits[..., k] - logsumexp(np.delete(logits, k, axis=2), axis=2)
            np.testing.assert_allclose(found[..., k], expected.T, rtol=1e-13, atol=1e-12)


def test_log_odds_of_many_classes_take_one_pass() -> None:
    """A loop over the classes would take each of them through the table again: half a minute."""
    logits = np.random.default_rng(0).normal(size=(5000, 527))
    begun = time.thread_time()
    _against_all_others(logits)
    assert time.thread_time() - begun < 3.0


@given(st.integers(0, 1000))
def test_normal_scores_see_ranks_only(seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=(20, 3))
    np.testing.assert_array_equal(normal_scores(x), normal_scores(np.exp(3 * x)))
    np.testing.assert_allclose(normal_scores(x).sum(axis=0), 0, atol=1e-9)


def test_class_centered_leaves_no_class_means() -> None:
    labels = make("logits")
    centered = transform(labels, "class-centered", ALL).matrix
    for k in range(C):
        np.testing.assert_allclose(centered[labels.hard_label == k].mean(axis=0), 0, atol=1e-12)


def test_drop_one_drops_the_same_least_varying_class_twice() -> None:
    rng = np.random.default_rng(0)
    audio, visual = rng.normal(size=(2, N, C)) * np.array([1, 1, 0.1, 1])
    labels = SoftLabels(audio, visual, "scores", tuple("ABCD"), np.zeros(N, int), np.arange(N) % C)
    assert set(transform(labels, "drop-one", ALL).dropped) == {2, 2 + C}


def test_unknown_annotations_are_guessed_and_said() -> None:
    labels = make("logits", hard_label=np.full(N, -1))
    groups, said = classes_of(labels, ALL)
    np.testing.assert_array_equal(groups, labels.probabilities().mean(axis=0).argmax(axis=1))
    assert f"{N} of {N} clips have no annotation" in said[0]


def test_clipped_values_are_said() -> None:
    assert "below 0.01" in transform(make("scores"), "clr", ALL).notes[0]
    assert "clipped" in transform(make("scores"), "logit", ALL).notes[0]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ConfigError, match="no transform 'box-cox'"):
        transform(make("logits"), "box-cox", ALL)
