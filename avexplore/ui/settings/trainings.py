"""Beginning a training from a page: of a student and its twin, listed among the runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from avexplore.config import ClipsConfig, DataConfig, StudentConfig, SyntheticConfig
from avexplore.ui.parts import job_progress
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.parts.told import Telling
from avexplore.ui.shell import address, session

if TYPE_CHECKING:
    from avexplore.workbench.estimate import Work


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


def work(student: StudentConfig) -> Work:
    """What a training of a student and its twin would take, by how long the training took that is most like it.

    That is one of the same data, else the newest of this machine, else a shipped one; time grows with the clips.
    """
    bench = session.workbench()
    known = [run.student for run in session.runs().values() if run.student is not None]
    own = [run.student for run in session.runs().values() if run.student is not None and not run.shipped]
    same = [other for other in known if other.data == student.data]
    like = next(iter([student] * (student in bench.store) + same + own + known), student)
    found = bench.work(student, student.twin, like=like)
    clips, measured = _clips(student.data), _clips(like.data)
    if found.seconds is None or not clips or not measured:
        return found
    return replace(found, seconds=found.seconds * clips / measured)


def _clips(data: DataConfig) -> int:
    """How many clips there are; 0 where that is not known yet."""
    if isinstance(data, SyntheticConfig):
        return data.clips
    clips = job_progress.cached_or_quick(ClipsConfig(data))
    return 0 if clips is None else len(clips.hard_label)


def begin(student: StudentConfig, name: str = "") -> bool:
    """Start what is missing of a student and its twin; says so if it cannot be.

    Args:
        student: With LIR.
        name: What the run is called; "" lets its parameters name it.
    """
    from avexplore.workbench import Failed

    bench = session.workbench()
    with Telling():
        bench.keep_run(student, name)
        for wanted in (student, student.twin):
            start = bench.retry if isinstance(bench.ask(wanted, start=False), Failed) else bench.ask
            answer = start(wanted, slot=session.job_slot(wanted))
            if isinstance(answer, Failed):
                st.error(as_markdown(answer.message))
                return False
        return True
    return False


def begin_and_compare(run: str, student: StudentConfig) -> None:
    """Start it, and go to the page that compares it with a run while it is on its way."""
    if begin(student):
        address.lead("compare", {"run": run, "with": student.address[:12]})
