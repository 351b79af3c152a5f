"""Which edges a layout has to make room for: those that any reasonable setting of the controls would find."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from avexplore.config import GraphConfig
from avexplore.errors import AvexploreError

if TYPE_CHECKING:
    from avexplore.artifacts import ClassGraph, FloatArray, GraphStability, SoftLabels
    from avexplore.config import SoftLabelSource
    from avexplore.graph.layout.class_layout import ClassLayout

PENALTIES = (32.0, 16.0, 8.0, 4.0)
EDGES_PER_NODE = 1.7
"""Layouts look at the strongest candidates only: what everything pulls at stands nowhere."""


BY_CORRELATION_ALONE = 0.1
"""How much the correlation of a pair counts that no search links, against one that all of them link."""


def class_weights(soft_labels: SoftLabels, source: SoftLabelSource) -> FloatArray:
    """How much each two classes belong together: the correlation of their soft labels, by how many searches link them.

    Like `candidate_weights` it depends on the soft labels alone, so that no control moves a class.

    Returns:
        The strongest of the links between their two sides each, never negative. Shape (C, C), symmetric.
    """
    count = len(soft_labels.classes)
    share = np.zeros((2 * count, 2 * count))
    graphs = _quick_graphs(soft_labels, source)
    for graph in graphs:
        share += graph.skeleton / len(graphs)
    weights = np.clip(np.nan_to_num(soft_label_correlation(soft_labels)), 0, None) * (BY_CORRELATION_ALONE + share)
    return between_classes(weights)


def layout_of(soft_labels: SoftLabels, stability: GraphStability, stage: tuple[float, float]) -> ClassLayout:
    """Places of the classes by what is stored: no search has to be compiled for them, and no slider moves them.

    Args:
        soft_labels: Of n clips and C classes.
        stability: How often bootstraps link the class nodes.
        stage: Width and height in pixels; another size is another layout.
    """
    from avexplore.drawing.class_graph.build import class_support
    from avexplore.graph.layout.class_layout import lay_out

    weights = stored_weights(soft_labels, stability)
    return lay_out(weights, soft_labels.classes, class_support(soft_labels)[: len(soft_labels.classes)], stage)


def stored_weights(soft_labels: SoftLabels, stability: GraphStability | None) -> FloatArray:
    """How much each two classes belong together: correlation of soft labels, by how often their edge was found.

    Without `stability`, the correlation alone. Shape (C, C), symmetric, never negative.
    """
    weights = np.clip(np.nan_to_num(soft_label_correlation(soft_labels)), 0, None)
    share = 0.0 if stability is None else stability.edge_frequency
    return between_classes(weights * (BY_CORRELATION_ALONE + share))


def between_classes(weights: FloatArray) -> FloatArray:
    """From class nodes to classes: the largest weight between the two sides of each. (2C, 2C) -> (C, C)."""
    count = len(weights) // 2
    sides = (slice(0, count), slice(count, 2 * count))
    found: FloatArray = np.maximum.reduce([weights[a, b] for a in sides for b in sides])
    found = np.maximum(found, found.T)
    np.fill_diagonal(found, 0.0)
    return found


def candidate_weights(soft_labels: SoftLabels, source: SoftLabelSource) -> FloatArray:
    """The union of quick searches over the range of the penalty; an edge weighs more the more of them find it.

    The weights depend on the soft labels alone, so the layout is the same whatever the controls say. Where no search
    is possible, correlations stand in.

    Returns:
        W[i, j] > 0 for i -> j, both ways without direction. Shape (2C, 2C).
    """
    weights = np.zeros((len(soft_labels.nodes), len(soft_labels.nodes)))
    for graph in _quick_graphs(soft_labels, source):
        weights += edge_weights(graph) ** 2
    return strongest(weights if weights.any() else np.abs(np.nan_to_num(soft_label_correlation(soft_labels))))


def _quick_graphs(soft_labels: SoftLabels, source: SoftLabelSource) -> tuple[ClassGraph, ...]:
    """One search for each of `PENALTIES`; none where no search is possible."""
    from avexplore.graph.learn import learn_class_graph

    of = [GraphConfig(source, penalty_discount=penalty, strategy="single", engine="boss") for penalty in PENALTIES]
    try:
        return tuple(learn_class_graph(soft_labels, config) for config in of)
    except AvexploreError:
        return ()


def edge_weights(graph: ClassGraph) -> FloatArray:
    """A graph's edges with weights in [0.3, 1.3], by the size of their effect. Shape (p, p)."""
    effect = np.maximum(np.abs(graph.effect), np.abs(graph.effect.T))
    weights: FloatArray = graph.adjacency * (0.3 + effect / max(float(effect.max(initial=0.0)), 1e-12))
    return weights


def strongest(weights: FloatArray) -> FloatArray:
    """The `EDGES_PER_NODE` strongest pairs per node of all, the rest zero. Shape (p, p)."""
    p = len(weights)
    both = np.triu(weights + weights.T, 1)
    keep = int(EDGES_PER_NODE * p)
    values = np.sort(both[both > 0])[::-1]
    if len(values) <= keep:
        return weights
    kept = both >= values[keep - 1]
    found: FloatArray = np.where(kept | kept.T, weights, 0.0)
    return found


def soft_label_correlation(soft_labels: SoftLabels) -> FloatArray:
    """Correlation of the soft labels of the training clips, zero on the diagonal. Shape (2C, 2C)."""
    rows = soft_labels.rows("train")
    matrix = soft_labels.matrix(rows if len(rows) else soft_labels.rows("all"))
    spread = matrix.std(axis=0)
    standard = (matrix - matrix.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    found: FloatArray = standard.T @ standard / len(matrix)
    np.fill_diagonal(found, 0.0)
    return found
