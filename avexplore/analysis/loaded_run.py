"""One run with everything that pages, reports and the command line ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from avexplore.artifacts import Affinity, ClassGraph, Clips, Embeddings, FloatArray, IntArray, SoftLabels
from avexplore.config import StudentConfig

TITLES = ("Without LIR", "With LIR")
"""What the two sides are called where the twin is the one."""
SAID = ("without LIR", "with LIR")
"""The same within a sentence."""
_FEW_ENOUGH = 5_000_000
"""So many soft labels per modality are turned into probabilities once and kept."""


@dataclass(frozen=True)
class LoadedRun:
    """A student with LIR, and beside it its twin without, or another run's student.

    Attributes:
        key: The run's short address.
        student: Config of the student with LIR.
        clips: Labels, splits and names; rows of everything else follow these clips.
        soft_labels: Of the teacher whose graph LIR uses.
        graph: The class graph that LIR was made from.
        affinity: Its weights A-hat.
        before, after: Embeddings without and with LIR; or another student's, and this one's.
        beside: The other student; None for the twin.
        titles: What the two sides are called.
    """

    key: str
    student: StudentConfig
    clips: Clips
    soft_labels: SoftLabels
    graph: ClassGraph
    affinity: Affinity
    before: Embeddings
    after: Embeddings
    beside: StudentConfig | None = None
    titles: tuple[str, str] = TITLES

    @property
    def students(self) -> tuple[StudentConfig, StudentConfig]:
        """Whose embeddings `before` and `after` are."""
        return self.beside or self.student.twin, self.student

    @property
    def pair(self) -> str:
        """Tells the two sides from those of any other pair."""
        return self.key if self.beside is None else f"{self.beside.address[:12]}-{self.key}"

    @property
    def said(self) -> tuple[str, str]:
        """The two sides within a sentence: "without LIR" and "with LIR", or "by" a run and "by" another."""
        if self.beside is None:
            return SAID
        return f"by {self.titles[0]}", f"by {self.titles[1]}"

    @cached_property
    def probabilities(self) -> FloatArray:
        """Calibrated soft labels of all clips, audio first. Shape (2, n, C), float32."""
        return self.soft_labels.probabilities().astype(np.float32)

    def soft(self, rows: IntArray) -> FloatArray:
        """Calibrated soft labels of some clips, audio first; of a large run, no others are read.

        Args:
            rows: Shape (k,).

        Returns:
            Shape (2, k, C), float32.
        """
        small = len(self.clips.hard_label) * len(self.clips.classes) <= _FEW_ENOUGH
        values = self.probabilities[:, rows] if small else self.soft_labels.probabilities(rows).astype(np.float32)
        return np.asarray(values)
