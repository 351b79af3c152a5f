"""Is the class graph right, and how much of it appears where there is nothing to find?

    python benchmarks/graph_truth.py --yt8m yt8m_demo28.npz --scores prediction_500.npz --llp LLP_FOLDER \\
        --vggsounder vggsounder_labels_and_model_votes.npz --keep FOLDER --write docs/graph_truth.md

Links against the planted graph of the synthetic benchmark; edges under the null models; how far the graphs of two
transforms agree; class pairs ranked by edge frequency x positive correlation against true co-occurrence, per transform
and penalty, beside plain correlation (truth: P(j|i) > .1 in the training labels, either way; the teacher sees one
annotated class per clip only); links across modalities against human labels of each modality (`cross_modal_truth.py`).
Beside the search stand simpler sources of links: correlation, graphical lasso, conditional means, popularity, random
pairs, at as many links, and every positively associated pair.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from cross_modal_truth import (
    BY_PROBABILITY,
    EVERY,
    KINDS,
    Section,
    as_many,
    beside,
    detection_table,
    half_interval,
    llp_truth,
    precision_at,
    retrieval_table,
    simple_rankings,
    sounder_truth,
)
from joblib import Memory, Parallel, delayed

from avexplore.artifacts import SoftLabels
from avexplore.config import (
    GraphConfig,
    SoftLabelFileConfig,
    StabilityConfig,
    SyntheticConfig,
    TeacherConfig,
    Transform,
)
from avexplore.config.presets import preset
from avexplore.data import feature_file, load_features
from avexplore.graph import (
    compare,
    compare_with_truth,
    learn_class_graph,
    measure_stability,
    true_co_occurrence,
)
from avexplore.graph.inputs.transforms import TRANSFORMS
from avexplore.graph.truth import class_pair_scores
from avexplore.training import train_teacher

SIMPLE: tuple[Transform, ...] = ("raw", "rank")
SOURCE = SoftLabelFileConfig(fingerprint="benchmark")
BLIND = BY_PROBABILITY.removeprefix("probability of the class pair")

MEANING = """
**What the searched graph is for**: it is the graph that the ILI/LIR paper describes, and the default here: a picture of
which soft labels hang together once others are known, at a penalty that can be turned, with rules, bootstraps and a
null model; LIR reads class posteriors through it. Where links are planted (synthetic benchmark), as many of its best
ones are right as of correlation's and of the graphical lasso's, and more than of conditional means'.

**What it is not**: a detector of which classes come together across modalities that is as good as correlation or simple
means of the soft labels at equal numbers of links, or as the class pair's probability, which takes no search
(docs/pair_probability.md); nor a statement
about influence: an arrow is no better than chance at saying which conditional probability is larger, and that only
tells which class is commoner. Where human labels of each modality are known, nearly every pair across modalities goes
through one class that is both heard and seen. What links do for retrieval has to be held against popularity, which
knows nothing of pairs."""


def truth_table(path: Path, bootstraps: int, seeds: int) -> Section:
    begin = time.process_time()
    lines = [
        f"## Ranked pairs against true co-occurrence ({path.stem}, {bootstraps} bootstraps, {seeds} teacher(s))",
        "",
        "| fed to the search | ranking | AUC | precision at the number of true pairs |",
        "|---|---|---|---|",
    ]
    rows: dict[tuple[str, str], list[tuple[float, float]]] = {}
    features = load_features(feature_file(path, annotation="random"))
    assert features.true_labels is not None
    truth = class_pair_scores(true_co_occurrence(features.true_labels[features.rows("train")]))
    for seed in range(seeds):
        regularizer = preset("quick", feature_file(path, annotation="random"), seed).regularizer
        assert regularizer is not None
        config = regularizer.affinity.stability.graph.soft_labels
        assert isinstance(config, TeacherConfig)
        logits = train_teacher(features, config).soft_labels
        audio, visual = logits.probabilities()
        soft = replace(logits, audio=audio, visual=visual, kind="probabilities")
        for name, labels, transforms in (("logits", logits, TRANSFORMS), ("probabilities", soft, SIMPLE)):
            for ranking, weights in simple_rankings(labels, seed).items():
                if ranking != "correlation":  # of each transform: below
                    found = compare_with_truth(class_pair_scores(np.nan_to_num(weights)), truth)
                    rows.setdefault((name, ranking.removesuffix(BLIND)), []).append(
                        (found.auc, found.precision_at_true)
                    )
            for transform in transforms:
                for penalty in (1.0, 2.0, 4.0, 8.0) if transform == "raw" else (2.0,):
                    graph = GraphConfig(soft_labels=SOURCE, transform=transform, penalty_discount=penalty)
                    measured = measure_stability(
                        labels, StabilityConfig(graph=graph, bootstraps=bootstraps, null="none", seeds=0, seed=seed)
                    )
                    related = np.clip(measured.correlation, 0, None) * (1 - np.eye(len(measured.nodes)))
                    rankings = {f"GRaSP, c = {penalty:g}": measured.edge_frequency * related}
                    rankings["plain correlation"] = related
                    for ranking, weights in rankings.items():
                        found = compare_with_truth(class_pair_scores(weights), truth)
                        rows.setdefault((f"{name}, {transform}", ranking), []).append(
                            (found.auc, found.precision_at_true)
                        )
    for (fed, ranking), values in rows.items():
        auc, precision = np.mean(values, axis=0)
        half = half_interval(np.array(values)[:, 1])
        lines.append(f"| {fed} | {ranking} | {auc:.3f} | {precision:.3f} ± {half:.3f} |")
    true, of = int((truth > 0).sum()) // 2, truth.shape[0] * (truth.shape[0] - 1) // 2
    lines.append(f"\n±: half a 95 % interval over teachers. {true} of {of} pairs are true.\n")
    return Section(lines, seconds=time.process_time() - begin)


def planted_table(bootstraps: int, seeds: int) -> Section:
    """Precision and recall of links between nodes against the planted ones, mean over benchmarks of several seeds."""
    begin = time.process_time()
    rows: dict[str, list[tuple[float, float, float]]] = {}
    equal: dict[str, list[float]] = {}
    planted: list[float] = []
    for seed in range(seeds):
        data = SyntheticConfig(seed=seed)
        regularizer = preset("quick", data, seed).regularizer
        assert regularizer is not None
        features = load_features(data)
        assert features.true_graph is not None
        config = regularizer.affinity.stability.replace(bootstraps=bootstraps, null="none", seeds=0)
        assert isinstance(config.graph.soft_labels, TeacherConfig)
        labels = train_teacher(features, config.graph.soft_labels).soft_labels
        graph = learn_class_graph(labels, config.graph)
        often = measure_stability(labels, config).edge_frequency
        upper = np.triu_indices(len(graph.nodes), 1)
        true = (features.true_graph | features.true_graph.T).astype(bool)[upper]
        planted.append(float(true.mean()))
        linked = graph.skeleton[upper]
        positive = linked & (graph.effect + graph.effect.T > 0)[upper]
        for name, found in (
            ("all links", linked),
            ("links with a positive effect", positive),
            ("of these, in 90 % of the bootstraps", positive & (often[upper] >= 0.9)),
        ):
            rows.setdefault(name, []).append((found.sum(), true[found].mean(), found[true].mean()))
        number, rng = int(positive.sum()), np.random.default_rng(seed)
        equal.setdefault("search", []).append(float(true[positive].mean()))
        for kind, weights in as_many(labels, number, ~np.eye(len(graph.nodes), dtype=bool), seed).items():
            asked = int((weights[upper] > 0).sum()) if kind == KINDS[-1] else number
            equal.setdefault(kind, []).append(precision_at(weights[upper], true, asked, rng))
    lines = [
        f"## Links against the planted graph (synthetic benchmark, QUICK, {seeds} seeds)",
        "",
        f"{np.mean(planted) * len(true):.0f} of {len(true)} pairs of nodes are planted in the mean: by chance, the"
        f" precision is {np.mean(planted):.2f}.",
        "",
        "| links | number | precision | recall |",
        "|---|---|---|---|",
    ]
    for name, values in rows.items():
        number, precision, recall = np.mean(values, axis=0)
        lines.append(f"| {name} | {number:.0f} | {precision:.2f} | {recall:.2f} |")
    base = np.array(equal["search"])
    lines += ["", "| precision of as many links as have a positive effect | search | " + " | ".join(KINDS) + " |"]
    lines += ["|---" * (len(KINDS) + 2) + "|"]
    lines += [f"| | {base.mean():.3f} | " + " | ".join(beside(np.array(equal[k]), base) for k in KINDS) + " |"]
    lines += ["", f"±: half a 95 % interval of the difference to the search. {EVERY}", ""]
    return Section(lines, seconds=time.process_time() - begin)


def released_scores(path: Path) -> SoftLabels:
    data = np.load(path)
    count, classes = data["audio"].shape
    names = tuple(f"class {k}" for k in range(classes))
    return SoftLabels(data["audio"], data["visual"], "scores", names, np.zeros(count, int), np.full(count, -1))


def null_table(path: Path, bootstraps: int) -> Section:
    begin, labels = time.process_time(), released_scores(path)
    lines = [
        "## Edges where there is nothing to find (released scores, all rows)",
        "",
        "| penalty | data | edges per graph | pairs in more than half | more than 90 % |",
        "|---|---|---|---|---|",
    ]
    upper = np.triu_indices(len(labels.nodes), 1)
    nulls: tuple[Literal["within-class", "decoupled", "one-hot"], ...] = ("within-class", "decoupled", "one-hot")
    for penalty in (2.0, 4.0):
        graph = GraphConfig(soft_labels=SOURCE, penalty_discount=penalty)
        for k, null in enumerate(nulls):
            measured = measure_stability(
                labels,
                StabilityConfig(graph=graph, bootstraps=bootstraps, null=null, null_bootstraps=bootstraps, seeds=0),
            )
            shown = [("as it is", measured.edge_frequency)] if k == 0 else []
            for name, frequency in [*shown, (null, measured.null_frequency)]:
                pairs = frequency[upper]
                lines.append(
                    f"| {penalty:g} | {name} | {pairs.sum():.0f} | {(pairs > 0.5).sum()} | {(pairs > 0.9).sum()} |"
                )
    return Section([*lines, ""], seconds=time.process_time() - begin)


def agreement_table(path: Path) -> Section:
    begin, labels = time.process_time(), released_scores(path)
    graphs = {name: learn_class_graph(labels, GraphConfig(soft_labels=SOURCE, transform=name)) for name in TRANSFORMS}
    lines = [
        "## Agreement of transforms (released scores, c = 2, Jaccard index of the skeletons)",
        "",
        "| | edges | " + " | ".join(TRANSFORMS) + " |",
        "|---" * (len(TRANSFORMS) + 2) + "|",
    ]
    for name, graph in graphs.items():
        shared = " | ".join(f"{compare(graph, other).jaccard:.2f}" for other in graphs.values())
        lines.append(f"| {name} | {len(graph.edges())} | {shared} |")
    return Section([*lines, ""], seconds=time.process_time() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yt8m", type=Path)
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--llp", type=Path)
    parser.add_argument("--vggsounder", type=Path)
    parser.add_argument("--halves", type=int, default=10, help="random halves for the truth of each modality")
    parser.add_argument("--bootstraps", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=10, help="teachers, and synthetic benchmarks")
    parser.add_argument("--workers", type=int, default=1, help="sections made at once")
    parser.add_argument("--keep", type=Path, help="folder that keeps each section when it is made, to go on from")
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    wanted: list[tuple[Callable[..., Section], tuple[Any, ...]]] = [(planted_table, (given.bootstraps, given.seeds))]
    if given.scores:
        wanted += [(null_table, (given.scores, given.bootstraps)), (agreement_table, (given.scores,))]
    if given.yt8m:
        wanted.append((truth_table, (given.yt8m, given.bootstraps, given.seeds)))
    if given.vggsounder:
        wanted.append((detection_table, (sounder_truth, given.vggsounder, given.bootstraps, given.halves)))
    if given.llp:
        wanted.append((detection_table, (llp_truth, given.llp, given.bootstraps, given.halves)))
    if given.vggsounder:
        wanted.append((retrieval_table, (given.vggsounder, given.halves)))
    kept = Memory(given.keep, verbose=0)
    made: list[Section] = []
    for section in Parallel(given.workers, return_as="generator")(delayed(kept.cache(f))(*args) for f, args in wanted):
        made.append(section)
        print("\n".join(section.lines), flush=True)
    lines = ["# Is the class graph right?", "", f"```\n{__doc__.strip()}\n```", ""]
    if short := [f"- {section.short}" for section in made if section.short]:
        lines += ["## In short", "", *short, MEANING, ""]
    across = [section for section in made if section.short]
    lines += [line for section in made if not section.short for line in section.lines]
    if across:
        lines += ["## Links across modalities against human labels of each modality", ""]
    lines += [line for section in across for line in section.lines]
    lines.append(f"{sum(section.seconds for section in made):.0f} s of CPU time.")
    if given.write:
        given.write.parent.mkdir(parents=True, exist_ok=True)
        given.write.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
