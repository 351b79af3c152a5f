"""What is known of one class in one modality: its links, its calibration, its clips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from avexplore.analysis import clip_labels
from avexplore.analysis import edge_evidence as evidence
from avexplore.artifacts import plain_name, split_node
from avexplore.drawing.class_graph.names import edge_id
from avexplore.ui.class_graph.panel import facts as facts
from avexplore.ui.class_graph.panel.clips import draw_clip, pick_row
from avexplore.ui.parts.plain_text import as_html
from avexplore.ui.parts.reliability_chart import Curve, in_words, reliability_chart

if TYPE_CHECKING:
    from avexplore.ui.class_graph.scene import Scene


def draw_node(scene: Scene, node: str) -> None:
    """The panel of a selected class node."""
    from avexplore.graph.algebra.separation import neighborhood

    modality, label = split_node(node)
    near = neighborhood(scene.graph, node)
    known = label in scene.labels.classes
    support = f" · {_support(scene, label)}" if known else ""
    body = (
        _links(scene, node, "Points here", near.parents)
        + _links(scene, node, "It points to", near.children)
        + _links(scene, node, "Linked without direction", near.undirected)
    )
    if not body:
        body = "<p>No edge of this graph touches it.</p>"
    body += _blanket(near.markov_blanket)
    facts.draw(label, f"{'heard' if modality == 'audio' else 'seen'} ({modality} class){support}", body)
    if known:
        _draw_calibration(scene, node)
        _draw_clips(scene, node)


def _support(scene: Scene, label: str) -> str:
    labels = scene.labels
    rows = labels.rows("train")
    known = labels.hard_label[rows]
    if not (known >= 0).any():
        return "annotations unknown"
    return f"{int((known == labels.classes.index(label)).sum()):,} of {len(rows):,} training clips annotated with it"


def _links(scene: Scene, node: str, title: str, names: Sequence[str]) -> str:
    """Neighbors, the surest first; those that the picture leaves out are folded away."""
    if not names:
        return ""
    index = {name: k for k, name in enumerate(scene.graph.nodes)}
    here = index[node]

    def sureness(name: str) -> float:
        if scene.stability is not None:
            return float(scene.stability.edge_frequency[here, index[name]])
        return float(max(scene.graph.gain[here, index[name]], scene.graph.gain[index[name], here]))

    ordered = sorted(names, key=lambda name: (-sureness(name), index[name]))
    drawn = [name for name in ordered if edge_id(here, index[name]) in scene.visible]
    rest = [name for name in ordered if name not in drawn]
    percent = scene.stability is not None

    def listed(chosen: Sequence[str]) -> str:
        lines = (
            f"<li><span>{as_html(plain_name(name))}</span>{f'<b>{sureness(name):.0%}</b>' if percent else ''}</li>"
            for name in chosen
        )
        return f'<ul class="links">{"".join(lines)}</ul>'

    found = f"<h5>{title}{' (share of the bootstraps)' if percent and drawn else ''}</h5>"
    found += listed(drawn) if drawn else ""
    if rest:
        found += facts.folded(f"{len(rest)}{' more,' if drawn else ''} weaker or hidden in the picture", listed(rest))
    return found


def _blanket(names: Sequence[str]) -> str:
    if not names:
        return ""
    count = f"{len(names)} class{'' if len(names) == 1 else 'es'}"
    body = as_html(", ".join(plain_name(name) for name in names))
    why = "All one has to know to predict this soft label; the other classes add nothing."
    return f"<h5>Markov blanket</h5>{facts.folded(count, f'<p>{why}</p><p>{body}</p>')}"


def _draw_calibration(scene: Scene, node: str) -> None:
    found = evidence.reliability(scene.labels, node, scene.clips)
    if found is None:
        return
    facts.draw_more("<h5>Does its probability mean what it says?</h5>")
    curves = [
        Curve(name, diagram, color)
        for name, diagram, color in (
            ("annotated with it", found.annotated, "#2F86C1"),  # readable on white and on black
            ("truly there", found.true, "#16986F"),
        )
        if diagram is not None
    ]
    if curves:
        chart = reliability_chart(curves, "Probability given", "Share of clips", 260)
        st.plotly_chart(chart, key=f"reliability-{node}", config={"displayModeBar": False}, alt=in_words(curves))
    shares = f"{found.mean_probability:.1%} over {found.clips:,} {found.split} clips"
    shares += f"; {found.annotated_share:.1%} are annotated with it" if np.isfinite(found.annotated_share) else ""
    shares += f", {found.true_share:.1%} truly hold it" if np.isfinite(found.true_share) else ""
    rows = [("Mean probability", shares)]
    if found.annotated is not None:
        rows.append(("Calibration error", f"{found.annotated.error:.3f} for this class, against its annotation"))
    measured = getattr(scene.teacher, "calibration", {})
    index = evidence.MODALITY_INDEX[split_node(node)[0]]
    if "ece_after" in measured and np.size(measured["ece_after"]) > index:
        before, after = (float(np.ravel(measured[name])[index]) for name in ("ece_before", "ece_after"))
        rows.append(("All classes", f"{after:.3f} in this modality ({before:.3f} before calibration)"))
    facts.draw_more(facts.grid(rows))


def _draw_clips(scene: Scene, node: str) -> None:
    labels = scene.labels
    modality, label = split_node(node)
    unannotated = st.toggle(
        "Only clips annotated otherwise",
        value=True,
        key="g_unannotated",
        help="Clips in which the teacher hears or sees this class although the annotation names another one.",
        bind="query-params",
    )
    rows = evidence.strongest_clips(labels, node, unannotated=unannotated)
    if not len(rows):
        st.caption("There is no such clip.")
        return
    column = labels.classes.index(label)
    table: dict[str, object] = {
        "annotated": [clip_labels.annotation(labels, row) for row in rows],
        "soft label": labels.probabilities()[evidence.MODALITY_INDEX[modality], rows, column],
    }
    truth = evidence.true_labels(scene.clips, modality)
    if truth is not None:
        table["true"] = [bool(truth[row, column]) for row in rows]
    chosen = pick_row(
        f"clips-{node}-{unannotated}",
        table,
        {
            "annotated": st.column_config.TextColumn(width=104),
            "soft label": st.column_config.ProgressColumn(min_value=0.0, max_value=1.0, format="%.2f", width=92),
            "true": st.column_config.CheckboxColumn(width=44, help="Whether the class is truly there"),
        },
    )
    draw_clip(scene.labels, scene.clips, int(rows[chosen]))
