"""Links between what is seen and what is heard, against human labels of each modality: tables for `graph_truth.py`.

Human labels of one half of the clips are the truth, soft labels of the other half are what methods see. Judged are the
C (C - 1) pairs of an audio and a visual node of different classes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn.metrics import roc_auc_score
from truths import Truth, llp, vggsounder

from avexplore.analysis.pair_evidence import ClipCounts, counted
from avexplore.artifacts import BoolArray, FloatArray, GraphStability, SoftLabels
from avexplore.config import GraphConfig, SoftLabelFileConfig, StabilityConfig
from avexplore.graph import measure_stability
from avexplore.graph.evidence.link_sources import (
    COUNTED,
    MOST_LASSO,
    LinkEvidence,
    Source,
    lasso_scores,
    link_evidence,
    link_weights,
)
from avexplore.graph.evidence.pair_probability import pair_probability

PENALTIES = (1.0, 2.0, 4.0, 8.0)
CONDITIONAL = "conditional means, P(j \\| i) - P(j)"
POPULARITY = "popularity: P(i) P(j)"
LASSO = "graphical lasso, 15 links per node"
BY_PROBABILITY = "probability of the class pair (blind to modality)"
Z999 = 3.29
"""Of a 99.9 % interval."""
KINDS = (*COUNTED[:-1], "popularity", "random", "every-positive-pair")
"""Sources that are held against as many links of the search; the last one takes all it has."""


def searched(truth: Truth, penalty: float, bootstraps: int, seed: int) -> GraphStability:
    graph = GraphConfig(SoftLabelFileConfig("truth"), penalty_discount=penalty, strategy="single")
    config = StabilityConfig(graph, bootstraps=bootstraps, null="none", seeds=0, seed=seed)
    return measure_stability(truth.soft_labels, config)


def together_across(counts: ClipCounts) -> BoolArray:
    """Which audio and visual nodes come together beyond chance, in five clips at least. Shape (C, C), audio in rows."""
    half = len(counts.nodes) // 2
    found = np.zeros((half, half), bool)
    for i in range(half):
        for j in range(half):
            if i == j:
                continue
            facts = counts.pair(i, half + j)
            error = np.log(facts.high / facts.odds_ratio) / 1.959964
            found[i, j] = np.log(facts.odds_ratio) > Z999 * error and facts.joint >= 5
    return found


def human_counts(truth: Truth) -> ClipCounts:
    assert truth.human is not None
    return counted(truth.soft_labels.classes, iter([truth.human]), truth.human.shape[1], exact=True)


def precision_at(score: FloatArray, true: BoolArray, count: int, rng: np.random.Generator) -> float:
    order = np.lexsort((rng.random(len(score)), -score))[:count]  # ties at random
    return float(true[order].mean()) if count else float("nan")


def simple_rankings(soft: SoftLabels, seed: int) -> dict[str, FloatArray]:
    """Scores of pairs of nodes by each source that takes no search. Shape (2C, 2C)."""
    evidence, count = link_evidence(soft), len(soft.classes)
    said = np.concatenate(list(soft.probabilities()), axis=1)
    share = said.mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        plain = np.nan_to_num(np.corrcoef(said.T))
    return {
        "correlation": evidence.correlation,
        "correlation of the probabilities": plain,
        CONDITIONAL: np.maximum(evidence.strength, evidence.strength.T),
        BY_PROBABILITY: pair_probability(soft).of_nodes(soft.nodes),
        LASSO: lasso_scores(evidence.correlation, 15 * count),
        POPULARITY: np.outer(share, share),
        "random": np.random.default_rng(seed).random(plain.shape),
    }


def as_many(soft: SoftLabels, count: int, where: BoolArray, seed: int) -> dict[str, FloatArray]:
    """Links of each of `KINDS`, `count` pairs of nodes among `where`. Shape (2C, 2C), symmetric."""
    evidence = link_evidence(soft)
    found: dict[str, FloatArray] = {}
    for source in (*COUNTED, "every-positive-pair"):
        weights = link_weights(source, evidence, count=count, where=where, seed=seed)
        found[source] = np.maximum(weights, weights.T)
    share = np.concatenate(list(soft.probabilities()), axis=1).mean(axis=0)
    found["popularity"] = np.outer(share, share)  # its links have one strength per target: pairs are ranked by both
    return found


def half_interval(values: FloatArray) -> float:
    """Half a 95 % interval of the mean (Student's t); 0 for a single value."""
    n = len(values)
    return float(stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else 0.0


def beside(other: FloatArray, search: FloatArray) -> str:
    """Mean of a control, ± half a 95 % interval of its paired difference to the search."""
    return f"{other.mean():.3f} ± {half_interval(other - search):.3f}"


EVERY = "Every positively associated pair: as many links as it has."


@dataclass(frozen=True)
class Section:
    """Lines of the page, one sentence of what they say, and the CPU time they took."""

    lines: list[str]
    short: str = ""
    seconds: float = 0.0


def sounder_truth(path: Path, seed: int) -> Truth:
    """VGGSounder, 40 most frequent classes, log odds of seven models' votes."""
    return vggsounder(path, 40, seed, log_odds=True)


def llp_truth(folder: Path, seed: int) -> Truth:
    """LLP, 25 classes, labels with noise (d' = 1.8) as logits."""
    return next(llp(folder, seed, ("logits",)))


def detection_table(draw: Callable[[Path, int], Truth], path: Path, bootstraps: int, halves: int) -> Section:
    """How well pairs are ranked, how right arrows are, and precision at equal numbers of links."""
    begin, name = time.process_time(), (draw.__doc__ or "").removesuffix(".")
    ranked: dict[str, list[tuple[float, float]]] = {}
    arrows: dict[str, list[float]] = {}
    equal: dict[float, dict[str, list[float]]] = {c: {} for c in PENALTIES}
    true_pairs, through = [], []
    for seed in range(halves):
        truth = draw(path, seed)
        count, rng = len(truth.soft_labels.classes), np.random.default_rng(seed)
        counts = human_counts(truth)
        pairs = together_across(counts)
        off = ~np.eye(count, dtype=bool)
        true = pairs[off]
        true_pairs.append((int(true.sum()), len(true)))
        same = [counts.pair(i, count + j).same_class for i, j in np.argwhere(pairs)]
        through.append(float(np.median([share for share in same if share is not None])))
        found, graphs = simple_rankings(truth.soft_labels, seed), {}
        for c in PENALTIES:
            graphs[c] = searched(truth, c, bootstraps, seed)
            related = np.clip(graphs[c].correlation, 0, None)
            found[f"search, c = {c:g}: frequency x correlation"] = graphs[c].edge_frequency * related
        for source, scores in found.items():
            score = scores[:count, count:][off]
            figures = float(roc_auc_score(true, score)), precision_at(score, true, int(true.sum()), rng)
            ranked.setdefault(source, []).append(figures)
        share = np.diagonal(counts.joint) / counts.clips
        gap = (
            share[:count, None] - share[None, count:]
        )  # > 0: what is heard is commoner, so P(audio | visual) is higher
        noise = 3 * np.sqrt((share[:count, None] + share[None, count:]) / counts.clips)
        decided = pairs & (np.abs(gap) > noise)
        said = np.concatenate(list(truth.soft_labels.probabilities()), axis=1).mean(axis=0)
        ways = {"prevalence of the soft labels": said[:count, None] - said[None, count:]}
        for c, graph in graphs.items():
            to_audio = graph.orientation_frequency[count:, :count].T - graph.orientation_frequency[:count, count:]
            ways[f"search, c = {c:g}"] = to_audio
            across = np.zeros((2 * count, 2 * count), bool)
            across[:count, count:] = off
            across |= across.T
            kept = (graph.edge_frequency > 0.5) & (graph.correlation > 0) & across
            number = int(np.triu(kept).sum())
            lists = {"search": kept.astype(float), **as_many(truth.soft_labels, number, across, seed)}
            for kind, weights in lists.items():
                score = weights[:count, count:][off]
                asked = int((score > 0).sum()) if kind == KINDS[-1] else number
                equal[c].setdefault(kind, []).append(precision_at(score, true, asked, rng))
            equal[c].setdefault("links", []).append(number)
        for way, difference in ways.items():
            if decided.any():
                right = np.where(difference == 0, 0.5, np.sign(difference) == np.sign(gap))[decided]
                arrows.setdefault(way, []).append(float(right.mean()))
    number, of = np.mean(true_pairs, axis=0)
    lines = [
        f"### {name}",
        "",
        f"{halves} random halves, {bootstraps} bootstraps. {number:.0f} of {of:.0f} pairs come together; of their "
        f"joint clips a median of {np.mean(through):.0%} also hold one of the two classes in both modalities.",
        "",
        "| ranking | AUC | precision at the number of true pairs |",
        "|---|---|---|",
    ]
    for source, values in sorted(ranked.items(), key=lambda item: -np.mean(item[1], axis=0)[1]):
        area, precision = np.mean(values, axis=0)
        lines.append(f"| {source} | {area:.3f} | {precision:.3f} |")
    lines += ["", "| at equal numbers of links: true | links | search | " + " | ".join(KINDS) + " |", "|---" * 9 + "|"]
    for c, by_source in equal.items():
        drawn = np.array(by_source["links"]) > 0
        if drawn.any():
            base = np.array(by_source["search"])[drawn]
            cells = " | ".join(beside(np.array(by_source[kind])[drawn], base) for kind in KINDS)
            lines.append(f"| c = {c:g} | {np.mean(by_source['links']):.0f} | {base.mean():.3f} | {cells} |")
    lines += ["", f"±: half a 95 % interval of the difference to the search. {EVERY}"]
    lines += ["", "| direction by | agrees with the larger conditional probability |", "|---|---|"]
    lines += [f"| {way} | {np.mean(values):.2f} |" for way, values in arrows.items()]
    at = {source: float(np.mean(values, axis=0)[1]) for source, values in ranked.items()}
    search = {c: at[f"search, c = {c:g}: frequency x correlation"] for c in PENALTIES}
    best = max(search, key=lambda c: search[c])
    pointing = [float(np.mean(values)) for way, values in arrows.items() if way.startswith("search")]
    short = (
        f"{name.split(',')[0]}: of as many pairs as truly come together across modalities, the search's best ones are "
        f"right in {search[best]:.0%} (c = {best:g}), correlation's in {at['correlation']:.0%}, conditional means' in "
        f"{at[CONDITIONAL]:.0%}, the graphical lasso's in {at[LASSO]:.0%}, those of the class pair's probability in "
        f"{at[BY_PROBABILITY]:.0%}, popularity's in {at[POPULARITY]:.0%}. Arrows agree with the larger conditional "
        f"probability in {min(pointing):.0%} to {max(pointing):.0%} (chance: 50%), mere prevalence of the soft labels "
        f"in {np.mean(arrows['prevalence of the soft labels']):.0%}."
    )
    return Section([*lines, ""], short, time.process_time() - begin)


READ: tuple[tuple[str, Source], ...] = (
    ("no links", "none"),
    ("search, c = 2", "given"),
    ("correlation, as many", "correlation"),
    ("probability of the class pair, as many", "correlation"),
    ("conditional means, as many", "conditional-means"),
    ("graphical lasso, as many", "correlation"),
    ("random, as many", "random"),
    ("every positively associated pair", "every-positive-pair"),
    ("popularity: no pair information", "popularity"),
)


def retrieval_table(path: Path, draws: int, learned: int = 4000, judged: int = 1000, bootstraps: int = 10) -> Section:
    """Retrieval across modalities through each source's links, on one scale; nothing is trained."""
    begin = time.process_time()
    figures: dict[str, list[list[float]]] = {}
    for seed in range(draws):
        truth = vggsounder(path, MOST_LASSO, seed, learned)
        assert truth.human is not None
        odds = vggsounder(path, MOST_LASSO, seed, learned, log_odds=True)
        count = len(truth.soft_labels.classes)
        graph = searched(odds, 2.0, bootstraps, seed)
        kept = (graph.edge_frequency > 0.5) & (graph.correlation > 0)
        pairs = kept.reshape(2, count, 2, count).any(axis=(0, 2)) & ~np.eye(count, dtype=bool)
        number = int(np.triu(pairs).sum())
        r, strength = link_evidence(odds.soft_labels, "class").correlation, link_evidence(truth.soft_labels).strength
        ranked = {
            "probability of the class pair, as many": np.nan_to_num(pair_probability(truth.soft_labels).probability),
            "graphical lasso, as many": lasso_scores(r, number),
        }
        assert truth.votes is not None
        votes, human = truth.votes[:, :judged].astype(np.float32), truth.human[:, :judged]
        posterior = votes / np.maximum(votes.sum(axis=2, keepdims=True), 1e-9)
        for row, source in READ:
            values = []
            for mine, theirs in ((1, 0), (0, 1)):  # V->A, A->V
                block = strength[mine * count :, theirs * count :][:count, :count]
                evidence = LinkEvidence(ranked.get(row, r), block * ~np.eye(count, dtype=bool))
                links = link_weights(source, evidence, count=number, given=pairs, seed=seed)
                query = posterior[mine]
                read = 1 - (1 - query) * np.exp(query @ np.log1p(-np.minimum(links, 0.95)))
                shared = (human[theirs].astype(np.float32) @ human[theirs].T.astype(np.float32)) > 0
                values.append(_mean_averageprecision_at(read @ posterior[theirs].T, shared))
            figures.setdefault(row, []).append(values)
    lines = [
        f"## Retrieval across modalities through links (VGGSounder, its {MOST_LASSO} most frequent classes)",
        "",
        f"A query is what the models say of its picture alone (V->A) or its sound alone, read through links; a gallery "
        f"clip what they say of the other modality. Relevant: both share a human label of the gallery's modality. "
        f"{draws} draws, links learned from {learned:,} clips, {judged:,} others judged; MAP ± half a 95 % interval of "
        "the difference to no links.",
        "",
        "| links | V->A | A->V |",
        "|---|---|---|",
    ]
    base, mean = np.array(figures["no links"]), {row: np.mean(found, axis=0) for row, found in figures.items()}
    for row, found in figures.items():
        gain = np.array(found) - base
        cells = " | ".join(f"{mean[row][k]:.3f} ± {half_interval(gain[:, k]):.3f}" for k in range(2))
        lines.append(f"| {row} | {cells} |")
    said = ", ".join(f"{row} {mean[row][0]:.3f} / {mean[row][1]:.3f}" for row in mean)
    short = f"Retrieval across modalities, MAP of V->A / A->V: {said}."
    return Section([*lines, ""], short, time.process_time() - begin)


def _mean_averageprecision_at(scores: FloatArray, relevant: BoolArray) -> float:
    """Mean over queries with a relevant clip; a clip is no answer to itself."""
    n = len(scores)
    scores = np.where(np.eye(n, dtype=bool), -np.inf, scores)
    order = np.argsort(-scores, axis=1, kind="stable")[:, : n - 1]
    hit = np.take_along_axis(relevant, order, 1)
    precision = np.cumsum(hit, axis=1) / np.arange(1, n)
    number = hit.sum(axis=1)
    each = (precision * hit).sum(axis=1) / np.maximum(number, 1)
    return float(each[number > 0].mean())
