"""Search for the DAG with the best BIC: what callers use.

>>> rng = np.random.default_rng(0)
>>> a, b = rng.normal(size=(2, 1000))
>>> from avexplore.graph.covariance import correlation
>>> result = search(correlation(np.stack([a, b, a + b + rng.normal(size=1000)], axis=1)), 1000)
>>> result.dag
array([[0, 0, 1],
       [0, 0, 1],
       [0, 0, 0]], dtype=int8)
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray, Report, silent
from avexplore.errors import ConfigError, GraphError
from avexplore.graph import walk as walks
from avexplore.graph.grow_shrink import MEMORY, plant

Engine = Literal["both", "grasp", "boss"]
Strategy = Literal["single", "restarts", "iterated"]
STRATEGIES = {"single": walks.SINGLE, "restarts": walks.RESTARTS, "iterated": walks.ITERATED}
REPORT_EVERY = 0.05
"""Seconds of compiled code between two reports, about."""


@dataclass(frozen=True)
class SearchResult:
    """The best DAG found, and what else was in reach.

    Attributes:
        dag: A[i, j] = 1 for i -> j. Shape (p, p), int8.
        order: A topological order from which the search gets this DAG. Shape (p,).
        score: BIC over the empty graph's, 2 log-likelihood units.
        scores: Best score of each local optimum visited. Shape (rounds,).
        rivals: Other DAGs within reach of the best score. Shape (m, p, p), int8.
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

    Args:
        correlation: Shape (p, p), ones on the diagonal.
        samples: Rows it was computed from, at least 2.
        penalty_discount: c, positive.
        engine: BOSS, GRaSP, or BOSS and then GRaSP from where it ends.
        strategy: One start; `iterations` random starts; or iterated local search, which changes the best order a
            little `iterations` times.
        depth: Of GRaSP.
        iterations: Unused by `single`.
        seed: Same seed, same graph.
        forbidden: [i, j] where i -> j must not be. Shape (p, p).
        required: [i, j] where i -> j must be. Shape (p, p).
        initial_order: First start; None for a random one. Shape (p,).
        report: May raise `Cancelled`.

    Raises:
        ConfigError: If a number is out of range.
        GraphError: If the matrix is no correlation matrix, or knowledge contradicts itself.
    """
    if engine not in ("both", "grasp", "boss") or strategy not in STRATEGIES:
        raise ConfigError(f"Unknown engine or strategy {engine!r}, {strategy!r}", where="search")
    if not (penalty_discount > 0 and samples >= 2 and depth >= 1 and iterations >= 1):
        raise ConfigError("Penalty, depth and iterations must be positive, samples at least 2", where="search")
    R = np.ascontiguousarray(correlation, np.float64)
    p = len(R)
    if R.shape != (p, p) or not np.isfinite(R).all() or not np.allclose(np.diagonal(R), 1.0):
        raise GraphError(f"Expected a finite square matrix with ones on its diagonal, got shape {R.shape}")
    if p == 0:
        nothing = np.zeros((0, 0), np.int8)
        empty = np.zeros(0)
        return SearchResult(nothing, np.zeros(0, np.int64), 0.0, empty, nothing[None][:0], empty)
    _check_knowledge(forbidden, required, p)
    rounds = 1 if strategy == "single" else iterations
    walk = walks.begin(
        plant(R, samples, penalty_discount, forbidden, required, MEMORY),
        _start(p, seed, required) if initial_order is None else np.asarray(initial_order, np.int64),
        boss=engine != "grasp",
        grasp=engine != "boss",
        depth=depth,
        strategy=STRATEGIES[strategy],
        rounds=rounds,
        seed=seed,
    )
    steps = p
    done = False
    while not done:
        begun = time.perf_counter()
        done = walks.advance(walk, steps)
        took = time.perf_counter() - begun
        steps = int(np.clip(steps * REPORT_EVERY / max(took, 1e-6), 1, 10_000_000))
        report(walk.progress[walks.ROUND] / rounds, "Searching", score=float(walk.best_score[0]))
    dag = np.zeros((p, p), np.int8)
    walks.write_dag(walk, dag)
    return SearchResult(
        dag=dag,
        order=walk.best,
        score=float(walk.best_score[0]),
        scores=walk.found,
        rivals=np.zeros((0, p, p), np.int8),
        rival_scores=np.zeros(0),
    )


def _check_knowledge(forbidden: BoolArray | None, required: BoolArray | None, p: int) -> None:
    for name, matrix in (("forbidden", forbidden), ("required", required)):
        if matrix is not None and (matrix.shape != (p, p) or matrix.dtype != bool):
            raise GraphError(f"Expected bool of shape {(p, p)}, got {matrix.dtype} {matrix.shape}", where=name)
    if required is not None:
        _start(p, 0, required)
        if forbidden is not None and (required & forbidden).any():
            i, j = np.argwhere(required & forbidden)[0]
            raise GraphError(f"The edge {i} -> {j} is both required and forbidden", where="knowledge")


def _start(p: int, seed: int, required: BoolArray | None) -> IntArray:
    """A random order that keeps required edges forward."""
    order: IntArray = np.random.default_rng(seed).permutation(p)
    if required is None or not required.any():
        return order
    waiting = required.sum(axis=0)
    sorted_order: list[int] = []
    left = list(order)
    while left:
        free = next((v for v in left if waiting[v] == 0), None)
        if free is None:
            raise GraphError("The required edges form a cycle", where="knowledge")
        left.remove(free)
        sorted_order.append(free)
        waiting = waiting - required[free]
    return np.array(sorted_order)


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
    threads: int = 2,
) -> tuple[IntArray, FloatArray]:
    """One search per matrix, as `search` with seed + b; the same for any number of threads.

    Returns:
        DAGs (B, p, p), int8, and their scores (B,).
    """

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
        )

    results: list[SearchResult] = []
    with ThreadPoolExecutor(threads) as pool:
        for b, result in enumerate(pool.map(one, range(len(correlations)))):
            results.append(result)
            report((b + 1) / len(correlations), "Searching resamples")
    return np.stack([r.dag for r in results]), np.array([r.score for r in results])


def warm_up() -> None:
    """Compile for the array types that `search` passes."""
    search(np.eye(3), 10)
