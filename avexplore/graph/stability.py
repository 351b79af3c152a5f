"""How far to trust each edge: bootstraps, search seeds, and the same search where there is nothing to find."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avexplore.artifacts import BoolArray, ClassGraph, FloatArray, GraphStability, IntArray, Report, SoftLabels, silent
from avexplore.config import GraphConfig, StabilityConfig
from avexplore.errors import GraphError
from avexplore.graph.covariance import bootstrap_correlations
from avexplore.graph.covariance import correlation as correlate
from avexplore.graph.engines import run_many
from avexplore.graph.learn import Prepared, prepare, to_cpdag
from avexplore.graph.nulls import null_sample
from avexplore.graph.score import edge_effects
from avexplore.graph.transforms import classes_of

_CHUNK = 16
"""Bootstraps between two reports: enough to keep all cores busy, few enough to stop at once."""
_MOST_COMPARED = 500
"""Graphs that are compared pair by pair for the spreads; their mean does not change beyond that."""


def measure_stability(soft_labels: SoftLabels, config: StabilityConfig, report: Report = silent) -> GraphStability:
    """Repeat the search on bootstraps of the clips, from other seeds, and on a null model.

    Bootstrap b weighs the clips multinomially (Efron); every search uses a seed of its own. Bootstraps and null model
    are searched with `config.strategy`, the seeds with the graph's own.

    Args:
        soft_labels: What the graph was learned from.
        config: The search to repeat, how often, and the null model.
        report: Progress; may raise `Cancelled`.

    Returns:
        Frequencies over all 2C nodes, spreads, and sentences for the reader. Nodes that took no part have zeros.

    Raises:
        GraphError: If the soft labels cannot be searched.
    """
    graph = config.graph
    if graph.score == "bdeu":
        raise GraphError("Bootstraps are made for the BIC only", where="stability", fix='Use score="bic"')
    prepared = prepare(soft_labels, graph)
    quick = graph.replace(strategy=config.strategy)
    correlation = correlate(prepared.matrix)
    has_null = config.null != "none"
    work = config.bootstraps + config.seeds + (config.null_bootstraps if has_null else 0)
    progress = _Progress(report, work)

    frequency, orientation, effect, cpdags = _bootstraps(prepared, config, quick, progress)
    seed_cpdags = _seeds(prepared, correlation, config, progress)
    null_frequency = np.zeros_like(frequency)
    notes = list(prepared.warnings)
    if has_null:
        groups, guessed = classes_of(soft_labels, prepared.rows)
        notes.extend(guessed)
        null_frequency = _null(prepared, groups, len(soft_labels.classes), config, quick, progress)
    seed_skeletons, seed_arrows = _skeletons(seed_cpdags), _arrows(seed_cpdags)
    shd, jaccard, frobenius = spreads(cpdags)
    report(1.0, "Stability measured")
    return GraphStability(
        nodes=prepared.nodes,
        edge_frequency=prepared.embed(frequency),
        orientation_frequency=prepared.embed(orientation),
        null_frequency=prepared.embed(null_frequency),
        effect=prepared.embed(effect),
        correlation=_with_unit_diagonal(prepared.embed(correlation)),
        bootstraps=config.bootstraps,
        shd=shd,
        jaccard=jaccard,
        frobenius=frobenius,
        null=config.null,
        seed_frequency=prepared.embed(seed_skeletons.mean(axis=0) if config.seeds else np.zeros_like(frequency)),
        seed_orientation_frequency=prepared.embed(
            seed_arrows.mean(axis=0) if config.seeds else np.zeros_like(frequency)
        ),
        seed_shd=spreads(seed_cpdags)[0],
        seeds=config.seeds,
        warnings=tuple(dict.fromkeys(notes)),
    )


class _Progress:
    """Counts searches over all parts of the work."""

    def __init__(self, report: Report, total: int) -> None:
        self._report, self._total, self._done = report, max(total, 1), 0

    def add(self, count: int, message: str) -> None:
        self._done += count
        self._report(min(self._done / self._total, 1.0), message)

    def __call__(self, part: str) -> Report:
        """A report for work inside one step: lets `Cancelled` through, moves nothing."""

        def inside(fraction: float, message: str = "", **figures: float) -> None:
            self._report(min(self._done / self._total, 1.0), part)

        return inside


def _bootstraps(
    prepared: Prepared, config: StabilityConfig, searched: GraphConfig, progress: _Progress
) -> tuple[FloatArray, FloatArray, FloatArray, IntArray]:
    count, k = config.bootstraps, len(prepared.columns)
    correlations = bootstrap_correlations(prepared.matrix, count, config.seed)
    cpdags = np.zeros((count, k, k), np.int8)
    effect_sum = np.zeros((k, k))
    for start in range(0, count, _CHUNK):
        chunk = correlations[start : start + _CHUNK]
        dags = run_many(
            chunk,
            len(prepared.rows),
            searched,
            prepared.knowledge,
            seed=searched.seed + start,
            report=progress("Bootstraps"),
        )
        for b, dag in enumerate(dags):
            cpdags[start + b] = to_cpdag(dag, prepared.knowledge)
            found = edge_effects(chunk[b], dag)
            effect_sum += found + found.T
        progress.add(len(chunk), f"Bootstrap {start + len(chunk)} of {count}")
    skeletons = _skeletons(cpdags)
    held = skeletons.sum(axis=0)
    frequency: FloatArray = held / count
    return frequency, _arrows(cpdags).mean(axis=0), effect_sum / np.maximum(held, 1), cpdags


def _seeds(prepared: Prepared, correlation: FloatArray, config: StabilityConfig, progress: _Progress) -> IntArray:
    k = len(prepared.columns)
    cpdags = np.zeros((config.seeds, k, k), np.int8)
    for start in range(0, config.seeds, _CHUNK):
        count = min(_CHUNK, config.seeds - start)
        repeated = np.broadcast_to(correlation, (count, k, k))
        dags = run_many(
            repeated,
            len(prepared.rows),
            config.graph,
            prepared.knowledge,
            seed=config.graph.seed + start,
            report=progress("Seeds"),
        )
        for b, dag in enumerate(dags):
            cpdags[start + b] = to_cpdag(dag, prepared.knowledge)
        progress.add(count, f"Seed {start + count} of {config.seeds}")
    return cpdags


def _null(
    prepared: Prepared,
    groups: IntArray,
    classes: int,
    config: StabilityConfig,
    searched: GraphConfig,
    progress: _Progress,
) -> FloatArray:
    k, count = len(prepared.columns), config.null_bootstraps
    rng = np.random.default_rng([config.seed, 1])
    found = np.zeros((k, k))
    for start in range(0, count, _CHUNK):
        samples = min(_CHUNK, count - start)
        correlations = np.stack(
            [
                correlate(null_sample(prepared.matrix, groups, prepared.columns, classes, config.null, rng))
                for _ in range(samples)
            ]
        )
        dags = run_many(
            correlations,
            len(prepared.rows),
            searched,
            prepared.knowledge,
            seed=searched.seed + start,
            report=progress("Null model"),
        )
        found += _skeletons(np.asarray(dags)).sum(axis=0)
        progress.add(samples, f"Null model {start + samples} of {count}")
    return found / count


def _skeletons(graphs: IntArray) -> BoolArray:
    skeletons: BoolArray = (graphs | graphs.transpose(0, 2, 1)).astype(bool)
    return skeletons


def _arrows(graphs: IntArray) -> BoolArray:
    arrows: BoolArray = graphs.astype(bool) & ~graphs.transpose(0, 2, 1).astype(bool)
    return arrows


def _with_unit_diagonal(matrix: FloatArray) -> FloatArray:
    np.fill_diagonal(matrix, 1.0)
    return matrix


def spreads(cpdags: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """How much a set of graphs differs from pair to pair.

    Args:
        cpdags: Shape (B, p, p). Beyond 500 graphs only the first 500 are compared.

    Returns:
        Mean and maximum SHD; mean Jaccard index of skeletons and of directed edges; mean and maximum Frobenius distance
        of the adjacency matrices. Zeros (and ones for Jaccard) for fewer than two graphs. Each of shape (2,).

    >>> a = np.zeros((2, 2), np.int8); b = np.array([[0, 1], [0, 0]], np.int8)
    >>> [x.tolist() for x in spreads(np.stack([a, b]))]
    [[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]]
    """
    graphs = cpdags[:_MOST_COMPARED]
    count, p = len(graphs), graphs.shape[-1]
    if count < 2 or p < 2:
        return np.zeros(2), np.ones(2), np.zeros(2)
    upper = np.triu_indices(p, 1)
    one, two = np.triu_indices(count, 1)
    forward, backward = graphs[:, upper[0], upper[1]], graphs[:, upper[1], upper[0]]
    kinds = forward + 2 * backward
    same = np.sum([_co_occurrences(kinds == kind) for kind in range(4)], axis=0)
    shd = (len(upper[0]) - same)[one, two]
    skeleton = _jaccard(kinds > 0)[one, two]
    arrow = _jaccard(_arrows(graphs).reshape(count, -1))[one, two]
    flat = graphs.reshape(count, -1)
    shared = _co_occurrences(flat > 0)
    size = np.diagonal(shared)
    frobenius = np.sqrt(np.maximum(size[:, None] + size[None, :] - 2 * shared, 0))[one, two]
    return (
        np.array([shd.mean(), shd.max()]),
        np.array([skeleton.mean(), arrow.mean()]),
        np.array([frobenius.mean(), frobenius.max()]),
    )


def _co_occurrences(present: BoolArray) -> FloatArray:
    """Number of entries that two rows share, for all pairs of rows. Shape (B, B)."""
    real = present.astype(np.float32)
    return (real @ real.T).astype(np.float64)


def _jaccard(present: BoolArray) -> FloatArray:
    shared = _co_occurrences(present)
    size = np.diagonal(shared)
    union = size[:, None] + size[None, :] - shared
    return np.where(union > 0, shared / np.maximum(union, 1), 1.0)


def consensus_graph(stability: GraphStability, threshold: float = 0.5) -> ClassGraph:
    """The edges that come back in at least a share of the bootstraps, directed where most of those agree.

    An edge is directed if one direction was found in more than half of the bootstraps that hold it. The result is a
    summary, not a CPDAG: its arrows need not be acyclic.

    >>> empty = np.zeros((2, 2)); often = np.array([[0, 0.9], [0.9, 0]]); arrow = np.array([[0, 0.8], [0.1, 0]])
    >>> s = GraphStability(("audio:A", "visual:A"), often, arrow, empty, empty, np.eye(2), 10, *[np.zeros(2)] * 3)
    >>> consensus_graph(s).edges()
    [('audio:A', 'visual:A', True)]
    """
    held = (stability.edge_frequency >= threshold) & ~np.eye(len(stability.nodes), dtype=bool)
    held &= stability.edge_frequency > 0
    wins = stability.orientation_frequency > 0.5 * stability.edge_frequency
    adjacency = (held & (wins | ~wins.T)).astype(np.int8)
    return ClassGraph(
        nodes=stability.nodes,
        adjacency=adjacency,
        effect=stability.effect * adjacency,
        warnings=stability.warnings,
        source=f"consensus of {stability.bootstraps} bootstraps at {threshold:.0%}",
    )


@dataclass(frozen=True)
class StabilitySelection:
    """Edges selected by their frequency, with what is known about how many of them are accidents.

    Attributes:
        selected: Whether a pair is selected. Shape (p, p), symmetric.
        expected_false: Upper bound on the expected number of selected pairs that are noise; infinite at a threshold of
            one half or below.
        null_rate: Pairs that the null model holds at this frequency, per selected pair, at most 1: an estimate of the
            false discovery rate against that null. NaN without a null model.
    """

    selected: BoolArray
    expected_false: float
    null_rate: float


def stability_selection(stability: GraphStability, threshold: float = 0.75) -> StabilitySelection:
    """Select edges by frequency (Meinshausen and Bühlmann 2010).

    The bound E[V] <= q^2 / ((2 t - 1) N), with q the mean number of edges per graph and N the number of pairs, was
    proved for half-samples and exchangeable noise; bootstraps are a stand-in, so read it as an indication.

    >>> empty = np.zeros((3, 3)); often = 0.9 * (1 - np.eye(3))
    >>> nodes, two = ("audio:A", "audio:B", "visual:A"), np.ones(2)
    >>> s = GraphStability(nodes, often, empty, empty, empty, np.eye(3), 9, two, two, two)
    >>> stability_selection(s, 0.8).selected.sum() // 2
    np.int64(3)
    """
    upper = np.triu_indices(len(stability.nodes), 1)
    frequency, null = stability.edge_frequency[upper], stability.null_frequency[upper]
    selected = (stability.edge_frequency >= threshold) & (stability.edge_frequency > 0)
    mean_edges, pairs = float(frequency.sum()), max(len(frequency), 1)
    bound = mean_edges**2 / ((2 * threshold - 1) * pairs) if threshold > 0.5 else float("inf")
    chosen = int((frequency >= threshold).sum())
    rate = float("nan")
    if stability.null != "none":
        rate = min(float((null >= threshold).sum()) / max(chosen, 1), 1.0)
    return StabilitySelection(selected, bound, rate)
