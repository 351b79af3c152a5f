"""Jobs on the training page: what is at work, what has finished, and where its result is to be seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from avexplore.config import (
    Config,
    ExperimentConfig,
    GraphConfig,
    ProjectionConfig,
    StabilityConfig,
    StudentConfig,
    SweepConfig,
    SyntheticConfig,
    TeacherConfig,
    from_json,
    upstream,
)
from avexplore.errors import AvexploreError
from avexplore.pipeline import data_of
from avexplore.ui.experiments import arms, sweeps
from avexplore.ui.parts import job_progress
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.parts.told import told
from avexplore.ui.shell import links, session
from avexplore.workbench.run_names import recipe

if TYPE_CHECKING:
    from avexplore.jobs import JobStatus
    from avexplore.workbench.runs import Run

AT_WORK = ("running", "queued")
SHOWN = 8
_NAMES = {
    "features": "Features",
    "extraction": "Features of clips",
    "graph": "Class graph",
    "stability": "Stability of the class graph",
    "projection": "Maps of both embeddings",
    "prefix": "Beginning of a student",
    "clips": "Clips",
}


@st.fragment(run_every=job_progress.REFRESH_SECONDS)
def draw() -> None:
    """Draw all jobs that somebody may still want to know of: one that a later value replaced is none of them."""
    jobs = [job for job in session.workbench().jobs.all() if not job.replaced]
    busy = sorted((job for job in jobs if job.state in AT_WORK), key=lambda job: AT_WORK.index(job.state))
    addresses = {job.address for job in busy}
    ended = st.session_state.get("training.busy", set()) - addresses
    st.session_state["training.busy"] = addresses
    if ended:
        st.rerun()  # the form and the list of runs say what is there
    st.subheader("Work in progress", anchor=False)
    if not busy:
        st.caption("Nothing is running. Trainings go on when this page is closed, and are found again after a restart.")
    for job in busy:
        with st.container(border=True):
            _card(job)
    finished = [job for job in jobs if job.state not in AT_WORK]
    if finished:
        _finished(finished)
    _unlisted()
    if odd := session.workbench().jobs.unreadable():
        st.caption(f"{len(odd)} job records cannot be read, and are left out: {as_markdown(', '.join(odd[:5]))}")


def _unlisted() -> None:
    """Results of other versions, which no list can show: named, never dropped in silence."""
    found = [] if session.has_company() else session.workbench().store.unlisted()
    if not found:
        return
    with st.expander(f"{len(found)} stored results of other versions of avexplore"):
        st.caption("This version cannot use them, and keeps them. `avexplore store prune --outdated` removes them.")
        st.dataframe(
            [{"Result": one.stage, "Address": one.address[:12], "Why": one.reason} for one in found], hide_index=True
        )


def _finished(jobs: list[JobStatus]) -> None:
    head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    head.subheader("Finished", anchor=False, width="content")
    words = "Takes them off this list. Results, and what was saved, stay."
    head.button("Clear", key="clear-jobs", help=words, on_click=told, args=(_clear, jobs))
    for job in jobs[:SHOWN]:
        with st.container(border=True):
            _card(job)
    if len(jobs) > SHOWN:
        st.caption(f"And {len(jobs) - SHOWN} earlier ones.")


def _clear(jobs: list[JobStatus]) -> None:
    for job in jobs:
        session.workbench().jobs.forget(job.address)


def _card(job: JobStatus) -> None:
    config = _config(job)
    head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    head.markdown(f"**{as_markdown(title(config) if config else job.stage.capitalize())}**", width="content")
    if job.state in AT_WORK:
        head.button(
            "Cancel",
            key=f"cancel-{job.address}",
            on_click=told,
            args=(session.workbench().jobs.cancel, job.address),
        )
    elif job.state != "done":
        if config and head.button("Go on", key=f"resume-{job.address}", help="From what it had saved."):
            told(lambda: session.workbench().jobs.submit(config, slot=session.job_slot(config)))
    elif config and (place := _place(config)):
        with head:
            links.to(*place)
    words = f"{_state(job)}. {details(config)}" if config else _state(job)
    # For `avexplore jobs`; of what is done nobody asks.
    st.caption(as_markdown(words), help=None if job.state == "done" else f"Address: `{job.address[:12]}`")
    if job.state == "running":
        st.progress(min(max(job.fraction, 0.0), 1.0), text=as_markdown(job.message))
        job_progress.curves(job.address)
    elif job.state == "queued" and job.message:
        st.caption(as_markdown(job.message))
    if job.state == "failed":
        st.error(as_markdown(job.message))
        if job.log:
            st.expander("Last lines of its log").code(job.log, language=None)


def _state(job: JobStatus) -> str:
    match job.state:
        case "queued":
            return f"Waiting, number {job.position} in line"
        case "running":
            left = f", about {job_progress.duration(job.seconds_left)} left" if job.seconds_left else ""
            return f"Running{left}"
        case "done":
            return f"Done in {job_progress.duration(job.seconds)}"
        case "cancelled":
            return "Stopped"
    return "Failed"


def _config(job: JobStatus) -> Config | None:
    """What a job makes; None if another version of avexplore asked for it."""
    try:
        return from_json(job.config or {})
    except AvexploreError:
        return None


def title(config: Config) -> str:
    """What is made.

    >>> from avexplore.config.presets import preset
    >>> student = preset("quick", SyntheticConfig())
    >>> title(student), title(student.twin)
    ('Student with LIR', 'Student without LIR')
    """
    match config:
        case StudentConfig():
            return f"Student {'with' if config.regularizer else 'without'} LIR"
        case SweepConfig():
            names = ", ".join(one.parameter.rpartition(".")[2].replace("_", " ") for one in config.vary)
            return f"Sweep over {names}"
    return _NAMES.get(config.stage, config.stage.capitalize())


def details(config: Config) -> str:
    """From which data and by which recipe."""
    data = data_of(config)
    found = [session.workbench().data_name(data)] if data else []
    if isinstance(data, SyntheticConfig):
        found.append(f"{data.clips:,} clips")
    student = next((part for part in upstream(config) if isinstance(part, StudentConfig)), None)
    if student:
        found.append(recipe(student))
    elif teacher := next((part for part in upstream(config) if isinstance(part, TeacherConfig)), None):
        found.append(f"{teacher.epochs} epochs")
    if isinstance(config, ExperimentConfig):
        found.insert(0, arms.size(config))
    elif isinstance(config, (StudentConfig, TeacherConfig)):
        found.append(f"seed {config.seed}")
    return ", ".join(found)


def _place(config: Config) -> tuple[str, str, Mapping[str, Any]] | None:
    """The page of its run that shows a result."""
    runs = session.workbench().runs()
    run = _run_of(config, runs)
    if run is None:
        return None
    query = {"run": run.key}
    match config:
        case ExperimentConfig():
            return "experiments", "Open", query | arms.address(config)
        case SweepConfig():
            return "experiments", "Open", query | sweeps.address(config)
        case ProjectionConfig():
            return "embedding_space", "Open", query
        case GraphConfig() | StabilityConfig():
            return "class_graph", "Open", query
    return "overview", "Open", query


def _run_of(config: Config, runs: list[Run]) -> Run | None:
    """The run that a result belongs to: the one of its student or the student's twin, else of its soft labels."""
    parts = list(upstream(config))
    for run in runs:
        if run.student and any(part in (run.student, run.student.twin) for part in parts):
            return run
    return next((run for run in runs if run.soft_labels in parts), None)
