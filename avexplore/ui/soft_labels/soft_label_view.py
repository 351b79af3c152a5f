"""What the soft labels page shows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from avexplore.analysis import clip_labels
from avexplore.artifacts import BoolArray, Clips, FloatArray, IntArray, SoftLabels, TrainedTeacher


@dataclass(frozen=True)
class SoftLabelView:
    """What the page is about: one run's soft labels, and what is known of the clips.

    Attributes:
        key: The run's short address.
        soft: The soft labels.
        clips: Labels and names of the same rows; None for soft labels that came as a file.
        teacher: With calibration; None for a file.
    """

    key: str
    soft: SoftLabels
    clips: Clips | None
    teacher: TrainedTeacher | None

    @cached_property
    def probabilities(self) -> FloatArray:
        """Calibrated, audio first. Shape (2, n, C), float32."""
        return self.soft.probabilities().astype(np.float32)

    @property
    def hard_label(self) -> IntArray:
        """Annotated class, -1 where unknown. Shape (n,)."""
        return self.soft.hard_label

    @property
    def truth(self) -> BoolArray | None:
        """True labels of the clips, where they are known. Shape (n, C)."""
        return None if self.clips is None else self.clips.true_labels

    @property
    def splits(self) -> list[str]:
        """Splits that have clips, the unseen ones first."""
        return [name for name in ("test", "validation", "train") if len(self.soft.rows(name))]

    def name(self, clip: int) -> str:
        """A clip's name."""
        return clip_labels.clip_name(self.clips, clip) if self.clips is not None else f"row {clip}"

    def class_name(self, label: int) -> str:
        """A class's name; "unknown" for -1."""
        return self.soft.classes[label] if label >= 0 else "unknown"
