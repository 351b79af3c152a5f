"""A projection is judged by what it keeps and by what it moves, never by its coordinates."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from avexplore.artifacts import Embeddings
from avexplore.config import ProjectionConfig
from avexplore.errors import Cancelled, DataError
from avexplore.projection import maps, neighbor_table, placing, project, project_pca

Clustered = Callable[..., tuple[Embeddings, np.ndarray]]


def test_equal_embeddings_give_equal_maps(clustered: Clustered, config: ProjectionConfig) -> None:
    embeddings, _ = clustered(60)
    found = project(embeddings, embeddings, np.arange(60), config)
    assert np.array_equal(found.before, found.after)
    assert found.metrics["neighbor_overlap"] == 1.0
    assert found.metrics["procrustes"] == pytest.approx(0, abs=1e-9)
    assert not found.drift.any()


def test_what_moved_in_the_space_moves_in_the_map_and_the_rest_stays(
    clustered: Clustered, config: ProjectionConfig
) -> None:
    embeddings, labels = clustered(120)
    audio, visual = embeddings.audio.copy(), embeddings.visual.copy()
    moved = np.flatnonzero(labels == 0)[:8]
    target = np.flatnonzero(labels == 3)[:8]
    audio[moved], visual[moved] = audio[target] + 0.01, visual[target] - 0.01
    found = project(embeddings, Embeddings(audio, visual), np.arange(120), config)
    distance = np.linalg.norm(found.after - found.before, axis=1).reshape(2, -1)
    stayed = np.setdiff1d(np.arange(120), moved)
    assert np.median(distance[:, moved]) > 3 * np.median(distance[:, stayed])
    drift = found.drift.reshape(2, -1)
    assert drift[:, moved].min() > drift[:, stayed].mean()


def test_a_map_is_reproducible_and_better_than_chance(clustered: Clustered, config: ProjectionConfig) -> None:
    (before, _), (after, _) = clustered(80), clustered(80, seed=1)
    first = project(before, after, np.arange(80), config)
    second = project(before, after, np.arange(80), config)
    assert np.array_equal(first.before, second.before)
    assert np.array_equal(first.after, second.after)
    for name in ("trustworthiness_before", "trustworthiness_after"):
        assert 0.8 < first.metrics[name] <= 1.0
    other = project(before, after, np.arange(80), config.replace(seed=4))
    assert not np.array_equal(first.before, other.before)


def test_rows_choose_the_clips_and_drift_looks_at_them_only(clustered: Clustered, config: ProjectionConfig) -> None:
    (before, _), (after, _) = clustered(90), clustered(90, seed=1)
    rows = np.arange(0, 90, 3)
    found = project(before, after, rows, config)
    assert found.rows.tolist() == rows.tolist()
    assert found.before.shape == found.after.shape == (60, 2)
    tables = [neighbor_table(np.concatenate([e.audio[rows], e.visual[rows]]), 8)[0] for e in (before, after)]
    by_hand = [1 - len(set(a) & set(b)) / 8 for a, b in zip(*tables, strict=True)]
    assert found.drift == pytest.approx(by_hand)


def test_pca_maps_lie_in_one_frame_and_keep_the_largest_variance(clustered: Clustered) -> None:
    embeddings, _ = clustered(50)
    # The same space, mirrored: a map that is aligned must not show this.
    mirrored = Embeddings(embeddings.audio[:, ::-1], embeddings.visual[:, ::-1])
    found = project_pca(embeddings, mirrored, np.arange(50))
    assert found.method == "pca"
    assert found.after == pytest.approx(found.before, abs=1e-4)
    stacked = np.concatenate([embeddings.audio, embeddings.visual]).astype(float)
    centered = stacked - stacked.mean(axis=0)
    left, values, _ = np.linalg.svd(centered, full_matrices=False)
    expected = left[:, :2] * values[:2]
    ours = found.before / np.abs(found.before).max()
    expected /= np.abs(expected).max()
    assert np.abs(ours) == pytest.approx(np.abs(expected), abs=1e-4)


@pytest.mark.parametrize("clips", [2, 3, 5, 9])
def test_a_handful_of_clips_still_gives_a_map(clustered: Clustered, config: ProjectionConfig, clips: int) -> None:
    (before, _), (after, _) = clustered(clips, classes=2), clustered(clips, classes=2, seed=1)
    found = project(before, after, np.arange(clips), config)
    assert np.isfinite(found.before).all()
    assert np.isfinite(found.after).all()


def test_a_collapsed_embedding_gives_a_finite_map(config: ProjectionConfig) -> None:
    flat = np.ones((20, 4), np.float32) / 2
    found = project(Embeddings(flat, flat), Embeddings(flat, flat), np.arange(20), config)
    assert np.isfinite(found.before).all()
    assert np.isfinite(found.after).all()


def test_too_many_clips_are_thinned_out_evenly_and_always_alike(
    clustered: Clustered, config: ProjectionConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps, "LAID_OUT", 25)
    embeddings, _ = clustered(70)
    first, second = (project_pca(embeddings, embeddings, np.arange(70), seed=2) for _ in range(2))
    assert len(first.rows) == 25
    assert first.rows.tolist() == second.rows.tolist() == sorted(first.rows.tolist())


def test_clips_beyond_the_layout_stand_beside_it_and_leave_it_as_it_is(
    clustered: Clustered, config: ProjectionConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps, "LAID_OUT", 60)
    (before, labels), (after, _) = clustered(200), clustered(200, seed=1)
    told: list[float] = []
    found = project(before, after, np.arange(200), config, lambda fraction, message="", **_: told.append(fraction))
    assert sorted(found.rows.tolist()) == list(range(200))
    assert found.laid_out == 60
    assert told == sorted(told)
    alone = project(before, after, found.rows[:60], config)
    for side in ("before", "after"):
        joined = getattr(found, side).reshape(2, 200, 2)
        assert np.array_equal(joined[:, :60].reshape(-1, 2), getattr(alone, side))
        # By its nearest one, a clip comes to its own class.
        middles = np.stack([np.median(joined[:, labels[found.rows] == c].reshape(-1, 2), axis=0) for c in range(6)])
        nearest = np.linalg.norm(joined[:, 60:, None] - middles, axis=-1).argmin(axis=-1)
        assert (nearest == labels[found.rows[60:]]).mean() > 0.8
    assert np.array_equal(found.drift.reshape(2, 200)[:, :60].reshape(-1), alone.drift)
    assert 0.8 < found.metrics["trustworthiness_before"] <= 1.0
    again = project(before, after, np.arange(200), config)
    assert np.array_equal(found.before, again.before)


def test_a_clip_equal_to_one_that_was_laid_out_has_its_place(clustered: Clustered, config: ProjectionConfig) -> None:
    one, _ = clustered(50)
    both = Embeddings(np.tile(one.audio, (2, 1)), np.tile(one.visual, (2, 1)))
    laid_out = project(both, both, np.arange(50), config)
    found = placing.place_others(laid_out, both, both, np.arange(50, 100), seed=0)
    for places in (found.before, found.after):
        drawn, placed = np.split(places.reshape(2, 100, 2), 2, axis=1)
        assert placed == pytest.approx(drawn, abs=1e-5)


def test_more_clips_than_a_browser_moves_are_thinned_out(
    clustered: Clustered, config: ProjectionConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps, "LAID_OUT", 30)
    monkeypatch.setattr(maps, "MAX_CLIPS", 50)
    embeddings, _ = clustered(80)
    found = project(embeddings, embeddings, np.arange(80), config)
    assert len(set(found.rows.tolist())) == 50
    assert np.array_equal(found.before, found.after)


def test_what_cannot_be_mapped_is_refused_in_words(clustered: Clustered, config: ProjectionConfig) -> None:
    (small, _), (large, _) = clustered(10), clustered(12)
    with pytest.raises(DataError, match="two students of the same data"):
        project(small, large, np.arange(10), config)
    with pytest.raises(DataError, match="larger split"):
        project(small, small, np.arange(1), config)


def test_a_cancelled_projection_stops(clustered: Clustered, config: ProjectionConfig) -> None:
    embeddings, _ = clustered(30)
    told: list[float] = []

    def report(fraction: float, message: str = "", **figures: Any) -> None:
        told.append(fraction)
        if fraction > 0.1:
            raise Cancelled("Stopped on request")

    with pytest.raises(Cancelled):
        project(embeddings, embeddings, np.arange(30), config, report)
    assert told == sorted(told)


def test_importing_the_package_loads_neither_umap_nor_sklearn() -> None:
    code = "import sys, avexplore.projection; assert not {'umap', 'sklearn', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_map_leaves_the_number_of_threads_as_it_was(config: ProjectionConfig) -> None:
    import torch

    points = np.random.default_rng(0).normal(size=(80, 8)).astype(np.float32)
    embeddings = Embeddings(points, points)
    before = torch.get_num_threads()
    project(embeddings, embeddings, np.arange(80), config)
    assert torch.get_num_threads() == before
