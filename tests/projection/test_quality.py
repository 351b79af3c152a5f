"""The quality figures against sklearn, scipy and a slow loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import procrustes as scipy_procrustes
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

from avexplore.artifacts import Embeddings
from avexplore.errors import DataError
from avexplore.projection import (
    class_drift,
    nearest,
    neighbor_drift,
    neighbor_table,
    point_trustworthiness,
    procrustes_disparity,
    stack_modalities,
    trustworthiness,
)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(12, 60), st.integers(1, 5))
def test_trustworthiness_equals_sklearns(seed: int, n: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    points, coordinates = rng.normal(size=(n, 7)), rng.normal(size=(n, 2))
    expected = sklearn_trustworthiness(points, coordinates, n_neighbors=k)
    assert trustworthiness(points, coordinates, k) == pytest.approx(expected, abs=1e-9)


def test_a_sample_of_points_estimates_the_trustworthiness_of_all() -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(1500, 5))
    coordinates = points[:, :2] + 0.3 * rng.normal(size=(1500, 2))
    exact = sklearn_trustworthiness(points, coordinates, n_neighbors=10)
    estimate = trustworthiness(points, coordinates, 10, max_queries=400)
    assert estimate == pytest.approx(exact, abs=0.01)
    assert estimate != exact


def test_a_map_that_is_the_space_itself_is_fully_trusted() -> None:
    points = np.random.default_rng(0).normal(size=(40, 2))
    assert trustworthiness(points, points, 5) == 1.0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(3, 40))
def test_procrustes_equals_scipys_and_ignores_rotation_scale_and_shift(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(n, 3)), rng.normal(size=(n, 3))
    assert procrustes_disparity(first, second) == pytest.approx(scipy_procrustes(first, second)[2], abs=1e-9)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    assert procrustes_disparity(first, 5 * first @ rotation + 2) == pytest.approx(0, abs=1e-9)


def test_collapsed_clouds_are_alike_only_among_themselves() -> None:
    cloud, dot = np.random.default_rng(0).normal(size=(9, 2)), np.full((9, 2), 3.0)
    assert procrustes_disparity(dot, dot * 2) == 0.0
    assert procrustes_disparity(dot, cloud) == 1.0


def test_neighbor_tables_agree_with_a_sorted_loop() -> None:
    points = np.random.default_rng(5).normal(size=(30, 4))
    indices, distances = neighbor_table(points, 6)
    for i in range(30):
        by_hand = sorted((float(np.linalg.norm(points[i] - points[j])), j) for j in range(30) if j != i)[:6]
        assert [j for _, j in by_hand] == indices[i].tolist()
        assert distances[i] == pytest.approx([d for d, _ in by_hand])


def test_duplicates_are_neighbors_but_nobody_is_his_own() -> None:
    indices, _ = neighbor_table(np.zeros((5, 3)), 3)
    assert all(i not in row for i, row in enumerate(indices))


def test_drift_counts_lost_neighbors_whatever_their_order() -> None:
    before = np.array([[1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4]])
    after = np.array([[4, 3, 2, 1], [9, 10, 11, 12], [1, 2, 9, 8]])
    assert neighbor_drift(before, after).tolist() == [0.0, 1.0, 0.5]
    with pytest.raises(DataError, match="differ"):
        neighbor_drift(before, after[:, :2])


def test_nearest_by_cosine_skips_the_query_and_breaks_ties_by_index() -> None:
    points = np.array([[1.0, 0], [0, 1], [1, 0], [0.6, 0.8]])
    order, similarity = nearest(points, points[0], 3, skip=0)
    assert order.tolist() == [2, 3, 1]
    assert similarity.tolist() == [1.0, 0.6, 0.0]


def test_a_class_without_clips_has_no_drift() -> None:
    found = class_drift(np.array([0.2, 0.4, 0.6, 0.8]), np.array([2, 2]), ("A", "B", "C"))
    assert np.isnan(found["A"]).all()
    assert found["C"] == pytest.approx([0.3, 0.7])
    with pytest.raises(DataError, match="labels"):
        class_drift(np.zeros(4), np.zeros(3, int), ("A", "B"))


def test_columns_of_one_modality_alone_stay_off_the_maps() -> None:
    audio = np.array([[0.6, 0.8, 0.0], [0.0, 0.6, 0.8]], np.float32)
    visual = np.array([[1.0, 0.0, 0.0], [0.6, 0.0, 0.8]], np.float32)
    stacked = stack_modalities(Embeddings(audio, visual, private=1), np.array([1, 0]))
    assert stacked == pytest.approx(np.array([[0.0, 0.6], [0.6, 0.8], [0.6, 0.0], [1.0, 0.0]]))


def test_a_points_trust_falls_with_the_neighbors_its_map_invents() -> None:
    points = np.random.default_rng(3).normal(size=(40, 2))
    torn = points.copy()
    torn[7] = points[int(np.linalg.norm(points - points[7], axis=1).argmax())] + 0.01
    trusted = point_trustworthiness(points, torn, 4)
    assert trusted.argmin() == 7
    assert trusted.mean() == pytest.approx(sklearn_trustworthiness(points, torn, n_neighbors=4))
    assert np.isnan(point_trustworthiness(points, torn, 4, max_queries=10)).sum() == 30
