"""Does the class graph help? LIR with the inferred graph beside every control, read fairly, paired over seeds.

    python benchmarks/graph_help.py --yt8m yt8m_demo28.npz --shard validatea0.tfrecord --names label_names.csv \\
        --seeds 10 --split test --write tables.md

Each seed draws validation clips (and, where the data are generated, clips) of its own, and trains a teacher, a graph, a
twin without LIR and one student per arm, which share the twin's beginning. Share and temperature of the class
posteriors in the embedding are chosen for every arm and seed on validation clips: one share for all would flatter some
arms. What an arm gains is split: "reading" is the twin's network, which LIR never trained, read through the arm's
links, as fairly; "training" is the rest. All of it lies in the store under AVEXPLORE_HOME by address, so that a stopped
run goes on where it was and more seeds add to what is there.

Choose on validation clips (`--split validation`); look at test clips once.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from avexplore.artifacts import FloatArray
from avexplore.config import (
    ClipsConfig,
    DataConfig,
    EvaluationConfig,
    ExperimentConfig,
    ReadingConfig,
    StudentConfig,
    SyntheticConfig,
)
from avexplore.config.presets import preset
from avexplore.data import feature_file, load_features
from avexplore.experiments.arms import model_of_arm
from avexplore.graph.truth import class_pair_scores
from avexplore.retrieval.significance import paired_difference, permutation_test
from avexplore.workbench import Workbench

FIGURES = {"map": "MAP", "any_label_map": "any-label MAP", "hidden_pair_ap": "hidden-pair AP"}
GRAPH, TWIN, AS_MANY = "graph+I", "twin, read anew", "as-many"
ARMS = {
    GRAPH: "**inferred graph + I**",
    "correlation+I": "correlation + I",
    AS_MANY: "correlation + I, as many class pairs as the graph",
    "graphical-lasso+I": "graphical lasso + I",
    "conditional-means+I": "conditional means + I",
    "every-pair": "every positively associated pair",
    "popularity": "popularity (nothing about pairs)",
    "random+I": "random graph + I",
    "identity": "each class with itself",
    "true-graph+I": "true graph + I (a ceiling)",
    "true-pairs": "true pairs (a ceiling)",
}
CEILINGS = ("true-graph+I", "true-pairs")


def student_of(data: DataConfig, seed: int) -> StudentConfig:
    """The QUICK student with a teacher of the seed's own; what has no say in the weights is left out."""
    student = preset("quick", data, seed)
    lir = student.regularizer
    assert lir is not None
    graph = lir.affinity.stability.graph
    teacher = graph.soft_labels.replace(seed=seed * graph.soft_labels.members)  # type: ignore[union-attr]
    stability = lir.affinity.stability.replace(graph=graph.replace(soft_labels=teacher), null="none", seeds=0)
    return student.replace(regularizer=lir.replace(affinity=lir.affinity.replace(stability=stability)))


def student_of_arm(bench: Workbench, student: StudentConfig, arm: str) -> StudentConfig:
    """The student with an arm's links."""
    lir = student.regularizer
    assert lir is not None
    if arm != AS_MANY:
        found = model_of_arm(ExperimentConfig(student, arms=(arm,), vary_teacher=False), arm, student.seed)
        assert isinstance(found, StudentConfig)
        return found
    graph = bench.get(lir.affinity.replace(same_class=False)).weights
    count = int(np.count_nonzero(np.triu(class_pair_scores(graph), 1)))
    affinity = lir.affinity.replace(source="correlation", top_k=len(graph), top_pairs=max(1, count))
    return student.replace(regularizer=lir.replace(affinity=affinity))


class Figures:
    """Figures of one data set, by arm: of the arm, and of the twin's network read through its links."""

    def __init__(self) -> None:
        self.whole: dict[str, list[list[float]]] = {}
        self.read: dict[str, list[list[float]]] = {}

    def table(self) -> str:
        """Gains over the twin, read as fairly; then the graph beside each control."""
        base = np.array(self.whole[TWIN])
        names = list(FIGURES.values())
        head = [f"{len(base)} seeds", *names, f"of {names[-1]}: reading", "training"]
        lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
        lines.append(f"| {TWIN} | " + " | ".join(f"{m:.4f}" for m in base.mean(0)) + " | | |")
        for arm, found in self.whole.items():
            if arm == TWIN:
                continue
            whole, read = np.array(found), np.array(self.read[arm])
            cells = [cell(whole[:, k], base[:, k]) for k in range(len(names))]
            cells += [cell(read[:, -1], base[:, -1]), cell(whole[:, -1], read[:, -1])]
            lines.append(f"| {ARMS[arm]}: gain | " + " | ".join(cells) + " |")
        own = np.array(self.whole[GRAPH])
        head = [f"{ARMS[GRAPH]} minus", *names, "p"]
        lines += ["", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
        for arm, found in self.whole.items():
            if arm not in (TWIN, GRAPH, *CEILINGS):
                other = np.array(found)
                cells = [cell(own[:, k], other[:, k]) for k in range(len(names))]
                cells.append(f"{permutation_test(own[:, -1], other[:, -1]):.4f}")
                lines.append(f"| {ARMS[arm]} | " + " | ".join(cells) + " |")
        return "\n".join(lines)


def cell(one: FloatArray, two: FloatArray) -> str:
    """A paired difference with half its 95 % interval."""
    found = paired_difference(one, two)
    return f"{found.mean:+.4f} ± {(found.high - found.low) / 2:.4f}"


def one_seed(bench: Workbench, data: DataConfig, seed: int, split: str, figures: Figures) -> None:
    """All arms of one seed."""
    student = student_of(data, seed)
    has_truth = bench.get(ClipsConfig(data)).true_labels is not None

    def add(rows: dict[str, list[list[float]]], arm: str, reading: ReadingConfig) -> None:
        metrics = bench.get(EvaluationConfig(reading, split)).metrics  # type: ignore[arg-type]
        rows.setdefault(arm, []).append([metrics[name] for name in FIGURES])

    add(figures.whole, TWIN, ReadingConfig(student.twin))
    for arm in ARMS:
        if arm in CEILINGS and not has_truth:
            continue
        found = student_of_arm(bench, student, arm)
        add(figures.whole, arm, ReadingConfig(found))
        add(figures.read, arm, ReadingConfig(student.twin, links=found.regularizer))


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
