"""How far the soft labels of one class can be believed."""

from __future__ import annotations

from dataclasses import dataclass

from avexplore.analysis.edge_evidence import MODALITY_INDEX, true_labels
from avexplore.artifacts import BoolArray, Clips, SoftLabels, split_node
from avexplore.calibration.reliability import ReliabilityDiagram, reliability_diagram


@dataclass(frozen=True)
class ClassReliability:
    """What the teacher says of a class, beside what is known, over clips that it was not trained with if there are any.

    Attributes:
        annotated: Against the annotation; None if annotations are unknown.
        true: Against what the clips truly hold; None if unknown.
        mean_probability, annotated_share, true_share: The same over all bins; NaN if unknown.
        clips, split: How many clips, and which.
    """

    annotated: ReliabilityDiagram | None
    true: ReliabilityDiagram | None
    mean_probability: float
    annotated_share: float
    true_share: float
    clips: int
    split: str


def reliability(
    soft_labels: SoftLabels, node: str, clips: Clips | None = None, bins: int = 8
) -> ClassReliability | None:
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
    known = soft_labels.hard_label[rows]
    annotated = known == column if (known >= 0).all() else None
    truth = true_labels(clips, modality)
    held = None if truth is None else truth[rows, column].astype(bool)

    def against(fact: BoolArray | None) -> tuple[ReliabilityDiagram | None, float]:
        return (None, float("nan")) if fact is None else (reliability_diagram(said, fact, bins), float(fact.mean()))

    (by_annotation, annotated_share), (by_truth, true_share) = against(annotated), against(held)
    mean = float(said.mean())
    return ClassReliability(by_annotation, by_truth, mean, annotated_share, true_share, len(rows), split)
