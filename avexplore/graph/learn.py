"""Soft labels in, class graph out: checks, transform, knowledge, search, CPDAG, effects."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from avexplore.artifacts import ClassGraph, FloatArray, IntArray, Report, SoftLabels, silent
from avexplore.config import GraphConfig
from avexplore.errors import GraphError
from avexplore.graph.algebra.comparison import aligned, shd
from avexplore.graph.algebra.equivalence import along_lines
from avexplore.graph.inputs.checks import check_columns, choose_rows, describe_kind, describe_values
from avexplore.graph.inputs.covariance import correlation as correlate
from avexplore.graph.inputs.transforms import transform
from avexplore.graph.knowledge import Knowledge, knowledge_masks, orient_with_knowledge
from avexplore.graph.scores.bdeu import states_of
from avexplore.graph.scores.gaussian_bic import bic_score, edge_effects
from avexplore.graph.search.engines import Outcome, local_score, run_local, run_search

TOO_DENSE = 0.3
"""Share of adjacent pairs above which a graph says little: its directions are then forced by density."""


@dataclass(frozen=True)
class Prepared:
    """Everything that a search needs, ready to be resampled.

    Attributes:
        nodes: Names of all p class nodes.
        rows: Clips in use. Shape (n,).
        columns: Indices of the nodes that are searched over. Shape (k,).
        matrix: Their transformed soft labels. Shape (n, k), float64.
        knowledge: Masks over those k nodes.
        warnings: Sentences for the reader.
    """

    nodes: tuple[str, ...]
    rows: IntArray
    columns: IntArray
    matrix: FloatArray
    knowledge: Knowledge
    warnings: tuple[str, ...]

    def embed(self, small: np.ndarray) -> np.ndarray:
        """A (..., k, k) array over the searched nodes as (..., p, p) over all, zeros elsewhere."""
        p = len(self.nodes)
        full = np.zeros((*small.shape[:-2], p, p), small.dtype)
        full[..., self.columns[:, None], self.columns] = small
        return full


def prepare(soft_labels: SoftLabels, config: GraphConfig) -> Prepared:
    """Choose rows, transform, leave out what would mislead, and read the knowledge.

    Raises:
        GraphError: If values are not finite, too few clips or nodes are left, or the knowledge cannot be kept.
    """
    nodes = soft_labels.nodes
    rows, row_warnings = choose_rows(soft_labels, config.rows)
    known = knowledge_masks(config.knowledge, nodes)
    named = {name for edge in config.knowledge.required for name in edge}
    transformed = transform(soft_labels, config.transform, rows)
    checked = check_columns(
        transformed.matrix,
        nodes,
        dropped=transformed.dropped,
        keep=frozenset(i for i, name in enumerate(nodes) if name in named),
    )
    for i, reason in checked.dropped.items():
        if nodes[i] in named:
            raise GraphError(
                f"{nodes[i]} has a required edge but takes no part in the search: {reason}",
                where="knowledge, required",
                fix="Remove that edge, or choose another transform",
            )
    if len(checked.columns) == 0:
        raise GraphError("No class varies over the clips", where="soft labels", fix="Check the teacher's output")
    described = (*describe_kind(soft_labels), *describe_values(soft_labels, rows, config.score))
    warnings = (*soft_labels.warnings, *described, *row_warnings, *transformed.notes)
    return Prepared(
        nodes,
        rows,
        checked.columns,
        np.ascontiguousarray(transformed.matrix[:, checked.columns]),
        known.restrict(checked.columns),
        tuple(dict.fromkeys((*warnings, *checked.warnings))),
    )


def learn_class_graph(soft_labels: SoftLabels, config: GraphConfig, report: Report = silent) -> ClassGraph:
    """Search the class graph of a teacher's soft labels.

    Args:
        soft_labels: n clips x C classes in each modality.
        config: Rows, transform, knowledge, score and engine.
        report: Progress; may raise `Cancelled`.

    Returns:
        A CPDAG (with knowledge: an MPDAG) over all 2C nodes with effects, gains, warnings and rivals. Nodes that took
        no part in the search are isolated, and a warning says why.

    Raises:
        GraphError: If the soft labels cannot be searched, or the knowledge contradicts itself.

    References:
        Lam, Andrews, Ramsey, Greedy relaxations of the sparsest permutation algorithm, UAI 2022.
    """
    report(0.0, "Checking the soft labels")
    prepared = prepare(soft_labels, config)
    samples = len(prepared.rows)
    correlation = correlate(prepared.matrix)
    if config.score == "bic":
        outcome = run_search(correlation, samples, config, prepared.knowledge, seed=config.seed, report=report)
    else:
        table, notes = local_table(soft_labels, prepared, config)
        outcome = run_local(table, config, prepared.knowledge, seed=config.seed, report=report)
        outcome = replace(outcome, notes=notes)
    effect = edge_effects(correlation, outcome.dag)
    cpdag = to_cpdag(outcome.dag, prepared.knowledge)
    rivals, rival_scores = _other_classes(outcome, cpdag, prepared.knowledge)
    graph = ClassGraph(
        nodes=prepared.nodes,
        adjacency=prepared.embed(cpdag),
        score=outcome.score,
        effect=prepared.embed(along_lines(effect, cpdag)),
        gain=prepared.embed(along_lines(outcome.gain, cpdag)),
        samples=samples,
        warnings=(*prepared.warnings, *outcome.notes),
        rivals=prepared.embed(rivals),
        rival_scores=rival_scores,
    )
    report(1.0, "Class graph learned")
    return replace(graph, warnings=(*graph.warnings, *_afterthoughts(graph)))


def score_graph(graph: ClassGraph, soft_labels: SoftLabels, config: GraphConfig) -> float:
    """Score of any graph on the clips, with the transform and by the score of a search, over the empty graph's.

    Undirected edges are oriented first, in one of the ways that BIC and BDeu do not tell apart.

    Args:
        graph: On the same nodes as the soft labels, in their order.
        soft_labels: What the search saw.
        config: Of the search.

    Raises:
        GraphError: If the graph has a cycle, or an edge at a node that took no part in the search.
    """
    from avexplore.graph.algebra.cpdag import consistent_dag

    prepared = prepare(soft_labels, config)
    dag = consistent_dag(aligned(graph, prepared.nodes))
    left_out = np.delete(np.arange(len(dag)), prepared.columns)
    if len(joined := left_out[(dag | dag.T)[left_out].any(axis=1)]):
        raise GraphError(f"{prepared.nodes[joined[0]]} has edges, but took no part in the search", where=graph.source)
    dag = dag[np.ix_(prepared.columns, prepared.columns)]
    if config.score == "bic":
        return bic_score(correlate(prepared.matrix), len(prepared.rows), dag, config.penalty_discount)
    local = local_score(local_table(soft_labels, prepared, config)[0], config)
    return 2.0 * sum(local(j, np.flatnonzero(dag[:, j]).tolist()) - local(j, []) for j in range(len(dag)))


def with_effects(graph: ClassGraph, soft_labels: SoftLabels, config: GraphConfig) -> ClassGraph:
    """A graph from elsewhere with the effects and gains that its edges have on the clips at hand.

    An edge's effect is the one in the regression of its target on all its parents, in one DAG of the graph. A graph
    that is no DAG's (a file may hold a cycle) gets correlations for effects.

    Args:
        graph: On the same nodes as the soft labels, in their order.
        soft_labels: n clips x C classes in each modality.
        config: Its rows, transform and penalty count.

    Returns:
        The graph with `effect` and `gain`; zeros at nodes that take no part in a search.

    Raises:
        GraphError: If the soft labels cannot be searched, or the nodes differ.
    """
    from avexplore.graph.algebra.cpdag import consistent_dag
    from avexplore.graph.scores.gaussian_bic import edge_gains, edge_penalty

    prepared = prepare(soft_labels, config)
    inside = np.ix_(prepared.columns, prepared.columns)
    cpdag = aligned(graph, prepared.nodes)[inside]
    correlation, samples = correlate(prepared.matrix), len(prepared.rows)
    try:
        dag = consistent_dag(cpdag)
        effect = edge_effects(correlation, dag)
        gain = edge_gains(correlation, samples, dag, config.penalty_discount)
    except GraphError:
        effect = np.where(cpdag, correlation, 0.0)
        gain = np.where(cpdag, -samples * np.log1p(-(effect.clip(-0.999999, 0.999999) ** 2)), 0.0)
        gain -= np.where(cpdag, edge_penalty(samples, config.penalty_discount), 0.0)
    return replace(
        graph,
        effect=prepared.embed(along_lines(effect, cpdag)),
        gain=prepared.embed(along_lines(gain, cpdag)),
        samples=samples,
    )


def to_cpdag(dag: IntArray, knowledge: Knowledge) -> IntArray:
    """The Markov equivalence class of a DAG, oriented further by knowledge. Shape (p, p), int8."""
    from avexplore.graph.algebra.cpdag import dag_to_cpdag

    return orient_with_knowledge(dag_to_cpdag(np.ascontiguousarray(dag, dtype=np.int8)), knowledge)


def _other_classes(outcome: Outcome, cpdag: IntArray, knowledge: Knowledge) -> tuple[IntArray, FloatArray]:
    """Rivals as CPDAGs, without those that are equivalent to the best graph or to an earlier rival."""
    seen, kept, scores = {cpdag.tobytes()}, [], []
    for dag, score in zip(outcome.rivals, outcome.rival_scores, strict=True):
        rival = to_cpdag(dag, knowledge)
        if rival.tobytes() not in seen:
            seen.add(rival.tobytes())
            kept.append(rival)
            scores.append(float(score))
    return np.array(kept, np.int8).reshape(-1, *cpdag.shape), np.array(scores, np.float64)


def local_table(
    soft_labels: SoftLabels, prepared: Prepared, config: GraphConfig
) -> tuple[FloatArray | IntArray, tuple[str, ...]]:
    """What BDeu or the kernel score sees, shape (n, k), and sentences on it."""
    if config.score == "kernel":
        note = (
            "The kernel score finds any kind of dependency and ran in causal-learn's search; effects are those of the "
            "linear regression all the same. It has no penalty to set: what does not predict held-out clips is left "
            "out."
        )
        return prepared.matrix, (note,)
    states, how = states_of(soft_labels, prepared.rows)
    notes = [
        f"BDeu saw {how}. It ran in causal-learn's search; effects are those of the undiscretized soft labels. The "
        f"penalty discount acts as a prior of {1 / config.penalty_discount:.2g} parents per node."
    ]
    if config.transform != "raw":
        notes.append("BDeu discretizes the soft labels themselves: the transform only decides which nodes take part.")
    return states[:, prepared.columns], tuple(notes)


def _afterthoughts(graph: ClassGraph) -> tuple[str, ...]:
    p = len(graph.nodes)
    pairs = p * (p - 1) // 2
    adjacent = int(graph.skeleton.sum()) // 2
    said = []
    if pairs and adjacent > TOO_DENSE * pairs:
        said.append(
            f"{adjacent} of {pairs} pairs are adjacent: in so dense a graph directions follow from density more than "
            "from evidence. Raise the penalty discount."
        )
    if len(graph.rivals):
        apart = [shd(graph.adjacency, rival) for rival in graph.rivals]
        gap = graph.score - float(graph.rival_scores.min())
        shared = graph.skeleton & np.all(graph.rivals | graph.rivals.transpose(0, 2, 1), axis=0)
        said.append(
            f"{len(graph.rivals)} other graph(s) score within {gap:.1f} units of this one but differ in up to "
            f"{max(apart)} pairs: the data do not tell them apart. {int(shared.sum()) // 2} of the {adjacent} adjacent "
            "pairs here are adjacent in all of them."
        )
    return tuple(said)
