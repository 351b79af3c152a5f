"""How far to trust a map, and how far an embedding moved: figures, not impressions.

Two spaces are told apart throughout: the *original* space of the embeddings (the d columns that both modalities share)
and a *map* of it (two-dimensional, what people look at). Both are measured by Euclidean distance, as UMAP sees them.
Retrieval ranks by products in the original space, which is the same order only where its rows have one length: where
the network is unsure they are shorter, and a clip's neighbors are then not its first answers.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from avexplore.artifacts import Embeddings, FloatArray, IntArray
from avexplore.errors import DataError

_CHUNK_CELLS = 500_000
"""Distances held at once: 4 MB as float64, about what a cache holds."""


def stack_modalities(embeddings: Embeddings, rows: IntArray) -> FloatArray:
    """Audio of `rows`, then visual of `rows`, in the space that both share. Shape (2m, d), float32, contiguous.

    Columns that one modality has for itself alone are left out: they would set the modalities apart on every map.
    """
    both = np.concatenate([part[rows] for part in embeddings.shared])
    return np.ascontiguousarray(both, dtype=np.float32)


def neighbor_table(points: FloatArray, count: int) -> tuple[IntArray, FloatArray]:
    """Each point's nearest other points, exact.

    Args:
        points: Shape (n, d).
        count: How many neighbors; at most n - 1 are returned.

    Returns:
        Indices, nearest first, without the point itself, shape (n, count); Euclidean distances, same shape. For
        unit-length rows the order is that of the cosine distance.

    >>> neighbor_table(np.array([[0.0], [1.0], [3.0]]), 1)[0].ravel()
    array([1, 0, 1])
    """
    from sklearn.neighbors import NearestNeighbors

    count = min(count, len(points) - 1)
    if count < 1:
        raise DataError("A single point has no neighbors", where="projection", fix="Use more clips")
    algorithm = "kd_tree" if points.shape[1] <= 3 else "brute"
    index = NearestNeighbors(n_neighbors=count, algorithm=algorithm).fit(points)
    distances, indices = index.kneighbors()
    return indices, distances


def nearest(points: FloatArray, query: FloatArray, count: int, *, skip: int = -1) -> tuple[IntArray, FloatArray]:
    """The points most similar to one query, best first; ties go to the lower index.

    Args:
        points: Shape (n, d).
        query: Shape (d,).
        count: How many.
        skip: Index that is left out (the query itself), -1 for none.

    Returns:
        Indices and products with the query: cosines, for rows of unit length. Shapes (count,).
    """
    similarity = points @ query
    order = np.argsort(-similarity, kind="stable")
    order = order[order != skip][:count]
    return order, similarity[order]


def neighbor_drift(before: IntArray, after: IntArray) -> FloatArray:
    """1 - share of a point's k nearest neighbors that it kept. Shape (n,), in [0, 1].

    Args:
        before, after: Neighbor indices without the point itself. Shape (n, k).

    >>> neighbor_drift(np.array([[1, 2]]), np.array([[2, 3]]))
    array([0.5])
    """
    if before.shape != after.shape:
        raise DataError(f"Shapes {before.shape} and {after.shape} differ", where="neighbor tables")
    # k is small (15): comparing k x k beats sorting, and stays exact.
    kept = (before[:, :, None] == after[:, None, :]).any(axis=2).sum(axis=1)
    drift: FloatArray = 1.0 - kept / before.shape[1]
    return drift


def procrustes_disparity(before: FloatArray, after: FloatArray) -> float:
    """What differs between two clouds once shift, scale and rotation are taken out; 0 = the same shape, below 1.

    M^2 = 1 - (sum of singular values of B^T A)^2, with B and A centered and of unit Frobenius norm.

    Args:
        before, after: Matching rows. Shape (n, d).

    References:
        Gower (1975), Generalized Procrustes analysis; `scipy.spatial.procrustes` returns the same figure.

    >>> square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    >>> abs(round(procrustes_disparity(square, 3 * square[:, ::-1] + 7), 9))
    0.0
    """
    first, second = _standardized(before), _standardized(after)
    if first is None or second is None:
        # A collapsed cloud has no shape: equal to another collapsed one, unlike anything else.
        return 0.0 if first is second else 1.0
    overlap = float(np.linalg.svd(first.T @ second, compute_uv=False).sum())
    return max(0.0, 1.0 - overlap**2)


def _standardized(points: FloatArray) -> FloatArray | None:
    centered = points.astype(np.float64) - points.mean(axis=0, dtype=np.float64)
    norm = float(np.linalg.norm(centered))
    scale = float(np.abs(points).max()) if points.size else 0.0
    if norm <= 1e-12 * max(scale, 1e-300) * np.sqrt(max(points.size, 1)):
        return None
    standardized: FloatArray = centered / norm
    return standardized


def trustworthiness(
    original: FloatArray, coordinates: FloatArray, neighbors: int, *, max_queries: int = 2000, seed: int = 0
) -> float:
    """Share of what a map shows as close that is close in the original space.

    T(k) = 1 - 2 / (n k (2n - 3k - 1)) * sum_i sum_{j in N_k(i) of the map} max(0, r(i, j) - k), where r(i, j) is the
    rank of j among i's neighbors in the original space.

    Args:
        original: Shape (n, d).
        coordinates: The map. Shape (n, 2).
        neighbors: k, lowered to what n allows (below n / 2).
        max_queries: At most so many points i are looked at, drawn evenly; their neighbors come from all n points.
        seed: Draws them.

    Returns:
        A value in [0, 1]; 1 for a map that invents no neighbors. Exact if n <= `max_queries`.

    References:
        Venna & Kaski (2001), Neighborhood preservation in nonlinear projection methods. Equal to
        `sklearn.manifold.trustworthiness`, which needs n x n memory.
    """
    trusted = point_trustworthiness(original, coordinates, neighbors, max_queries=max_queries, seed=seed)
    return float(np.nanmean(trusted))


def point_trustworthiness(
    original: FloatArray, coordinates: FloatArray, neighbors: int, *, max_queries: int = 2000, seed: int = 0
) -> FloatArray:
    """Each point's share of the `trustworthiness`, which is the mean over points; NaN where not looked at. Shape (n,).

    Arguments are those of `trustworthiness`. A single point can fall below 0.
    """
    n = len(original)
    k = min(neighbors, (n - 1) // 2)
    if k < 1:
        return np.ones(n)
    chosen = np.arange(n)
    if n > max_queries:
        chosen = np.sort(np.random.default_rng(seed).choice(n, max_queries, replace=False))
    near, _ = neighbor_table(coordinates, k)
    original = original.astype(np.float64)
    squares = np.einsum("ij,ij->i", original, original)
    trusted = np.full(n, np.nan)
    step = max(1, _CHUNK_CELLS // n)
    for start in range(0, len(chosen), step):
        rows = chosen[start : start + step]
        distances = squares[rows, None] - 2.0 * (original[rows] @ original.T) + squares[None, :]
        distances[np.arange(len(rows)), rows] = -np.inf  # the point itself has rank 0
        shown = np.take_along_axis(distances, near[rows], axis=1)
        # k passes that count what is closer take a fraction of the time of sorting all distances.
        ranks = np.stack([np.count_nonzero(distances < shown[:, j, None], axis=1) for j in range(k)], axis=1)
        penalty = np.maximum(ranks - k, 0).sum(axis=1)
        trusted[rows] = 1.0 - 2.0 / (k * (2.0 * n - 3.0 * k - 1.0)) * penalty
    return trusted


def class_drift(drift: FloatArray, labels: IntArray, classes: tuple[str, ...]) -> Mapping[str, FloatArray]:
    """Mean drift per class and modality.

    Args:
        drift: As in `Projection.drift`: audio of the m clips, then visual. Shape (2m,).
        labels: Annotated class of the m clips. Shape (m,).
        classes: Names of the C classes.

    Returns:
        Name -> mean drift of its audio points and of its visual points, NaN where it has no clip. Shapes (2,).

    >>> class_drift(np.array([0.0, 0.5, 0.25, 1.0]), np.array([0, 1]), ("Bus", "Cat"))["Cat"]
    array([0.5, 1. ])
    """
    both = drift.reshape(2, -1)
    if both.shape[1] != len(labels):
        raise DataError(f"{both.shape[1]} points per modality but {len(labels)} labels", where="drift")
    counts = np.bincount(labels, minlength=len(classes)).astype(np.float64)
    counts[counts == 0] = np.nan
    sums = np.stack([np.bincount(labels, weights=values, minlength=len(classes)) for values in both])
    return {name: sums[:, c] / counts[c] for c, name in enumerate(classes)}
