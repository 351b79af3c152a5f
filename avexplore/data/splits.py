"""Which clips train, validate and test: drawn class by class, so that every split sees every class it can."""

from __future__ import annotations

import numpy as np

from avexplore.artifacts import SPLITS, BoolArray, IntArray

TRAIN, VALIDATION, TEST = range(len(SPLITS))


def stratified(labels: IntArray, fraction: float, seed: int) -> BoolArray:
    """Draw a share of the clips of every class.

    A class of k clips gives round(fraction * k), but at least 1 and at most k - 1 where k >= 2; a class of one clip
    gives none, so that what is left never lacks a class.

    Args:
        labels: Class of each clip. Shape (n,).
        fraction: Share to draw, in [0, 1].
        seed: Equal seeds draw equal clips.

    Returns:
        Whether a clip was drawn. Shape (n,), bool.

    >>> stratified(np.array([0, 0, 0, 0, 1, 1]), 0.25, seed=0).sum()
    np.int64(2)
    """
    if len(labels) == 0:
        return np.zeros(0, bool)
    key = np.random.default_rng(seed).random(len(labels))
    order = np.lexsort((key, labels))
    ordered = labels[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sizes = np.diff(np.r_[starts, len(labels)])
    take = np.round(fraction * sizes).astype(np.int64).clip(1, None)
    take = np.minimum(take, sizes - 1)
    rank = np.arange(len(labels)) - np.repeat(starts, sizes)
    drawn = np.zeros(len(labels), bool)
    drawn[order] = rank < np.repeat(take, sizes)
    return drawn


def split_off_validation(split: IntArray, labels: IntArray, fraction: float, seed: int) -> IntArray:
    """Turn a share of the training clips into validation clips; the test clips stay.

    Args:
        split: Index into `SPLITS` per clip. Shape (n,).
        labels: Class of each clip. Shape (n,).
        fraction: Share of the training clips, in [0, 1].
        seed: Equal seeds draw equal clips.

    Returns:
        A new split. Shape (n,), int8.
    """
    result = split.astype(np.int8)
    train = np.flatnonzero(result == TRAIN)
    result[train[stratified(labels[train], fraction, seed)]] = VALIDATION
    return result
