"""One seam for every search: a record per engine, and what callers ask of whichever is chosen.

A new engine is a module beside this one, a record here, and its name in `GraphConfig.engine`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray, Report, silent
from avexplore.config import GraphConfig
from avexplore.graph.knowledge import Knowledge

if TYPE_CHECKING:
    from avexplore.graph.scores.local_score import LocalScore


@dataclass(frozen=True)
class Found:
    """What an engine hands over; see `Outcome`."""

    dag: IntArray
    rivals: IntArray = field(default_factory=lambda: np.zeros((0, 0, 0), np.int8))
    rival_scores: FloatArray = field(default_factory=lambda: np.zeros(0))
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Engine:
    """A way to search, and what has to be known of it before it runs.

    Attributes:
        name: As in `GraphConfig.engine`.
        label: What people read.
        search: From correlations to a DAG, with the arguments of `run_search`.
        compiled: Whether it is ours: compiled on first use, several strategies, and so quick that people may wait.
        search_many: DAGs of several correlation matrices, with the arguments of `run_many`; None searches one by one.
        algorithm: Which search of causal-learn answers while ours is compiled, or for scores that ours does not know.
    """

    name: str
    label: str
    search: Callable[..., Found]
    compiled: bool = False
    search_many: Callable[..., IntArray] | None = None
    algorithm: Literal["grasp", "boss"] = "boss"


def _ours(correlation: FloatArray, samples: int, config: GraphConfig, knowledge: Knowledge, **options: Any) -> Found:
    from avexplore.graph.search.search import search

    options.pop("seconds", None)
    result = search(correlation, samples, **_settings(config, knowledge), **options)
    return Found(result.dag, result.rivals, result.rival_scores)


def _many_of_ours(
    correlations: FloatArray, samples: int, config: GraphConfig, knowledge: Knowledge, **options: Any
) -> IntArray:
    from avexplore.graph.search.search import search_many

    return search_many(np.ascontiguousarray(correlations), samples, **_settings(config, knowledge), **options)[0]


def _settings(config: GraphConfig, knowledge: Knowledge) -> dict[str, Any]:
    return {
        "penalty_discount": config.penalty_discount,
        "engine": config.engine,
        "strategy": config.strategy,
        "depth": config.depth,
        "iterations": config.iterations,
        "forbidden": _or_none(knowledge.forbidden),
        "required": _or_none(knowledge.required),
    }


def _or_none(mask: BoolArray) -> BoolArray | None:
    return mask if mask.any() else None


def _causal_learn(
    algorithm: str, correlation: FloatArray, samples: int, config: GraphConfig, knowledge: Knowledge, **options: Any
) -> Found:
    from avexplore.graph.search import causal_learn

    found = causal_learn.search(
        causal_learn.bic_local_score(correlation, samples, config.penalty_discount),
        len(correlation),
        algorithm=algorithm,
        depth=config.depth,
        forbidden=knowledge.forbidden,
        required=knowledge.required,
        **options,
    )
    return Found(found.dag)


def _flop(correlation: FloatArray, samples: int, config: GraphConfig, knowledge: Knowledge, **options: Any) -> Found:
    from avexplore.graph.search import flop

    dag = flop.search(
        correlation,
        samples,
        penalty_discount=config.penalty_discount,
        restarts=flop.restarts_of(config.strategy, config.iterations),
        forbidden=knowledge.forbidden,
        required=knowledge.required,
        **options,
    )
    return Found(dag, notes=(flop.NOTE,))


ENGINES = {
    engine.name: engine
    for engine in (
        Engine("grasp", "GRaSP", _ours, compiled=True, search_many=_many_of_ours, algorithm="grasp"),
        Engine("boss", "BOSS", _ours, compiled=True, search_many=_many_of_ours),
        Engine("both", "BOSS, then GRaSP", _ours, compiled=True, search_many=_many_of_ours),
        Engine(
            "causal-learn-grasp", "GRaSP of causal-learn (slow)", partial(_causal_learn, "grasp"), algorithm="grasp"
        ),
        Engine("causal-learn-boss", "BOSS of causal-learn (slow)", partial(_causal_learn, "boss")),
        Engine("flop", "FLOP (if flopsearch is installed)", _flop),
    )
}
"""All engines by name."""

DRAFTS: dict[str, tuple[Literal["single", "polished"], ...]] = {
    "perturbed": ("single", "polished"),
    "iterated": ("single",),
}
"""Quicker strategies on the way to the thorough ones."""

QUICK_SETS = 3_500_000
"""Parent sets that a search may score at once: some seconds, behind drafts that a person sees meanwhile."""


def needs_compiling(config: GraphConfig) -> bool:
    """Whether the search of this config is ours, which has to be compiled before its first use."""
    return ENGINES[config.engine].compiled and config.score == "bic"


def drafts_of(config: GraphConfig) -> tuple[GraphConfig, ...]:
    """Quicker searches whose graphs are worth a look while `config` is still searched for, the quickest first."""
    if not needs_compiling(config):
        return ()
    return tuple(config.replace(strategy=strategy) for strategy in DRAFTS.get(config.strategy, ()))


def fallback_for(config: GraphConfig) -> GraphConfig | None:
    """The same question for causal-learn, while our search is compiled: same score, knowledge and seed, one start.

    It has an address of its own, so nothing of it is ever taken for the result of `config`. None if `config` needs
    nothing compiled.
    """
    if not needs_compiling(config):
        return None
    return config.replace(engine=f"causal-learn-{ENGINES[config.engine].algorithm}", strategy="single")


def is_quick(config: GraphConfig, nodes: int) -> bool:
    """Whether a person may wait for this search, seconds at most, rather than have a process of its own made for it."""
    if not ENGINES[config.engine].compiled or config.score == "kernel" or config.strategy == "restarts" or nodes > 80:
        return False
    if config.strategy == "perturbed":
        from avexplore.graph.search.search import parent_sets_scored

        return parent_sets_scored(nodes, config.iterations) <= QUICK_SETS
    return config.strategy != "iterated" or config.iterations <= 1000


@dataclass(frozen=True)
class Outcome:
    """What a search found.

    Attributes:
        dag: A[i, j] = 1 for i -> j. Shape (p, p), int8.
        score: Over the empty graph's, in 2 log-likelihood units.
        gain: Score lost if one edge were removed. Shape (p, p), 0 where there is none.
        rivals: Near-optimal graphs: DAGs of other classes within reach of the best score. Shape (m, p, p).
        rival_scores: Their scores. Shape (m,).
        notes: Sentences for the reader.
    """

    dag: IntArray
    score: float
    gain: FloatArray
    rivals: IntArray = field(default_factory=lambda: np.zeros((0, 0, 0), np.int8))
    rival_scores: FloatArray = field(default_factory=lambda: np.zeros(0))
    notes: tuple[str, ...] = ()


def run_search(
    correlation: FloatArray,
    samples: int,
    config: GraphConfig,
    knowledge: Knowledge,
    *,
    seed: int,
    seconds: float | None = None,
    report: Report = silent,
) -> Outcome:
    """Search one correlation matrix with the engine of the config.

    Args:
        correlation: Shape (p, p), regular.
        samples: Number of rows behind it.
        config: Engine, penalty, depth, strategy and iterations are used.
        knowledge: Masks over the same p nodes.
        seed: Seeds the search.
        seconds: Time limit of engines that are not ours; None waits.
        report: Progress.

    Raises:
        GraphError: If the engine cannot do what is asked.
    """
    from avexplore.graph.scores.gaussian_bic import bic_score, edge_gains

    found = ENGINES[config.engine].search(
        correlation, samples, config, knowledge, seed=seed, seconds=seconds, report=report
    )
    penalty = config.penalty_discount
    return Outcome(
        found.dag,
        bic_score(correlation, samples, found.dag, penalty),
        edge_gains(correlation, samples, found.dag, penalty),
        found.rivals,
        found.rival_scores,
        found.notes,
    )


def local_score(table: FloatArray | IntArray, config: GraphConfig) -> LocalScore:
    """The score of a node given its parents, where it is not the BIC: of states (`bdeu`) or of values (`kernel`).

    Raises:
        GraphError: If the data are too many for the score.
    """
    from avexplore.graph.scores.bdeu import bdeu_local_score
    from avexplore.graph.scores.kernel import kernel_local_score

    if config.score == "kernel":
        return kernel_local_score(np.asarray(table, np.float64))
    return bdeu_local_score(np.asarray(table, np.int64), parents_expected=1.0 / config.penalty_discount)


def run_local(
    table: FloatArray | IntArray,
    config: GraphConfig,
    knowledge: Knowledge,
    *,
    seed: int,
    seconds: float | None = None,
    report: Report = silent,
) -> Outcome:
    """Search with a score that only causal-learn's search can take.

    Args:
        table: States for `bdeu`, int64, values for `kernel`. Shape (n, p).
        config: GRaSP or BOSS, whichever `Engine.algorithm` says. With `bdeu`, 1 / `penalty_discount` is the
            number of parents that a node is expected to have; `kernel` takes no penalty.
        knowledge, seed, seconds, report: As in `run_search`.

    Raises:
        GraphError: If it takes longer than `seconds`, or the data are too many for the score.
    """
    from avexplore.graph.search import causal_learn

    local = local_score(table, config)
    p = table.shape[1]
    found = causal_learn.search(
        local,
        p,
        algorithm=ENGINES[config.engine].algorithm,
        depth=config.depth,
        seed=seed,
        forbidden=knowledge.forbidden,
        required=knowledge.required,
        seconds=seconds,
        report=report,
    )
    gain = np.zeros((p, p))
    for i, j in np.argwhere(found.dag):
        parents = np.flatnonzero(found.dag[:, j]).tolist()
        gain[i, j] = 2 * (local(j, parents) - local(j, [k for k in parents if k != i]))
    empty = sum(local(j, []) for j in range(p))
    return Outcome(found.dag, 2 * (found.score - empty), gain)


def run_many(
    correlations: FloatArray,
    samples: int,
    config: GraphConfig,
    knowledge: Knowledge,
    *,
    seed: int,
    report: Report = silent,
) -> IntArray:
    """Search several correlation matrices; the b-th with the b-th seed from `seed` on.

    Args:
        correlations: Shape (B, p, p).
        samples, config, knowledge, report: As in `run_search`.
        seed: Seed of the first.

    Returns:
        One DAG each. Shape (B, p, p), int8.
    """
    engine = ENGINES[config.engine]
    if engine.search_many is not None:
        return engine.search_many(correlations, samples, config, knowledge, seed=seed, report=report)
    found = [
        engine.search(correlation, samples, config, knowledge, seed=seed + b, report=report).dag
        for b, correlation in enumerate(correlations)
    ]
    return np.stack(found)
