"""Linked nodes near each other, and boxes that do not overlap."""

from __future__ import annotations

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray


def fiedler(weights: FloatArray) -> FloatArray:
    """Numbers that put linked nodes near each other on a line: the second eigenvector of the Laplacian. Shape (n,).

    >>> np.argsort(fiedler(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0.0]])))[1].item()
    1
    """
    _, vectors = np.linalg.eigh(np.diag(weights.sum(axis=1)) - weights + 1e-6)
    vector = vectors[:, min(1, len(weights) - 1)]
    # Eigenvectors have no sign of their own: the largest entry decides.
    signed: FloatArray = (vector * (-1 if vector[np.argmax(np.abs(vector).round(9))] < 0 else 1)).round(9)
    return signed


def stress(weights: FloatArray, rounds: int = 120) -> FloatArray:
    """Distances in the plane like the shortest ways in the graph. Shape (n, 2)."""
    from scipy.sparse.csgraph import shortest_path

    n = len(weights)
    if n == 1:
        return np.zeros((1, 2))
    goal = shortest_path(np.where(weights > 0, 1.5 - 0.5 * weights / max(weights.max(), 1e-12), 0), directed=False)
    far = max(float(goal[np.isfinite(goal)].max()), 1.0) * 1.2
    goal = np.where(np.isfinite(goal), goal, far)
    np.fill_diagonal(goal, 1.0)
    return majorized(goal, np.argsort(np.argsort(fiedler(weights), kind="stable")), rounds)


def majorized(goal: FloatArray, ring: IntArray, rounds: int) -> FloatArray:
    """Places in the plane that are apart as is wished, the nearer the better kept. Shape (n, 2).

    Args:
        goal: Wished distances; 1 on the diagonal. Shape (n, n).
        ring: Where on a ring each begins, in 0..n - 1. Shape (n,).
        rounds: Of the majorization.

    References:
        Gansner, Koren, North, Graph drawing by stress majorization, Graph Drawing 2004.
    """
    trust = goal**-2.0
    np.fill_diagonal(trust, 0.0)
    inverse = np.linalg.pinv(np.diag(trust.sum(axis=1)) - trust)
    angle = 2 * np.pi * ring / len(goal)
    place: FloatArray = goal.mean() * np.column_stack([np.cos(angle), np.sin(angle)])
    for _ in range(rounds):
        apart = np.linalg.norm(place[:, None] - place[None], axis=2)
        ratio = -trust * goal / np.maximum(apart, 1e-9)
        np.fill_diagonal(ratio, 0.0)
        np.fill_diagonal(ratio, -ratio.sum(axis=1))
        place = inverse @ (ratio @ place)
    return place


def push_apart(place: FloatArray, boxes: FloatArray, gap: float, rounds: int = 600) -> FloatArray:
    """Move boxes along the shorter way until none are nearer than `gap`. Shape (n, 2)."""
    place = place.copy()
    half = np.column_stack([boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]]) / 2 + gap / 2
    shift = np.column_stack([boxes[:, 2] + boxes[:, 0], boxes[:, 3] + boxes[:, 1]]) / 2
    reach = half[:, None] + half[None]
    index = np.arange(len(place))
    later = index[:, None] < index[None]
    for _ in range(rounds):
        step = (place + shift)[:, None] - (place + shift)[None]
        overlap = reach - np.abs(step)
        clash: BoolArray = (overlap[..., 0] > 1e-6) & (overlap[..., 1] > 1e-6)
        np.fill_diagonal(clash, False)
        if not clash.any():
            break
        sideways = overlap[..., 0] < overlap[..., 1]
        sign = np.where(step >= 0, 1.0, -1.0)
        # Equal places: the later one gives way.
        sign[(step == 0) & later[..., None]] = -1.0
        push = np.stack([np.where(sideways, overlap[..., 0], 0), np.where(sideways, 0, overlap[..., 1])], axis=2)
        place += 0.35 * (sign * push * clash[..., None]).sum(axis=1) + 1e-9
    return place
