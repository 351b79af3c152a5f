"""One run with everything that pages, reports and the command line ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from avexplore.artifacts import Affinity, ClassGraph, Clips, Embeddings, FloatArray, IntArray, SoftLabels
from avexplore.config import RegularizerConfig, StudentConfig

_FEW_ENOUGH = 5_000_000
"""So many soft labels per modality are turned into probabilities once and kept."""


@dataclass(frozen=True)
class LoadedRun:
    """A student with LIR beside its twin without.

    Attributes:
        key: The run's short address.
        student: Config of the student with LIR.
        clips: Labels, splits and names; rows of everything else follow these clips.
        soft_labels: Of the teacher whose graph LIR uses.
        graph: The class graph that LIR was made from.
        affinity: Its weights A-hat.
        before, after: Embeddings without and with LIR.
    """

    key: str
    student: StudentConfig
    clips: Clips
    soft_labels: SoftLabels
    graph: ClassGraph
    affinity: Affinity
    before: Embeddings
    after: Embeddings

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

    @property
    def regularizer(self) -> RegularizerConfig:
        """How LIR acts."""
        if self.student.regularizer is None:
            raise ValueError("A run's student has LIR")
        return self.student.regularizer
