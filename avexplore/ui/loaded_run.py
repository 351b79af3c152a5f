"""Everything of one run that the comparing pages look at: clips, soft labels, the graph, and both students."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from avexplore.artifacts import (
    Affinity,
    ClassGraph,
    Clips,
    Embeddings,
    FloatArray,
    IntArray,
    SoftLabels,
    TrainedTeacher,
)
from avexplore.config import AffinityConfig, ClipsConfig, RegularizerConfig, StudentConfig
from avexplore.ui import jobs_panel

if TYPE_CHECKING:
    from avexplore.runs import Run


_AT_HAND = 5_000_000
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
        small = len(self.clips.hard_label) * len(self.clips.classes) <= _AT_HAND
        values = self.probabilities[:, rows] if small else self.soft_labels.probabilities(rows).astype(np.float32)
        return np.asarray(values)

    @property
    def regularizer(self) -> RegularizerConfig:
        """How LIR acts."""
        if self.student.regularizer is None:
            raise ValueError("A run's student has LIR")
        return self.student.regularizer


def load(run: Run) -> LoadedRun:
    """Hand over a run's results; ends the page's run with a progress bar, a hint or an error while one is missing."""
    student = run.student
    if student is None or student.regularizer is None:
        st.info(
            "This run holds soft labels and a class graph, but no student: there is no embedding to compare yet. "
            "Train a student with LIR and its twin, or choose another run in the sidebar."
        )
        if st.button("Go to Training", key="to-training"):
            st.switch_page("pages/training.py")
        st.stop()
    return _load(run.key, student)


def _load(key: str, student: StudentConfig) -> LoadedRun:
    regularizer = student.regularizer
    assert regularizer is not None
    affinity: AffinityConfig = regularizer.affinity
    graph = affinity.stability.graph
    clips = jobs_panel.artifact(ClipsConfig(student.data), "Reading the clips")
    teacher = jobs_panel.artifact(graph.soft_labels, "Training the teacher")
    before = jobs_panel.artifact(student.twin, "Training the student without LIR", start=False)
    after = jobs_panel.artifact(student, "Training the student with LIR", start=False)
    loaded = LoadedRun(
        key=key,
        student=student,
        clips=clips,
        soft_labels=teacher.soft_labels if isinstance(teacher, TrainedTeacher) else teacher,
        graph=jobs_panel.artifact(graph, "Searching the class graph"),
        affinity=jobs_panel.artifact(affinity, "Weighing the class pairs"),
        before=before.embeddings,
        after=after.embeddings,
    )
    _check(loaded)
    return loaded


def _check(loaded: LoadedRun) -> None:
    counts = {
        "clips": len(loaded.clips.hard_label),
        "soft labels": len(loaded.soft_labels.hard_label),
        "embeddings without LIR": len(loaded.before.audio),
        "embeddings with LIR": len(loaded.after.audio),
    }
    if len(set(counts.values())) > 1 or loaded.soft_labels.classes != loaded.clips.classes:
        numbers = ", ".join(f"{count} {name}" for name, count in counts.items())
        st.error(f"The parts of this run do not belong to the same clips and classes ({numbers}). Train it again.")
        st.stop()
