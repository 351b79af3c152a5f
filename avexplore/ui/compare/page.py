"""Two runs side by side: their settings' differences, their figures, answers and maps, and links to both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from avexplore.analysis import tables
from avexplore.analysis.run_differences import differences, together
from avexplore.config import ClipsConfig, EvaluationConfig, StudentConfig, from_json
from avexplore.errors import AvexploreError
from avexplore.ui.compare import side_by_side
from avexplore.ui.parts import job_progress, run_cards, split_reports, without_student
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.shell import address, links, session

if TYPE_CHECKING:
    from avexplore.artifacts import Embeddings, RetrievalReport
    from avexplore.workbench.runs import Run


def draw(run: Run) -> None:
    """Draw the page: the run of every page against one more."""
    runs = [one for one in session.runs().values() if one.student is not None]
    if run.student is None or not runs:
        without_student.draw("no figures to compare")
        return
    other = _other(run, runs)
    left, right = st.columns(2)
    with left, st.container(border=True):
        _card("First", run, run.student)
        if picked := run_cards.choose("Another first run", runs, run.key, key="first"):
            session.look_at(picked)
            st.rerun()
    with right, st.container(border=True):
        if other is not None:
            _card("Second", *other)
        else:
            st.markdown("**Second**: none yet")
        if picked := run_cards.choose("Another second run", runs, other[1].address[:12] if other else "", key="second"):
            _take(picked)
            st.rerun()
    if other is None:
        st.info("Choose a second run: another lambda, another graph, another seed.")
        return
    _settings(run.student, other[1])
    both = side_by_side.pair((run.student, other[1]), (run.name, _name(*other)))
    _figures(run.student, other[1], paired=both is not None)
    if both is not None and len(both.rows):
        side_by_side.draw(both)
    with st.container(horizontal=True):
        for name, student in (("first", run.student), ("second", other[1])):
            links.to("overview", f"Open the {name}", {"run": student.address[:12]})


def _take(key: str) -> None:
    st.session_state["compare_with"] = key
    address.write("compare", {"with": key})


def _other(run: Run, runs: list[Run]) -> tuple[Run | None, StudentConfig] | None:
    """The second run: what the address says, a run or a student on its way; else the newest other one."""
    brought = address.arrived("compare", ["with"])
    if brought is not None and brought["with"]:
        st.session_state["compare_with"] = brought["with"]
    key = st.session_state.get("compare_with", "")
    known = {one.key: one for one in runs}
    if key in known and key != run.key:
        found = known[key]
        assert found.student is not None
        _take(key)
        return found, found.student
    pending = _on_its_way(key)
    if pending is not None:
        _take(key)
        return None, pending
    others = sorted((one for one in runs if one.key != run.key), key=lambda one: one.created, reverse=True)
    alike = [one for one in others if one.student and run.student and one.student.data == run.student.data] or others
    return (alike[0], alike[0].student) if alike and alike[0].student else None


def _on_its_way(key: str) -> StudentConfig | None:
    """A student that is being trained, by its short address."""
    if len(key) != 12:
        return None
    for job in session.workbench().jobs.all():
        if job.address.startswith(key):
            try:
                config = from_json(job.config or {})
            except AvexploreError:
                return None
            return config if isinstance(config, StudentConfig) and config.regularizer is not None else None
    return None


def _name(run: Run | None, student: StudentConfig) -> str:
    return run.name if run is not None else session.workbench().run_name(student)


def _card(which: str, run: Run | None, student: StudentConfig) -> None:
    st.markdown(f"{which}: **{as_markdown(_name(run, student))}**")
    st.caption(as_markdown(run_cards.facts(run)) if run is not None else "Being trained.")


def _settings(first: StudentConfig, second: StudentConfig) -> None:
    found = together(differences(first, second))
    st.subheader("One setting differs" if len(found) == 1 else f"{len(found)} settings differ", anchor=False)
    if not found:
        st.caption("These are one and the same.")
        return
    table = pd.DataFrame(
        [(one.part, one.field, one.first, one.second) for one in found], columns=["Part", "Setting", "First", "Second"]
    )
    st.dataframe(table, hide_index=True, width="stretch", key="compare-settings")


def _figures(first: StudentConfig, second: StudentConfig, *, paired: bool) -> None:
    st.subheader("What came of it", anchor=False)
    reports = []
    for name, student in (("first", first), ("second", second)):
        trained = job_progress.artifact(student, f"The {name} run's student", start=False, stop_page=False)
        report = _report(student, name, trained.embeddings) if trained is not None else None
        if report is None:
            return
        reports.append(report)
    if not paired:
        st.info("The two are of other clips, so their figures are not paired, and hardly comparable.")
    rows = tables.comparison(reports[0], reports[1], paired=paired)
    number, signed = (st.column_config.NumberColumn(format=form) for form in ("%.4f", "%+.4f"))
    st.dataframe(
        {
            "Figure": [row.name for row in rows],
            "First": [row.before for row in rows],
            "Second": [row.after for row in rows],
            "Difference": [row.difference.mean for row in rows],
            "95 % interval over queries": [
                f"{row.difference.low:+.4f} to {row.difference.high:+.4f}" if row.over else "" for row in rows
            ],
        },
        column_config={"First": number, "Second": number, "Difference": signed},
        hide_index=True,
        width="stretch",
        key="compare-figures",
    )
    st.caption(
        "Both with LIR, on test clips. An interval that holds 0 shows no difference; one seed each says nothing of "
        "other seeds."
    )


def _report(student: StudentConfig, name: str, embeddings: Embeddings) -> RetrievalReport | None:
    clips = job_progress.artifact(ClipsConfig(student.data), "Reading the clips", stop_page=False)
    if clips is None:
        return None
    count = len(clips.rows("test"))
    if split_reports.too_many((student.twin, student), "test", count):
        split_reports.say_too_many(student.address[:12], "test", count)
        return None
    report: RetrievalReport | None = job_progress.artifact(
        EvaluationConfig(student), f"Ranking every query of the {name} run", stop_page=False
    )
    return None if report is None else split_reports.completed(student.address, "test", report, embeddings, clips)
