"""What is known of one edge: how sure it is, what is true, and the clip pairs that LIR relates through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from avexplore.analysis import clip_labels
from avexplore.analysis import edge_evidence as evidence
from avexplore.analysis.graph_verdict import is_in_null, is_settled
from avexplore.artifacts import plain_name, split_node
from avexplore.graph.algebra.hidden_causes import hidden_causes
from avexplore.ui.class_graph.panel import facts as facts
from avexplore.ui.class_graph.panel.clips import draw_clip, pick_row
from avexplore.ui.class_graph.panel.pair_facts import pair_facts
from avexplore.ui.parts.plain_text import as_html

if TYPE_CHECKING:
    from avexplore.artifacts import Embeddings, GraphStability, SoftLabels
    from avexplore.ui.class_graph.scene import Scene

SHOWN_PAIRS, COUNTED_PAIRS = 12, 200


def draw_edge(scene: Scene, i: int, j: int) -> None:
    """The panel of a selected pair of nodes, linked or not."""
    graph, stability = scene.graph, scene.stability
    forth, back = bool(graph.adjacency[i, j]), bool(graph.adjacency[j, i])
    if back and not forth:
        i, j = j, i
    source, target = graph.nodes[i], graph.nodes[j]
    linked, undirected = forth or back, forth and back
    settled = is_settled(stability, i, j, given=not scene.shown.is_own)
    sign = "→" if linked and not undirected and settled else "–"
    rows: list[tuple[str, str]] = _sureness(stability, i, j) if stability is not None else []
    effect = float(graph.effect[i, j] or graph.effect[j, i])
    if linked and effect:
        rows.append(
            (
                "Effect",
                f"{effect:+.2f}: where one is likely, the other is {'likelier' if effect > 0 else 'less likely'}",
            )
        )
        rows.append(("BIC gain", f"{max(graph.gain[i, j], graph.gain[j, i]):,.0f}"))
    possible = hidden_causes(graph) if linked else None
    if possible is not None:
        rows.append(("Hidden cause", "possible" if possible[i, j] else "ruled out, if the graph is right"))
    rows += _true_rows(scene, source, target)
    if scene.affinity is not None:
        weight = max(float(scene.affinity.weights[i, j]), float(scene.affinity.weights[j, i]))
        rows.append(("Weight in LIR", f"{weight:.2f}" if weight else "none: LIR leaves this edge out"))
    kind = "not in this graph"
    if linked:
        kind = (
            "undirected: its direction cannot be told from such data" if undirected else _direction(stability, settled)
        )
    without_graph = pair_facts(scene.pairs, graph.nodes, i, j)
    of_graph = facts.grid(rows)
    body = f"{without_graph}<h5>In this graph: does it repeat?</h5>{of_graph}" if without_graph else of_graph
    facts.draw(f"{plain_name(source)} {sign} {plain_name(target)}", kind, body)
    if {split_node(source)[1], split_node(target)[1]} <= set(scene.labels.classes):
        _draw_pairs(scene, source, target)


def _direction(stability: GraphStability | None, settled: bool) -> str:
    if settled:
        return "directed"
    why = "bootstraps are not done" if stability is None else "bootstraps do not agree on it"
    return f"direction not settled: the {why}"


def _sureness(stability: GraphStability, i: int, j: int) -> list[tuple[str, str]]:
    null = float(stability.null_frequency[i, j]) if stability.null != "none" else None
    rows = [("In bootstraps", facts.bar(float(stability.edge_frequency[i, j]), null))]
    if null is not None:
        told = ": no more than that, so annotations alone may explain it" if is_in_null(stability, i, j) else ""
        rows.append(("In shuffled data", f"{null:.0%} (the red mark){told}"))
    both = stability.orientation_frequency
    rows.append(("Direction", f"→ in {both[i, j]:.0%} of the bootstraps, ← in {both[j, i]:.0%}"))
    if stability.seeds:
        turned = stability.seed_orientation_frequency
        rows.append(
            (
                "Search seeds",
                f"in {stability.seed_frequency[i, j]:.0%} of {stability.seeds}; → in {turned[i, j]:.0%}, "
                f"← in {turned[j, i]:.0%}",
            )
        )
    rows.append(("Correlation", f"{stability.correlation[i, j]:+.2f}"))
    return rows


def _true_rows(scene: Scene, source: str, target: str) -> list[tuple[str, str]]:
    rows = []
    a, b = split_node(source)[1], split_node(target)[1]
    found = evidence.co_occurrence(scene.clips, source, target)
    if found is not None and (a != b or evidence.modalities_known_apart(scene.clips)):
        lift = f", {found.lift:.1f} times what chance gives" if np.isfinite(found.lift) else ""
        rows.append(("Truly together", f"{found.both:,} of {found.source_clips:,} clips{lift}"))
    published = evidence.audioset_co_occurrence(a, b)
    if published is not None:
        share = f"{published.share:.0%}" if published.share else "less than 5%"
        rows.append(("In AudioSet", as_html(f"{share} of the clips with {published.rarer} hold {published.commoner}")))
    return rows


def _draw_pairs(scene: Scene, source: str, target: str) -> None:
    labels = scene.labels
    pairs = evidence.linked_pairs(labels, source, target, COUNTED_PAIRS)
    if not len(pairs.first):
        st.caption("No two clips of different annotations stand at the ends of this edge.")
        return
    both = scene.embeddings()
    body = "" if both is None else _what_lir_did(both, labels, source, target)
    where = "Training clips" if len(labels.rows("train")) else "Clips"
    body += f"<h5>Clip pairs that this edge relates</h5><p>{where} of different annotations, "
    body += "the highest soft labels at both ends first.</p>"
    shown = pairs.strongest(SHOWN_PAIRS)
    table: dict[str, Any] = {
        "from": [clip_labels.annotation(labels, row) for row in shown.first],
        "to": [clip_labels.annotation(labels, row) for row in shown.second],
        "weight": shown.weight,
    }
    if both is not None:
        before, after = (evidence.pair_distances(e, pairs, source, target) for e in both)
        table["nearer"] = (before - after)[: len(shown.first)]
        body += f"<p>LIR brought {(after < before).mean():.0%} of the {len(before)} strongest nearer.</p>"
    facts.draw_more(body)
    chosen = pick_row(
        f"pairs-{source}-{target}",
        table,
        {
            "from": st.column_config.TextColumn(width=78, help="Annotation of the clip at the edge's first end"),
            "to": st.column_config.TextColumn(width=78, help="Annotation of the clip at its other end"),
            "weight": st.column_config.NumberColumn(
                format="%.2f", width=52, help="Product of the two soft labels, as LIR weights the pair"
            ),
            "nearer": st.column_config.NumberColumn(
                format="%+.3f", width=58, help="Distance without LIR minus with: positive where LIR brings them nearer"
            ),
        },
    )
    for row, node in ((shown.first[chosen], source), (shown.second[chosen], target)):
        draw_clip(labels, scene.clips, int(row), end=plain_name(node))
    if (labels.hard_label < 0).any():
        st.caption("In brackets: annotation unknown, the teacher's first choice instead.")


def _what_lir_did(both: tuple[Embeddings, Embeddings], labels: SoftLabels, source: str, target: str) -> str:
    """Delta-D of this edge on test and on training clips, with what any pair of clips did beside it."""
    rows = []
    for split, name in (("test", "Test clips"), ("train", "Training clips")):
        found = evidence.delta_of_edge(both, labels, source, target, split)
        if found is not None:
            mean = (
                f"<b>nearer by {found.delta[0]:+.3f}</b> ({found.before[0]:.3f} without LIR, {found.after[0]:.3f} with)"
            )
            rows.append((name, f"{mean} over {found.pairs[0]:,} pairs; all pairs there {found.others[0]:+.3f}"))
    if not rows:
        return ""
    why = (
        f"Mean distance of pairs of different annotations with both soft labels above {evidence.ACTIVE_ABOVE:.2f}: "
        "Delta-D, as under Evaluation. All pairs: whatever their soft labels."
    )
    return f"<h5>What LIR did</h5>{facts.grid(rows)}<p>{why}</p>"
