"""Ranked answers against a full sort, and approximate indexes against exact ones."""

from __future__ import annotations

import numpy as np
import pytest

from avexplore.errors import DataError
from avexplore.retrieval import VectorIndex, rank
from avexplore.retrieval import ranking as module
from avexplore.retrieval.ranking import normalized, on_grid


def clustered(n, dim=16, seed=0):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(20, dim))
    return (centers[rng.integers(20, size=n)] + 0.5 * rng.normal(size=(n, dim))).astype(np.float32)


@pytest.mark.parametrize("k", [1, 7, 200, 300, None])
@pytest.mark.parametrize("chunk", [5, 512])
def test_is_a_full_stable_sort(k, chunk):
    gallery = clustered(300)
    gallery[200:] = gallery[:100]  # ties
    queries = clustered(11, seed=1)
    similarity = normalized(queries).astype(float) @ normalized(gallery).astype(float).T
    found, step = rank(queries, gallery, k, chunk=chunk), 1 / module.GRID
    k = k or 300
    assert found.indices.shape == (11, k)
    true = np.take_along_axis(similarity, found.indices, 1)
    np.testing.assert_allclose(found.scores, true, atol=step)
    np.testing.assert_array_equal(found.scores, on_grid(found.scores))
    drop = np.diff(found.scores, axis=1)
    assert (drop <= 0).all()
    assert (np.diff(found.indices, axis=1)[drop == 0] > 0).all()  # ties by position
    np.testing.assert_allclose(true[:, -1], -np.sort(-similarity, axis=1)[:, k - 1], atol=2 * step)  # none is missed
    assert all(len(set(row)) == k for row in found.indices)


def test_a_prepared_gallery_answers_alike(monkeypatch):
    gallery, queries = clustered(1000), clustered(3, seed=1)
    gallery[500:600] = gallery[:100]
    monkeypatch.setattr(module._exact_few, "__kwdefaults__", {"block": 128})
    found, expected = VectorIndex(gallery).rank(queries, 50), rank(queries, gallery, 50)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1 / module.GRID)
    assert (found.indices == expected.indices).mean() > 0.98
    assert VectorIndex(gallery).recall(queries) == 1.0


def test_a_gallery_without_clips_has_no_answers():
    found = VectorIndex(np.eye(4, dtype=np.float32), rows=np.zeros(0, int)).rank(np.ones((3, 4)), 5)
    assert found.indices.shape == found.scores.shape == (3, 0)


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_approximate_indexes_find_most(kind):
    pytest.importorskip("faiss")
    gallery, queries = clustered(3000), clustered(50, seed=1)
    index = VectorIndex(gallery, kind)
    assert index.recall(queries, 10) > 0.9
    found, exact = index.rank(queries, 5), rank(queries, gallery, 5)
    assert (np.diff(found.scores, axis=1) <= 0).all()
    assert (found.indices == exact.indices).mean() > 0.8
    np.testing.assert_allclose(rank(queries, gallery, 5, index=kind).scores, found.scores)


def test_less_effort_finds_less():
    pytest.importorskip("faiss")
    rng = np.random.default_rng(0)
    gallery, queries = rng.normal(size=(5000, 32)), rng.normal(size=(40, 32))
    recalls = [VectorIndex(gallery, "ivf", effort).recall(queries) for effort in (1, 10_000)]
    assert recalls[0] < recalls[1] == 1.0


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_effort_is_chosen_by_the_recall_that_it_reaches(kind):
    pytest.importorskip("faiss")
    rng = np.random.default_rng(0)
    gallery, queries = rng.normal(size=(5000, 64)), rng.normal(size=(80, 64))
    index = VectorIndex(gallery, kind, 1)
    assert index.recall(queries) < 0.9
    index.tune(queries[:40], least=0.95)
    assert index.recall(queries[:40]) >= 0.95
    assert index.recall(queries[40:]) > 0.9, "and so for queries that chose nothing"
    assert index.effort < 5000, "not all of it"
    chosen = index.effort
    index.tune(queries[:40], least=0.0)
    assert index.effort < chosen


def test_a_list_that_finds_too_few_ends_with_none(recwarn):
    pytest.importorskip("faiss")
    index = VectorIndex(clustered(40), "ivf", 1)
    found = index.rank(clustered(3, seed=1), 40)
    assert (found.indices[:, -1] == -1).all()
    assert (found.scores[found.indices < 0] == -1).all()
    assert not recwarn


def test_without_faiss_exact_still_works_and_the_rest_says_so(monkeypatch):
    monkeypatch.setattr(module, "faiss_installed", lambda: False)
    gallery = clustered(50)
    assert rank(gallery[:2], gallery, 3, index="auto").indices[:, 0].tolist() == [0, 1]
    with pytest.raises(DataError, match="FAISS is not installed"):
        rank(gallery[:2], gallery, 3, index="hnsw")


def test_memory_mapped_galleries(tmp_path):
    gallery = clustered(100)
    np.save(tmp_path / "gallery.npy", gallery)
    mapped = np.load(tmp_path / "gallery.npy", mmap_mode="r")
    assert rank(gallery[:3], mapped, 5).indices.tolist() == rank(gallery[:3], gallery, 5).indices.tolist()


@pytest.mark.parametrize("kind", ["exact", "ivf", "hnsw"])
@pytest.mark.parametrize("rows", [np.arange(100, 900), np.arange(0, 1000, 3)])
def test_an_index_over_some_rows_answers_with_positions_among_them(kind, rows, tmp_path, monkeypatch):
    if kind != "exact":
        pytest.importorskip("faiss")
    monkeypatch.setattr(module, "_BLOCK", 64)
    gallery, queries = 3 * clustered(1000), clustered(5, seed=1)
    np.save(tmp_path / "gallery.npy", gallery)
    mapped = np.load(tmp_path / "gallery.npy", mmap_mode="r")
    index = VectorIndex(mapped, kind, 10_000, rows=rows, folder=tmp_path)
    assert len(index) == len(rows)
    found, expected = index.rank(queries, 10), rank(queries, gallery[rows], 10)
    np.testing.assert_allclose(found.scores, expected.scores, atol=2 / module.GRID)
    assert (found.indices == expected.indices).mean() > 0.9
    for query, positions, scores in zip(queries, found.indices, found.scores, strict=True):
        np.testing.assert_allclose(index.scores(query, positions), scores, atol=2 / module.GRID)


def test_lists_on_disk_are_those_in_memory_and_go_with_the_index(tmp_path, monkeypatch):
    pytest.importorskip("faiss")
    monkeypatch.setattr(module, "_BLOCK", 100)
    gallery, queries = clustered(3000), clustered(20, seed=1)
    index = VectorIndex(gallery, "ivf", 8, folder=tmp_path)
    found, expected = index.rank(queries, 10), VectorIndex(gallery, "ivf", 8).rank(queries, 10)
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1 / module.GRID)
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in kept] == ["all.lists"]
    assert kept[0].stat().st_size >= gallery.nbytes
    del index
    assert not list(tmp_path.rglob("*"))


def test_a_mapped_gallery_is_not_copied_into_memory(tmp_path, monkeypatch):
    import tracemalloc

    monkeypatch.setattr(module, "_BLOCK", 4096)
    monkeypatch.setattr(module._exact_few, "__kwdefaults__", {"block": 4096})
    gallery = normalized(clustered(100_000, dim=64))
    np.save(tmp_path / "gallery.npy", gallery)
    mapped = np.load(tmp_path / "gallery.npy", mmap_mode="r")
    tracemalloc.start()
    try:
        VectorIndex(mapped, rows=np.arange(100_000)).rank(gallery[:1], 100)
        VectorIndex(mapped, rows=np.arange(0, 100_000, 2)).rank(gallery[:1], 100)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < gallery.nbytes / 4


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match="cannot be compared"):
        rank(np.ones((2, 3)), np.ones((4, 5)))
