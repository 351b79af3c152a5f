"""Standardizing features with means and deviations that only training clips had a say in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avexplore.artifacts import Artifact, FeatureSet, FloatArray, IntArray
from avexplore.errors import DataError
from avexplore.large_arrays import summed


@dataclass(frozen=True)
class Standardizer(Artifact):
    """Subtracts the training clips' mean and divides by their standard deviation, per feature.

    Attributes:
        mean: Shape (d,), float32.
        scale: Standard deviation, 1 for features that do not vary. Shape (d,), float32.
    """

    mean: FloatArray
    scale: FloatArray

    @classmethod
    def fit(cls, values: FloatArray, rows: IntArray | None = None) -> Standardizer:
        """Learn mean and deviation from training rows.

        Args:
            values: Shape (n, d).
            rows: At least one of them; None takes all.

        >>> Standardizer.fit(np.array([[0.0, 5.0], [2.0, 5.0]])).scale
        array([1., 1.], dtype=float32)
        """
        if rows is None:
            rows = np.arange(len(values))
        if len(rows) == 0:
            raise DataError("There are no training clips to fit on", where="standardizer")
        mean = means(values, rows)

        def squares(block: FloatArray) -> FloatArray:
            centered = block - mean
            centered *= centered
            total: FloatArray = centered.sum(axis=0)
            return total

        # A constant column's computed deviation is rounding error, not a scale.
        deviation = np.sqrt(summed(values, rows, squares) / len(rows))
        flat = deviation <= 1e-7 * np.maximum(1.0, np.abs(mean))
        return cls(mean.astype(np.float32), np.where(flat, 1.0, deviation).astype(np.float32))

    @classmethod
    def fit_features(cls, features: FeatureSet) -> tuple[Standardizer, Standardizer]:
        """Fit one per modality, audio first, on the training clips of a feature set."""
        rows = features.rows("train")
        return cls.fit(features.audio, rows), cls.fit(features.visual, rows)

    def transform(self, values: FloatArray) -> FloatArray:
        """Standardized rows. Shape (n, d), float32."""
        if values.ndim != 2 or values.shape[1] != len(self.mean):
            raise DataError(f"Expected {len(self.mean)} features, got shape {values.shape}", where="standardizer")
        result: FloatArray = ((values - self.mean) / self.scale).astype(np.float32)
        return result


def means(values: FloatArray, rows: IntArray) -> FloatArray:
    """Mean of each column over some rows. Shape (d,), float64."""
    return summed(values, rows, lambda block: block.sum(axis=0, dtype=np.float64)) / len(rows)
