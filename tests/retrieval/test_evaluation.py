"""Reports against scikit-learn's average precision, a slow walk, and what must not change a figure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from avexplore.artifacts import Clips, Embeddings
from avexplore.errors import DataError
from avexplore.retrieval import (
    average_precision,
    evaluate,
    map_over_cutoffs,
    mean_average_precision,
    rank,
)
from avexplore.retrieval.evaluation import packed
from avexplore.retrieval.ranking import normalized, on_grid


def scene(n: int = 60, classes: int = 5, dim: int = 8, seed: int = 0, hidden: bool = True) -> tuple[Embeddings, Clips]:
    rng = np.random.default_rng(seed)
    labels, prototypes = rng.integers(classes, size=n), rng.normal(size=(classes, dim))
    audio, visual = (normalized(prototypes[labels] + 2 * rng.normal(size=(n, dim))) for _ in range(2))
    true = (rng.random((n, classes)) < 0.2) | np.eye(classes, dtype=bool)[labels]
    clips = Clips(
        hard_label=labels,
        classes=tuple(f"class {c}" for c in range(classes)),
        split=np.where(np.arange(n) < n // 4, 0, 2),
        clip_ids=tuple(f"clip {i}" for i in range(n)),
        true_labels=true if hidden else None,
    )
    return Embeddings(audio, visual), clips


def directions(embeddings: Embeddings, rows: np.ndarray) -> list[np.ndarray]:
    """Similarities of both directions as they are compared."""
    audio, visual = embeddings.audio[rows], embeddings.visual[rows]
    return [on_grid(audio @ visual.T), on_grid(visual @ audio.T)]


def test_map_is_scikit_learns():
    embeddings, clips = scene(80)
    report = evaluate(embeddings, clips)
    rows = clips.rows("test")
    label, true = clips.hard_label[rows], clips.true_labels[rows]
    same = label[:, None] == label[None]
    shared = (true.astype(int) @ true.T) > 0
    ap, any_ap, hidden_ap = [], [], []
    for similarity in directions(embeddings, rows):
        for i, scores in enumerate(similarity):
            ap.append(average_precision_score(same[i], scores))
            any_ap.append(average_precision_score(shared[i], scores))
            others = ~same[i]
            if (shared[i] & others).any():
                hidden_ap.append(average_precision_score(shared[i][others], scores[others]))
    np.testing.assert_allclose(report.average_precision.ravel(), ap, rtol=1e-12)
    assert report.metrics["map"] == pytest.approx(np.mean(ap), rel=1e-12)
    assert report.metrics["any_label_map"] == pytest.approx(np.mean(any_ap), rel=1e-12)
    assert report.metrics["hidden_pair_ap"] == pytest.approx(np.mean(hidden_ap), rel=1e-12)


def test_the_other_figures_against_a_slow_walk():
    embeddings, clips = scene(70, seed=4)
    report = evaluate(embeddings, clips)
    rows = clips.rows("test")
    label, true = clips.hard_label[rows], clips.true_labels[rows]
    over_cutoffs, recovered, precision = [], [], []
    confusion = np.zeros((5, 5))
    for similarity in directions(embeddings, rows):
        for i, scores in enumerate(similarity):
            order = np.argsort(-scores, kind="stable")
            hits, gathered = 0, 0.0
            for k, g in enumerate(order):
                if label[g] == label[i]:
                    hits += 1
                    gathered += hits / (k + 1)
                over_cutoffs.append(gathered / hits if hits else 0.0)
            related = [g for g in order if (true[g] & true[i]).any()]
            hidden = {g for g in related if label[g] != label[i]}
            if hidden:
                recovered.append(len(hidden & set(order[: len(related)])) / len(hidden))
            for g in order[:10]:
                confusion[label[i], label[g]] += 1
            precision.append([np.mean(label[order[:k]] == label[i]) for k in report.scopes])
    assert report.metrics["map_over_cutoffs"] == pytest.approx(np.mean(over_cutoffs), rel=1e-12)
    assert report.metrics["recovered_false_negatives"] == pytest.approx(np.mean(recovered), rel=1e-12)
    np.testing.assert_allclose(report.precision.mean(0), np.mean(precision, axis=0), rtol=1e-12)
    shares = confusion / confusion.sum(1, keepdims=True)
    np.testing.assert_allclose(report.confusion, shares, rtol=1e-12)
    assert list(report.scopes) == [10, 20, 30, 40, 50]


def test_per_class_averages_to_the_whole():
    embeddings, clips = scene(80, seed=2)
    report = evaluate(embeddings, clips)
    size = np.bincount(clips.hard_label[report.rows], minlength=5)
    assert (report.per_class * size[:, None]).sum() / (2 * size.sum()) == pytest.approx(report.metrics["map"])


def test_a_class_without_queries_has_no_figure():
    embeddings, clips = scene(40)
    absent = Clips(**{**vars(clips), "classes": (*clips.classes, "never"), "true_labels": None})
    report = evaluate(embeddings, absent)
    assert np.isnan(report.per_class[-1]).all()
    assert "hidden_pair_ap" not in report.metrics


def test_fast_map_is_the_reports():
    embeddings, clips = scene(50)
    rows = clips.rows("test")
    label = clips.hard_label[rows]
    fast = mean_average_precision(embeddings.audio[rows], embeddings.visual[rows], label, label)
    assert fast == evaluate(embeddings, clips).metrics["map_audio_to_visual"]


def test_map_over_cutoffs_agrees_with_the_function():
    embeddings, clips = scene(50, hidden=False)
    rows = clips.rows("all")
    found = []
    for queries, gallery in ((embeddings.audio, embeddings.visual), (embeddings.visual, embeddings.audio)):
        relevant = clips.hard_label[rank(queries, gallery).indices] == clips.hard_label[rows][:, None]
        found.append(map_over_cutoffs(relevant))
    assert evaluate(embeddings, clips, "all").metrics["map_over_cutoffs"] == pytest.approx(np.mean(found))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 40), scale=st.floats(1e-3, 1e3), copies=st.booleans())
def test_map_unmoved_by_clip_order_and_scale(seed, n, scale, copies):
    rng = np.random.default_rng(seed)
    audio, visual, labels = rng.normal(size=(n, 5)), rng.normal(size=(n, 5)), rng.integers(3, size=n)
    if copies:  # ties, the hard case
        visual = visual[rng.integers(max(1, n // 3), size=n)]
    order = rng.permutation(n)
    plain = mean_average_precision(audio, visual, labels, labels)
    moved = mean_average_precision(audio[order] * scale, visual[order] * scale, labels[order], labels[order])
    assert moved == pytest.approx(plain, abs=1e-9)


def test_all_alike_scores_the_share_of_the_class():
    """Embeddings that tell nothing apart are one big tie, neither lucky nor unlucky with the order."""
    labels = np.array([0, 0, 0, 1])
    assert mean_average_precision(np.ones((4, 3)), np.ones((4, 3)), labels, labels) == pytest.approx(
        (3 * 0.75 + 0.25) / 4
    )


def test_large_lists_are_sorted_right():
    """More answers than buckets of the radix sort, scores crowded at both ends."""
    rng = np.random.default_rng(0)
    angle = np.concatenate([rng.normal(0, 1e-3, 3000), rng.normal(np.pi, 1e-3, 3000), rng.uniform(0, np.pi, 3000)])
    gallery, labels = np.stack([np.cos(angle), np.sin(angle)], 1), rng.integers(2, size=9000)
    scores = on_grid(normalized(np.array([[1.0, 0.0]])) @ normalized(gallery).T)[0]
    found = mean_average_precision(np.array([[1.0, 0.0]]), gallery, np.array([1]), labels)
    assert found == pytest.approx(average_precision_score(labels == 1, scores), rel=1e-12)


def test_opposite_and_zero_vectors_are_fine():
    labels = np.array([0, 1])
    assert mean_average_precision(np.array([[1.0, 0], [0, 0]]), np.array([[-1.0, 0], [0, 0]]), labels, labels) == 0.5


def test_label_sets_beyond_one_word():
    rng = np.random.default_rng(0)
    labels = rng.random((7, 130)) < 0.02
    bits = packed(labels)
    assert bits.shape == (7, 3)
    for i in range(7):
        for j in range(7):
            assert bool((bits[i] & bits[j]).any()) == bool((labels[i] & labels[j]).any())


@pytest.mark.parametrize("split", ["validation"])
def test_an_empty_split_says_so(split):
    embeddings, clips = scene(20)
    with pytest.raises(DataError, match="validation split has no clips"):
        evaluate(embeddings, clips, split)


def test_other_clips_are_refused():
    embeddings, _ = scene(20)
    with pytest.raises(DataError, match="20 embeddings for 30 clips"):
        evaluate(embeddings, scene(30)[1])


def test_average_precision_within_a_scope():
    relevant = np.array([[True, False, True, True]])
    assert average_precision(relevant, 3)[0] == pytest.approx((1 + 2 / 3) / 2)
    with pytest.raises(ValueError, match="positive"):
        average_precision(relevant, 0)
