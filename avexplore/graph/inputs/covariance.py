"""Correlation matrices: of a table, of many bootstrap resamples of it at once, and of a table that comes in pieces.

All that the search needs to know of the data is the correlation matrix and the number of rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avexplore.artifacts import FloatArray
from avexplore.errors import DataError

Float64 = NDArray[np.float64]

BLOCK = 1 << 23
"""Numbers of a large table that are looked at together: 64 MiB of them."""

CONSTANT = 1e-12
"""A column whose standard deviation is below this share of its largest magnitude counts as constant."""


def correlation(matrix: FloatArray) -> Float64:
    """Pearson correlations of columns; a constant column correlates with nothing.

    Large tables are read block by block, so that a memory-mapped file need not fit into memory.

    Args:
        matrix: Shape (n, p), of any real type.

    Returns:
        Shape (p, p), ones on the diagonal, symmetric.

    Raises:
        DataError: If the table is empty or holds NaN or infinite values.

    >>> correlation(np.array([[0.0, 1.0, 5.0], [1.0, 3.0, 5.0], [2.0, 5.0, 5.0]])).round(3) + 0.0
    array([[1., 1., 0.],
           [1., 1., 0.],
           [0., 0., 1.]])
    """
    table = np.asarray(matrix)
    accumulator = CorrelationAccumulator(table.shape[1] if table.ndim == 2 else 0)
    step = max(1, BLOCK // max(accumulator.variables, 1))
    for first in range(0, max(len(table), 1) if table.ndim else 1, step):
        accumulator.add(table[first : first + step] if table.ndim else table)
    return accumulator.correlation()


class CorrelationAccumulator:
    """Correlations in one pass over batches of rows: memory does not grow with their number.

    Batch means and co-moments are merged by the pairwise update of Chan, Golub and LeVeque, which keeps full precision
    where the textbook sum of squares cancels.

    References:
        Chan, Golub, LeVeque 1983, Algorithms for computing the sample variance.

    >>> rows = np.random.default_rng(0).normal(size=(100, 3)) + 1e6
    >>> accumulator = CorrelationAccumulator(3)
    >>> for batch in np.array_split(rows, 7):
    ...     accumulator.add(batch)
    >>> accumulator.samples, bool(np.allclose(accumulator.correlation(), np.corrcoef(rows.T)))
    (100, True)
    """

    def __init__(self, variables: int) -> None:
        self.samples, self.variables = 0, variables
        self._mean = np.zeros(variables)
        self._moment = np.zeros((variables, variables))
        self._largest = np.zeros(variables)

    def add(self, rows: FloatArray) -> None:
        """Take in a batch of rows. Shape (m, p).

        Raises:
            DataError: If the batch has another number of columns or holds NaN or infinite values.
        """
        batch = np.asarray(rows, np.float64)
        if batch.ndim != 2 or batch.shape[1] != self.variables:
            raise DataError(f"Expected rows of {self.variables} columns, got shape {batch.shape}", where="table")
        if len(batch) == 0:
            return
        mean = batch.mean(axis=0)
        if not np.isfinite(mean).all():
            column = int(np.flatnonzero(~np.isfinite(mean))[0])
            raise DataError(f"Column {column} holds NaN or infinite values", where="table")
        centered = batch - mean
        # The mean of many rows is off by the round-off of their sum, by which even a constant column would vary.
        rest = centered.mean(axis=0)
        mean, centered = mean + rest, centered - rest
        total = self.samples + len(batch)
        shift = mean - self._mean
        self._moment += centered.T @ centered
        self._moment += np.outer(shift, shift * (self.samples * len(batch) / total))
        self._mean += shift * (len(batch) / total)
        np.maximum(self._largest, np.abs(batch).max(axis=0), out=self._largest)
        self.samples = total

    def covariance(self) -> Float64:
        """Maximum-likelihood covariances (divided by n). Shape (p, p)."""
        if self.samples == 0:
            raise DataError("There are no rows", where="table")
        return self._moment / self.samples

    def correlation(self) -> Float64:
        """Correlations. Shape (p, p)."""
        covariance = self.covariance()
        deviation = np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
        constant = deviation <= CONSTANT * self._largest
        inverse = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, deviation))
        result: Float64 = np.clip(covariance * inverse[:, None] * inverse[None, :], -1.0, 1.0)
        np.fill_diagonal(result, 1.0)
        return result


def bootstrap_correlations(matrix: FloatArray, count: int, seed: int = 0) -> Float64:
    """Correlations of `count` bootstrap resamples (n rows drawn with replacement).

    Each resample is centered on its own mean. Sums of squares of the whole table's columns would be one matrix product
    for all resamples, but where a resample leaves out the only clips in which a column varies, they cancel to noise.

    Args:
        matrix: Shape (n, p).
        count: B.
        seed: Draws the rows; the same for any machine.

    Returns:
        Shape (B, p, p).

    Raises:
        DataError: As `correlation`.
    """
    table = np.asarray(matrix, np.float64)
    correlation(table)  # refuses what a resample may miss
    n, p = table.shape
    times_drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=count)
    result = np.empty((count, p, p))
    for b, times in enumerate(times_drawn):
        result[b] = correlation(np.repeat(table, times, axis=0))
    return result
