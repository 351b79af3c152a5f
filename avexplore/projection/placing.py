"""Clips beyond those that were laid out, placed on the finished maps."""

from __future__ import annotations

import numpy as np

from avexplore.artifacts import Embeddings, FloatArray, IntArray, Projection, Report, silent
from avexplore.projection.quality import neighbor_drift, procrustes_disparity, stack_modalities, trustworthiness

_CHUNK = 4096
_OUTWARD = 0.05
"""Way from the nearest point to the mean of all neighbors. At its nearest point's place, a clip would hide that point;
at the mean, clips between two clusters fill the gap that the map left between them."""


def place_others(
    laid_out: Projection,
    before: Embeddings,
    after: Embeddings,
    others: IntArray,
    seed: int,
    report: Report = silent,
) -> Projection:
    """Maps with further clips, each point beside the nearest laid-out point of its own embedding.

    Points that were laid out keep their places, and a clip equal to one of them has the same place.

    Args:
        laid_out: Maps of m clips.
        before, after: Embeddings without and with LIR.
        others: Clip indices to place, none of them laid out. Shape (n,).
        seed: Draws the points by which the maps are measured.
        report: Told of each step.

    Returns:
        Maps of the m clips, then the n others. A placed point's drift is that of its nearest laid-out points. Among
        the metrics, trustworthiness, "neighbor_overlap" and "procrustes" are those of all points, "laid_out" is m.

    Raises:
        Cancelled: If `report` says so.
    """
    k, m, n = int(laid_out.metrics["neighbors"]), len(laid_out.rows), len(others)
    spaces = [stack_modalities(embeddings, laid_out.rows) for embeddings in (before, after)]
    maps = (laid_out.before, laid_out.after)
    finders = [_Nearest(space, k) for space in spaces]
    places = np.empty((2, 2, n, 2), np.float32)  # map, modality, clip, coordinate
    drift = np.empty((2, n), np.float32)
    for start in range(0, n, _CHUNK):
        report(0.8 * start / n, f"Placing {n:,} further clips")
        part = slice(start, start + _CHUNK)
        tables = []
        for side, embeddings in enumerate((before, after)):
            near, distances = finders[side](stack_modalities(embeddings, others[part]))
            places[side, :, part] = _beside(maps[side], near, distances).reshape(2, -1, 2)
            tables.append(near)
        drift[:, part] = neighbor_drift(*tables).reshape(2, -1)
    rows = np.concatenate([laid_out.rows, others])
    first, second = (_joined(old, new) for old, new in zip(maps, places, strict=True))
    all_drift = _joined(laid_out.drift, drift)
    report(0.8, "Measuring the maps")
    trust = [
        trustworthiness(stack_modalities(embeddings, rows), coordinates, k, max_queries=1000, seed=seed)
        for embeddings, coordinates in ((before, first), (after, second))
    ]
    report(1.0, "Maps are ready")
    return Projection(
        before=first,
        after=second,
        rows=rows,
        metrics={
            **laid_out.metrics,
            "trustworthiness_before": trust[0],
            "trustworthiness_after": trust[1],
            "neighbor_overlap": float(1.0 - all_drift.mean(dtype=np.float64)),
            "procrustes": procrustes_disparity(first, second),
            "laid_out": float(m),
        },
        drift=all_drift,
        method=laid_out.method,
    )


class _Nearest:
    """The k nearest of some points, exact, in the order and by the distances of `neighbor_table`."""

    def __init__(self, points: FloatArray, k: int) -> None:
        from sklearn.neighbors import NearestNeighbors

        self._index = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points)

    def __call__(self, queries: FloatArray) -> tuple[IntArray, FloatArray]:
        distances, indices = self._index.kneighbors(queries)
        return indices, distances


def _beside(coordinates: FloatArray, near: IntArray, distances: FloatArray) -> FloatArray:
    """Places beside the nearest points, a little towards the others. Shape (q, 2)."""
    # Of weights by inverse distance, an equal point has all.
    closest = np.maximum(distances[:, :1], np.finfo(np.float32).tiny)
    weights = closest / np.maximum(distances, closest)
    weights[distances[:, 0] < 1e-6, 1:] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    nearest = coordinates[near[:, 0]].astype(np.float64)
    mean = np.einsum("qk,qkd->qd", weights, coordinates[near])
    beside: FloatArray = nearest + _OUTWARD * (mean - nearest)
    return beside


def _joined(laid_out: FloatArray, placed: FloatArray) -> FloatArray:
    """Per modality, values of the laid-out clips, then those of the others."""
    halves = zip(np.split(laid_out, 2), placed, strict=True)
    return np.concatenate([part for both in halves for part in both])
