"""How far to trust each edge: bootstraps, search seeds, and the same search where there is nothing to find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, GraphStability, IntArray, Report, SoftLabels, silent
from avexplore.config import StabilityConfig
from avexplore.graph.inputs.covariance import correlation as correlate
from avexplore.graph.inputs.transforms import classes_of
from avexplore.graph.learn import Prepared, prepare, to_cpdag
from avexplore.graph.scores.kernel import refuse_if_endless
from avexplore.graph.stability.kept_batches import KeptBatches
from avexplore.graph.stability.resampling import Resampler, batches, resampler

Batch = tuple[IntArray, FloatArray]
"""DAGs of shape (count, k, k), and the summed effects of their edges, shape (k, k)."""
Work = Callable[[int, int, Report], Batch]
"""Makes a batch: its first number, how many, and progress."""

_MOST_COMPARED = 500
_ENTRIES_COMPARED = 100_000_000
"""Graphs, and entries of them, that are compared pair by pair for the spreads: more hardly change the mean."""


def measure_stability(
    soft_labels: SoftLabels, config: StabilityConfig, report: Report = silent, *, kept: Path | None = None
) -> GraphStability:
    """Repeat the search on bootstraps of the clips, from other seeds, and on a null model.

    Bootstrap b weighs the clips multinomially (Efron); every search uses a seed of its own. Bootstraps and null model
    are searched with `config.strategy`, the seeds with the graph's own. Inside `joblib.parallel_config`, batches of
    searches go to its workers; the result is the same wherever they are made.

    Args:
        soft_labels: What the graph was learned from.
        config: The search to repeat, how often, and the null model.
        report: Progress; may raise `Cancelled`.
        kept: A file for what has been found so far, shared by all numbers of bootstraps: a stopped measurement goes on
            from it, and one of more bootstraps adds to those that are there. The result is the same without.

    Returns:
        Frequencies over all 2C nodes, spreads, and sentences for the reader. Nodes that took no part have zeros.

    Raises:
        GraphError: If the soft labels cannot be searched.
    """
    prepared = prepare(soft_labels, config.graph)
    source = resampler(soft_labels, prepared, config)
    null_count = 0 if config.null == "none" else config.null_bootstraps
    if config.graph.score == "kernel":
        clips, nodes = prepared.matrix.shape
        refuse_if_endless(clips, nodes, config.bootstraps + config.seeds + null_count)
    groups, guessed = classes_of(soft_labels, prepared.rows)
    batches_kept = KeptBatches(kept, prepared.matrix, groups)
    progress = _Progress(report, config.bootstraps + config.seeds + null_count, batches_kept)
    notes = list(prepared.warnings)

    def seeds(first: int, count: int, report: Report) -> Batch:
        return source.seeds(config.graph.seed + first, count, report), none

    def nulls(first: int, count: int, report: Report) -> Batch:
        seed = _seed(config.seed, 1, first)
        return source.nulls(config.null, groups, len(soft_labels.classes), seed, count, report), none

    none = np.zeros((len(prepared.columns), len(prepared.columns)))
    over_clips, over_seeds, over_null = _Tally(prepared), _Tally(prepared), _Tally(prepared)
    bootstraps = _bootstraps(source, config.seed)
    try:
        for batch in progress.batches("Bootstraps", config.bootstraps, prepared, bootstraps):
            over_clips.add(*batch)
        for batch in progress.batches("Search seeds", config.seeds, prepared, seeds):
            over_seeds.add(*batch)
        for batch in progress.batches("Shuffled data", null_count, prepared, nulls, of=config.null):
            over_null.add(*batch)
    finally:
        batches_kept.save()
    notes.extend(guessed if null_count else ())
    shd, jaccard, frobenius = spreads(over_clips.graphs)
    report(1.0, "Stability measured")
    return _measured(
        prepared,
        over_clips,
        null_frequency=prepared.embed(over_null.adjacent),
        shd=shd,
        jaccard=jaccard,
        frobenius=frobenius,
        null=config.null,
        seed_frequency=prepared.embed(over_seeds.adjacent),
        seed_orientation_frequency=prepared.embed(over_seeds.directed),
        seed_shd=spreads(over_seeds.graphs)[0],
        seeds=config.seeds,
        warnings=tuple(dict.fromkeys(notes)),
    )


def growing_stability(
    soft_labels: SoftLabels, config: StabilityConfig, report: Report = silent
) -> Iterator[GraphStability]:
    """The bootstraps of `measure_stability` alone, as far as they have come: one `GraphStability` after each batch.

    The last has all of `config.bootstraps`, and the frequencies and effects that `measure_stability` finds. There is
    nothing of null model and search seeds in them.

    Args:
        soft_labels, config: As for `measure_stability`.
        report: Called often while searching; may raise `Cancelled`.
    """
    prepared = prepare(soft_labels, config.graph)
    source = resampler(soft_labels, prepared, config)
    progress, tally = _Progress(report, config.bootstraps, KeptBatches(None)), _Tally(prepared)
    p, two = len(prepared.nodes), np.zeros(2)
    for batch in progress.batches("Bootstraps", config.bootstraps, prepared, _bootstraps(source, config.seed)):
        tally.add(*batch)
        nothing = {"null_frequency": np.zeros((p, p)), "shd": two, "jaccard": two, "frobenius": two}
        yield _measured(prepared, tally, **nothing, warnings=prepared.warnings)


def _bootstraps(source: Resampler, seed: int) -> Work:
    """Effects are summed over the DAGs, whichever end an edge starts from."""

    def bootstraps(first: int, count: int, report: Report) -> Batch:
        dags, effects = source.bootstraps(_seed(seed, 0, first), count, report)
        return dags, (effects + effects.transpose(0, 2, 1)).sum(axis=0)

    return bootstraps


def _measured(prepared: Prepared, bootstraps: _Tally, **more: Any) -> GraphStability:
    correlation = prepared.embed(correlate(prepared.matrix))
    np.fill_diagonal(correlation, 1.0)
    return GraphStability(
        nodes=prepared.nodes,
        edge_frequency=prepared.embed(bootstraps.adjacent),
        orientation_frequency=prepared.embed(bootstraps.directed),
        effect=prepared.embed(bootstraps.effect),
        correlation=correlation,
        bootstraps=bootstraps.count,
        **more,
    )


def _seed(seed: int, purpose: int, first: int) -> int:
    """An independent seed per purpose and batch, small enough to count up from."""
    return int(np.random.SeedSequence([seed, purpose, first]).generate_state(1)[0] >> 1)


class _Progress:
    """Counts searches over all parts of the work."""

    def __init__(self, report: Report, total: int, kept: KeptBatches) -> None:
        self._report, self._total, self._done, self._kept = report, max(total, 1), 0, kept

    def batches(self, part: str, count: int, prepared: Prepared, work: Work, of: str = "") -> Iterator[Batch]:
        """`work(first, count, report)` of each batch, in order; on all workers that joblib was told of, else here.

        Batches are kept by part, by what it is made `of`, and by their place in it.
        """
        from joblib import Parallel, delayed, effective_n_jobs

        plan = batches(count, *prepared.matrix.shape)
        there = [self._kept.get(part + of, first, size, len(prepared.columns)) for first, size in plan]
        missing = [batch for batch, found in zip(plan, there, strict=True) if found is None]
        made: Iterator[Batch]
        if effective_n_jobs() == 1:
            made = (work(first, size, self._inside(f"{part}: {first} of {count}")) for first, size in missing)
        else:
            made = iter(Parallel(return_as="generator")(delayed(work)(first, size, silent) for first, size in missing))
        for (first, size), found in zip(plan, there, strict=True):
            if found is None:
                found = next(made)
                self._kept.put(part + of, first, size, *found)
            yield found
            self._done += size
            self._report(self._done / self._total, f"{part}: {first + size} of {count}")
        next(made, None)  # joblib's workers are free for others only once it has ended

    def _inside(self, said: str) -> Report:
        """Progress within a batch: nothing new to say, but a chance to be stopped."""

        def inside(fraction: float, message: str = "", **figures: float) -> None:
            self._report(self._done / self._total, said)

        return inside


class _Tally:
    """Counts edges over graphs, sums their effects, and keeps the first ones for comparison."""

    def __init__(self, prepared: Prepared) -> None:
        k = len(prepared.columns)
        self._knowledge = prepared.knowledge
        self.count = 0
        self._adjacent, self._directed, self._effects = (np.zeros((k, k)) for _ in range(3))
        self._room = max(2, min(_MOST_COMPARED, _ENTRIES_COMPARED // max(k**2, 1)))
        self._kept: list[IntArray] = []

    def add(self, dags: IntArray, effects: FloatArray) -> None:
        cpdags = np.stack([to_cpdag(dag, self._knowledge) for dag in dags])
        self.count += len(cpdags)
        self._effects += effects
        self._adjacent += (cpdags | cpdags.transpose(0, 2, 1)).sum(axis=0)
        self._directed += _arrows(cpdags).sum(axis=0)
        self._kept.extend(cpdags[: max(self._room - len(self._kept), 0)])

    @property
    def adjacent(self) -> FloatArray:
        """Share of graphs in which a pair is adjacent. Shape (k, k)."""
        return self._adjacent / max(self.count, 1)

    @property
    def directed(self) -> FloatArray:
        """Share of graphs with i -> j. Shape (k, k)."""
        return self._directed / max(self.count, 1)

    @property
    def effect(self) -> FloatArray:
        """Mean effect over the graphs that hold an edge. Shape (k, k)."""
        return self._effects / np.maximum(self.adjacent * self.count, 1)

    @property
    def graphs(self) -> IntArray:
        """The graphs that were kept. Shape (m, k, k)."""
        return np.stack(self._kept) if self._kept else np.zeros((0, *self._adjacent.shape), np.int8)


def _arrows(graphs: IntArray) -> BoolArray:
    arrows: BoolArray = graphs.astype(bool) & ~graphs.transpose(0, 2, 1).astype(bool)
    return arrows


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
    proved for half-samples and exchangeable noise; bootstraps are a fallback, so read it as an indication.

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
