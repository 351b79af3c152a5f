"""Neighbors and drift on the page, against loops over the embeddings."""

from __future__ import annotations

import numpy as np
import pytest

from avexplore.analysis import map_drift
from avexplore.analysis.loaded_run import LoadedRun
from avexplore.projection import project_pca


def test_neighbor_lists_are_those_of_the_original_space(loaded: LoadedRun) -> None:
    rows = loaded.clips.rows("test")
    m, point = len(rows), 5
    before, after = map_drift.neighbor_lists(loaded, rows, point, ("audio", "visual"), 6)
    for found, embeddings in ((before, loaded.before), (after, loaded.after)):
        points = np.concatenate([embeddings.audio[rows], embeddings.visual[rows]])
        by_hand = sorted((-float(points[point] @ points[p]), p) for p in range(2 * m) if p != point)
        assert [n.point for n in found] == [p for _, p in by_hand[:6]]
        assert [n.similarity for n in found] == pytest.approx([-s for s, _ in by_hand[:6]], abs=1e-6)
    ranks = {n.point: i + 1 for i, n in enumerate(before)}
    for i, neighbor in enumerate(after):
        if neighbor.point in ranks:
            assert neighbor.other_rank == ranks[neighbor.point]
        else:
            assert neighbor.other_rank > len(before) or i >= len(before)


def test_neighbors_can_be_kept_to_one_modality(loaded: LoadedRun) -> None:
    rows = loaded.clips.rows("test")
    found, _ = map_drift.neighbor_lists(loaded, rows, 0, ("visual",), 5)
    assert all(n.point >= len(rows) for n in found)
    found, _ = map_drift.neighbor_lists(loaded, rows, 0, ("audio",), 5)
    assert all(0 < n.point < len(rows) for n in found)


def test_class_rows_add_up_to_the_figures_of_all_points(loaded: LoadedRun) -> None:
    rows = loaded.clips.rows("test")
    shown = project_pca(loaded.before, loaded.after, rows, neighbors=5)
    table = map_drift.class_rows(loaded, shown)
    assert sum(row.clips for row in table) == len(rows)
    weights = np.array([row.clips for row in table])
    kept = np.array([(row.kept_audio + row.kept_visual) / 2 for row in table])
    trust = np.array([[row.trust_before, row.trust_after] for row in table])
    assert np.average(kept, weights=weights) == pytest.approx(shown.metrics["neighbor_overlap"], abs=1e-6)
    averaged = np.average(trust, weights=weights, axis=0)
    expected = [shown.metrics[f"trustworthiness_{when}"] for when in ("before", "after")]
    assert averaged == pytest.approx(expected, abs=1e-9)
    assert kept.tolist() == sorted(kept)
