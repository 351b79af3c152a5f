"""The same search on resampled clips, from other seeds, and where there is nothing to find: for either score."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from avexplore.artifacts import FloatArray, IntArray, Report, SoftLabels
from avexplore.config import GraphConfig, StabilityConfig
from avexplore.graph.inputs.covariance import bootstrap_correlations
from avexplore.graph.inputs.covariance import correlation as correlate
from avexplore.graph.learn import Prepared, local_table
from avexplore.graph.scores.gaussian_bic import edge_effects
from avexplore.graph.search.engines import run_local, run_many
from avexplore.graph.stability.nulls import null_sample

_NUMBERS_AT_ONCE = 20_000_000
"""Bounds the weights (resamples x clips) and correlations (resamples x nodes x nodes) that are held together."""
MOST_AT_ONCE = 16
"""Resamples drawn together: enough for as many cores, few enough for their memory. Each batch has its own seed, so that
another number makes other resamples."""


class Resampler(Protocol):
    """Searches of resampled data. Each method returns DAGs of shape (count, k, k), int8."""

    def bootstraps(self, seed: int, count: int, report: Report) -> tuple[IntArray, FloatArray]:
        """DAGs of clips drawn with replacement, and the effects of their edges, shape (count, k, k)."""

    def seeds(self, first: int, count: int, report: Report) -> IntArray:
        """DAGs of the clips as they are, from `count` search seeds."""

    def nulls(self, name: str, groups: IntArray, classes: int, seed: int, count: int, report: Report) -> IntArray:
        """DAGs of null samples."""


def resampler(soft_labels: SoftLabels, prepared: Prepared, config: StabilityConfig) -> Resampler:
    """The resampler of the config's score."""
    if config.graph.score != "bic":
        return _Local(soft_labels, prepared, config.graph)
    return _Gaussian(prepared, config)


def batches(total: int, clips: int, nodes: int) -> list[tuple[int, int]]:
    """(first, count) of each batch of resamples; depends on sizes only, so that results do not depend on the machine.

    >>> batches(40, 1000, 30)
    [(0, 16), (16, 16), (32, 8)]
    """
    size = max(1, min(MOST_AT_ONCE, _NUMBERS_AT_ONCE // max(clips, 1), _NUMBERS_AT_ONCE // max(nodes**2, 1)))
    return [(first, min(size, total - first)) for first in range(0, total, size)]


class _Gaussian:
    def __init__(self, prepared: Prepared, config: StabilityConfig) -> None:
        self._prepared = prepared
        # How the clips are searched as they are, and how resamples.
        self._graph, self._quick = config.graph, config.graph.replace(strategy=config.strategy)
        self._correlation = correlate(prepared.matrix)

    def bootstraps(self, seed: int, count: int, report: Report) -> tuple[IntArray, FloatArray]:
        correlations = bootstrap_correlations(self._prepared.matrix, count, seed)
        dags = self._search(correlations, self._quick, seed, report)
        return dags, np.stack([edge_effects(r, dag) for r, dag in zip(correlations, dags, strict=True)])

    def seeds(self, first: int, count: int, report: Report) -> IntArray:
        repeated = np.broadcast_to(self._correlation, (count, *self._correlation.shape))
        return self._search(repeated, self._graph, first, report)

    def nulls(self, name: str, groups: IntArray, classes: int, seed: int, count: int, report: Report) -> IntArray:
        rng = np.random.default_rng(seed)
        matrix, columns = self._prepared.matrix, self._prepared.columns
        samples = (null_sample(matrix, groups, columns, classes, name, rng) for _ in range(count))
        return self._search(np.stack([correlate(sample) for sample in samples]), self._quick, seed, report)

    def _search(self, correlations: FloatArray, config: GraphConfig, seed: int, report: Report) -> IntArray:
        known = self._prepared.knowledge
        return run_many(correlations, len(self._prepared.rows), config, known, seed=seed, report=report)


class _Local:
    """Scores that causal-learn's search takes: of states, or of the values themselves."""

    def __init__(self, soft_labels: SoftLabels, prepared: Prepared, graph: GraphConfig) -> None:
        self._prepared, self._graph = prepared, graph
        self._table, _ = local_table(soft_labels, prepared, graph)

    def bootstraps(self, seed: int, count: int, report: Report) -> tuple[IntArray, FloatArray]:
        rng = np.random.default_rng(seed)
        n = len(self._table)
        dags, effects = [], []
        for b in range(count):
            drawn = rng.integers(0, n, size=(n,))
            dags.append(self._search(self._table[drawn], seed + b, report))
            effects.append(edge_effects(correlate(self._prepared.matrix[drawn]), dags[-1]))
        return np.stack(dags), np.stack(effects)

    def seeds(self, first: int, count: int, report: Report) -> IntArray:
        return np.stack([self._search(self._table, first + b, report) for b in range(count)])

    def nulls(self, name: str, groups: IntArray, classes: int, seed: int, count: int, report: Report) -> IntArray:
        rng = np.random.default_rng(seed)
        found = []
        for b in range(count):
            sample = null_sample(self._table.astype(np.float64), groups, self._prepared.columns, classes, name, rng)
            if self._graph.score == "bdeu":
                if name == "one-hot":  # annotated or not, and which side of its noise
                    sample = np.where(sample > 0.5, 2, sample > 0)
                sample = sample.astype(np.int64)
            found.append(self._search(sample, seed + b, report))
        return np.stack(found)

    def _search(self, table: FloatArray | IntArray, seed: int, report: Report) -> IntArray:
        return run_local(table, self._graph, self._prepared.knowledge, seed=seed, report=report).dag
