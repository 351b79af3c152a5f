"""Figures of a student that its ranking alone does not show: how near it brings linked clips, and how right its links
are."""

from __future__ import annotations

import numpy as np

from avexplore.artifacts import Affinity, Clips, Embeddings, FloatArray, SoftLabels
from avexplore.graph.truth import class_pair_scores, compare_with_truth, training_co_occurrence


def delta_d(
    twin: Embeddings, student: Embeddings, soft_labels: SoftLabels, clips: Clips, affinity: Affinity, split: str
) -> float:
    """Mean Delta-D over the strongest edges between different classes; NaN where no pair of clips activates one.

    Every arm of a seed is measured on the same edges, those of the inferred graph, so that arms can be compared: a
    control that brings the graph's clips together as much as the graph does shows so.

    Args:
        twin: Embeddings without LIR, of all clips.
        student: Those of the arm.
        soft_labels: Of the teacher.
        clips: Labels and splits.
        affinity: Weights from the inferred graph.
        split: Clips that are looked at.
    """
    from avexplore.retrieval.delta_distance import delta_distance

    rows = clips.rows(split)
    probabilities = soft_labels.probabilities()[:, rows]
    found = delta_distance(twin.at(rows), student.at(rows), probabilities, clips.hard_label[rows], affinity.weights)
    return found.mean.mean


def link_quality(weights: FloatArray, clips: Clips) -> dict[str, float]:
    """Precision and recall of the linked class pairs against the true co-occurrence in the training clips.

    Args:
        weights: A-hat. Shape (2C, 2C).
        clips: With all true labels; without them the result is empty.

    Returns:
        "link_precision", "link_recall", in [0, 1], NaN where nothing is linked, or nothing truly co-occurs; and
        "linked_pairs", their number, without which the two say little.
    """
    if clips.true_labels is None:
        return {}
    scores = class_pair_scores(weights)
    found = compare_with_truth(scores, class_pair_scores(training_co_occurrence(clips)))
    count = float(np.count_nonzero(np.triu(scores, 1)))
    return {"link_precision": found.precision, "link_recall": found.recall, "linked_pairs": count}
