"""Is the graph right? What is known of that, in plain words.

What comes back over bootstraps and seeds, and more often than under a null model, is repeatable, and repeatable is not
right: nothing of that is called "good" unless the probabilities of class pairs say that such links are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from avexplore.artifacts import BoolArray, ClassGraph, Clips, FloatArray, GraphStability, split_node
from avexplore.config import GraphConfig
from avexplore.graph.algebra.comparison import compare
from avexplore.graph.evidence.pair_probability import PairProbability, limits
from avexplore.graph.truth import class_pair_scores, compare_with_truth, training_co_occurrence

Level = Literal["good", "fair", "poor", "note"]


PURPOSE = (
    "It is the graph that the ILI/LIR paper describes: a picture of which soft labels hang together once others are "
    "known, and what LIR reads class posteriors through.",
    "It is no better detector of classes that come together across modalities than plain correlation or the means of "
    "the soft labels, and where human labels of each modality can judge its arrows, they are right by chance "
    "(docs/graph_truth.md). For that, read the probability of a pair, and P(to | from) beside its base rate.",
)
"""What a searched graph is for, and what it is not; measured by benchmarks/graph_truth.py."""


@dataclass(frozen=True)
class Remark:
    """One sentence of the verdict."""

    level: Level
    text: str


def verdict(
    graph: ClassGraph,
    stability: GraphStability | None,
    *,
    clips: Clips | None = None,
    config: GraphConfig | None = None,
    probability: PairProbability | None = None,
) -> list[Remark]:
    """How much is probably true, how much repeats, agreement with what is known, and warnings."""
    probable, supported = _probability(graph, stability, probability)
    repeats = [*_stability(graph, stability), *_direction(graph, stability)]
    if not supported:
        repeats = [replace(one, level="fair") if one.level == "good" else one for one in repeats]
    found = [*probable, *repeats, *_truth(graph, stability, clips)]
    if config is not None and config.rows == "all":
        found.append(
            Remark("poor", "Test clips were used: figures that a student reaches with this graph are no test.")
        )
    warnings = [*graph.warnings, *(stability.warnings if stability is not None else ())]
    if probability is not None:
        warnings = [*probability.warnings, *(f"About these probabilities: {limits()}" for _ in probable), *warnings]
    found += [Remark("note", text) for text in dict.fromkeys(warnings)]
    return found


FIRM = 0.9
"""An edge in this share of the bootstraps repeats."""


def _probability(
    graph: ClassGraph, stability: GraphStability | None, probability: PairProbability | None
) -> tuple[list[Remark], bool]:
    """How many of the linked pairs of classes are probably true; and whether what repeats mostly is."""
    if probability is None or not np.isfinite(probability.probability).any():
        return [], False
    of_nodes = probability.of_nodes(graph.nodes)
    linked = np.triu(graph.skeleton & _positive(graph, stability) & np.isfinite(of_nodes), 1)
    likely = np.nan_to_num(of_nodes) >= probability.probably_true
    pairs, true = class_pairs(graph, linked), class_pairs(graph, linked & likely)
    every = int(np.triu(probability.likely, 1).sum())
    if not pairs:
        text = "No link joins two classes that go together"
        text += f", though {every} pairs of classes probably come together." if every else "."
        return [Remark("poor", text)], False
    share = float(np.mean([of_classes(probability, *pair) for pair in pairs]))
    text = (
        f"{len(true)} of the {len(pairs)} pairs of classes that go together here are probably true (nine in ten such "
        f"pairs are, in simulations), and {share * len(pairs):.0f} by all probabilities added up."
    )
    if every > len(true):
        text += f" {every - len(true)} more are probably true without a link."
    level: Level = "good" if share > 0.6 else "fair" if share > 0.3 else "poor"
    found, supported = [Remark(level, text)], share > 0.6
    if stability is not None:
        firm = class_pairs(graph, linked & (stability.edge_frequency >= FIRM))
        if firm:
            right = float(np.mean([of_classes(probability, *pair) for pair in firm]))
            supported = right > 0.6
            if not supported:
                text = (
                    f"Of the {len(firm)} pairs whose link repeats in nine of ten bootstraps, about "
                    f"{right * len(firm):.0f} are true by these probabilities: what repeats need not be right."
                )
                found.append(Remark("poor" if right < 0.3 else "fair", text))
    return found, supported


def _positive(graph: ClassGraph, stability: GraphStability | None) -> BoolArray:
    """Links whose classes go together; where nothing is known of their sign, all. Shape (p, p)."""
    effect: FloatArray = graph.effect + graph.effect.T
    if not effect.any() and stability is not None:
        effect = stability.correlation
    unknown: BoolArray = np.full(effect.shape, not effect.any())
    return unknown | (effect > 0)


def class_pairs(graph: ClassGraph, links: BoolArray) -> list[tuple[str, str]]:
    """Which pairs of classes the links between nodes join, each once."""
    found: dict[tuple[str, str], None] = {}
    for i, j in np.argwhere(links):
        one, other = split_node(graph.nodes[i])[1], split_node(graph.nodes[j])[1]
        found[min(one, other), max(one, other)] = None
    return list(found)


def of_classes(probability: PairProbability, one: str, other: str) -> float:
    """How probable it is that two classes come together, by their names."""
    place = probability.classes.index
    return float(probability.probability[place(one), place(other)])


def _stability(graph: ClassGraph, stability: GraphStability | None) -> list[Remark]:
    pairs = np.triu(graph.skeleton, 1)
    count = int(pairs.sum())
    if count == 0:
        return [Remark("poor", "There is no edge: lower the penalty discount, or look at the soft labels.")]
    if stability is None:
        return [Remark("note", "Bootstraps will tell how stable this graph is.")]
    often = stability.edge_frequency[pairs]
    half, firm = int((often >= 0.5).sum()), int((often >= FIRM).sum())
    share = half / count
    level: Level = "good" if share > 0.85 else "fair" if share > 0.6 else "poor"
    text = (
        f"Over {stability.bootstraps} bootstraps, {half} of {count} edges come back in at least half and {firm} in at "
        f"least nine of ten; two bootstraps share {stability.jaccard[0]:.0%} of their links."
    )
    found = [Remark(level, text)]
    if stability.seeds > 1:
        links, turned, size = seeds_differ(stability)
        calm: Level = "good" if links <= 0.05 * size else "fair" if links <= 0.3 * size else "poor"
        if calm == "good" and turned > 0.3 * size:
            calm = "fair"
        text = f"{stability.seeds} searches from other seeds on the same clips all find the same graph."
        if links + turned > 0:
            text = (
                f"{stability.seeds} searches from other seeds on the same clips: two of them have on average "
                f"{size - links / 2:.0f} links in common, of about {size:.0f} each; "
                f"the direction of {turned:.0f} of these differs."
            )
            if firm:
                held = float(stability.seed_frequency[pairs & (stability.edge_frequency >= FIRM)].mean())
                text += f" The {firm} edges of nine in ten bootstraps are in {held:.0%} of the searches."
        found.append(Remark(calm, text))
    if stability.null != "none":
        null = float(stability.null_frequency[np.triu(np.ones_like(pairs), 1)].mean())
        ours = float(stability.edge_frequency[np.triu(np.ones_like(pairs), 1)].mean())
        strong = int((often - stability.null_frequency[pairs] > 0.3).sum())
        found.append(
            Remark(
                "good" if strong > 0.7 * count else "fair" if strong > 0.4 * count else "poor",
                f"In data shuffled so that no relation between classes is left, a pair is linked in {null:.0%} of the "
                f"graphs, here in {ours:.0%}; {strong} of {count} edges stand out by more than 30 points.",
            )
        )
    return found


def seeds_differ(stability: GraphStability) -> tuple[float, float, float]:
    """Of two searches from different seeds on average: pairs linked in one alone, shared links whose direction differs,
    and links of one.

    Of the seeds, a share f holds a link; two different ones disagree about it with probability 2 f (1 - f) S / (S - 1).
    What is left of their structural Hamming distance, which counts each pair once, is directions.
    """
    share = stability.seed_frequency[np.triu_indices(len(stability.nodes), 1)]
    links = float((2 * share * (1 - share)).sum()) * stability.seeds / max(stability.seeds - 1, 1)
    return links, max(float(stability.seed_shd[0]) - links, 0.0), float(share.sum())


def _direction(graph: ClassGraph, stability: GraphStability | None) -> list[Remark]:
    if stability is None:
        return []
    sure, count = arrows_kept(graph, stability)
    if not count:
        return []
    level: Level = "good" if sure > 0.75 * count else "fair" if sure > 0.4 * count else "poor"
    text = f"{sure} of {count} arrows keep their direction over the bootstraps"
    text += "." if level == "good" else "; read the others as links without direction."
    return [Remark(level, text)]


def arrows_kept(graph: ClassGraph, stability: GraphStability, links: BoolArray | None = None) -> tuple[int, int]:
    """On how many directions the bootstraps agree, and of how many, among some links. Shape (p, p), or all."""
    arrows = graph.adjacency.astype(bool) & ~graph.adjacency.T.astype(bool) & (True if links is None else links)
    share = stability.orientation_frequency
    return int((arrows & keeps_direction(share, share.T)).sum()), int(arrows.sum())


def keeps_direction(forth: Any, back: Any) -> Any:
    """Whether the bootstraps agree on a direction: shares of them that hold it this way and the other way.

    >>> keeps_direction(0.8, 0.1), keeps_direction(0.5, 0.4)
    (True, False)
    """
    return forth > 2 * back + 0.2


def comparison_remark(graph: ClassGraph, other: ClassGraph, name: str) -> Remark:
    """How far a graph agrees with another one, in a sentence."""
    found = compare(graph, other)
    ours, theirs = int(np.triu(graph.skeleton, 1).sum()), int(np.triu(other.skeleton, 1).sum())
    shared = sum(found.count(kind) for kind in ("same", "reversed", "directed", "undirected"))
    turned = found.count("reversed")
    level: Level = "good" if found.jaccard > 0.7 else "fair" if found.jaccard > 0.4 else "poor"
    text = (
        f"Beside {name}: {shared} links are shared, {ours - shared} are only here and {theirs - shared} only there "
        f"(of all these links {found.jaccard:.0%} are shared); {turned} of the shared ones point the other way. In "
        f"all, {found.shd} pairs of nodes differ."
    )
    return Remark(level, text)


def _truth(graph: ClassGraph, stability: GraphStability | None, clips: Clips | None) -> list[Remark]:
    if clips is None or (clips.true_labels is None and clips.true_graph is None):
        text = "Nothing here can confirm the graph: it is not known which classes truly come together in these clips."
        return [Remark("note", text)]
    found = []
    if clips.true_graph is not None:
        count, p = int(np.triu(graph.skeleton, 1).sum()), len(graph.nodes)
        result = compare(graph, ClassGraph(graph.nodes, clips.true_graph.astype(np.int8), source="planted"))
        planted = (clips.true_graph | clips.true_graph.T).astype(bool)
        chance = float(np.triu(planted, 1).sum()) / (p * (p - 1) / 2)
        text = (
            f"Against the planted graph: {result.adjacency_precision:.0%} of all {count} links are planted (chance "
            f"{chance:.0%}), and {result.adjacency_recall:.0%} of the planted ones are found; {result.shd} pairs "
            "of nodes differ."
        )
        # Classes that compete for a clip are linked, too, with a negative effect; LIR leaves those links out.
        positive = np.triu(graph.skeleton & (graph.effect + graph.effect.T > 0), 1)
        precision = result.adjacency_precision
        if positive.any():
            precision = float((positive & planted).sum() / positive.sum())
            text += f" Of the {int(positive.sum())} links with a positive effect, which LIR uses, {precision:.0%} are."
        found.append(Remark("good" if precision > 3 * chance else "poor", text))
    if clips.true_labels is not None:
        truth = class_pair_scores(training_co_occurrence(clips))
        scores = class_pair_scores(ranked_weights(graph, stability))
        report = compare_with_truth(scores, truth)
        if report.true_pairs:
            ranking = "effect" if stability is None else "bootstrap frequency times correlation"
            base = report.true_pairs / report.pairs
            fit: Level = "good" if report.auc > 0.85 else "fair" if report.auc > 0.65 else "poor"
            found.append(
                Remark(
                    fit,
                    f"Against the hidden labels of the training clips, in which {report.true_pairs} class pairs truly "
                    f"come together: of the {report.true_pairs} pairs with the highest {ranking}, "
                    f"{report.precision_at_true:.0%} do (chance {base:.0%}). A pair that truly comes together ranks "
                    f"above one that does not in {report.auc:.0%} of cases. Comparison counts all links of the graph "
                    "instead.",
                )
            )
    return found


def ranked_weights(graph: ClassGraph, stability: GraphStability | None) -> FloatArray:
    """How much the graph stands by each pair: frequency times positive correlation, or the positive effect.

    Returns:
        Shape (p, p), symmetric, >= 0.
    """
    if stability is not None:
        weights: FloatArray = stability.edge_frequency * np.clip(stability.correlation, 0, None)
    else:
        weights = np.where(graph.skeleton, np.clip(graph.effect, 0, None), 0.0)
    return np.maximum(weights, weights.T)


def is_settled(stability: GraphStability | None, i: int, j: int, *, given: bool = False) -> bool:
    """Whether the bootstraps agree on i -> j; without bootstraps, what is `given`."""
    if stability is None:
        return given
    forth, back = (float(stability.orientation_frequency[pair]) for pair in ((i, j), (j, i)))
    return bool(keeps_direction(forth, back))


def is_in_null(stability: GraphStability | None, i: int, j: int) -> bool:
    """Whether the null model links a pair at least as often as the bootstraps do; False where that is unknown."""
    if stability is None or stability.null == "none":
        return False
    return bool(stability.null_frequency[i, j] >= stability.edge_frequency[i, j])
