"""What the soft-labels page counts: unannotated events, what comes with a class, calibration. Arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray
from avexplore.calibration.reliability import BINS, ReliabilityDiagram, reliability_diagram

Presence = Literal["either", "both", "audio", "visual"]
PRESENCE: dict[Presence, str] = {
    "either": "heard or seen",
    "both": "heard and seen",
    "audio": "heard",
    "visual": "seen",
}


MOST = 200
"""So many clips or events are listed."""


def strength(probabilities: FloatArray, presence: Presence) -> FloatArray:
    """How strongly each class is present, from both modalities.

    Args:
        probabilities: Audio first. Shape (2, n, C), in [0, 1].
        presence: "audio" or "visual" alone; "either" takes the larger, "both" the smaller of the two.

    Returns:
        Shape (n, C), in [0, 1].

    >>> strength(np.array([[[0.9, 0.1]], [[0.4, 0.6]]]), "both")
    array([[0.4, 0.1]])
    """
    audio, visual = probabilities
    chosen: FloatArray
    if presence in ("audio", "visual"):
        chosen = audio if presence == "audio" else visual
    else:
        chosen = np.maximum(audio, visual) if presence == "either" else np.minimum(audio, visual)
    return chosen


@dataclass(frozen=True)
class Events:
    """Unannotated events, the strongest first: class `event[k]` in clip `clip[k]`."""

    clip: IntArray
    event: IntArray
    strength: FloatArray


def unannotated_events(
    strengths: FloatArray,
    hard_label: IntArray,
    rows: IntArray,
    *,
    annotated: int | None = None,
    event: int | None = None,
    at_least: float = 0.0,
    most: int = MOST,
) -> Events:
    """Classes that a clip seems to hold beside its annotation, over some clips, the strongest first.

    Args:
        strengths: Shape (n, C).
        hard_label: Annotated class, -1 where unknown (then every class counts as unannotated). Shape (n,).
        rows: Clips to look at.
        annotated: Only clips annotated with this class.
        event: Only this class.
        at_least: Only events of this strength.
        most: Keep so many.

    >>> found = unannotated_events(np.array([[0.9, 0.5], [0.3, 0.6]]), np.array([0, 1]), np.arange(2))
    >>> found.clip, found.event
    (array([0, 1]), array([1, 0]))
    """
    if annotated is not None:
        rows = rows[hard_label[rows] == annotated]
    values = strengths[rows].copy()
    known = np.flatnonzero(hard_label[rows] >= 0)
    values[known, hard_label[rows][known]] = -1.0
    if event is not None:
        others = np.ones(values.shape[1], bool)
        others[event] = False
        values[:, others] = -1.0
    flat = values.ravel()
    candidates = np.flatnonzero(flat >= max(at_least, 0.0))
    order = candidates[np.argsort(-flat[candidates], kind="stable")][:most]
    return Events(rows[order // values.shape[1]], order % values.shape[1], flat[order])


def chance_rate(
    true_labels: BoolArray, hard_label: IntArray, rows: IntArray, *, annotated: int | None, event: int | None
) -> float:
    """How often a class that nobody annotated is truly there, whatever a teacher says of it; NaN without clips.

    Args:
        true_labels: Shape (n, C).
        hard_label: Annotated class, -1 where unknown. Shape (n,).
        rows: Clips to look at.
        annotated: Only clips annotated with this class.
        event: Only this class.

    >>> chance_rate(np.array([[True, True], [True, False]]), np.zeros(2, int), np.arange(2), annotated=None, event=None)
    0.5
    """
    if annotated is not None:
        rows = rows[hard_label[rows] == annotated]
    counted = np.arange(true_labels.shape[1]) != hard_label[rows, None]
    if event is not None:
        counted &= np.arange(true_labels.shape[1]) == event
    return float(true_labels[rows][counted].mean()) if counted.any() else float("nan")


def missed(strengths: FloatArray, hard_label: IntArray, rows: IntArray, most: int = MOST) -> Events:
    """Clips whose annotated class is the weakest first: mislabeled, silent, or out of sight."""
    rows = rows[hard_label[rows] >= 0]
    own = strengths[rows, hard_label[rows]]
    order = np.argsort(own, kind="stable")[:most]
    return Events(rows[order], hard_label[rows][order], own[order])


def mean_by_annotation(values: FloatArray, hard_label: IntArray, rows: IntArray) -> FloatArray:
    """Mean soft label of every class over the clips annotated with a class.

    Args:
        values: One modality. Shape (n, C).
        hard_label: Annotated class, -1 where unknown. Shape (n,).
        rows: Clips to look at.

    Returns:
        Row = annotated class, column = class; NaN where no clip is annotated with it. Shape (C, C).
    """
    count = values.shape[1]
    rows = rows[hard_label[rows] >= 0]
    sums = np.zeros((count, count))
    np.add.at(sums, hard_label[rows], values[rows])
    clips = np.bincount(hard_label[rows], minlength=count)
    with np.errstate(invalid="ignore"):
        return np.where(clips[:, None] > 0, sums / np.maximum(clips, 1)[:, None], np.nan)


def conditional(true_labels: BoolArray, rows: IntArray) -> FloatArray:
    """P(column's class | row's class) among clips; NaN where no clip holds the row's class. Shape (C, C).

    >>> conditional(np.array([[True, True], [True, False]]), np.arange(2))
    array([[1. , 0.5],
           [1. , 1. ]])
    """
    labels = true_labels[rows].astype(np.float64)
    joint = labels.T @ labels
    held = joint.diagonal()[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(held > 0, joint / held, np.nan)


@dataclass(frozen=True)
class Summary:
    """One class over some clips; NaN or -1 where it cannot be known.

    Attributes:
        annotated: Clips annotated with it.
        true: Clips that truly hold it, -1 if unknown.
        own_audio, own_visual: Mean soft label in the clips annotated with it.
        first_audio, first_visual: Share of those clips in which it is the strongest class.
        elsewhere: Clips of other annotations in which it is at least as strong as asked.
        right: Share of those that truly hold it.
    """

    annotated: int
    true: int
    own_audio: float
    own_visual: float
    first_audio: float
    first_visual: float
    elsewhere: int
    right: float


def summarize(
    probabilities: FloatArray,
    hard_label: IntArray,
    rows: IntArray,
    true_labels: BoolArray | None,
    *,
    presence: Presence,
    at_least: float,
) -> list[Summary]:
    """One summary per class, in class order."""
    found = []
    strengths = strength(probabilities, presence)[rows]
    hard = hard_label[rows]
    best = probabilities[:, rows].argmax(axis=2)
    for c in range(probabilities.shape[2]):
        own = hard == c
        strong = ~own & (strengths[:, c] >= at_least)
        held = None if true_labels is None else true_labels[rows, c]
        means = [float(p[rows][own, c].mean()) if own.any() else float("nan") for p in probabilities]
        firsts = [float((b[own] == c).mean()) if own.any() else float("nan") for b in best]
        found.append(
            Summary(
                annotated=int(own.sum()),
                true=-1 if held is None else int(held.sum()),
                own_audio=means[0],
                own_visual=means[1],
                first_audio=firsts[0],
                first_visual=firsts[1],
                elsewhere=int(strong.sum()),
                right=float(held[strong].mean()) if held is not None and strong.any() else float("nan"),
            )
        )
    return found


def diagram(values: FloatArray, hard_label: IntArray, rows: IntArray, bins: int = BINS) -> ReliabilityDiagram:
    """How often the strongest class is the annotated one, by how strong it is.

    Args:
        values: Probabilities of one modality. Shape (n, C).
        hard_label: Annotated class, -1 where unknown. Shape (n,).
        rows: Clips to look at; those of unknown annotation are left out.
        bins: Number of bins.
    """
    rows = rows[hard_label[rows] >= 0]
    confidence = values[rows].max(axis=1)
    right = values[rows].argmax(axis=1) == hard_label[rows]
    return reliability_diagram(confidence, right, bins)
