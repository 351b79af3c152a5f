"""The panel beside the picture: the verdict, or what is known of the selected class or edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from avexplore.ui import graph_evidence as evidence
from avexplore.ui.graph_verdict import Remark, verdict
from avexplore.ui.graph_view.picture import parse_id, plain_name, split_node
from avexplore.ui.plain_text import as_html

if TYPE_CHECKING:
    from collections.abc import Callable

    from avexplore.artifacts import Affinity, ClassGraph, Clips, Embeddings, GraphStability, SoftLabels
    from avexplore.config import GraphConfig

STYLE = """<style>
.facts{font-size:.83rem;line-height:1.42;overflow-wrap:anywhere}
.facts li,.facts .grid,.facts .sub{font-size:.83rem;line-height:1.42}
.facts h4{font-size:1.05rem;margin:0 0 .1rem;padding:0}
.facts .sub{opacity:.7;margin-bottom:.5rem}
.facts .grid{display:grid;grid-template-columns:minmax(6rem,auto) 1fr;gap:.22rem .7rem;margin:.3rem 0}
.facts .grid>span{opacity:.7}
.facts ul{list-style:none;padding:0;margin:.2rem 0}
.facts li{display:grid;grid-template-columns:1.35rem 1fr;margin:.38rem 0}
.facts summary{cursor:pointer;font-size:.83rem;opacity:.8}
.facts .bar{height:.42rem;border-radius:.2rem;background:rgba(128,140,150,.28);position:relative;margin:.15rem 0 .3rem}
.facts .bar i{position:absolute;inset:0 auto 0 0;border-radius:.2rem;background:#0072B2}
.facts .bar b{position:absolute;top:-.15rem;bottom:-.15rem;width:2px;background:#D55E00}
</style>"""

_SIGNS = {"good": "✓", "fair": "≈", "poor": "⚠", "note": "·"}
_WORDS = {"good": "good", "fair": "fair", "poor": "poor", "note": "note"}


@dataclass(frozen=True)
class Subject:
    """The graph on screen and all that is known around it; what is unknown is None."""

    graph: ClassGraph
    stability: GraphStability | None
    soft_labels: SoftLabels | None
    clips: Clips | None
    affinity: Affinity | None = None
    config: GraphConfig | None = None
    embeddings: Callable[[], tuple[Embeddings, Embeddings] | None] = lambda: None
    """Without and with LIR, if a student and its twin are stored."""
    teacher: Any = None


def draw_panel(subject: Subject, selection: str) -> None:
    """The verdict, or the facts of the selected node or edge (an id of the picture)."""
    found = parse_id(selection)
    nodes = subject.graph.nodes
    if not found or max(found) >= len(nodes):
        draw_verdict(verdict(subject.graph, subject.stability, clips=subject.clips, config=subject.config))
    elif len(found) == 1:
        _draw_node(subject, nodes[found[0]])
    else:
        _draw_edge(subject, *found)


def draw_verdict(remarks: list[Remark]) -> None:
    """Is it right? In plain words."""
    first = [remark for remark in remarks if remark.level != "note"] or remarks[:1]
    rest = [remark for remark in remarks if remark not in first]
    more = f"<details><summary>{len(rest)} more to know</summary><ul>{_items(rest)}</ul></details>" if rest else ""
    st.html(f'{STYLE}<div class="facts"><h4>Is it right?</h4><ul>{_items(first)}</ul>{more}</div>')
    st.caption("Click a class or a line for what stands behind it; right-click to require or forbid it.")


def _items(remarks: list[Remark]) -> str:
    return "".join(
        f'<li><span title="{_WORDS[remark.level]}" aria-label="{_WORDS[remark.level]}">{_SIGNS[remark.level]}</span>'
        f"<span>{as_html(remark.text)}</span></li>"
        for remark in remarks
    )


def facts(title: str, subtitle: str, rows: list[tuple[str, str]]) -> None:
    """A short list of facts; values are HTML that the caller has made safe."""
    body = "".join(f"<span>{as_html(label)}</span><div>{value}</div>" for label, value in rows)
    st.html(
        f'{STYLE}<div class="facts"><h4>{as_html(title)}</h4>'
        f'<div class="sub">{as_html(subtitle)}</div><div class="grid">{body}</div></div>'
    )


def bar(value: float, beside: float | None = None) -> str:
    """A percentage as text and bar; `beside` marks what chance would give."""
    mark = "" if beside is None else f'<b style="left:{100 * min(beside, 1):.0f}%"></b>'
    return f'{value:.0%}<div class="bar"><i style="width:{100 * min(value, 1):.0f}%"></i>{mark}</div>'


def _folded(names: tuple[str, ...]) -> str:
    count = f"{len(names)} class{'' if len(names) == 1 else 'es'}"
    if len(names) <= 6:
        return _names(names)
    return f"<details><summary>{count}</summary>{_names(names)}</details>"


def _names(names: tuple[str, ...]) -> str:
    return as_html(", ".join(plain_name(name) for name in names)) or "none"


def _draw_node(subject: Subject, node: str) -> None:
    from avexplore.graph.separation import neighborhood

    modality, label = split_node(node)
    near = neighborhood(subject.graph, node)
    rows = [
        ("Parents", _names(near.parents)),
        ("Children", _names(near.children)),
        ("No direction", _names(near.undirected)),
        ("Markov blanket", _folded(near.markov_blanket)),
    ]
    labels = subject.soft_labels
    if labels is not None and label in labels.classes:
        rows = [("Support", _support(labels, label)), *rows]
        rows += _calibration(subject, node)
    facts(label, f"{modality} class", rows)
    st.caption("The Markov blanket is all one has to know to predict this soft label; the rest adds nothing.")
    if labels is not None and label in labels.classes:
        _clip_table(subject, node)


def _support(labels: SoftLabels, label: str) -> str:
    column = labels.classes.index(label)
    rows = labels.rows("train")
    known = labels.hard_label[rows]
    if not (known >= 0).any():
        return "annotations unknown"
    return f"{int((known == column).sum()):,} of {len(rows):,} training clips annotated with it"


def _calibration(subject: Subject, node: str) -> list[tuple[str, str]]:
    assert subject.soft_labels is not None
    found = evidence.calibration(subject.soft_labels, node, subject.clips)
    said = f"{found.mean_probability:.1%} of the {found.split} clips' probability"
    if np.isfinite(found.true):
        said += f"; truly in {found.true:.1%} of them"
    elif np.isfinite(found.annotated):
        said += f"; {found.annotated:.1%} annotated"
    rows = [("Teacher gives it", said)]
    measured = getattr(subject.teacher, "calibration", {})
    index = evidence.MODALITY_INDEX[split_node(node)[0]]
    if "ece_after" in measured and np.size(measured["ece_after"]) > index:
        before, after = (float(np.ravel(measured[name])[index]) for name in ("ece_before", "ece_after"))
        rows.append(("Calibration error", f"{after:.3f} for this modality ({before:.3f} before calibration)"))
    return rows


def _clip_table(subject: Subject, node: str) -> None:
    labels = subject.soft_labels
    assert labels is not None
    modality, label = split_node(node)
    unannotated = st.toggle(
        "Only clips annotated otherwise",
        value=True,
        key="g_unannotated",
        help="Clips in which the teacher hears or sees this class although the annotation names another one.",
        bind="query-params",
    )
    rows = evidence.strongest_clips(labels, node, unannotated=unannotated)
    probability = labels.probabilities()[evidence.MODALITY_INDEX[modality], rows, labels.classes.index(label)]
    table = {
        "clip": [_clip_name(subject, row) for row in rows],
        "annotated": [_annotation(labels, row) for row in rows],
        "soft label": probability,
    }
    truth = evidence.true_labels(subject.clips, modality)
    if truth is not None:
        table["truly there"] = [bool(truth[row, labels.classes.index(label)]) for row in rows]
    st.dataframe(
        table,
        hide_index=True,
        height=250,
        column_config={"soft label": st.column_config.ProgressColumn(min_value=0.0, max_value=1.0, format="%.2f")},
    )


def _clip_name(subject: Subject, row: int) -> str:
    return subject.clips.clip_ids[row] if subject.clips is not None else f"clip {row}"


def _annotation(labels: SoftLabels, row: int) -> str:
    known = int(labels.hard_label[row]) >= 0
    name = labels.classes[int(evidence.annotated_or_top(labels)[row])]
    return name if known else f"({name})"


def _draw_edge(subject: Subject, i: int, j: int) -> None:
    graph, stability = subject.graph, subject.stability
    forth, back = bool(graph.adjacency[i, j]), bool(graph.adjacency[j, i])
    if back and not forth:
        i, j = j, i
    source, target = graph.nodes[i], graph.nodes[j]
    linked, undirected = forth or back, forth and back
    sign = "–" if undirected or not linked else "→"
    kind = "undirected: its direction cannot be told from such data" if undirected else "directed"
    rows: list[tuple[str, str]] = []
    if stability is not None:
        null = float(stability.null_frequency[i, j]) if stability.null != "none" else None
        rows.append(("In bootstraps", bar(float(stability.edge_frequency[i, j]), null)))
        if null is not None:
            rows.append(("Null model", f"{null:.0%} (the red mark)"))
        rows.append(("This direction", f"{stability.orientation_frequency[i, j]:.0%} of the bootstraps"))
        rows.append(("The other one", f"{stability.orientation_frequency[j, i]:.0%}"))
        if stability.seeds:
            rows.append(("In search seeds", f"{stability.seed_frequency[i, j]:.0%} of {stability.seeds}"))
        rows.append(("Correlation", f"{stability.correlation[i, j]:+.2f}"))
    effect = float(graph.effect[i, j] or graph.effect[j, i])
    if linked and effect:
        rows.append(("Effect", f"{effect:+.2f}: they go {'together' if effect > 0 else 'against each other'}"))
        rows.append(("BIC gain", f"{max(graph.gain[i, j], graph.gain[j, i]):,.0f}"))
    rows += _true_rows(subject, source, target)
    if subject.affinity is not None:
        weight = max(float(subject.affinity.weights[i, j]), float(subject.affinity.weights[j, i]))
        rows.append(("Weight in LIR", f"{weight:.2f}" if weight else "none: LIR leaves this edge out"))
    facts(f"{plain_name(source)} {sign} {plain_name(target)}", kind if linked else "not in this graph", rows)
    labels = subject.soft_labels
    if labels is not None and {split_node(source)[1], split_node(target)[1]} <= set(labels.classes):
        _pair_table(subject, source, target)


def _true_rows(subject: Subject, source: str, target: str) -> list[tuple[str, str]]:
    rows = []
    names = [split_node(name)[1] for name in (source, target)]
    found = evidence.co_occurrence(subject.clips, source, target)
    if found is not None and names[0] != names[1]:
        lift = f", {found.lift:.1f} times what chance gives" if np.isfinite(found.lift) else ""
        rows.append(("Truly together", f"{found.both:,} of {found.source_clips:,} clips{lift}"))
    published = evidence.audioset_co_occurrence(*names)
    if published is not None:
        share = f"{published.share:.0%}" if published.share else "less than 5%"
        rows.append(("In AudioSet", as_html(f"{share} of the clips with {published.rarer} hold {published.commoner}")))
    return rows


def _pair_table(subject: Subject, source: str, target: str) -> None:
    labels = subject.soft_labels
    assert labels is not None
    pairs = evidence.linked_pairs(labels, source, target)
    if not len(pairs.first):
        return
    table: dict[str, Any] = {
        "first clip": [_clip_name(subject, row) for row in pairs.first],
        "annotated": [_annotation(labels, row) for row in pairs.first],
        "soft label": pairs.first_label,
        "second clip": [_clip_name(subject, row) for row in pairs.second],
        "annotated ": [_annotation(labels, row) for row in pairs.second],
        "soft label ": pairs.second_label,
    }
    both = subject.embeddings()
    caption = "Clip pairs that this edge relates: different annotations, high soft labels."
    if (labels.hard_label < 0).any():
        caption += " In brackets: annotation unknown, the teacher's first choice instead."
    if both is not None:
        before, after = (evidence.pair_distances(e, pairs, source, target) for e in both)
        table |= {"without LIR": before, "with LIR": after}
        shift = float((after - before).mean())
        caption += (
            f" With LIR their cosine distance is {abs(shift):.3f} {'smaller' if shift < 0 else 'larger'} on average."
        )
    st.caption(caption)
    number = st.column_config.NumberColumn(format="%.2f")
    columns = dict.fromkeys(("soft label", "soft label ", "without LIR", "with LIR"), number)
    st.dataframe(table, hide_index=True, height=250, column_config=columns)
