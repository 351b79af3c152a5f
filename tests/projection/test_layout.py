"""The layout against umap-learn, whose computation it repeats, and its weights against their definition."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from threadpoolctl import threadpool_limits

from avexplore.projection import layout, neighbor_table

NEIGHBORS = 7


def _points() -> np.ndarray:
    """Two clusters; some points twice, some many times: their nearest distance is 0."""
    points = np.random.default_rng(2).normal(size=(90, 5)) + np.repeat([[0.0], [4.0]], 45, axis=0)
    return np.concatenate([points, points[:6], np.repeat(points[6:7], 12, axis=0)]).astype(np.float32)


def test_the_weights_of_a_points_neighbors_add_up_to_the_logarithm_of_their_number() -> None:
    points = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    indices, distances = neighbor_table(points, NEIGHBORS)
    head, tail, weights = layout._edges(indices, distances, epochs=10**6)
    found = np.zeros((60, 60))
    found[head, tail] = weights
    expected = np.zeros((60, 60))
    for i, row in enumerate(distances):
        beyond = row - row[0]
        low, high = 1e-6, 1e6
        for _ in range(200):
            scale = (low * high) ** 0.5
            low, high = (scale, high) if np.exp(-beyond / scale).sum() < np.log2(NEIGHBORS + 1) else (low, scale)
        expected[i, indices[i]] = np.exp(-beyond / scale)
    assert_allclose(found, expected + expected.T - expected * expected.T, atol=1e-4)


def test_the_curve_is_umap_learns_for_its_default() -> None:
    # https://umap-learn.readthedocs.io: min_dist 0.1 gives 1.58 and 0.9.
    assert layout._curve(0.1) == pytest.approx((1.577, 0.895), abs=1e-3)


@pytest.fixture
def threads_kept() -> Iterator[None]:
    """umap-learn starts numba's threads, which raises OpenMP's number for the process: trainings of other tests would
    add up in another order."""
    yield
    threadpool_limits(int(os.environ["OMP_NUM_THREADS"]), user_api="openmp")


@pytest.mark.slow
@pytest.mark.usefixtures("threads_kept")
@pytest.mark.parametrize("min_dist", [0.0, 0.1])
def test_a_layout_is_umap_learns(min_dist: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from umap import UMAP

        points = _points()
        indices, distances = neighbor_table(points, NEIGHBORS)
        start = points[:, :2].copy()  # equal points stand on one place
        own = np.arange(len(points))[:, None]
        near = np.concatenate([own, indices], axis=1).astype(np.int32)
        far = np.concatenate([0.0 * own, distances], axis=1).astype(np.float32)
        # A descent is chaotic: other processors may round otherwise, which so few epochs hardly show.
        for epochs in (5, 12):
            model = UMAP(
                n_neighbors=NEIGHBORS + 1,
                min_dist=min_dist,
                n_epochs=epochs,
                learning_rate=0.3,
                init=start,
                precomputed_knn=(near, far),
                random_state=4,
                n_jobs=1,
            )
            expected = model.fit_transform(points)
            found = layout.lay_out((indices, distances), start, epochs, min_dist=min_dist, rate=0.3, seed=4)
            assert_allclose(found, expected, atol=0.01)


COUNTED = """
import numpy as np
import numba.core.event as event
from avexplore.projection import layout

class Compiled(event.Listener):
    count = 0
    def on_start(self, told):
        self.count += 1
    def on_end(self, told):
        pass

compiled = Compiled()
event.register("numba:compile", compiled)
n = 12
indices = (np.arange(n)[:, None] + [1, 2]) % n
layout.lay_out((indices, np.tile([1.0, 2.0], (n, 1))), np.eye(n)[:, :2] + np.arange(n)[:, None], 5,
               min_dist=0.1, rate=1.0, seed=0)
print(compiled.count)
"""


@pytest.mark.slow
def test_a_second_process_compiles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    said = [subprocess.run([sys.executable, "-c", COUNTED], capture_output=True, check=True).stdout for _ in range(2)]
    assert int(said[0]) > 0
    assert int(said[1]) == 0
