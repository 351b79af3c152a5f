"""How often is a teacher right when it says how sure it is? The reliability diagram and its calibration error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray

BINS = 15


@dataclass(frozen=True)
class ReliabilityDiagram:
    """Answers in bins of equal width by confidence.

    Attributes:
        confidence: Mean confidence of each bin, NaN if empty. Shape (bins,), in [0, 1].
        accuracy: Share of correct answers of each bin, NaN if empty. Shape (bins,), in [0, 1].
        count: Answers in each bin. Shape (bins,).
        error: Expected calibration error, in [0, 1].
    """

    confidence: FloatArray
    accuracy: FloatArray
    count: IntArray
    error: float


def reliability_diagram(confidence: FloatArray, correct: BoolArray, bins: int = BINS) -> ReliabilityDiagram:
    """Sort answers into bins of equal width by confidence; compare with how often they are right.

    ECE = sum over bins of (count / n) * |accuracy - confidence|.

    Args:
        confidence: Of each answer, in [0, 1]. Shape (n,).
        correct: Whether it was right. Shape (n,).
        bins: Number of bins.

    References:
        Guo et al., On Calibration of Modern Neural Networks, ICML 2017.

    >>> float(reliability_diagram(np.array([0.9, 0.9, 0.1, 0.1]), np.array([True, False, False, False])).error)
    0.25
    """
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_confidence = np.bincount(index, confidence, bins) / count
        accuracy = np.bincount(index, correct.astype(float), bins) / count
    gap = np.abs(np.nan_to_num(accuracy - mean_confidence))
    error = float((count * gap).sum() / max(count.sum(), 1))
    return ReliabilityDiagram(mean_confidence, accuracy, count, error)
