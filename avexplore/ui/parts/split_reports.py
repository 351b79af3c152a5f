"""The retrieval reports of two students, where ranking every query is no matter of hours."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from avexplore.artifacts import Clips, Embeddings, RetrievalReport
from avexplore.config import EvaluationConfig, StudentConfig
from avexplore.ui.parts import job_progress
from avexplore.ui.shell import session

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("test", "validation", "train")
"""Those that count first."""
Pair = tuple[StudentConfig, StudentConfig]


def both(students: Pair, split: Split, clips: int) -> tuple[RetrievalReport, RetrievalReport] | None:
    """The report of each; None for more than `WHOLE` clips that nobody has ranked yet.

    Args:
        students: Such as a twin without LIR, and the student with.
        split: Whose clips.
        clips: How many these are.
    """
    if too_many(students, split, clips):
        return None
    before, after = (job_progress.artifact(EvaluationConfig(one, split), "Ranking every query") for one in students)
    return before, after


@st.cache_data(max_entries=40, show_spinner="Ranking every query")
def completed(
    key: str, split: Split, _report: RetrievalReport, _embeddings: Embeddings, _clips: Clips
) -> RetrievalReport:
    """A report with all figures: those that an earlier version did not store are measured.

    Args:
        key: The student's address.
        split: Whose clips ask and answer.
    """
    from avexplore.retrieval import evaluation

    return evaluation.completed(_report, _embeddings, _clips, split)


def too_many(students: Pair, split: Split, clips: int) -> bool:
    """Whether the reports are not there and would take too long to wait for."""
    return clips > WHOLE and any(session.workbench().plan(EvaluationConfig(one, split)) for one in students)


def say_too_many(key: str, split: Split, clips: int) -> None:
    """Why there are no figures, and how to get them."""
    st.info(
        f"Every one of these {clips:,} clips would be a query to all the others, which is too long to wait for on a "
        "page. Let the command line do it once; the figures stand here from then on."
    )
    st.code("\n".join(f"avexplore evaluate --run {key} --split {split} {lir}" for lir in ("--lir", "--no-lir")), None)


WHOLE = 50_000
"""Galleries up to this many clips are ranked whole for each query."""
