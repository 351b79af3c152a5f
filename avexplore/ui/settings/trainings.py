"""Beginning a training from a page: of a student and its twin, listed among the runs."""

from __future__ import annotations

import streamlit as st

from avexplore.config import StudentConfig
from avexplore.errors import AvexploreError
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.shell import address, session


def why_not(student: StudentConfig) -> str:
    """Why a student cannot be trained here, in a sentence; "" if it can."""
    bench = session.workbench()
    if bench.read_only:
        return "This avexplore shows stored runs only. Start your own with `make app` to train."
    if student not in bench.store and not bench.can_read(student.data):
        return (
            "The features of this run's clips are not on this machine. Bring them on the page Training: what is "
            "there says which files belong to the run."
        )
    return ""


def begin(student: StudentConfig, name: str = "") -> bool:
    """Start what is missing of a student and its twin; says so if it cannot be.

    Args:
        student: With LIR.
        name: What the run is called; "" lets its parameters name it.
    """
    from avexplore.workbench import Failed

    bench = session.workbench()
    try:
        bench.keep_run(student, name)
        for wanted in (student, student.twin):
            start = bench.retry if isinstance(bench.ask(wanted, start=False), Failed) else bench.ask
            answer = start(wanted, slot=session.job_slot(wanted))
            if isinstance(answer, Failed):
                st.error(as_markdown(answer.message))
                return False
    except AvexploreError as error:
        st.error(as_markdown(str(error)))
        return False
    return True


def begin_and_compare(run: str, student: StudentConfig) -> None:
    """Start it, and go to the page that compares it with a run while it is on its way."""
    if begin(student):
        address.lead("compare", {"run": run, "with": student.address[:12]})
