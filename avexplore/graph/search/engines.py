"""One seam for every search: ours, compiled, and causal-learn's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray, Report, silent
from avexplore.config import GraphConfig
from avexplore.graph.knowledge import Knowledge

if TYPE_CHECKING:
    from avexplore.graph.scores.local_score import LocalScore


@dataclass(frozen=True)
class Outcome:
    """What a search found.

    Attributes:
        dag: A[i, j] = 1 for i -> j. Shape (p, p), int8.
        score: Over the empty graph's, in 2 log-likelihood units.
        gain: Score lost if one edge were removed. Shape (p, p), 0 where there is none.
        rivals: DAGs of other classes within reach of the best score. Shape (m, p, p).
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
        seconds: Time limit of causal-learn's engines; None waits.
        report: Progress.

    Raises:
        GraphError: If the engine cannot do what is asked.
    """
    if config.engine.startswith("causal-learn"):
        from avexplore.graph.search import causal_learn

        found = causal_learn.search(
            causal_learn.bic_local_score(correlation, samples, config.penalty_discount),
            len(correlation),
            algorithm=config.engine.removeprefix("causal-learn-"),
            depth=config.depth,
            seed=seed,
            forbidden=knowledge.forbidden,
            required=knowledge.required,
            seconds=seconds,
            report=report,
        )
        return _scored(found.dag, correlation, samples, config)
    from avexplore.graph.search.search import search

    result = search(
        correlation,
        samples,
        penalty_discount=config.penalty_discount,
        engine=_compiled(config),
        strategy=config.strategy,
        depth=config.depth,
        iterations=config.iterations,
        seed=seed,
        forbidden=_or_none(knowledge.forbidden),
        required=_or_none(knowledge.required),
        report=report,
    )
    best = _scored(result.dag, correlation, samples, config)
    return replace(best, rivals=result.rivals, rival_scores=result.rival_scores)


def _scored(dag: IntArray, correlation: FloatArray, samples: int, config: GraphConfig) -> Outcome:
    from avexplore.graph.scores.gaussian_bic import bic_score, edge_gains

    penalty = config.penalty_discount
    return Outcome(dag, bic_score(correlation, samples, dag, penalty), edge_gains(correlation, samples, dag, penalty))


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
        config: BOSS for `boss`, `both` and `causal-learn-boss`, else GRaSP. With `bdeu`, 1 / `penalty_discount` is the
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
        algorithm="grasp" if config.engine.endswith("grasp") else "boss",
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
    if config.engine.startswith("causal-learn"):
        found = [
            run_search(correlation, samples, config, knowledge, seed=seed + b, report=report).dag
            for b, correlation in enumerate(correlations)
        ]
        return np.stack(found)
    from avexplore.graph.search.search import search_many

    dags, _ = search_many(
        np.ascontiguousarray(correlations),
        samples,
        penalty_discount=config.penalty_discount,
        engine=_compiled(config),
        strategy=config.strategy,
        depth=config.depth,
        iterations=config.iterations,
        seed=seed,
        forbidden=_or_none(knowledge.forbidden),
        required=_or_none(knowledge.required),
        report=report,
    )
    return dags


def _compiled(config: GraphConfig) -> Literal["both", "grasp", "boss"]:
    assert config.engine in ("both", "grasp", "boss")
    return config.engine


def _or_none(mask: BoolArray) -> BoolArray | None:
    return mask if mask.any() else None
