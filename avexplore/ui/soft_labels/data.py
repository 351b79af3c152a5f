"""The data behind a run: what it holds, how its classes go together, and the way in for one's own soft labels."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from avexplore.analysis import soft_label_events as numbers
from avexplore.apart import apart
from avexplore.artifacts import SPLITS, SoftLabels
from avexplore.errors import AvexploreError
from avexplore.ui.parts import uploads
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.shell import session
from avexplore.ui.soft_labels import charts
from avexplore.ui.soft_labels.matrix import QUIET, wide_matrix
from avexplore.workbench.brought_files import config_of_soft_labels

if TYPE_CHECKING:
    from avexplore.ui.soft_labels.soft_label_view import SoftLabelView

_KINDS = {
    "auto": "tell from the file",
    "logits": "logits of a softmax: classes compete",
    "independent-logits": "logits of sigmoids: each class for itself",
    "probabilities": "probabilities",
    "independent-probabilities": "probabilities, each class for itself",
    "log-probabilities": "logarithms of probabilities",
    "scores": "scores of a regression to one-hot",
    "percentages": "percentages",
    "votes": "votes",
    "cosines": "cosines",
    "labels": "0/1 labels",
}


def draw(subject: SoftLabelView | None) -> None:
    """The Data view; `subject` is None where there is no run yet."""
    if subject is not None:
        _summary(subject)
        _classes(subject)
        _together(subject)
        _downloads(subject)
    _upload()


def _summary(subject: SoftLabelView) -> None:
    soft, clips = subject.soft, subject.clips
    if clips is not None and clips.source:
        st.markdown(as_markdown(clips.source))
    figures = st.columns([2, 2, 3, 3])
    figures[0].metric("Clips", f"{len(soft.split):,}")
    figures[1].metric("Classes", len(soft.classes))
    figures[2].metric("Train / validation / test", " / ".join(f"{len(soft.rows(name)):,}" for name in SPLITS))
    if subject.truth is not None:
        several = subject.truth.sum(axis=1)
        figures[3].metric(
            "Clips with unannotated events",
            f"{(several > 1).mean():.0%}",
            help=f"Their true labels are kept aside for evaluation; {several.mean():.2f} per clip on average.",
        )
    else:
        figures[3].metric("Soft labels", soft.kind)
    for sentence in soft.warnings:
        st.warning(as_markdown(sentence))
    for sentence in () if clips is None else clips.notes:
        st.caption(as_markdown(sentence))


def _classes(subject: SoftLabelView) -> None:
    soft = subject.soft
    known = soft.hard_label >= 0
    if not known.any():
        st.caption("The annotated classes of these clips are not known.")
        return
    count = len(soft.classes)
    st.subheader("Clips per class", anchor=False)
    left, right = st.columns(2, gap="large")
    by_split = {
        name: np.bincount(soft.hard_label[known & (soft.split == i)], minlength=count).tolist()
        for i, name in enumerate(SPLITS)
        if (soft.split == i).any()
    }
    chart = charts.counts(soft.classes, by_split, "Clips annotated with the class")
    left.plotly_chart(chart, key="sl_by_split", config=QUIET)
    if subject.truth is None:
        right.caption("Which further classes are true is not known in this data set.")
        return
    annotated = np.bincount(soft.hard_label[known], minlength=count)
    table = {
        "annotated": annotated.tolist(),
        "true, not annotated": (subject.truth.sum(axis=0) - annotated).tolist(),
    }
    chart = charts.counts(soft.classes, table, "Clips that truly hold the class")
    right.plotly_chart(chart, key="sl_by_truth", config=QUIET)


def _together(subject: SoftLabelView) -> None:
    clips = subject.clips
    if clips is None or clips.true_labels is None:
        return
    st.subheader("Which classes truly occur together", anchor=False)
    train = clips.rows("train")
    matrix = numbers.conditional(clips.true_labels, train)
    off = matrix.copy()
    np.fill_diagonal(off, np.nan)
    pairs = int((np.nan_to_num(np.fmax(off, off.T)) > 0.1).sum() // 2)
    count = len(clips.classes)
    st.caption(
        f"Share of the training clips with one class (rows) that also hold another. {pairs} of "
        f"{count * (count - 1) // 2} pairs of classes occur together in more than one clip in "
        "ten, one way or the other. The class graph never sees these labels; it is compared with them."
    )
    chart = charts.heat_map(
        clips.classes,
        clips.classes,
        {"True labels": matrix},
        row_title="Given this class",
        column_title="this one is there, too",
        value_title="Share of clips",
        without_diagonal=True,
    )
    wide_matrix(chart)


def _downloads(subject: SoftLabelView) -> None:
    st.download_button(
        "Download the soft labels (npz)",
        lambda: as_npz(subject.soft),
        file_name="soft_labels.npz",
        mime="application/octet-stream",
        on_click="ignore",
        help="Arrays audio, visual, classes, split, hard_label, kind and calibration; avexplore reads it back.",
    )


def as_npz(soft: SoftLabels) -> bytes:
    """The soft labels as a file that `soft_label_file` reads back."""
    from avexplore.data import export_soft_labels

    out = io.BytesIO()
    export_soft_labels(soft, out)
    return out.getvalue()


def _upload() -> None:
    st.subheader("Bring your own soft labels", anchor=False)
    if session.workbench().read_only:
        st.info("This avexplore only shows what is stored. Start your own to bring data.")
        return
    st.caption(
        "A file (npz, HDF5) with `audio` and `visual`, one row per clip and one column per class, is enough to explore "
        "a class graph. Optional: `classes` (names), `split` (train, validation, test), `hard_label` (annotated "
        "class), `kind` (what the values are), `temperature` or `platt` (calibration of logits). "
        "Features, for training a teacher and students of your own, go to the Training page."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox("The values are", list(_KINDS), format_func=_KINDS.__getitem__, key="sl_kind", width=330)
        rows = st.number_input(
            "Training rows", min_value=0, value=0, step=1, key="sl_rows", width=170,
            help="The first so many rows are training clips; the graph is learned from those only. 0 takes what the "
            "file says, else all rows.",
        )  # fmt: skip
        names = st.text_input(
            "Class names", key="sl_names", placeholder="Bus; Cat; Dog (if the file holds none)", width=360
        )
    from avexplore.data.files.open import ARRAY_SUFFIXES

    given = st.file_uploader(
        "Soft labels",
        type=[suffix.lstrip(".") for suffix in ARRAY_SUFFIXES],
        key="sl_file",
        label_visibility="collapsed",
        max_upload_size=256,
    )
    if given is None:
        return
    try:
        split_names = tuple(filter(None, (name.strip() for name in names.split(";"))))
        path = uploads.keep(given.name, given.getbuffer())
        config = apart(config_of_soft_labels, path, rows, split_names, kind)
        session.workbench().store.remember_files(config.fingerprint, (config.path,))
        soft: SoftLabels = session.workbench().get(config)
    except AvexploreError as error:
        st.error(as_markdown(str(error)))
        return
    except OSError as error:
        st.error(f"The upload cannot be stored: {as_markdown(error.strerror or 'disk error')}.")
        return
    splits = ", ".join(f"{len(soft.rows(name)):,} {name}" for name in SPLITS if len(soft.rows(name)))
    read_as = soft.reading.get("kind", soft.kind)
    together = "each class for itself" if not soft.normalized else "competing classes"
    st.success(f"Read {len(soft.classes)} classes as {as_markdown(read_as)} ({together}): {splits} clips.")
    for sentence in soft.warnings:
        st.caption(as_markdown(sentence))
    query = {"run": config.address[:12]}
    with st.container(horizontal=True):
        st.page_link("pages/class_graph.py", label="Explore its class graph", query_params=query)
        st.page_link(
            "pages/soft_labels.py", label="Browse these soft labels", query_params=query | {"sl_view": "Clips"}
        )
