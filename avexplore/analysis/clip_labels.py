"""A clip's labels: what is annotated, what is hidden, what the teacher says."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from avexplore.artifacts import Clips, IntArray, SoftLabels

ANNOTATED, HIDDEN, NOT_TRUE, UNKNOWN = "annotated", "true, not annotated", "", "not annotated"


MOST_KNOWN = 12
"""Of a clip with more true classes, as many are told."""


@dataclass(frozen=True)
class LabelLine:
    """What is known and believed of one class in one clip; probabilities in [0, 1]."""

    name: str
    status: str
    audio: float
    visual: float


def label_lines(
    soft_labels: SoftLabels, clips: Clips | None, clip: int, count: int = 6, most_known: int = MOST_KNOWN
) -> list[LabelLine]:
    """The clip's annotated class first, then its other true classes, then the teacher's strongest guesses.

    Args:
        soft_labels: What the teacher says.
        clips: What is known of the clips, if anything beside their annotation.
        clip: Row of the clip.
        count: How many lines; more, if more classes are known to be there.
        most_known: Of these, so many are told: those that the teacher finds most.
    """
    chance = soft_labels.probabilities(np.array([clip]))[:, 0]
    annotated = int(soft_labels.hard_label[clip])
    hidden = set[int]() if clips is None else set(hidden_classes(clips, clip))
    strongest = [int(c) for c in np.argsort(-chance.max(axis=0), kind="stable")]
    present = [*([annotated] if annotated >= 0 else []), *(c for c in strongest if c in hidden)]
    known = present[:most_known]
    others = [c for c in strongest if c not in present]
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
    return np.where(soft_labels.hard_label >= 0, soft_labels.hard_label, top)


def annotation(soft_labels: SoftLabels, row: int) -> str:
    """A clip's annotated class; in brackets the teacher's first choice where that is unknown."""
    name = soft_labels.classes[int(annotated_or_top(soft_labels)[row])]
    return name if int(soft_labels.hard_label[row]) >= 0 else f"({name})"


def clip_name(clips: Clips | None, row: int) -> str:
    """What a clip is called beside its class: its name in the data, where that says something; else its number."""
    return clips.clip_ids[row] if clips is not None and says_something(clips.clip_ids[row]) else f"clip {row}"


def clip_title(clips: Clips, row: int) -> str:
    """What a clip is called where nothing stands beside it: its class, and its name or number."""
    return f"{clips.classes[int(clips.hard_label[row])]}, {clip_name(clips, row)}"


_WORD = re.compile(r"[^\W\d_]{3,}")
_COUNTED = {
    "shard", "row", "clip", "video", "audio", "sample", "synthetic", "item", "file", "train", "test", "validation",
}  # fmt: skip
_YOUTUBE = re.compile(r"[\w-]{11}(?:_\d+)*")


def says_something(clip_id: str) -> bool:
    """Whether a clip's id means something to a person: it has a word, and is no hash or place in a file.

    >>> says_something("dog barks 3")
    True
    >>> [says_something(text) for text in ("shard 0 row 9", "synthetic_0004", "9f86d081884c", "dQw4w9WgXcQ")]
    [False, False, False, False]
    """
    text = clip_id.strip().rpartition("/")[2]
    mixed = any(sign.isdigit() for sign in text[:11]) or (text != text.lower() and text[1:11] != text[1:11].lower())
    if _YOUTUBE.fullmatch(text) and mixed and " " not in text and "_" not in text[:11].strip("_"):
        return False
    if re.fullmatch(r"(?i)[0-9a-f]{8,}", text.replace("-", "")):
        return False
    words = [word.lower() for word in _WORD.findall(text)]
    return any(word not in _COUNTED for word in words)
