"""The overview: what is in the run, and what came out of it, one card per stage of the method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from avexplore.analysis import tables as tables
from avexplore.artifacts import MODALITIES
from avexplore.config import ClipsConfig, Config, EvaluationConfig, StudentConfig, TeacherConfig
from avexplore.config.presets import beside_the_papers
from avexplore.ui.parts import job_progress, split_reports
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.shell import glossary, links, session

if TYPE_CHECKING:
    from avexplore.artifacts import Clips, RetrievalReport, TrainedTeacher
    from avexplore.workbench.runs import Run

FIGURES = ("map", "map_audio_to_visual", "map_visual_to_audio", "any_label_map", "hidden_pair_ap")
"""What the table shows, MAP first."""


def draw() -> None:
    """Draw the page for the run chosen in the sidebar."""
    run = session.current_run()
    teacher_config = run.soft_labels if isinstance(run.soft_labels, TeacherConfig) else None
    clips = _quiet(ClipsConfig(teacher_config.data), "Reading the clips") if teacher_config else None
    if clips is not None:
        _clips(clips)
    st.markdown(
        "A teacher says what is in each clip besides its one annotated class, a graph says which classes depend on "
        "each other, and **LIR**, the Latent Interaction Regularizer, lets a student for retrieval learn from both."
    )
    first, second, third = st.columns(3, border=True)
    with first:
        st.subheader("Soft labels", anchor=False)
        _teacher(teacher_config, clips)
        links.to("soft_labels", "See what was never annotated", {})
    with second:
        st.subheader("Class graph", anchor=False)
        _graph(run)
        links.to("class_graph", "Explore the dependencies", {})
    with third:
        st.subheader("Before and after LIR", anchor=False, help=glossary.LIR)
        _students(run)
        links.to("evaluation", "See where it helps", {})
        links.to("experiments", "Compare several seeds, and controls", {})
    if run.student is not None:
        _verdict(run.student)
        st.caption(method_of(run.student))
    glossary.draw()


def method_of(student: StudentConfig) -> str:
    """Whether a run's loss and LIR are the papers', and in what they are not."""
    ours = beside_the_papers(student)
    if not ours:
        return "Loss and LIR of this run are what the papers report (preset `paper`)."
    return "Loss and LIR of this run are not what the papers report (preset `paper`): " + "; ".join(ours) + "."


def _quiet(config: Config, label: str) -> Any:
    return job_progress.artifact(config, label, start=False, stop_page=False)


def _clips(clips: Clips) -> None:
    st.markdown(f"**{clips.source}**" if clips.source else "")
    if clips.notes:
        with st.expander("How the files were read"):
            for sentence in clips.notes:
                st.markdown(f"- {as_markdown(sentence)}")
    figures = st.columns([2, 2, 3, 3])
    figures[0].metric("Clips", f"{len(clips.hard_label):,}")
    figures[1].metric("Classes", len(clips.classes))
    parts = [f"{len(clips.rows(split)):,}" for split in ("train", "validation", "test")]
    figures[2].metric("Train / validation / test", " / ".join(parts))
    if clips.true_labels is not None:
        several = float((clips.true_labels.sum(1) > 1).mean())
        figures[3].metric(
            "Clips with unannotated events",
            f"{several:.0%}",
            help="Clips whose true labels, kept aside for evaluation, hold more than the one annotated class.",
        )


def _teacher(config: TeacherConfig | None, clips: Clips | None) -> None:
    if config is None:
        st.write("These soft labels were brought along; their teacher is not known here.")
        return
    teacher: TrainedTeacher | None = _quiet(config, "Teacher")
    if teacher is None:
        return
    quality = dict(teacher.quality)
    st.write(
        f"{config.members} network{'s' if config.members > 1 else ''} trained with AV-SAL give each clip a "
        "probability for every class, in audio and in visual."
    )
    by_modality = (
        ("accuracy", "Finds the annotated class", "Share of clips whose likeliest class is the annotated one; test."),
        ("hidden_label_auc", "Finds unannotated events", "Area under the ROC curve of unannotated events; test."),
    )
    for name, label, help_text in by_modality:
        values = [quality.get(f"{name}_{modality}_test") for modality in MODALITIES]
        if all(value is not None for value in values):
            st.metric(f"{label}, ear / eye", " / ".join(f"{value:.2f}" for value in values), help=help_text)


def _graph(run: Run) -> None:
    if run.student is None or run.student.stability is None:
        st.write("No graph has been trained on yet; the class graph page draws one from the soft labels.")
        return
    graph = _quiet(run.student.stability.graph, "Class graph")
    stability = _quiet(run.student.stability, "Stability of the graph")
    if graph is None or stability is None:
        return
    pairs = np.triu_indices(len(graph.nodes), 1)
    linked = graph.skeleton[pairs].astype(bool)
    frequency = stability.edge_frequency[pairs][linked]
    st.write(
        f"The search links {len(frequency)} of {len(linked)} pairs of class nodes; {int((frequency >= 0.9).sum())} of "
        "these edges come back in nine of ten bootstraps."
    )
    st.metric(
        "Come back in at least half",
        f"{int((frequency >= 0.5).sum())} of {len(frequency)}",
        help="Edges of the graph that at least half of the bootstraps find again.",
    )
    jaccard = stability.jaccard
    st.metric(
        "Agreement of two bootstraps",
        f"{jaccard[0]:.2f}",
        help="Mean Jaccard index of the skeletons of two bootstrap graphs: 1 is the same graph each time.",
    )


def _students(run: Run) -> None:
    if run.student is None:
        st.write("No student has been trained on this graph yet.")
        return
    reports = _reports(run.student)
    if reports is None:
        return
    rows = _rows(*reports)
    for name in ("map", "hidden_pair_ap"):
        if name not in rows:
            continue
        row = rows[name]
        d = row.difference
        # Green or red only for what other clips would show, too: a change within its interval is neither.
        sure = d.low > 0 or d.high < 0
        st.metric(
            f"{row.name.removesuffix(', mean')} with LIR, test",
            f"{row.after:.4f}",
            f"{d.mean:+.4f}",
            delta_color="normal" if sure else "off",
            delta_arrow="auto" if sure else "off",
            delta_description=_interval(row),
            help=row.meaning,
        )


def _rows(before: RetrievalReport, after: RetrievalReport) -> dict[str, tables.Row]:
    """The figures of `FIGURES` that this run has, with their intervals."""
    found = {row.name: row for row in tables.comparison(before, after)}
    names = {key: tables.FIGURES[key][0] for key in FIGURES}
    return {key: found[name] for key, name in names.items() if name in found}


def _interval(row: tables.Row) -> str:
    if not row.over:
        return "interval unknown (one seed)"
    return f"95 % interval {row.difference.low:+.4f} to {row.difference.high:+.4f}"


def _reports(student: StudentConfig) -> tuple[RetrievalReport, RetrievalReport] | None:
    clips = _quiet(ClipsConfig(student.data), "Reading the clips")
    if clips is None or split_reports.too_many(student, "test", len(clips.rows("test"))):
        return None
    before = _quiet(EvaluationConfig(student.twin), "Figures of the twin without LIR")
    after = _quiet(EvaluationConfig(student), "Figures of the student with LIR")
    return None if before is None or after is None else (before, after)


def _verdict(student: StudentConfig) -> None:
    reports = _reports(student)
    if reports is None:
        return
    rows = _rows(*reports).values()
    st.subheader("Does it help?", anchor=False)
    number = st.column_config.NumberColumn(format="%.4f")
    signed = st.column_config.NumberColumn(format="%+.4f")
    interval = "95 % interval over queries"
    st.dataframe(
        {
            "Figure": [row.name for row in rows],
            "Without LIR": [row.before for row in rows],
            "With LIR": [row.after for row in rows],
            "Difference": [row.difference.mean for row in rows],
            interval: [f"{row.difference.low:+.4f} to {row.difference.high:+.4f}" if row.over else "" for row in rows],
        },
        column_config={
            "Without LIR": number,
            "With LIR": number,
            "Difference": signed,
            interval: st.column_config.TextColumn(help="How far the difference holds for other clips; not for seeds"),
        },
        hide_index=True,
        width="stretch",
    )
    st.caption(
        "One pair of students from one seed, on test clips, with everything chosen on validation clips. An interval "
        "that holds 0 shows no difference. Differences of a few thousandths need several seeds before they mean "
        "anything: Experiments compares those."
    )
