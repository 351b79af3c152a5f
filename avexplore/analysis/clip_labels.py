"""A clip's labels: what is annotated, what is hidden, what the teacher says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from avexplore.analysis.loaded_run import LoadedRun
from avexplore.artifacts import Clips

if TYPE_CHECKING:
    from avexplore.artifacts import IntArray, SoftLabels


ANNOTATED, HIDDEN, NOT_TRUE, UNKNOWN = "annotated", "true, not annotated", "", "not annotated"


@dataclass(frozen=True)
class LabelLine:
    """What is known and believed of one class in one clip; probabilities in [0, 1]."""

    name: str
    status: str
    audio: float
    visual: float


def label_lines(loaded: LoadedRun, clip: int, count: int = 6) -> list[LabelLine]:
    """The clip's annotated class first, then its other true classes, then the teacher's strongest guesses."""
    clips, chance = loaded.clips, loaded.soft(np.array([clip]))[:, 0]
    annotated = int(clips.hard_label[clip])
    hidden = hidden_classes(clips, clip)
    others = [int(c) for c in (-chance.max(axis=0)).argsort(kind="stable") if c != annotated and c not in hidden]
    lines = []
    for c in [annotated, *hidden, *others][: max(count, 1 + len(hidden))]:
        if c == annotated:
            status = ANNOTATED
        elif clips.true_labels is None:
            status = UNKNOWN
        else:
            status = HIDDEN if c in hidden else NOT_TRUE
        lines.append(LabelLine(clips.classes[c], status, float(chance[0, c]), float(chance[1, c])))
    return lines


def hidden_classes(clips: Clips, clip: int) -> list[int]:
    """True classes of a clip that nobody annotated; [] where the source does not know."""
    if clips.true_labels is None:
        return []
    return [int(c) for c in clips.true_labels[clip].nonzero()[0] if c != clips.hard_label[clip]]


def annotated_or_top(soft_labels: SoftLabels) -> IntArray:
    """The annotated class of each clip; where that is unknown, the teacher's first choice. Shape (n,)."""
    top = soft_labels.probabilities().sum(axis=0).argmax(axis=1)
    found: IntArray = np.where(soft_labels.hard_label >= 0, soft_labels.hard_label, top)
    return found


def annotation(soft_labels: SoftLabels, row: int) -> str:
    """A clip's annotated class; in brackets the teacher's first choice where that is unknown."""
    name = soft_labels.classes[int(annotated_or_top(soft_labels)[row])]
    return name if int(soft_labels.hard_label[row]) >= 0 else f"({name})"


def clip_name(clips: Clips | None, row: int) -> str:
    """What a clip is called."""
    return clips.clip_ids[row] if clips is not None else f"clip {row}"


@dataclass(frozen=True)
class LabelBar:
    """One class in one clip: its soft labels in [0, 1], and whether it is "annotated", "true" (only), or ""."""

    name: str
    audio: float
    visual: float
    known: str


def label_bars(soft_labels: SoftLabels, clips: Clips | None, row: int, count: int = 5) -> list[LabelBar]:
    """A clip's strongest soft labels, the strongest first; classes known to be there are always among them."""
    chance = soft_labels.probabilities()[:, row]
    known = np.zeros(len(soft_labels.classes), bool)
    if clips is not None and clips.true_labels is not None:
        known |= clips.true_labels[row]
    annotated = int(soft_labels.hard_label[row])
    if annotated >= 0:
        known[annotated] = True
    order = np.argsort(-chance.max(axis=0), kind="stable")
    kept = [int(c) for place, c in enumerate(order) if place < count or known[c]]
    words = {True: "true", False: ""}
    return [
        LabelBar(
            soft_labels.classes[c],
            float(chance[0, c]),
            float(chance[1, c]),
            "annotated" if c == annotated else words[bool(known[c])],
        )
        for c in kept
    ]
