"""Everything of one run that the comparing pages look at: clips, soft labels, the graph, and both students."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from avexplore.analysis.loaded_run import LoadedRun
from avexplore.analysis.run_differences import same_clips
from avexplore.artifacts import TrainedTeacher
from avexplore.config import AffinityConfig, ClipsConfig, StudentConfig
from avexplore.ui.parts import job_progress, without_student
from avexplore.ui.parts.plain_text import as_markdown

if TYPE_CHECKING:
    from avexplore.workbench.runs import Run


def load(run: Run, beside: Run | None = None) -> LoadedRun:
    """Hand over a run's results; ends the page's run with a progress bar, a hint or an error while one is missing.

    Args:
        run: What is looked at.
        beside: What stands in its twin's place, if its clips are the same.
    """
    student = run.student
    if student is None or student.regularizer is None:
        without_student.draw("no answers and no maps to compare")
        st.stop()
    loaded = _load(run.key, student)
    if beside is None or beside.student is None:
        return loaded
    clips = job_progress.artifact(ClipsConfig(beside.student.data), "Reading the clips")
    if not same_clips(loaded.clips, clips):
        st.warning(
            f"{as_markdown(beside.name)} is a run of other clips, which cannot be compared one by one. "
            "Shown is the twin."
        )
        return loaded
    other = job_progress.artifact(beside.student, f"Training {beside.name}", start=False)
    # In quotes, so that a name is told from the words and columns around it.
    titles = f"“{beside.name}”", f"“{run.name}”"
    return replace(loaded, before=other.embeddings, beside=beside.student, titles=titles)


def _load(key: str, student: StudentConfig) -> LoadedRun:
    regularizer = student.regularizer
    assert regularizer is not None
    affinity: AffinityConfig = regularizer.affinity
    graph = affinity.stability.graph
    clips = job_progress.artifact(ClipsConfig(student.data), "Reading the clips")
    teacher = job_progress.artifact(graph.soft_labels, "Training the teacher")
    before = job_progress.artifact(student.twin, "Training the student without LIR", start=False)
    after = job_progress.artifact(student, "Training the student with LIR", start=False)
    loaded = LoadedRun(
        key=key,
        student=student,
        clips=clips,
        soft_labels=teacher.soft_labels if isinstance(teacher, TrainedTeacher) else teacher,
        graph=job_progress.artifact(graph, "Loading the run"),
        affinity=job_progress.artifact(affinity, "Loading the run"),
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
