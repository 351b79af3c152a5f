"""A clip's labels: what is annotated, what is hidden, what the teacher says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from avexplore.artifacts import Clips, IntArray, SoftLabels


ANNOTATED, HIDDEN, NOT_TRUE, UNKNOWN = "annotated", "true, not annotated", "", "not annotated"


@dataclass(frozen=True)
class LabelLine:
    """What is known and believed of one class in one clip; probabilities in [0, 1]."""

    name: str
    status: str
    audio: float
    visual: float


def label_lines(soft_labels: SoftLabels, clips: Clips | None, clip: int, count: int = 6) -> list[LabelLine]:
    """The clip's annotated class first, then its other true classes, then the teacher's strongest guesses.

    Args:
        soft_labels: What the teacher says.
        clips: What is known of the clips, if anything beside their annotation.
        clip: Row of the clip.
        count: How many lines; classes that are known to be there are always among them.
    """
    chance = soft_labels.probabilities(np.array([clip]))[:, 0]
    annotated = int(soft_labels.hard_label[clip])
    hidden = [] if clips is None else hidden_classes(clips, clip)
    known = [*([annotated] if annotated >= 0 else []), *hidden]
    others = [int(c) for c in np.argsort(-chance.max(axis=0), kind="stable") if int(c) not in known]
    otherwise = UNKNOWN if clips is None or clips.true_labels is None else NOT_TRUE
    status = dict.fromkeys(hidden, HIDDEN) | {annotated: ANNOTATED}
    return [
        LabelLine(soft_labels.classes[c], status.get(c, otherwise), float(chance[0, c]), float(chance[1, c]))
        for c in [*known, *others][: max(count, len(known))]
    ]


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
