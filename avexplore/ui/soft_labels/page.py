"""The soft-labels page: what the teacher hears and sees beside the one annotated class."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from avexplore.analysis import clip_labels, tables
from avexplore.analysis import soft_label_events as numbers
from avexplore.artifacts import MODALITIES, TrainedTeacher
from avexplore.calibration.reliability import ReliabilityDiagram
from avexplore.config import ClipsConfig, TeacherConfig
from avexplore.ui.parts import clip_media, job_progress
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.parts.reliability_chart import Curve, in_words, reliability_chart
from avexplore.ui.shell import glossary, session
from avexplore.ui.soft_labels import charts
from avexplore.ui.soft_labels import data as soft_labels_data
from avexplore.ui.soft_labels.matrix import QUIET, wide_matrix
from avexplore.ui.soft_labels.soft_label_view import SoftLabelView

if TYPE_CHECKING:
    from avexplore.artifacts import IntArray
    from avexplore.workbench.runs import Run

VIEWS = {"clips": "Clips", "classes": "Classes", "calibration": "Calibration", "data": "Data"}
_LISTS = {
    "hits": "Events truly there",
    "false": "Events not there",
    "events": "All events",
    "missed": "Weakest annotations",
}
AT_LEAST = 0.2
"""Soft label from which an event counts at first."""
STYLE = """<style>
.hit-rate { display: flex; align-items: center; gap: .8rem; margin: 0; line-height: 1.3; }
.hit-rate b { font-size: 2.6rem; line-height: 1; white-space: nowrap; font-variant-numeric: tabular-nums; }
@media (max-width: 640px) { .hit-rate { flex-wrap: wrap; } }
</style>"""
_ANY = "any"


def draw() -> None:
    """Draw the page for the run chosen in the sidebar."""
    view = st.segmented_control(
        "View",
        list(VIEWS),
        format_func=VIEWS.__getitem__,
        default="clips",
        key="sl_view",
        bind="query-params",
        required=True,
        label_visibility="collapsed",
    )
    if view == "data" and not session.runs():
        soft_labels_data.draw(None)
        return
    subject = _load(session.current_run())
    if view == "data":
        soft_labels_data.draw(subject)
    elif view == "classes":
        _classes(subject)
    elif view == "calibration":
        _calibration(subject)
    else:
        _clips(subject)


def _load(run: Run) -> SoftLabelView:
    found = job_progress.artifact(run.soft_labels, "Soft labels", start=False)
    clips = None
    if isinstance(run.soft_labels, TeacherConfig):
        clips = job_progress.artifact(ClipsConfig(run.soft_labels.data), "Reading the clips")
    soft = found.soft_labels if isinstance(found, TrainedTeacher) else found
    if clips is not None and (len(clips.hard_label), clips.classes) != (len(soft.hard_label), soft.classes):
        st.error("The soft labels and the clips of this run do not belong together. Train it again.")
        st.stop()
    return SoftLabelView(run.key, soft, clips, found if isinstance(found, TrainedTeacher) else None)


# --- clips --------------------------------------------------------------------------------------------------------


def _clips(subject: SoftLabelView) -> None:
    count = len(subject.soft.classes)
    known = bool((subject.hard_label >= 0).any())
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        split = _split(subject)
        chosen = st.selectbox(
            "List", _lists(subject, known), format_func=_LISTS.__getitem__, key="sl_order", bind="query-params",
            width=190,
        )  # fmt: skip
        annotated = _class_filter(subject, "Annotated class", "sl_annotated") if known else None
        event = _class_filter(subject, "Unannotated event", "sl_event") if chosen != "missed" else None
        with st.popover("Present if"):
            presence = _presence()
            at_least = _at_least() if chosen != "missed" else 0.0
    rows = subject.soft.rows(split)
    strengths = numbers.strength(subject.probabilities, presence)
    if chosen == "missed":
        rows = rows if annotated is None else rows[subject.hard_label[rows] == annotated]
        found = numbers.missed(strengths, subject.hard_label, rows)
    else:
        found = numbers.unannotated_events(
            strengths, subject.hard_label, rows, annotated=annotated, event=event, at_least=at_least
        )
        if not len(found.clip) and at_least <= AT_LEAST:
            # Many classes share what a clip's probabilities sum up to: the strongest of all are still worth a look.
            found = numbers.unannotated_events(strengths, subject.hard_label, rows, annotated=annotated, event=event)
            st.caption(f"No event is as strong as {at_least:.2f}. These are the strongest.")
    if not len(found.clip):
        st.info("No clip fits. Lower the strength, or choose other classes.")
        return
    if chosen != "missed":
        _verdict(subject, found, rows, annotated, event)
    found = _those(subject, found, chosen)
    if not len(found.clip):
        st.info(f"None of these events is {'truly' if chosen == 'hits' else 'not'} there. Choose another list.")
        return
    table, detail = st.columns([8, 5], gap="medium")
    with table:
        clip = _table(subject, found, chosen)
    with detail:
        _detail(subject, clip)
    _clips_heat_map(subject, found, count)


def _lists(subject: SoftLabelView, known: bool) -> list[str]:
    """What can be listed, the list that opens first."""
    if not known:
        return ["events"]
    return list(_LISTS) if subject.truth is not None else ["events", "missed"]


def _those(subject: SoftLabelView, found: numbers.Events, chosen: str) -> numbers.Events:
    """Of the events those that are truly there, or are not, if the list is of these."""
    if subject.truth is None or chosen not in ("hits", "false"):
        return found
    kept = subject.truth[found.clip, found.event] == (chosen == "hits")
    return numbers.Events(found.clip[kept], found.event[kept], found.strength[kept])


def _split(subject: SoftLabelView) -> str:
    options = [*subject.splits, "all"]
    chosen: str = st.segmented_control(
        "Clips",
        options,
        default=options[0],
        key="sl_split",
        bind="query-params",
        required=True,
        help="Test clips were never trained on, so what the teacher says of them is no echo of their annotation.",
    )
    return chosen


def _class_filter(subject: SoftLabelView, label: str, key: str) -> int | None:
    options = [_ANY, *map(str, range(len(subject.soft.classes)))]
    names = {str(c): name for c, name in enumerate(subject.soft.classes)}
    chosen = st.selectbox(
        label, options, format_func=lambda c: names.get(c, _ANY), key=key, bind="query-params", width=135
    )
    return None if chosen == _ANY else int(chosen)


def _presence() -> numbers.Presence:
    chosen: numbers.Presence = st.selectbox(
        "Which modality", list(numbers.PRESENCE), format_func=numbers.PRESENCE.__getitem__, key="sl_ear",
        bind="query-params",
        help="Which modality must be strong: the larger, the smaller, or one of the two soft labels.",
    )  # fmt: skip
    return chosen


def _at_least() -> float:
    chosen: float = st.slider(
        "At least", 0.0, 1.0, AT_LEAST, 0.05, key="sl_min", bind="query-params",
        help="Soft label (calibrated probability) from which an event counts as present.",
    )  # fmt: skip
    return chosen


def _verdict(
    subject: SoftLabelView, found: numbers.Events, rows: IntArray, annotated: int | None, event: int | None
) -> None:
    truth = subject.truth
    if not (subject.hard_label >= 0).any():
        st.caption("Strongest events. What was annotated in these clips is not known, so that all events are listed.")
        return
    shown = len(found.clip)
    what = f"the {shown} strongest" if shown == numbers.MOST else f"{shown}"
    if truth is None:
        st.caption(
            f"{what[0].upper()}{what[1:]} unannotated event{'s' * (shown != 1)}. Which of them are truly there is not "
            "known in this data set."
        )
        return
    right = truth[found.clip, found.event]
    chance = numbers.chance_rate(truth, subject.hard_label, rows, annotated=annotated, event=event)
    st.html(
        f'{STYLE}<p class="hit-rate"><b>{right.mean():.0%}</b><span>of {what} event{"s" * (shown != 1)} that the '
        f"teacher finds and nobody annotated are truly there ({int(right.sum()):,}). Of all classes that nobody "
        f"annotated in these clips, {chance:.1%} are.</span></p>"
    )


def _table(subject: SoftLabelView, found: numbers.Events, order: str) -> int:
    """The list of clips; returns the chosen one."""
    audio, visual = (subject.probabilities[m][found.clip, found.event] for m in (0, 1))
    label = "Unannotated event" if order != "missed" else "Annotated class"
    columns: dict[str, Any] = {
        "Clip": [subject.name(int(c)) for c in found.clip],
        "Annotated": [subject.class_name(int(subject.hard_label[c])) for c in found.clip],
    }
    if not (subject.hard_label >= 0).any():
        del columns["Annotated"]
    if order != "missed":
        columns[label] = [subject.class_name(int(e)) for e in found.event]
    if subject.truth is not None and order == "events":
        right = subject.truth[found.clip, found.event]
        columns["True"] = ["yes" if value else "no" for value in right]
    columns |= {"Heard": audio.tolist(), "Seen": visual.tolist()}
    bar: dict[str, Any] = {"min_value": 0.0, "max_value": 1.0, "format": "%.2f", "width": 78}
    pictures = clip_media.thumbnails(subject.clips, found.clip.tolist())
    selected = st.dataframe(
        columns if pictures is None else {"": pictures, **columns},
        row_height=None if pictures is None else 52,
        column_config={
            "": st.column_config.ImageColumn(width=76),
            "Clip": st.column_config.TextColumn(width=None if pictures is None else 130),
            "Heard": st.column_config.ProgressColumn(**bar),
            "Seen": st.column_config.ProgressColumn(**bar),
        },
        hide_index=True,
        height=470,
        on_select="rerun",
        selection_mode="single-row",
        # another list is another table, so that a row chosen in one is not taken for the same row of the next
        key=f"sl_table-{subject.key}-{order}-{zlib.crc32(found.clip.tobytes() + found.event.tobytes())}",
    )
    st.download_button(
        "Download this list (CSV)",
        _csv(columns),
        file_name="missed_annotations.csv" if order == "missed" else "unannotated_events.csv",
        mime="text/csv",
        on_click="ignore",
    )
    chosen = [int(row) for row in selected.get("selection", {}).get("rows", []) if int(row) < len(found.clip)]
    offered = set(found.clip.tolist())
    asked = st.query_params.get("clip", "")
    if chosen:
        clip = int(found.clip[chosen[0]])
        st.query_params["clip"] = str(clip)
    else:
        clip = int(asked) if asked.isdecimal() and int(asked[:9]) in offered else int(found.clip[0])
    return clip


def _detail(subject: SoftLabelView, clip: int) -> None:
    annotated = int(subject.hard_label[clip])
    also = f" · {as_markdown(subject.class_name(annotated))}" if annotated >= 0 else ""
    st.markdown(f"**{as_markdown(subject.name(clip))}**{also}")
    if subject.clips is not None:
        clip_media.play(subject.clips, clip)
    others = clip_labels.hidden_classes(subject.clips, clip) if subject.clips is not None else []
    chart = charts.clip_bars(subject.soft.classes, subject.probabilities[:, clip], annotated, others)
    st.plotly_chart(chart, key="sl_bars", config=QUIET)
    marks = "✔ annotated" if annotated >= 0 else "Annotation unknown"
    if subject.truth is not None:
        marks += ", \\+ true, but nobody annotated it"
    st.caption(f"{marks}. Row {clip}, {_split_name(subject, clip)} clip.")


def _split_name(subject: SoftLabelView, clip: int) -> str:
    return next((name for name in subject.splits if clip in subject.soft.rows(name)), "")


def _clips_heat_map(subject: SoftLabelView, found: numbers.Events, count: int) -> None:
    shown = list(dict.fromkeys(found.clip.tolist()))[:30]
    used = subject.probabilities[:, shown].max(axis=(0, 1))
    columns = np.sort(np.argsort(-used, kind="stable")[: min(count, 30)])
    known = subject.hard_label >= 0
    names = [
        subject.name(c) + (f" · {subject.class_name(int(subject.hard_label[c]))}" if known[c] else "") for c in shown
    ]
    panels = {title: subject.probabilities[m][np.ix_(shown, columns)] for m, title in enumerate(("Audio", "Visual"))}
    with st.expander(f"Soft labels of the first {len(shown)} of these clips", expanded=True):
        chart = charts.heat_map(
            names,
            [subject.soft.classes[c] for c in columns],
            panels,
            row_title="Clip",
            column_title="Class",
            value_title="Soft label",
        )
        wide_matrix(chart)


# --- classes ------------------------------------------------------------------------------------------------------


def _classes(subject: SoftLabelView) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = _split(subject)
        presence = _presence()
        at_least = _at_least()
    rows = subject.soft.rows(split)
    if not (subject.hard_label[rows] >= 0).any():
        st.info("The annotated classes of these clips are not known, so there is nothing to compare them with.")
        return
    true = subject.truth
    summaries = numbers.summarize(
        subject.probabilities, subject.hard_label, rows, true, presence=presence, at_least=at_least
    )
    columns: dict[str, Any] = {
        "Class": list(subject.soft.classes),
        "Annotated": [s.annotated for s in summaries],
        "Heard": [s.own_audio for s in summaries],
        "Seen": [s.own_visual for s in summaries],
        "First, audio": [s.first_audio for s in summaries],
        "First, visual": [s.first_visual for s in summaries],
        "Elsewhere": [s.elsewhere for s in summaries],
    }
    if true is not None:
        columns["Truly in"] = [s.true for s in summaries]
        columns["Elsewhere, true"] = [s.right for s in summaries]
    # Whole percentages, all alike; the file to download keeps the shares.
    shares = ("First, audio", "First, visual", "Elsewhere, true")
    percentages = {name: [100 * value for value in columns[name]] for name in shares if name in columns}
    share: dict[str, Any] = {"format": "%.0f%%"}
    two: dict[str, Any] = {"format": "%.2f"}
    column = st.column_config
    st.dataframe(
        columns | percentages,
        column_config={
            "Annotated": column.NumberColumn(help="Clips annotated with the class"),
            "Heard": column.NumberColumn(**two, help="Mean audio soft label in the clips annotated with it"),
            "Seen": column.NumberColumn(**two, help="Mean visual soft label in the clips annotated with it"),
            "First, audio": column.NumberColumn(
                **share, help="Of those clips, how many have it as strongest audio label"
            ),
            "First, visual": column.NumberColumn(**share, help="The same for the visual label"),
            "Elsewhere": column.NumberColumn(help="Clips of other annotations in which it is as strong as asked above"),
            "Truly in": column.NumberColumn(help="Clips that truly hold it, annotated or not"),
            "Elsewhere, true": column.NumberColumn(
                **share, help="Of the clips under Elsewhere, how many truly hold it"
            ),
        },
        hide_index=True,
        width="stretch",
        height=min(36 * len(summaries) + 40, 560),
    )
    st.download_button("Download this table (CSV)", _csv(columns), "classes.csv", "text/csv", on_click="ignore")
    st.subheader("What comes along with a class", anchor=False)
    st.caption(
        "Mean soft label of each class in the clips annotated with a class (rows). The diagonal is left out: bright "
        "cells are classes that come along, annotated or not."
    )
    panels = {
        title: numbers.mean_by_annotation(subject.probabilities[m], subject.hard_label, rows)
        for m, title in enumerate(("Audio", "Visual"))
    }
    wide_matrix(
        charts.heat_map(
            subject.soft.classes,
            subject.soft.classes,
            panels,
            row_title="Annotated class",
            column_title="Class",
            value_title="Mean soft label",
            without_diagonal=True,
        )
    )


# --- calibration --------------------------------------------------------------------------------------------------


def _calibration(subject: SoftLabelView) -> None:
    teacher = subject.teacher
    if teacher is not None and {"ece_before", "ece_after", "confidence_before"} <= set(teacher.calibration):
        stored = teacher.calibration
        diagrams = [
            {
                label: ReliabilityDiagram(
                    np.asarray(stored[f"confidence_{when}"])[m],
                    np.asarray(stored[f"accuracy_{when}"])[m],
                    np.asarray(stored[f"count_{when}"])[m],
                    float(np.asarray(stored[f"ece_{when}"])[m]),
                )
                for when, label in (("before", "Before calibration"), ("after", "After calibration"))
            }
            for m in (0, 1)
        ]
        text = (
            "On validation clips. The figures after calibration are of clips that had no say in their own calibration."
        )
    else:
        if subject.soft.kind == "logits":
            st.info(
                "These logits came without a calibration, so that their probabilities are those of a plain softmax."
            )
        rows = np.flatnonzero((subject.hard_label >= 0) & (subject.soft.split != 0))
        if not len(rows):
            rows = np.flatnonzero(subject.hard_label >= 0)
        if not len(rows):
            st.info("The annotated classes are not known here, so nobody can say how often the teacher is right.")
            return
        diagrams = [{"As given": numbers.diagram(p, subject.hard_label, rows)} for p in subject.probabilities]
        text = f"On {len(rows):,} clips with a known annotation."
    st.caption(
        "A teacher that says 70 % should be right 7 times in 10: then its soft labels can be read as probabilities, "
        "and LIR weighs pairs of clips as it should. " + text,
        help=glossary.LIR,
    )
    for m, place in enumerate(st.columns(2, gap="large")):
        with place:
            _one_calibration(subject, m, diagrams[m])


def _one_calibration(subject: SoftLabelView, modality: int, diagrams: dict[str, ReliabilityDiagram]) -> None:
    name = MODALITIES[modality].capitalize()
    st.subheader(name, anchor=False)
    figures = st.columns(len(diagrams))
    first = next(iter(diagrams.values())).error
    for place, (label, one) in zip(figures, diagrams.items(), strict=True):
        change = None if one.error == first else f"{one.error - first:+.3f}"
        place.metric(
            label,
            f"{one.error:.3f}",
            change,
            delta_color="inverse",
            help="Expected calibration error: mean gap between how sure the teacher is and how often it is right.",
        )
    color = charts.LINES["dark" if st.context.theme.type == "dark" else "light"][modality]
    curves = [
        Curve(label, one, color, is_dashed=len(diagrams) > 1 and place == 0)
        for place, (label, one) in enumerate(diagrams.items())
    ]
    chart = reliability_chart(curves, "How sure the teacher is", "How often it is right", 420)
    st.plotly_chart(chart, key=f"sl_reliability-{modality}", config=QUIET, alt=in_words(curves))
    if subject.soft.platt is not None:
        st.caption("Platt scaling: a slope and an offset per class.")
    elif subject.soft.kind == "logits" and subject.soft.temperature[modality] != 1.0:
        st.caption(f"Logits are divided by a temperature of {subject.soft.temperature[modality]:.2f}.")


def _csv(columns: dict[str, Any]) -> str:
    rounded = [[f"{v:.6g}" if isinstance(v, float) else v for v in row] for row in zip(*columns.values(), strict=True)]
    return tables.as_csv([list(columns), *rounded])
