"""The retrieval reports of a student and its twin, where ranking every query is no matter of hours."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from avexplore.artifacts import RetrievalReport
from avexplore.config import EvaluationConfig, StudentConfig
from avexplore.ui.parts import job_progress
from avexplore.ui.shell import session

Split = Literal["train", "validation", "test"]


def both(student: StudentConfig, split: Split, clips: int) -> tuple[RetrievalReport, RetrievalReport] | None:
    """Reports without and with LIR; None for more than `WHOLE` clips that nobody has ranked yet.

    Args:
        student: With LIR.
        split: Whose clips.
        clips: How many these are.
    """
    if too_many(student, split, clips):
        return None
    configs = [EvaluationConfig(one, split) for one in (student.twin, student)]
    before, after = (job_progress.artifact(config, "Ranking every query") for config in configs)
    return before, after


def too_many(student: StudentConfig, split: Split, clips: int) -> bool:
    """Whether the reports are not there and would take too long to wait for."""
    configs = [EvaluationConfig(one, split) for one in (student.twin, student)]
    return clips > WHOLE and any(session.workbench().plan(config) for config in configs)


def say_too_many(key: str, split: Split, clips: int) -> None:
    """Why there are no figures, and how to get them."""
    st.info(
        f"Every one of these {clips:,} clips would be a query to all the others, which is too long to wait for on a "
        "page. Let the command line do it once; the figures stand here from then on."
    )
    st.code("\n".join(f"avexplore evaluate --run {key} --split {split} {lir}" for lir in ("--lir", "--no-lir")), None)


WHOLE = 50_000
"""Galleries up to this many clips are ranked whole for each query."""
