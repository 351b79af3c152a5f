"""The verdict on a class graph in one sentence, and no more praise than the data can carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from avexplore.analysis.graph_verdict import Level, Remark, arrows_kept, class_pairs, of_classes
from avexplore.artifacts import BoolArray, ClassGraph, GraphStability
from avexplore.graph.evidence.pair_probability import PairProbability

FEW_BOOTSTRAPS, FEW_CLIPS = 20, 100
"""Fewer carry no "good": with 4 bootstraps, a link of pure chance comes back in three of them one time in four."""


def headline(
    graph: ClassGraph,
    stability: GraphStability | None,
    probability: PairProbability | None = None,
    drawn: BoolArray | None = None,
) -> Remark:
    """One sentence on how far a graph can be trusted.

    Args:
        graph: The graph.
        stability: Its edge frequencies; None while they are unknown.
        probability: How probable it is that two classes come together, if known.
        drawn: Which pairs of nodes are in the picture; without it, all links are judged. Shape (p, p), symmetric.
    """
    count = int(np.triu(graph.skeleton, 1).sum())
    if count == 0:
        return Remark("poor", "There is no link to judge.")
    if stability is None:
        if graph.source != "search":
            return Remark("note", "A graph from elsewhere: how often these clips would give it is unknown.")
        return Remark("note", "How far to trust it is known once the bootstraps are done.")
    few = _few(graph, stability)
    if few:
        return Remark("fair", f"Too little to judge by: {few}.")
    links = graph.skeleton if drawn is None else graph.skeleton & drawn
    if not links.any():
        return Remark("note", "No link is drawn.")
    count = int(np.triu(links, 1).sum())
    sure, arrows = arrows_kept(graph, stability, links)
    share, text = _right(graph, links, probability) if probability is not None else (np.nan, "")
    if not text:
        firm = int((stability.edge_frequency[np.triu(links, 1)] >= 0.9).sum())
        share, text = firm / count / 2, f"{firm} of the {count} links drawn come back in nine of ten bootstraps"
    if sure < 0.5 * arrows:
        text += f"; {sure} of {arrows} directions hold, so read what goes together, not what points where"
    level: Level = "good" if share > 0.6 else "fair" if share > 0.15 else "poor"
    return Remark(level, f"{text}.")


def _right(graph: ClassGraph, links: BoolArray, probability: PairProbability) -> tuple[float, str]:
    """Which share of the linked pairs of classes is probably true, and that in words; "" where it is unknown."""
    known = np.isfinite(probability.of_nodes(graph.nodes))
    linked = class_pairs(graph, links & (graph.effect + graph.effect.T > 0) & known)
    if not linked:
        return float("nan"), ""
    likely = sum(of_classes(probability, *pair) >= probability.probably_true for pair in linked)
    text = f"{likely} of the {len(linked)} pairs of classes drawn as linked probably do come together"
    return likely / len(linked), text


def cautious(remarks: Sequence[Remark], graph: ClassGraph, stability: GraphStability | None) -> list[Remark]:
    """The remarks, none of them "good" where bootstraps or clips are few."""
    if stability is None or not _few(graph, stability):
        return list(remarks)
    return [replace(remark, level="fair") if remark.level == "good" else remark for remark in remarks]


def _few(graph: ClassGraph, stability: GraphStability) -> str:
    """What there is too little of, in words."""
    found = []
    if stability.bootstraps < FEW_BOOTSTRAPS:
        found.append(f"{stability.bootstraps} bootstrap{'' if stability.bootstraps == 1 else 's'}")
    if 0 < graph.samples < FEW_CLIPS:
        found.append(f"{graph.samples} clips")
    return " and ".join(found)
