"""Search for the DAG with the best BIC: what callers use.

>>> rng = np.random.default_rng(0)
>>> a, b = rng.normal(size=(2, 1000))
>>> from avexplore.graph.inputs.covariance import correlation
>>> result = search(correlation(np.stack([a, b, a + b + rng.normal(size=1000)], axis=1)), 1000)
>>> result.dag
array([[0, 0, 1],
       [0, 0, 1],
       [0, 0, 0]], dtype=int8)
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray, Report, silent
from avexplore.errors import Cancelled, ConfigError, GraphError
from avexplore.graph.algebra.comparison import shd
from avexplore.graph.algebra.cpdag import dag_to_cpdag
from avexplore.graph.compiled.bitset import unpack
from avexplore.graph.knowledge import required_first
from avexplore.graph.scores.gaussian_bic import edge_penalty
from avexplore.graph.search import order_search, perturbation
from avexplore.graph.search.grow_shrink import GrowShrinkTrees, new_trees
from avexplore.graph.search.parent_sets import MADE, new_parent_sets

Engine = Literal["both", "grasp", "boss"]
Strategy = Literal["single", "polished", "perturbed", "restarts", "iterated"]

REPORT_EVERY = 0.05
"""Seconds of compiled code between two reports, about."""

# How a search spends its perturbations. Measured on 30 to 100 variables: moving 4 beats 2 and 8, and 3 or 4 by turns
# beats either where parents are kept; giving a local optimum up early and starting afresh beats staying, since the best
# order is often out of reach of where one is.
STRENGTH = 4
PATIENCE = 100
AGREEMENT = 4
STARTS = 8
MOST_STARTS = 400
FULL_EFFORT_UP_TO = 60
"""With more variables the effort no longer grows: each step costs more, and a graph is hardly ever perfect."""

SETS_PER_PAIR = 3
"""Parent sets that one iteration of `perturbed` may score for each pair of variables. Of all that can be counted, new
parent sets follow the CPU time best: 1.6 to 2.4 microseconds each on 30 to 56 variables, sparse or dense."""
POLISH = 20
"""Iterations of `perturbed` that `polished` stands for."""

REACH = 2.0
"""A near-optimal graph's score may fall short of the best by the penalty of so many edges."""
DISTINCT = 0.1
"""It differs from the best graph, and from others of its kind, in more than this share of the best graph's edges."""
MOST_RIVALS = 5


@dataclass(frozen=True)
class SearchResult:
    """The best DAG found, and what else was in reach.

    Attributes:
        dag: A[i, j] = 1 for i -> j. Shape (p, p), int8.
        order: A topological order of it. Shape (p,).
        score: BIC over the empty graph's, 2 log-likelihood units.
        scores: Best score from each random start. Shape (starts,).
        rivals: Near-optimal graphs: other DAGs within `REACH` of the best score and `DISTINCT` from it, best first.
            Shape (m, p, p), int8.
        rival_scores: Their scores. Shape (m,).
    """

    dag: IntArray
    order: IntArray
    score: float
    scores: FloatArray
    rivals: IntArray
    rival_scores: FloatArray


def search(
    correlation: FloatArray,
    samples: int,
    *,
    penalty_discount: float = 2.0,
    engine: Engine = "both",
    strategy: Strategy = "single",
    depth: int = 3,
    iterations: int = 300,
    seed: int = 0,
    forbidden: BoolArray | None = None,
    required: BoolArray | None = None,
    initial_order: IntArray | None = None,
    report: Report = silent,
) -> SearchResult:
    """Search for the DAG with the best BIC.

    The result does not depend on the order of the columns, unless two of them have exactly the same correlations.

    Args:
        correlation: Shape (p, p), ones on the diagonal.
        samples: Rows it was computed from, at least 2.
        penalty_discount: c, positive.
        engine: BOSS, GRaSP, or BOSS and then GRaSP from where it ends.
        strategy: How often, and from where.
            `single`: one start.
            `perturbed`: from where `single` ends, a descent that keeps parents, then perturbations. After `PATIENCE` of
            them in vain it starts afresh, as often as `iterations` allow: each may score `SETS_PER_PAIR` parent sets
            per pair of variables. It ends early once `AGREEMENT` starts have ended at the best score.
            `polished`: the same with `POLISH` iterations.
            `restarts`: `iterations` random starts.
            `iterated`: perturbations whose parents are grown anew, at most `STARTS * iterations` (beyond
            `FULL_EFFORT_UP_TO` variables fewer), with starts as in `perturbed`.
        depth: Of GRaSP.
        iterations: Unused by `single` and `polished`.
        seed: Same seed, same graph.
        forbidden: [i, j] where i -> j must not be. Shape (p, p).
        required: [i, j] where i -> j must be. Shape (p, p).
        initial_order: First start; None for a random one. Shape (p,).
        report: May raise `Cancelled`.

    Raises:
        ConfigError: If a number is out of range.
        GraphError: If the matrix is no correlation matrix, or knowledge contradicts itself.
    """
    if engine not in get_args(Engine) or strategy not in get_args(Strategy):
        raise ConfigError(f"Unknown engine or strategy {engine!r}, {strategy!r}", where="search")
    if not (penalty_discount > 0 and samples >= 2 and depth >= 1 and iterations >= 1):
        raise ConfigError("Penalty, depth and iterations must be positive, samples at least 2", where="search")
    R = np.ascontiguousarray(correlation, np.float64)
    p = len(R)
    if R.shape != (p, p) or not np.isfinite(R).all() or not np.allclose(np.diagonal(R), 1.0):
        raise GraphError(f"Expected a finite square matrix with ones on its diagonal, got shape {R.shape}")
    check_knowledge(forbidden, required, p)
    if initial_order is not None and sorted(initial_order) != list(range(p)):
        raise GraphError(f"The initial order must list each of {p} variables once", where="search")
    if p == 0:
        nothing = np.zeros((0, 0), np.int8)
        return SearchResult(nothing, np.zeros(0, np.int64), 0.0, np.zeros(0), nothing[None][:0], np.zeros(0))

    names = _canonical(R)  # internal index -> column
    inside = np.ix_(names, names)
    task = _Task(
        R[inside],
        samples,
        penalty_discount,
        None if forbidden is None else forbidden[inside],
        None if required is None else required[inside],
        engine,
        depth,
        seed,
        report,
    )
    first = np.random.default_rng(seed).permutation(p) if initial_order is None else np.argsort(names)[initial_order]
    if strategy in ("polished", "perturbed"):
        optima = _search_with_kept_parents(task, first, POLISH if strategy == "polished" else iterations)
    else:
        optima = _search_orders(task, first, strategy, iterations)
    return _result(optima, names, edge_penalty(samples, penalty_discount))


def parent_sets_scored(variables: int, iterations: int) -> int:
    """At most so many parent sets does a `perturbed` search score, about.

    With more than `FULL_EFFORT_UP_TO` variables they get fewer in proportion, since each takes longer.

    >>> parent_sets_scored(30, 300), parent_sets_scored(60, 300), parent_sets_scored(600, 300)
    (810000, 3240000, 324000)
    """
    return SETS_PER_PAIR * iterations * min(variables, FULL_EFFORT_UP_TO) ** 3 // max(variables, 1)


def _canonical(correlation: FloatArray) -> IntArray:
    """Columns in a sequence that does not depend on how they were given: by the sorted sizes of their correlations."""
    sizes = np.sort(np.abs(correlation), axis=1).round(9)
    sequence: IntArray = np.lexsort(sizes.T)
    return sequence


@dataclass(frozen=True)
class _Task:
    """What is searched, variables in canonical sequence; see `search`."""

    correlation: FloatArray
    samples: int
    penalty_discount: float
    forbidden: BoolArray | None
    required: BoolArray | None
    engine: Engine
    depth: int
    seed: int
    report: Report

    @property
    def variables(self) -> int:
        return len(self.correlation)

    def admissible(self, order: IntArray) -> IntArray:
        """The order, with required parents moved before their children."""
        return order if self.required is None else required_first(order, self.required)

    def trees(self) -> GrowShrinkTrees:
        return new_trees(self.correlation, self.samples, self.penalty_discount, self.forbidden, self.required)

    def begin(self, trees: GrowShrinkTrees, order: IntArray, **limits: int) -> order_search.OrderSearch:
        return order_search.begin(
            trees,
            self.admissible(order),
            boss=self.engine != "grasp",
            grasp=self.engine != "boss",
            depth=self.depth,
            patience=PATIENCE,
            strength=min(STRENGTH, self.variables),
            **limits,
        )

    def tell(self, share: float, best: float) -> None:
        self.report(float(min(share, 1.0)), "Searching", **({"score": best} if np.isfinite(best) else {}))


@dataclass(frozen=True)
class _LocalOptimum:
    """Where a start has led: the score, an order (p,), and each variable's parents as sets (p, w)."""

    score: float
    order: IntArray
    parents: IntArray


def _run(advance: Callable[[Any, int], bool], state: Any, steps: int, tell: Callable[[], None]) -> None:
    """Run compiled code to its end, in portions of about `REPORT_EVERY` seconds, and tell after each."""
    done = False
    while not done:
        begun = time.perf_counter()
        done = advance(state, steps)
        took = time.perf_counter() - begun
        steps = int(np.clip(steps * REPORT_EVERY / max(took, 1e-6), 1, 10_000_000))
        tell()


def _search_orders(task: _Task, first: IntArray, strategy: Strategy, iterations: int) -> list[_LocalOptimum]:
    """Local optima of searches that grow all parents anew: `single`, `restarts` or `iterated`."""
    p = task.variables
    perturbations = max(min(iterations, 100), STARTS * iterations * FULL_EFFORT_UP_TO // max(p, FULL_EFFORT_UP_TO))
    starts, perturbations, agreement = {
        "single": (1, 0, 1),
        "restarts": (iterations, 0, iterations),
        "iterated": (min(MOST_STARTS, 1 + perturbations // PATIENCE), perturbations, AGREEMENT),
    }[strategy]
    state = task.begin(
        task.trees(), first, starts=starts, perturbations=perturbations, agreement=agreement, seed=task.seed
    )

    def tell() -> None:
        progress = state.progress
        share = progress[order_search.NTH_START] / starts
        if perturbations:
            share = progress[order_search.PERTURBATIONS] / perturbations
        task.tell(share, float(state.found.max()))

    _run(order_search.advance, state, p, tell)
    ended = state.progress[order_search.NTH_START] + 1
    return [_LocalOptimum(float(state.found[k]), state.orders[k], state.parents[k]) for k in range(ended)]


def _search_with_kept_parents(task: _Task, first: IntArray, iterations: int) -> list[_LocalOptimum]:
    """Local optima of searches that keep their parents, each begun where one start of an order search ends."""
    p = task.variables
    most_made = parent_sets_scored(p, iterations)
    rng = np.random.default_rng(task.seed)
    trees = task.trees()
    sets = new_parent_sets(
        task.correlation, task.samples, task.penalty_discount, task.forbidden, task.required, most_made=most_made
    )
    optima: list[_LocalOptimum] = []

    def best() -> float:
        return max((optimum.score for optimum in optima), default=-np.inf)

    def tell() -> None:
        task.tell(sets.counters[MADE] / most_made, best())

    order, seed = first, task.seed
    while True:
        begun = task.begin(trees, order, starts=1, perturbations=0, agreement=1, seed=seed)
        _run(order_search.advance, begun, p, tell)
        state = perturbation.begin(
            sets,
            begun.orders[0],
            begun.parents[0],
            most_made=most_made,
            patience=PATIENCE,
            strength=min(STRENGTH, p),
            seed=seed,
        )
        _run(perturbation.advance, state, p, tell)
        optima.append(_LocalOptimum(float(state.score[0]), state.best_order, perturbation.best_parents(state)))
        agreeing = sum(optimum.score >= best() - order_search.NEGLIGIBLE for optimum in optima)
        if sets.counters[MADE] >= most_made or agreeing >= AGREEMENT or len(optima) == MOST_STARTS:
            return optima
        order, seed = rng.permutation(p), int(rng.integers(2**62))


def _result(optima: list[_LocalOptimum], names: IntArray, penalty: float) -> SearchResult:
    p = len(names)
    scores = np.array([optimum.score for optimum in optima])
    winner = int(np.flatnonzero(scores >= scores.max() - order_search.NEGLIGIBLE)[0])
    dags: list[IntArray] = []
    cpdags: list[IntArray] = []
    kept: list[int] = []
    for k in [winner, *np.argsort(-scores, kind="stable")]:
        if scores[k] < scores[winner] - REACH * penalty or len(kept) > MOST_RIVALS:
            break
        if any(abs(scores[k] - scores[other]) <= order_search.NEGLIGIBLE for other in kept):
            continue  # the same graph, or as good as
        dag = unpack(optima[k].parents, p).T.astype(np.int8)
        cpdag = dag_to_cpdag(dag)
        if all(shd(cpdag, other) > DISTINCT * dags[0].sum() for other in cpdags):
            kept.append(k)
            dags.append(dag)
            cpdags.append(cpdag)
    outside = np.argsort(names)  # column -> internal index
    given = [np.ascontiguousarray(dag[np.ix_(outside, outside)]) for dag in dags]
    return SearchResult(
        dag=given[0],
        order=names[optima[winner].order],
        score=float(scores[winner]),
        scores=scores,
        rivals=np.array(given[1:], np.int8).reshape(-1, p, p),
        rival_scores=scores[kept[1:]],
    )


def check_knowledge(forbidden: BoolArray | None, required: BoolArray | None, variables: int) -> None:
    """Refuse knowledge that no DAG fulfils.

    Raises:
        GraphError: If a matrix has the wrong shape, an edge is both required and forbidden, or required edges form a
            cycle.
    """
    p = variables
    for name, matrix in (("forbidden", forbidden), ("required", required)):
        if matrix is not None and (matrix.shape != (p, p) or matrix.dtype != bool):
            raise GraphError(f"Expected bool of shape {(p, p)}, got {matrix.dtype} {matrix.shape}", where=name)
    if required is not None and required.any():
        required_first(np.arange(p), required)
        if forbidden is not None and (required & forbidden).any():
            i, j = np.argwhere(required & forbidden)[0]
            raise GraphError(f"The edge {i} -> {j} is both required and forbidden", where="knowledge")


def search_many(
    correlations: FloatArray,
    samples: int,
    *,
    penalty_discount: float = 2.0,
    engine: Engine = "both",
    strategy: Strategy = "single",
    depth: int = 3,
    iterations: int = 300,
    seed: int = 0,
    forbidden: BoolArray | None = None,
    required: BoolArray | None = None,
    initial_order: IntArray | None = None,
    report: Report = silent,
    threads: int | None = None,
) -> tuple[IntArray, FloatArray]:
    """One search per matrix, as `search` with seed + b; the same for any number of threads.

    Args:
        correlations: Shape (B, p, p).
        samples, report: As for `search`, as are all others.
        seed: Seed of the first.
        threads: Searches at once; None takes as many as this process may use cores.

    Returns:
        DAGs (B, p, p), int8, and their scores (B,).
    """

    stop = threading.Event()

    def watch(fraction: float, message: str = "", **figures: float) -> None:
        if stop.is_set():
            raise Cancelled("Another resample was stopped")

    def one(b: int) -> SearchResult:
        return search(
            correlations[b],
            samples,
            penalty_discount=penalty_discount,
            engine=engine,
            strategy=strategy,
            depth=depth,
            iterations=iterations,
            seed=seed + b,
            forbidden=forbidden,
            required=required,
            initial_order=initial_order,
            report=watch,
        )

    p = correlations.shape[-1]
    dags, scores = np.zeros((len(correlations), p, p), np.int8), np.zeros(len(correlations))
    with ThreadPoolExecutor(own_cores() if threads is None else max(1, threads)) as pool:
        running = {pool.submit(one, b): b for b in range(len(correlations))}
        try:
            for count, future in enumerate(as_completed(running)):
                b = running[future]
                dags[b], scores[b] = future.result().dag, future.result().score
                report((count + 1) / len(running), "Searching resamples")
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return dags, scores


def own_cores() -> int:
    """How many threads this process may keep busy.

    `OMP_NUM_THREADS` if it is set: joblib's and Dask's workers are told their share by it. Else the cores of the
    machine, as far as the process is allowed on them.
    """
    from joblib import cpu_count

    share = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, int(share)) if share.isdigit() else int(cpu_count())


def warm_up() -> None:
    """Compile for the array types that `search` passes."""
    search(np.eye(3), 10, strategy="polished")
