"""The opening scene: what LIR did in one sentence, the graph, both maps, one question; below, the figures in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from avexplore.analysis import tables
from avexplore.analysis.headline import change, headline
from avexplore.analysis.opening_question import OpeningQuestion, opening_question
from avexplore.artifacts import MODALITIES
from avexplore.config import ClipsConfig, Config, EvaluationConfig, ProjectionConfig, StudentConfig, TeacherConfig
from avexplore.config.presets import beside_the_papers
from avexplore.drawing.class_graph.svg_marks import GROUPS
from avexplore.drawing.maps import colors
from avexplore.drawing.maps.class_groups import class_groups
from avexplore.ui.experiments import arms
from avexplore.ui.overview import graph as graph_card
from avexplore.ui.overview import maps as maps_card
from avexplore.ui.overview import question as question_card
from avexplore.ui.parts import job_progress, split_reports
from avexplore.ui.parts.plain_text import as_html, as_markdown
from avexplore.ui.shell import glossary, links, session

if TYPE_CHECKING:
    from avexplore.artifacts import (
        Clips,
        Embeddings,
        GraphStability,
        Projection,
        RetrievalReport,
        SoftLabels,
        TrainedTeacher,
    )
    from avexplore.workbench.runs import Run

HEADLINE = ("hidden_pair_ap", "map")
"""Figures of an experiment that this page tells."""
STYLE = """<style>
.verdict { font-size: clamp(1.25rem, 2.1vw, 1.9rem); font-weight: 700; line-height: 1.2; margin: 0;
  text-wrap: balance; }
.verdict-figures { opacity: .75; margin: .35rem 0 0; font-size: 1rem; line-height: 1.35; }
/* The verdict is the headline of this page, and the question shall be in sight on a laptop, too. */
.stMainBlockContainer h1 { font-size: 1rem !important; font-weight: 600; opacity: .75; padding: 0; }
[class*="st-key-scene"] h3 { font-size: 1.1rem; padding: 0 0 .45rem; }
[class*="st-key-scene"] [data-testid="stVerticalBlock"] { gap: .35rem; }
</style>"""


def draw() -> None:
    """Draw the page for the run chosen in the sidebar."""
    run = session.current_run()
    teacher_config = run.soft_labels if isinstance(run.soft_labels, TeacherConfig) else None
    clips = _quiet(ClipsConfig(teacher_config.data), "Reading the clips") if teacher_config else None
    soft = _soft_labels(run)
    if run.student is not None:
        st.html(STYLE)
    verdict = st.container()
    left, right = st.columns([10, 11], gap="small")
    with left.container(border=True, height="stretch", gap="xsmall", key="scene-graph"):
        st.subheader("Classes that come together", anchor=False)
        stability = _graph(run, soft)
        links.to("class_graph", "Explore the class graph", {})
    with right.container(border=True, height="stretch", gap="xsmall", key="scene-maps"):
        st.subheader("The map of clips", anchor=False)
        _maps(run, soft, clips, stability)
        links.to("embedding_space", "Explore the maps", {})
    # On a machine that has ranked nothing yet the figures take a moment; the graph and the maps do not wait for them.
    with verdict:
        pair = None if run.student is None or clips is None else _students(run.student, clips)
        _verdict(run, pair, clips)
    if pair is not None and clips is not None:
        with st.container(border=True, gap="xsmall", key="scene-question"):
            asked = _question(run.key, pair, clips)
            st.subheader(as_markdown(question_card.title(asked, clips)), anchor=False)
            question_card.draw(asked, clips)
            links.to("retrieval", "Ask other questions", {})
        assert run.student is not None
        _does_it_help(run.student, pair[2])
        st.caption(method_of(run.student))
    _what_is_in_it(teacher_config, clips)
    glossary.draw()


def _verdict(run: Run, pair: Pair | None, clips: Clips | None) -> None:
    if run.student is None:
        st.markdown("This run holds predictions (soft labels): which classes they tie together, the class graph shows.")
    if pair is None or clips is None:
        return
    annotated = change(*pair[2], "map")
    assert annotated is not None, "every report keeps the average precision of each query"
    found = headline(annotated, change(*pair[2], "hidden_pair_ap"), len(clips.rows("test")))
    st.html(
        f'<p class="verdict" role="heading" aria-level="2">{as_html(found.verdict)}</p>'
        f'<p class="verdict-figures">{as_html(found.figures)}</p>'
    )


def method_of(student: StudentConfig) -> str:
    """Whether a run's loss and LIR are the papers', and in what they are not."""
    ours = beside_the_papers(student)
    if not ours:
        return "Loss and LIR of this run are what the papers report (preset `paper`)."
    return "Loss and LIR of this run are not what the papers report (preset `paper`): " + "; ".join(ours) + "."


def _quiet(config: Config, label: str) -> Any:
    return job_progress.artifact(config, label, start=False, stop_page=False)


def _soft_labels(run: Run) -> SoftLabels | None:
    found = _quiet(run.soft_labels, "Soft labels")
    return None if found is None else getattr(found, "soft_labels", found)


# --- the scene ----------------------------------------------------------------------------------------------------

Pair = tuple["Embeddings", "Embeddings", "tuple[RetrievalReport, RetrievalReport]"]


def _students(student: StudentConfig, clips: Clips) -> Pair | None:
    """Embeddings and figures without and with LIR; None while they are not there, or would take hours."""
    if student.regularizer is None or not len(clips.rows("test")):
        return None
    if split_reports.too_many((student.twin, student), "test", len(clips.rows("test"))):
        return None
    before = _quiet(EvaluationConfig(student.twin), "Figures of the twin without LIR")
    after = _quiet(EvaluationConfig(student), "Figures of the student with LIR")
    twin, with_lir = _quiet(student.twin, "Student without LIR"), _quiet(student, "Student with LIR")
    if None in (before, after, twin, with_lir):
        return None
    before = split_reports.completed(student.twin.address, "test", before, twin.embeddings, clips)
    after = split_reports.completed(student.address, "test", after, with_lir.embeddings, clips)
    return twin.embeddings, with_lir.embeddings, (before, after)


@st.cache_data(show_spinner=False, max_entries=32)
def _question(key: str, _pair: Pair, _clips: Clips) -> OpeningQuestion:
    return opening_question(_pair[0], _pair[1], _clips)


def _graph(run: Run, soft: SoftLabels | None) -> GraphStability | None:
    """Draw it, and hand over how stable it is, where that is known: asked for once, since two would offer it twice."""
    stability_config = None if run.student is None else run.student.stability
    if stability_config is None or soft is None:
        st.write("No graph has been trained on yet; the class graph page draws one from the soft labels.")
        return None
    graph = _quiet(stability_config.graph, "Class graph")
    stability: GraphStability | None = _quiet(stability_config, "Stability of the graph")
    if graph is not None and stability is not None:
        graph_card.draw(stability_config.address, soft, graph, stability)
    return stability


def _maps(run: Run, soft: SoftLabels | None, clips: Clips | None, stability: GraphStability | None) -> None:
    if run.student is None or clips is None:
        st.write("This run holds predictions (soft labels) alone, so there are no clips to place on a map.")
        return
    config = ProjectionConfig(run.student.twin, run.student, seed=run.student.seed)
    projection: Projection | None = _quiet(config, "Maps")
    if projection is None:
        st.write("The maps of this run have not been computed; the page Embedding space does it.")
        return
    count = len(clips.classes)
    group = np.full(count, -1)
    if soft is not None and stability is not None:
        group = _groups(run.student.address, soft, stability)
    st.caption("One color per group of classes; disks are heard, squares seen.")
    maps_card.draw(projection, clips.hard_label[projection.rows], clips.classes, group, _palette())


@st.cache_data(show_spinner=False, max_entries=16)
def _groups(key: str, _soft: SoftLabels, _stability: Any) -> Any:
    return class_groups(_soft, _stability).of


def _palette() -> list[list[str]]:
    """Colors of groups for points and names, on light and on dark paper; the last one is of no group."""
    numbers = [*range(len(GROUPS)), -1]
    return [[of(k)[side] for k in numbers] for of in (colors.group, colors.ink) for side in (0, 1)]


# --- the figures --------------------------------------------------------------------------------------------------


def _does_it_help(student: StudentConfig, reports: tuple[RetrievalReport, RetrievalReport]) -> None:
    rows = tables.comparison(*reports)
    st.subheader("Does it help?", anchor=False, help=glossary.LIR)
    number = st.column_config.NumberColumn(format="%.4f")
    st.dataframe(
        {
            "Figure": [row.name for row in rows],
            "In words": [in_words(row) for row in rows],
            "Without LIR": [row.before for row in rows],
            "With LIR": [row.after for row in rows],
            "Difference": [row.difference.mean for row in rows],
        },
        column_config={
            "Figure": st.column_config.TextColumn(width="medium"),
            "In words": st.column_config.TextColumn(width="large"),
            "Without LIR": number,
            "With LIR": number,
            "Difference": st.column_config.NumberColumn(format="%+.4f"),
        },
        hide_index=True,
        width="stretch",
    )
    st.caption(
        "One pair of students from one seed, on test clips, with everything chosen on validation clips. An interval "
        "over queries says how far a difference holds for other clips, not for other seeds: Experiments compares those."
    )
    links.to("evaluation", "See where it helps", {})
    _over_seeds(student)
    links.to("experiments", "Compare several seeds, and controls", {})


def _over_seeds(student: StudentConfig) -> None:
    """What the student's experiment says, if one was made: paired seeds, and what a graph has to be better than."""
    made = arms.last_experiment(student)
    report = None if made is None else _quiet(made, "Experiment")
    if made is None or report is None:
        return
    read = f" {arms.READ_ANEW}" if made.reading == "chosen" else ""
    st.markdown(f"**With other seeds, against controls:**{read}")
    said = [arms.in_a_sentence(report, figure) for figure in arms.figures_of(report) if figure in HEADLINE]
    st.markdown("\n".join(f"- {sentence}" for sentence in said))


def in_words(row: tables.Row) -> str:
    """Whether a figure is better, worse or the same, as far as its interval says."""
    d = row.difference
    if not row.over or np.isnan(d.low):
        return "changed, and one seed cannot say whether that holds" if d.mean else "the same"
    interval = f"95 % {d.low:+.4f} to {d.high:+.4f} over {row.over}"
    if d.low > 0:
        return f"better ({interval})"
    return f"worse ({interval})" if d.high < 0 else f"no clear difference ({interval})"


def _what_is_in_it(config: TeacherConfig | None, clips: Clips | None) -> None:
    st.subheader("What is in this run", anchor=False)
    if clips is not None:
        if clips.source:
            st.markdown(as_markdown(clips.source))
        parts = [f"{len(clips.rows(split)):,}" for split in ("train", "validation", "test")]
        places = st.columns(4)
        places[0].metric("Clips", f"{len(clips.hard_label):,}")
        places[1].metric("Classes", len(clips.classes))
        places[2].metric("Train / validation / test", " / ".join(parts))
        if clips.true_labels is not None:
            several = float((clips.true_labels.sum(1) > 1).mean())
            places[3].metric(
                "Clips with unannotated events",
                f"{several:.0%}",
                help="Clips whose true labels, kept aside for evaluation, hold more than the one annotated class.",
            )
        if clips.notes:
            with st.expander("How the files were read"):
                for sentence in clips.notes:
                    st.markdown(f"- {as_markdown(sentence)}")
    if config is None:
        st.caption("These soft labels were brought along; their teacher is not known here.")
        return
    teacher: TrainedTeacher | None = _quiet(config, "Teacher")
    quality = {} if teacher is None else dict(teacher.quality)
    by_modality = (
        ("accuracy", "Teacher finds the annotated class, audio / visual", "Share of test clips."),
        ("hidden_label_auc", "Teacher finds unannotated events, audio / visual", "Area under the ROC curve, test."),
    )
    for place, (name, label, meaning) in zip(st.columns(2), by_modality, strict=True):
        values = [quality.get(f"{name}_{modality}_test") for modality in MODALITIES]
        if all(value is not None for value in values):
            place.metric(label, " / ".join(f"{value:.2f}" for value in values), help=meaning)
