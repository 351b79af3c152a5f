"""How far the soft labels of one class can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from avexplore.analysis.edge_evidence import MODALITY_INDEX, true_labels
from avexplore.artifacts import split_node

if TYPE_CHECKING:
    from avexplore.artifacts import Clips, FloatArray, IntArray, SoftLabels


@dataclass(frozen=True)
class Reliability:
    """What the teacher says of a class, beside what is known, over clips that it was not trained with if there are any.

    Attributes:
        confidence: Mean probability in each of the bins of equal width. Shape (bins,), NaN where empty.
        annotated: Share of each bin's clips annotated with the class. Shape (bins,), NaN where empty or unknown.
        true: Share that truly holds it; None if unknown. Shape (bins,).
        count: Clips per bin. Shape (bins,).
        error: Expected calibration error against the annotation, sum of count / n x |annotated - confidence|; NaN
            if annotations are unknown.
        mean_probability, annotated_share, true_share: The same over all bins; NaN if unknown.
        clips, split: How many clips, and which.
    """

    confidence: FloatArray
    annotated: FloatArray
    true: FloatArray | None
    count: IntArray
    error: float
    mean_probability: float
    annotated_share: float
    true_share: float
    clips: int
    split: str


def reliability(soft_labels: SoftLabels, node: str, clips: Clips | None = None, bins: int = 8) -> Reliability | None:
    """Reliability of one class, one against the rest; None without clips.

    References:
        Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """
    modality, label = split_node(node)
    column = soft_labels.classes.index(label)
    split = next((name for name in ("validation", "test", "train", "all") if len(soft_labels.rows(name))), "all")
    rows = soft_labels.rows(split)
    if not len(rows):
        return None
    said = soft_labels.probabilities()[MODALITY_INDEX[modality], rows, column]
    place = np.minimum((said * bins).astype(int), bins - 1)
    count = np.bincount(place, minlength=bins)

    def per_bin(values: FloatArray) -> FloatArray:
        share: FloatArray = np.full(bins, np.nan)
        np.divide(np.bincount(place, values, bins), count, out=share, where=count > 0)
        return share

    confidence = per_bin(said)
    known = soft_labels.hard_label[rows]
    annotated = per_bin((known == column).astype(float)) if (known >= 0).all() else np.full(bins, np.nan)
    truth = true_labels(clips, modality)
    held = None if truth is None else truth[rows, column].astype(float)
    gap = np.abs(annotated - confidence)[count > 0]
    return Reliability(
        confidence=confidence,
        annotated=annotated,
        true=None if held is None else per_bin(held),
        count=count,
        error=float((count[count > 0] * gap).sum() / len(rows)),
        mean_probability=float(said.mean()),
        annotated_share=float((known == column).mean()) if (known >= 0).all() else float("nan"),
        true_share=float("nan") if held is None else float(held.mean()),
        clips=len(rows),
        split=split,
    )
