"""Delta-D: how much nearer LIR brings the clips of each edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avexplore.artifacts import Embeddings, FloatArray, IntArray
from avexplore.errors import DataError
from avexplore.retrieval.significance import Interval, interval


@dataclass(frozen=True)
class DeltaDistance:
    """Mean cosine distance of co-activated pairs, without LIR minus with LIR: positive where LIR brings them nearer.

    Attributes:
        edges: Node indices of the top edges, strongest first. Shape (E, 2).
        weights: Their A-hat. Shape (E,).
        before: Mean distance without LIR, NaN for an edge without a pair. Shape (E,).
        after: With LIR. Shape (E,).
        pairs: Number of co-activated pairs. Shape (E,).
    """

    edges: IntArray
    weights: FloatArray
    before: FloatArray
    after: FloatArray
    pairs: IntArray

    @property
    def delta(self) -> FloatArray:
        """before - after per edge. Shape (E,)."""
        return self.before - self.after

    @property
    def mean(self) -> Interval:
        """Mean over edges with its 95 % interval."""
        return interval(self.delta)


def delta_distance(
    before: Embeddings,
    after: Embeddings,
    probabilities: FloatArray,
    labels: IntArray,
    weights: FloatArray,
    *,
    top: int = 20,
    tau: float = 0.1,
) -> DeltaDistance:
    """Delta-D of the strongest edges.

    [reported] Mean D over co-activated pairs of the top edges without LIR minus with LIR, mean and 95 % interval over
    edges. [ours] A pair (n, m) is co-activated on edge (i, j) if s_n[i] > tau and s_m[j] > tau and the annotations
    differ; an edge acts on the embeddings of its own nodes' modalities.

    Args:
        before: Embeddings without LIR of the clips to look at, n of them.
        after: With LIR, same clips.
        probabilities: Soft labels, audio first. Shape (2, n, C).
        labels: Annotated classes. Shape (n,).
        weights: A-hat. Shape (2C, 2C); an undirected edge counts once, with its larger weight.
        top: How many edges at most.
        tau: What counts as active, in [0, 1).

    Raises:
        DataError: If the shapes do not fit.
    """
    _, n, classes = probabilities.shape
    if (
        weights.shape != (2 * classes, 2 * classes)
        or len(labels) != n
        or not len(before.audio) == len(after.audio) == n
    ):
        raise DataError(
            f"{len(before.audio)} and {len(after.audio)} embeddings, {n} soft labels, {len(labels)} labels and "
            f"weights of shape {weights.shape} do not fit",
            where="Delta-D",
        )
    strength = np.triu(np.maximum(weights, weights.T), 1)
    order = np.argsort(-strength, axis=None, kind="stable")[:top]
    order = order[strength.ravel()[order] > 0]
    edges = np.stack(np.unravel_index(order, strength.shape), axis=1)
    active = np.concatenate([probabilities[0], probabilities[1]], axis=1) > tau  # (n, 2C)
    one_hot = np.equal.outer(np.arange(int(labels.max()) + 1 if n else 0), labels).astype(np.float64)  # (Y, n)
    counts = one_hot @ active  # (Y, 2C): active clips by annotation and node
    pairs, distances = np.empty(len(edges)), np.full((2, len(edges)), np.nan)
    for e, (i, j) in enumerate(edges):
        # Pairs of different annotations = all pairs - those of one annotation; sums instead of n x n matrices.
        pairs[e] = counts[:, i].sum() * counts[:, j].sum() - counts[:, i] @ counts[:, j]
        if not pairs[e]:
            continue
        for k, embeddings in enumerate((before, after)):
            z = (embeddings.audio, embeddings.visual)
            sums = [(one_hot * active[:, node]) @ z[node // classes].astype(np.float64) for node in (i, j)]  # (Y, d)
            cosine = sums[0].sum(0) @ sums[1].sum(0) - (sums[0] * sums[1]).sum()
            distances[k, e] = 1.0 - cosine / pairs[e]
    return DeltaDistance(edges, strength[edges[:, 0], edges[:, 1]], distances[0], distances[1], pairs.astype(np.int64))
