"""Figures of a student that its ranking alone does not show: how near it brings linked clips, and how right its links
are."""

from __future__ import annotations

import numpy as np

from avexplore.artifacts import Affinity, Clips, Embeddings, FloatArray, SoftLabels


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

    rows, count = clips.rows(split), len(clips.classes)
    weights = np.array(affinity.weights)
    for offset in (count, -count):
        weights[np.eye(2 * count, k=offset, dtype=bool)] = 0.0  # LIR links these by the identity, not by the graph
    before, after = (Embeddings(z.audio[rows], z.visual[rows]) for z in (twin, student))
    probabilities = soft_labels.probabilities()[:, rows]
    return delta_distance(before, after, probabilities, clips.hard_label[rows], weights).mean.mean


def link_quality(weights: FloatArray, clips: Clips) -> dict[str, float]:
    """Precision and recall of the linked class pairs against the true co-occurrence in the training clips.

    Args:
        weights: A-hat. Shape (2C, 2C).
        clips: With all true labels; without them the result is empty.

    Returns:
        "link_precision", "link_recall", in [0, 1]; NaN where nothing is linked, or nothing truly co-occurs.
    """
    if clips.true_labels is None:
        return {}
    from avexplore.graph.truth import class_pair_scores, compare_with_truth, true_co_occurrence

    rows = clips.rows("train")
    by_ear, by_eye = (None if labels is None else labels[rows] for labels in (clips.true_audio, clips.true_visual))
    truth = true_co_occurrence(clips.true_labels[rows], true_audio=by_ear, true_visual=by_eye)
    found = compare_with_truth(class_pair_scores(weights), class_pair_scores(truth))
    return {"link_precision": found.precision, "link_recall": found.recall}
