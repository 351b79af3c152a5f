"""R@K, nDCG@10 and MRR against torchmetrics and scikit-learn, and ties against a mean over their orders."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from sklearn.metrics import ndcg_score
from torchmetrics.functional.retrieval import retrieval_hit_rate, retrieval_normalized_dcg, retrieval_reciprocal_rank

from avexplore.artifacts import Clips, Embeddings
from avexplore.retrieval import evaluate
from avexplore.retrieval.evaluation import figures_of_the_field
from avexplore.retrieval.ranking import normalized, on_grid


def scene(n: int, classes: int = 6, dim: int = 8, seed: int = 0) -> tuple[Embeddings, Clips]:
    rng = np.random.default_rng(seed)
    labels, prototypes = rng.integers(classes, size=n), rng.normal(size=(classes, dim))
    audio, visual = (normalized(prototypes[labels] + 2 * rng.normal(size=(n, dim))) for _ in range(2))
    ids = tuple(f"clip {i}" for i in range(n))
    names = tuple(f"class {c}" for c in range(classes))
    return Embeddings(audio, visual), Clips(hard_label=labels, classes=names, split=np.full(n, 2), clip_ids=ids)


def similarities(embeddings: Embeddings) -> list[np.ndarray]:
    audio, visual = embeddings.audio, embeddings.visual
    return [on_grid(audio @ visual.T), on_grid(visual @ audio.T)]


@pytest.mark.parametrize("n", [7, 90])
def test_figures_are_those_of_torchmetrics_and_scikit_learn(n: int) -> None:
    embeddings, clips = scene(n)
    found = evaluate(embeddings, clips).metrics
    same = clips.hard_label[:, None] == clips.hard_label[None]
    expected: dict[str, list[float]] = {name: [] for name in figures_of_the_field()}
    learned: dict[str, list[float]] = {"clip": [], "class": []}
    for scores in similarities(embeddings):
        assert len(np.unique(scores, axis=1)) > 1
        for kind, relevant in (("clip", np.eye(n, dtype=bool)), ("class", same)):
            learned[kind].append(ndcg_score(relevant, scores, k=10))
            for i in range(n):
                # torchmetrics looks at positive scores only where it counts relevant ones: shift them
                given = torch.from_numpy(scores[i].astype(np.float64) + 2.0), torch.from_numpy(relevant[i])
                for k in (1, 5, 10):
                    expected[f"{kind}_r_at_{k}"].append(float(retrieval_hit_rate(*given, top_k=min(k, n))))
                # it counts in float32, which 1e-9 cannot be asked of: sklearn is asked for it below
                gain = float(retrieval_normalized_dcg(given[0], given[1].long(), top_k=min(10, n)))
                expected[f"{kind}_ndcg_at_10"].append(gain)
                expected[f"{kind}_mrr"].append(1 / round(1 / float(retrieval_reciprocal_rank(*given))))
    for name, values in expected.items():
        tolerance = 1e-6 if "ndcg" in name else 1e-9
        assert found[name] == pytest.approx(np.mean(values), abs=tolerance), name
    for kind, both in learned.items():
        assert found[f"{kind}_ndcg_at_10"] == pytest.approx(np.mean(both), abs=1e-9)


def test_ties_are_means_over_their_orders() -> None:
    """Four clips in two places: every order of a tie, by hand."""
    place = np.array([0, 0, 1, 1, 0])
    vectors = np.eye(2, dtype=np.float32)[place]
    labels = np.array([0, 1, 1, 0, 1])
    clips = Clips(hard_label=labels, classes=("a", "b"), split=np.full(5, 2), clip_ids=tuple("vwxyz"))
    found = evaluate(Embeddings(vectors, vectors), clips).metrics
    figures: dict[str, list[float]] = {name: [] for name in figures_of_the_field()}
    for i in range(5):
        near, far = np.flatnonzero(place == place[i]), np.flatnonzero(place != place[i])
        orders = [a + b for a in itertools.permutations(near) for b in itertools.permutations(far)]
        for kind in ("clip", "class"):
            rows = []
            for order in orders:
                hit = np.array([g == i if kind == "clip" else labels[g] == labels[i] for g in order])
                first = int(hit.argmax())
                gains = hit / np.log2(np.arange(2, 7))
                best = np.sort(hit)[::-1] / np.log2(np.arange(2, 7))
                rows.append([first < 1, first < 5, first < 10, gains.sum() / best.sum(), 1 / (first + 1)])
            names = [name for name in figures if name.startswith(kind)]
            for name, value in zip(names, np.mean(rows, axis=0), strict=True):
                figures[name].append(float(value))
    for name, values in figures.items():
        assert found[name] == pytest.approx(np.mean(values), abs=1e-12), name


def test_a_perfect_ranking_has_ones() -> None:
    vectors = normalized(np.eye(12))
    labels = np.arange(12) // 3
    clips = Clips(
        hard_label=labels, classes=tuple("abcd"), split=np.full(12, 2), clip_ids=tuple(f"{i}" for i in range(12))
    )
    found = evaluate(Embeddings(vectors, vectors), clips).metrics
    assert [found[name] for name in figures_of_the_field() if name.startswith("clip")] == pytest.approx([1.0] * 5)
    assert found["class_r_at_1"] == found["class_mrr"] == 1.0
