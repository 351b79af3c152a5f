"""Which edges a layout has to make room for: those that any reasonable setting of the controls would find."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from avexplore.config import GraphConfig
from avexplore.errors import AvexploreError

if TYPE_CHECKING:
    from avexplore.artifacts import ClassGraph, FloatArray, SoftLabels
    from avexplore.config import SoftLabelSource

PENALTIES = (32.0, 16.0, 8.0, 4.0)
EDGES_PER_NODE = 1.7
"""Layouts look at the strongest candidates only: what everything pulls at stands nowhere."""


def candidate_weights(soft_labels: SoftLabels, source: SoftLabelSource) -> FloatArray:
    """The union of quick searches over the range of the penalty; an edge weighs more the more of them find it.

    The weights depend on the soft labels alone, so the layout is the same whatever the controls say. Where no search
    is possible, correlations stand in.

    Returns:
        W[i, j] > 0 for i -> j, both ways without direction. Shape (2C, 2C).
    """
    from avexplore.graph.learn import learn_class_graph

    weights = np.zeros((len(soft_labels.nodes), len(soft_labels.nodes)))
    try:
        for penalty in PENALTIES:
            config = GraphConfig(source, penalty_discount=penalty, strategy="single", engine="boss")
            weights += edge_weights(learn_class_graph(soft_labels, config)) ** 2
    except AvexploreError:
        return strongest(np.abs(np.nan_to_num(_correlation(soft_labels))))
    return strongest(weights)


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


def _correlation(soft_labels: SoftLabels) -> FloatArray:
    matrix = soft_labels.matrix()
    spread = matrix.std(axis=0)
    standard = (matrix - matrix.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    found: FloatArray = standard.T @ standard / len(matrix)
    np.fill_diagonal(found, 0.0)
    return found
