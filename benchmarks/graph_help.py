"""Does the class graph help? LIR with the inferred graph beside every control, paired over seeds, on several data.

    python benchmarks/graph_help.py --yt8m yt8m_demo28.npz --shard validatea0.tfrecord --names label_names.csv \\
        --seeds 10 --split test --write tables.md

Each seed draws validation clips (and, where the data are generated, clips) of its own, and trains a teacher, a graph, a
twin without LIR and one student per arm, which share the twin's beginning. All of it lies in the store under
AVEXPLORE_HOME by address, so that a stopped run goes on where it was and more seeds add to what is there. Some rows
train nothing: they read a network that is there through other links, or through none.

Choose on validation clips (`--split validation`); look at test clips once.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from avexplore.artifacts import Clips, TrainedStudent
from avexplore.config import AffinityConfig, ClipsConfig, DataConfig, StudentConfig, SyntheticConfig
from avexplore.config.presets import preset
from avexplore.data import feature_file, load_features
from avexplore.graph.truth import class_pair_scores
from avexplore.nets.linked_posteriors import LinkedPosteriors
from avexplore.retrieval import evaluate
from avexplore.retrieval.significance import paired_difference, permutation_test
from avexplore.training import embed
from avexplore.training.student import linked_posteriors
from avexplore.workbench import Workbench

FIGURES = {"map": "MAP", "any_label_map": "any-label MAP", "hidden_pair_ap": "hidden-pair AP"}
GRAPH, TWIN = "**inferred graph + I**", "without LIR"
SOURCES = {
    GRAPH: "graph",
    "no graph (each class with itself)": "identity",
    "no graph, every pair linked in the embedding": "every-pair",
    "random graph + I": "random",
    "correlation + I": "correlation",
    "correlation + I, as many class pairs as the graph": "as-many",
    "true graph + I (a ceiling)": "true-graph",
    "true pairs (a ceiling)": "true-pairs",
}
READ_ONLY = {
    "graph": "inferred graph",
    "correlation": "correlation",
    "random": "random graph",
    "constant": "every pair of classes",
}
READ_GRAPH, IN_THE_EMBEDDING = "inferred graph", ", in the embedding alone"
CONTROLS = tuple(name for name in SOURCES if name != GRAPH and "ceiling" not in name)


def student_of(data: DataConfig, seed: int) -> StudentConfig:
    """The QUICK student with a teacher of the seed's own; what has no say in the weights is left out."""
    student = preset("quick", data, seed)
    assert student.regularizer is not None
    affinity = student.regularizer.affinity
    graph = affinity.stability.graph
    teacher = graph.soft_labels.replace(seed=seed * graph.soft_labels.members)  # type: ignore[union-attr]
    stability = affinity.stability.replace(graph=graph.replace(soft_labels=teacher), null="none", seeds=0)
    return with_affinity(student, affinity.replace(stability=stability))


def with_affinity(student: StudentConfig, affinity: AffinityConfig) -> StudentConfig:
    assert student.regularizer is not None
    return student.replace(regularizer=student.regularizer.replace(affinity=affinity))


def student_of_arm(student: StudentConfig, source: str) -> StudentConfig:
    """The student with links from another source; "every-pair" has every pair of classes linked in the embedding."""
    lir = student.regularizer
    assert lir is not None
    if source == "every-pair":
        return student.replace(
            regularizer=lir.replace(affinity=lir.affinity.replace(source="identity"), linked="every-pair")
        )
    return with_affinity(student, lir.affinity.replace(source=source))


def as_many(bench: Workbench, student: StudentConfig) -> StudentConfig:
    """The student with the strongest correlations, as many pairs of classes as its inferred graph links."""
    assert student.regularizer is not None
    affinity = student.regularizer.affinity
    graph = bench.get(affinity.replace(same_class=False)).weights
    count = int(np.count_nonzero(np.triu(class_pair_scores(graph), 1)))
    return with_affinity(student, affinity.replace(source="correlation", top_k=len(graph), top_pairs=max(1, count)))


class Figures:
    """Figures of one data set: by row, one list of figures per seed."""

    def __init__(self) -> None:
        self.rows: dict[str, list[list[float]]] = {}

    def add(self, row: str, metrics: dict[str, float]) -> None:
        self.rows.setdefault(row, []).append([metrics[name] for name in FIGURES])

    def table(self) -> str:
        base = np.array(self.rows[TWIN])
        seeds = len(base)
        lines = [f"| {seeds} seeds | " + " | ".join(FIGURES.values()) + " |", "|---|" + "---|" * len(FIGURES)]
        lines.append(f"| {TWIN} | " + " | ".join(f"{m:.4f}" for m in base.mean(0)) + " |")
        lines += [f"| {row}: gain | {self._difference(row, TWIN)} |" for row in self.rows if row != TWIN]
        lines += [f"| {GRAPH} minus {row} | {self._difference(GRAPH, row)} |" for row in CONTROLS if row in self.rows]
        own = READ_GRAPH + IN_THE_EMBEDDING
        others = [name + IN_THE_EMBEDDING for name in READ_ONLY.values() if name != READ_GRAPH]
        lines += [f"| {own} minus {row} | {self._difference(own, row)} |" for row in others]
        return "\n".join(lines)

    def _difference(self, row: str, other: str) -> str:
        one, two = np.array(self.rows[row]), np.array(self.rows[other])
        cells = []
        for k in range(len(FIGURES)):
            found = paired_difference(one[:, k], two[:, k])
            cells.append(f"{found.mean:+.4f} ± {(found.high - found.low) / 2:.4f}")
        p = permutation_test(one[:, -1], two[:, -1])
        return " | ".join(cells) + f" (p = {p:.4f})"


def one_seed(bench: Workbench, data: DataConfig, seed: int, split: str, figures: Figures) -> None:
    """All rows of one seed."""
    student = student_of(data, seed)
    assert student.regularizer is not None
    affinity = student.regularizer.affinity
    clips: Clips = bench.get(ClipsConfig(data))
    features = None

    def measure(trained: TrainedStudent) -> dict[str, float]:
        return dict(evaluate(trained.embeddings, clips, split).metrics)

    def read(config: StudentConfig, trained: TrainedStudent, linked: LinkedPosteriors | None) -> dict[str, float]:
        nonlocal features
        features = bench.get(data) if features is None else features
        weights = {name: values for name, values in trained.weights.items() if not name.startswith("links.")}
        weights |= {} if linked is None else linked.to_arrays()
        return dict(evaluate(embed(features, config, weights), clips, split).metrics)

    twin = bench.get(student.twin)
    figures.add(TWIN, measure(twin))
    for name, source in SOURCES.items():
        if source in ("true-graph", "true-pairs") and clips.true_labels is None:
            continue
        arm = as_many(bench, student) if source == "as-many" else student_of_arm(student, source)
        trained = bench.get(arm)
        figures.add(name, measure(trained))
        if source in ("graph", "correlation"):
            figures.add(f"{READ_ONLY[source]} + I, in training alone", read(arm, trained, None))
    soft_labels = bench.get(affinity.stability.graph.soft_labels).soft_labels
    whole = bench.get(data)
    for source, name in READ_ONLY.items():
        links = linked_posteriors(whole, student, soft_labels, bench.get(affinity.replace(source=source)))
        figures.add(name + IN_THE_EMBEDDING, read(student.twin, twin, links))


def sources(arguments: argparse.Namespace) -> Iterator[tuple[str, str, Callable[[int], DataConfig]]]:
    """Short name, title, and the config of a seed's clips."""
    if arguments.yt8m:
        for annotation, title in (("random", "one true label at random"), ("rarest", "the rarest true label")):
            file = feature_file(arguments.yt8m, annotation=annotation)  # type: ignore[arg-type]
            yield annotation, f"yt8m_demo28, annotated with {title}", _split_by_seed(file)
        names = load_features(feature_file(arguments.yt8m, annotation="random")).classes
        for first, which in ((0, "first, third, ..."), (1, "second, fourth, ...")):
            file = feature_file(arguments.yt8m, annotation="random", classes=names[first::2])
            yield f"half-{first}", f"yt8m_demo28, the {which} of its classes", _split_by_seed(file)
    if arguments.shard:
        files = [path for path in (arguments.shard, arguments.names) if path is not None]
        names = load_features(feature_file(*files, annotation="random")).classes  # most frequent first
        file = feature_file(*files, annotation="random", classes=names[:12])
        yield "shard", "one YouTube-8M shard, its 12 most frequent joined classes", _split_by_seed(file)
    for strength in (0.2, 0.5, 0.8):
        base = SyntheticConfig(co_occurrence=strength)
        yield f"synthetic-{strength}", f"synthetic benchmark, co-occurrence {strength}", _draw_by_seed(base)
    many = SyntheticConfig(classes=60, clips=2400, density=0.03)
    yield "synthetic-60", "synthetic benchmark, 60 classes with 40 clips each", _draw_by_seed(many)


def _split_by_seed(data: DataConfig) -> Callable[[int], DataConfig]:
    return lambda seed: data.replace(split_seed=seed)


def _draw_by_seed(data: DataConfig) -> Callable[[int], DataConfig]:
    return lambda seed: data.replace(seed=seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yt8m", type=Path, help="yt8m_demo28.npz")
    parser.add_argument("--shard", type=Path, help="a YouTube-8M TFRecord shard")
    parser.add_argument("--names", type=Path, help="CSV with its class names")
    parser.add_argument(
        "--only", nargs="*", help="random, rarest, half-0, half-1, shard, synthetic-0.2, -0.5, -0.8, synthetic-60"
    )
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--split", choices=["validation", "test"], default="validation")
    parser.add_argument("--write", type=Path, help="where the tables go")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    bench = Workbench(device="cpu")
    pages: dict[str, str] = {}
    for short, title, data in sources(arguments):
        if arguments.only and short not in arguments.only:
            continue
        figures = Figures()
        for seed in range(arguments.seeds):
            begin = time.process_time()
            one_seed(bench, data(seed), seed, arguments.split, figures)
            print(f"{short}, seed {seed}: {time.process_time() - begin:.0f} CPU s", flush=True)
            if seed:
                pages[short] = f"## {title}: {arguments.split} clips\n\n{figures.table()}\n"
                if arguments.write:
                    arguments.write.write_text("\n".join(pages.values()))
        print(pages.get(short, "One seed has no interval"), flush=True)


if __name__ == "__main__":
    main()
