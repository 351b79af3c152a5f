"""Two maps of the same clips, so made that only what LIR changed moves.

[ours] A quarter of the epochs lays out the embedding without LIR. From these coordinates, each map runs three eighths
with its own neighbor graph but the same start, the same number of steps and the same random draws. So two equal
embeddings give two equal maps, and a point that moves does so because its neighbors changed. Fitting both embeddings
jointly would hide the change; fitting them apart would move every point.

Of 200 epochs, that is trusted nearly like twice a half after a half, which takes half as long again: .9885 and .9872
against .9887 and .9876 for 4,000 points in 30 clusters, .9899 and .9898 against .9892 and .9899 for 3,000 points of
made-up data (means of two seeds). This division was the best of nine by these very figures.
"""

from __future__ import annotations

import numpy as np

from avexplore.artifacts import Embeddings, FloatArray, IntArray, Projection, Report, silent
from avexplore.config import ProjectionConfig
from avexplore.errors import DataError
from avexplore.projection.placing import place_others
from avexplore.projection.quality import (
    neighbor_drift,
    neighbor_table,
    procrustes_disparity,
    stack_modalities,
    trustworthiness,
)

LAID_OUT = 20_000
"""Of more clips than this, an even draw of so many is laid out; the others are placed beside them, in minutes, not
hours."""

MAX_CLIPS = 500_000
"""More clips than this are thinned out evenly: a million points are what a browser moves smoothly."""

_GENTLE = 0.1
"""Learning rate after the common start, against UMAP's 1.0. Points whose neighbors stayed then move a third as far (at
4,000 points and after half of the epochs, median 0.4 of 14 against 1.4 of 24 units), and both maps are trusted a
little more, not less."""

_START_SPREAD = 10.0
"""Extent of the starting coordinates; UMAP's attraction and repulsion are tuned to about this."""


def project(
    before: Embeddings, after: Embeddings, rows: IntArray, config: ProjectionConfig, report: Report = silent
) -> Projection:
    """UMAP of the embeddings without and with LIR, both modalities in one space.

    Args:
        before, after: Embeddings of the same clips without and with LIR.
        rows: Clip indices to show; beyond `MAX_CLIPS` an even, seeded draw of them is. Beyond `LAID_OUT` a draw of
            them is laid out, and `place_others` places the others.
        config: Neighbors, minimum distance, epochs and seed.
        report: Told of each step.

    Returns:
        Both maps in one frame of coordinates, with "trustworthiness_before", "trustworthiness_after",
        "neighbor_overlap" (mean share of nearest neighbors kept), "procrustes" (disparity of the maps),
        "procrustes_embedding" (of the embeddings themselves) and "neighbors" among the metrics; beyond `LAID_OUT`
        clips also "laid_out", how many were, and those come first.

    Raises:
        DataError: If the embeddings differ in their number of clips, or fewer than two clips are asked for.
        Cancelled: If `report` says so.
    """
    rows, others = _drawn(before, after, rows, config.seed)
    if not len(others):
        return _laid_out(before, after, rows, config, report)
    laid_out = _laid_out(before, after, rows, config, _part(report, 0.0, 0.5))
    return place_others(laid_out, before, after, others, config.seed, _part(report, 0.5, 1.0))


def _part(report: Report, low: float, high: float) -> Report:
    def told(fraction: float, message: str = "", **figures: float) -> None:
        report(low + (high - low) * fraction, message, **figures)

    return told


def _laid_out(
    before: Embeddings, after: Embeddings, rows: IntArray, config: ProjectionConfig, report: Report
) -> Projection:
    original = [stack_modalities(before, rows), stack_modalities(after, rows)]
    k = min(config.neighbors, len(original[0]) - 1)
    report(0.05, "Finding nearest neighbors")
    tables = [neighbor_table(points, k) for points in original]
    coordinates = [_scaled(_principal(points)) for points in original]
    if len(original[0]) >= 8:  # fewer points than that are a list, not a map
        report(0.15, "Laying out the start")
        first, later = max(5, config.epochs // 4), max(5, 3 * config.epochs // 8)
        jitter = np.random.default_rng(config.seed).normal(scale=1e-3, size=coordinates[0].shape)
        start = _umap(tables[0], coordinates[0] + jitter, first, config, 1.0)
        report(0.5, "Laying out the map without LIR")
        coordinates[0] = _umap(tables[0], start, later, config, _GENTLE)
        report(0.7, "Laying out the map with LIR")
        coordinates[1] = _umap(tables[1], start, later, config, _GENTLE)
    else:
        coordinates[1] = _aligned(coordinates[0], coordinates[1])
    report(0.9, "Measuring the maps")
    projection = _measured(original, tables, coordinates, rows, "umap", config.seed, max_queries=1000)
    report(1.0, "Maps are ready")
    return projection


def project_pca(
    before: Embeddings, after: Embeddings, rows: IntArray, *, neighbors: int = 15, seed: int = 0
) -> Projection:
    """Principal components of each embedding: a map at once, while UMAP is still at work.

    The second map is rotated, mirrored, scaled and shifted onto the first, which changes no distance ratio in it.

    Args:
        before, after: Embeddings of the same clips without and with LIR.
        rows: Clip indices to show; beyond `LAID_OUT` an even, seeded draw of them is.
        neighbors: k of the quality figures.
        seed: Draws clips if there are too many.

    Raises:
        DataError: If the embeddings differ in their number of clips, or fewer than two clips are asked for.
    """
    rows, _ = _drawn(before, after, rows, seed)
    original = [stack_modalities(before, rows), stack_modalities(after, rows)]
    tables = [neighbor_table(points, neighbors) for points in original]
    first = _scaled(_principal(original[0]))
    second = _aligned(first, _principal(original[1]))
    return _measured(original, tables, [first, second], rows, "pca", seed, max_queries=500)


def _drawn(before: Embeddings, after: Embeddings, rows: IntArray, seed: int) -> tuple[IntArray, IntArray]:
    """Clips to lay out, and the others that can be shown beside them."""
    if len(before.audio) != len(after.audio):
        raise DataError(
            f"{len(before.audio)} clips without LIR but {len(after.audio)} with it",
            where="projection",
            fix="Compare two students of the same data",
        )
    rows = np.asarray(rows)
    if len(rows) < 2:
        raise DataError(f"A map of {len(rows)} clip(s) shows nothing", where="projection", fix="Choose a larger split")
    if len(rows) <= LAID_OUT:
        return rows, rows[:0]
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.choice(rows, LAID_OUT, replace=False))
    others = np.setdiff1d(rows, drawn)
    if len(rows) > MAX_CLIPS:
        others = np.sort(rng.choice(others, MAX_CLIPS - LAID_OUT, replace=False))
    return drawn, others


def _principal(points: FloatArray) -> FloatArray:
    """The first two principal components; each axis' sign makes its largest entry positive. Shape (n, 2)."""
    centered = points.astype(np.float64) - points.mean(axis=0, dtype=np.float64)
    # The d x d covariance is small whatever n is, and eigh gives the same answer each time.
    _, vectors = np.linalg.eigh(centered.T @ centered)
    axes = vectors[:, ::-1][:, :2]
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.where(axes[largest, range(axes.shape[1])] < 0, -1.0, 1.0)
    projected = np.zeros((len(points), 2))
    projected[:, : axes.shape[1]] = centered @ axes
    return projected


def _scaled(coordinates: FloatArray) -> FloatArray:
    extent = float(np.abs(coordinates).max())
    scaled: FloatArray = coordinates * (_START_SPREAD / 2 / extent) if extent > 0 else coordinates
    return scaled


def _aligned(fixed: FloatArray, moving: FloatArray) -> FloatArray:
    """`moving`, rotated or mirrored, scaled and shifted as close to `fixed` as that allows."""
    center = fixed.mean(axis=0)
    first, second = fixed - center, moving - moving.mean(axis=0)
    left, values, right = np.linalg.svd(second.T @ first)
    size = float((second**2).sum())
    scale = float(values.sum()) / size if size > 0 else 1.0
    aligned: FloatArray = scale * second @ (left @ right) + center
    return aligned


def _umap(
    table: tuple[IntArray, FloatArray], start: FloatArray, epochs: int, config: ProjectionConfig, rate: float
) -> FloatArray:
    from avexplore.projection.layout import lay_out

    coordinates = lay_out(table, start, epochs, min_dist=config.min_dist, rate=rate, seed=config.seed)
    return np.nan_to_num(coordinates)


def gentle_umap(
    table: tuple[IntArray, FloatArray], start: FloatArray, epochs: int, config: ProjectionConfig
) -> FloatArray:
    """A layout that goes on from another one, at the rate of `project`'s second part.

    Args:
        table: `neighbor_table` of the points.
        start: Coordinates to go on from. Shape (n, 2).
        epochs: How long.
        config: Minimum distance and seed.

    Returns:
        Coordinates, the same each time. Shape (n, 2), float32.
    """
    return _umap(table, start, epochs, config, _GENTLE)


def _measured(
    original: list[FloatArray],
    tables: list[tuple[IntArray, FloatArray]],
    coordinates: list[FloatArray],
    rows: IntArray,
    method: str,
    seed: int,
    max_queries: int,
) -> Projection:
    k = tables[0][0].shape[1]
    drift = neighbor_drift(tables[0][0], tables[1][0])
    first, second = (values.astype(np.float32) for values in coordinates)
    return Projection(
        before=first,
        after=second,
        rows=rows,
        metrics={
            "trustworthiness_before": trustworthiness(original[0], first, k, max_queries=max_queries, seed=seed),
            "trustworthiness_after": trustworthiness(original[1], second, k, max_queries=max_queries, seed=seed),
            "neighbor_overlap": float(1.0 - drift.mean()),
            "procrustes": procrustes_disparity(first, second),
            "procrustes_embedding": procrustes_disparity(original[0], original[1]),
            "neighbors": float(k),
        },
        drift=drift.astype(np.float32),
        method=method,
    )
