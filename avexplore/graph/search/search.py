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
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Literal

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray, Report, silent
from avexplore.errors import Cancelled, ConfigError, GraphError
from avexplore.graph.algebra.comparison import shd
from avexplore.graph.algebra.cpdag import dag_to_cpdag
from avexplore.graph.compiled.bitset import unpack
from avexplore.graph.knowledge import required_first
from avexplore.graph.scores.gaussian_bic import edge_penalty
from avexplore.graph.search import order_search as walks
from avexplore.graph.search.grow_shrink import plant

Engine = Literal["both", "grasp", "boss"]
Strategy = Literal["single", "restarts", "iterated"]

REPORT_EVERY = 0.05
"""Seconds of compiled code between two reports, about."""

# How iterated local search spends its kicks. Measured on 30 to 100 variables: moving 4 beats 2 and 8; giving a basin up
# early and starting afresh beats staying, since the best order is often out of reach of the basin one is in.
STARTS = 8
STRENGTH = 4
PATIENCE = 100
AGREEMENT = 4
MAX_BASINS = 400
FULL_EFFORT_UP_TO = 60
"""With more variables, kicks get fewer in proportion: each costs more, and a graph is hardly ever perfect."""

REACH = 2.0
"""A rival's score may fall short of the best by the penalty of so many edges."""
DISTINCT = 0.1
"""A rival differs from the best graph, and from other rivals, in more than this share of the best graph's edges."""
MOST_RIVALS = 5


@dataclass(frozen=True)
class SearchResult:
    """The best DAG found, and what else was in reach.

    Attributes:
        dag: A[i, j] = 1 for i -> j. Shape (p, p), int8.
        order: A topological order from which the search gets this DAG. Shape (p,).
        score: BIC over the empty graph's, 2 log-likelihood units.
        scores: Best score from each random start. Shape (starts,).
        rivals: Other DAGs within `REACH` of the best score and `DISTINCT` from it, best first. Shape (m, p, p), int8.
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
        strategy: `single` start; `iterations` random `restarts`; or `iterated` local search with at most
            `STARTS * iterations` kicks (beyond `FULL_EFFORT_UP_TO` variables fewer), spread over random starts that
            each end after `PATIENCE` kicks in vain; it ends early once `AGREEMENT` starts have ended at the best score.
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
    if engine not in ("both", "grasp", "boss") or strategy not in ("single", "restarts", "iterated"):
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
    kept_back = None if forbidden is None else forbidden[inside]
    demanded = None if required is None else required[inside]
    start = np.random.default_rng(seed).permutation(p) if initial_order is None else np.argsort(names)[initial_order]
    kicks = max(min(iterations, 100), STARTS * iterations * FULL_EFFORT_UP_TO // max(p, FULL_EFFORT_UP_TO))
    basins, kicks, agreement = {
        "single": (1, 0, 1),
        "restarts": (iterations, 0, iterations),
        "iterated": (min(MAX_BASINS, 1 + kicks // PATIENCE), kicks, AGREEMENT),
    }[strategy]
    walk = walks.begin(
        plant(R[inside], samples, penalty_discount, kept_back, demanded),
        start if demanded is None else required_first(start, demanded),
        boss=engine != "grasp",
        grasp=engine != "boss",
        depth=depth,
        basins=basins,
        kicks=kicks,
        patience=PATIENCE,
        strength=min(STRENGTH, p),
        agreement=agreement,
        seed=seed,
    )
    steps, done = p, False
    while not done:
        begun = time.perf_counter()
        done = walks.advance(walk, steps)
        took = time.perf_counter() - begun
        steps = int(np.clip(steps * REPORT_EVERY / max(took, 1e-6), 1, 10_000_000))
        share = walk.progress[walks.KICKS] / kicks if kicks else walk.progress[walks.BASIN] / basins
        best = float(walk.found.max())
        report(float(min(share, 1.0)), "Searching", **({"score": best} if np.isfinite(best) else {}))
    return _result(walk, names, edge_penalty(samples, penalty_discount))


def _canonical(correlation: FloatArray) -> IntArray:
    """Columns in a sequence that does not depend on how they were given: by the sorted sizes of their correlations."""
    sizes = np.sort(np.abs(correlation), axis=1).round(9)
    sequence: IntArray = np.lexsort(sizes.T)
    return sequence


def _result(walk: walks.Walk, names: IntArray, penalty: float) -> SearchResult:
    p = len(names)
    scores = walk.found[: walk.progress[walks.BASIN] + 1]
    winner = int(np.flatnonzero(scores >= scores.max() - walks.NEGLIGIBLE)[0])
    dags: list[IntArray] = []
    cpdags: list[IntArray] = []
    kept: list[int] = []
    for basin in [winner, *np.argsort(-scores, kind="stable")]:
        if scores[basin] < scores[winner] - REACH * penalty or len(kept) > MOST_RIVALS:
            break
        if any(abs(scores[basin] - scores[other]) <= walks.NEGLIGIBLE for other in kept):
            continue  # the same graph, or as good as
        dag = unpack(walk.parents[basin], p).T.astype(np.int8)
        cpdag = dag_to_cpdag(dag)
        if all(shd(cpdag, other) > DISTINCT * dags[0].sum() for other in cpdags):
            kept.append(basin)
            dags.append(dag)
            cpdags.append(cpdag)
    outside = np.argsort(names)  # column -> internal index
    given = [np.ascontiguousarray(dag[np.ix_(outside, outside)]) for dag in dags]
    return SearchResult(
        dag=given[0],
        order=names[walk.orders[winner]],
        score=float(scores[winner]),
        scores=scores.copy(),
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
    search(np.eye(3), 10)
