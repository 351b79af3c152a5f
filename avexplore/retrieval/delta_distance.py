"""Delta-D: how much nearer LIR brings the clips of each edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avexplore.artifacts import BoolArray, Embeddings, FloatArray, IntArray
from avexplore.errors import DataError
from avexplore.retrieval.significance import Interval, interval


@dataclass(frozen=True)
class DeltaDistance:
    """Mean distance of co-activated pairs, without LIR minus with LIR: positive where LIR brings them nearer.

    Attributes:
        edges: Node indices of the top edges, strongest first. Shape (E, 2).
        weights: Their A-hat. Shape (E,).
        before: Mean distance without LIR, NaN for an edge without a pair. Shape (E,).
        after: With LIR. Shape (E,).
        pairs: Number of co-activated pairs. Shape (E,).
        others: [ours] before - after over all pairs of different annotations in the edge's two modalities, active or
            not: what LIR did to distances as such. Shape (E,).
    """

    edges: IntArray
    weights: FloatArray
    before: FloatArray
    after: FloatArray
    pairs: IntArray
    others: FloatArray

    @property
    def delta(self) -> FloatArray:
        """before - after per edge. Shape (E,)."""
        return self.before - self.after

    @property
    def mean(self) -> Interval:
        """Mean over edges with its 95 % interval."""
        return interval(self.delta)

    @property
    def mean_beyond_others(self) -> Interval:
        """[ours] Mean of `delta` - `others`: how much nearer than any other pair, with its 95 % interval."""
        return interval(self.delta - self.others)


def delta_distance(
    before: Embeddings,
    after: Embeddings,
    probabilities: FloatArray,
    labels: IntArray,
    weights: FloatArray,
    *,
    top: int = 20,
    tau: float = 0.1,
    same_class: bool = False,
) -> DeltaDistance:
    """Delta-D of the strongest edges.

    [reported] Mean D over co-activated pairs of the top edges without LIR minus with LIR, mean and 95 % interval over
    edges. [ours] A pair (n, m) is co-activated on edge (i, j) if s_n[i] > tau and s_m[j] > tau and the annotations
    differ; an edge acts on the embeddings of its own nodes' modalities; D = 1 - z_n . z_m over the columns that both
    modalities share, the very products that retrieval ranks by. Columns that only make up a vector's length grow
    shorter as LIR adds classes to it, which within a modality would look like distance.

    Args:
        before: Embeddings without LIR of the clips to look at, n of them.
        after: With LIR, same clips.
        probabilities: Soft labels, audio first. Shape (2, n, C).
        labels: Annotated classes. Shape (n,).
        weights: A-hat. Shape (2C, 2C); an undirected edge counts once, with its larger weight.
        top: How many edges at most.
        tau: What counts as active, in [0, 1).
        same_class: Whether audio:X with visual:X counts, which LIR links by the identity and not by the graph.

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
    if not same_class:
        strength[np.eye(2 * classes, k=classes, dtype=bool)] = 0.0
    order = np.argsort(-strength, axis=None, kind="stable")[:top]
    order = order[strength.ravel()[order] > 0]
    edges = np.stack(np.unravel_index(order, strength.shape), axis=1)
    active = np.concatenate([probabilities[0], probabilities[1]], axis=1) > tau  # (n, 2C)
    one_hot = np.equal.outer(np.arange(int(labels.max()) + 1 if n else 0), labels).astype(np.float64)  # (Y, n)
    pairs, distances = np.empty(len(edges)), np.full((2, len(edges)), np.nan)
    both = [[part.astype(np.float64) for part in z.shared] for z in (before, after)]
    everyone = np.ones(n, bool)
    others = {}
    for sides in {(int(i) // classes, int(j) // classes) for i, j in edges}:
        without, with_lir = (_distance(one_hot, everyone, everyone, z[sides[0]], z[sides[1]]) for z in both)
        others[sides] = without - with_lir
    for e, (i, j) in enumerate(edges):
        pairs[e] = _pairs(one_hot, active[:, i], active[:, j])
        for k, z in enumerate(both):
            distances[k, e] = _distance(one_hot, active[:, i], active[:, j], z[i // classes], z[j // classes])
    return DeltaDistance(
        edges,
        strength[edges[:, 0], edges[:, 1]],
        distances[0],
        distances[1],
        pairs.astype(np.int64),
        np.array([others[int(i) // classes, int(j) // classes] for i, j in edges]),
    )


def _pairs(one_hot: FloatArray, first: BoolArray, second: BoolArray) -> float:
    """Number of pairs of different annotations: all pairs less those of one annotation."""
    counts = [one_hot @ which for which in (first, second)]
    return float(counts[0].sum() * counts[1].sum() - counts[0] @ counts[1])


def _distance(
    one_hot: FloatArray, first: BoolArray, second: BoolArray, z_first: FloatArray, z_second: FloatArray
) -> float:
    """Their mean distance, NaN without a pair; from sums over annotations instead of n x n matrices."""
    pairs = _pairs(one_hot, first, second)
    if not pairs:
        return float("nan")
    sums = [(one_hot * first) @ z_first, (one_hot * second) @ z_second]  # (Y, d) each
    cosine = sums[0].sum(0) @ sums[1].sum(0) - (sums[0] * sums[1]).sum()
    return float(1.0 - cosine / pairs)
