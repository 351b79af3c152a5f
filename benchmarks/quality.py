"""Does it retrieve? Every metric loss, with and without proxies, with and without LIR, over seeds.

    python -m benchmarks.quality --data yt8m_demo28.npz --records quality.jsonl --write docs/quality.md
    python -m benchmarks.quality --data yt8m_demo28.npz --records quality.jsonl --tune

Training is paired: a student and its twin share their prefix, and a difference is one of the same seed, teacher,
validation clips and batches. ± is half a 95 % interval over seeds (Student's t). A figure that was computed once is
kept in the records under the address of its model's config, so that a stopped run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from avexplore.artifacts import Affinity, Embeddings, FeatureSet, SoftLabels, TrainedStudent, TrainState
from avexplore.config import BaselineConfig, DataConfig, PrefixConfig, StudentConfig, SyntheticConfig, TeacherConfig
from avexplore.config.presets import preset
from avexplore.data import feature_file, load_features
from avexplore.retrieval import evaluate
from avexplore.retrieval.significance import interval
from avexplore.training import baseline_embeddings, embed, train_prefix, train_student
from avexplore.workbench import Workbench

FIGURES = {"map": "MAP", "any_label_map": "any-label MAP", "hidden_pair_ap": "hidden-pair AP"}
PAIR_LOSSES = ("supervised-contrastive", "triplet", "triplet-semihard", "triplet-hard", "contrastive")
PROXY_LOSSES = ("proxy-triplet", "proxy-anchor")
PROXIES = {"none": "", "anchor_aware": ", AA proxies", "learned": ", learned proxies"}

NUMBERS: dict[str, dict[str, float]] = {
    "triplet": {"margin": 0.1},
    "triplet-semihard": {"margin": 0.1},
    "contrastive": {"margin": 0.8},
}
"""Each loss's numbers where they are not the defaults: the best of `GRID` by validation MAP (see docs/training.md)."""

GRID: dict[str, list[dict[str, float]]] = {
    **{loss: [{"margin": m} for m in (0.1, 0.2, 0.4)] for loss in ("triplet", "triplet-semihard", "triplet-hard")},
    "contrastive": [{"margin": m} for m in (0.2, 0.5, 0.8)],
    "proxy-triplet": [{"margin": m} for m in (0.1, 0.2, 0.4)],
    "proxy-anchor": [{"temperature": t, "margin": m} for t in (0.05, 0.1) for m in (0.1, 0.3)],
}


def arms() -> Iterator[tuple[str, str]]:
    """Metric loss and proxies; a proxy loss has learned proxies by nature."""
    for loss in PAIR_LOSSES:
        yield from ((loss, proxies) for proxies in PROXIES)
    for loss in PROXY_LOSSES:
        yield from ((loss, proxies) for proxies in ("none", "anchor_aware"))


class Records:
    """Figures by the address of what was trained, one JSON line each."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.found: dict[str, dict[str, float]] = {}
        if path is not None and path.is_file():
            for line in path.read_text().splitlines():
                entry = json.loads(line)
                self.found[entry["address"]] = entry["figures"]

    def __contains__(self, config: StudentConfig | BaselineConfig) -> bool:
        return config.address in self.found

    def __getitem__(self, config: StudentConfig | BaselineConfig) -> dict[str, float]:
        return self.found[config.address]

    def put(self, config: StudentConfig | BaselineConfig, figures: dict[str, float]) -> None:
        """Kept on disk at once."""
        self.found[config.address] = figures
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps({"address": config.address, "figures": figures}) + "\n")


def measured(whole: Embeddings, metric_part: Embeddings | None, features: FeatureSet) -> dict[str, float]:
    """Figures of both splits by name, such as "test.map" and "test.metric_part.map"."""
    found: dict[str, float] = {}
    for split in ("validation", "test"):
        for name, embeddings in (("", whole), ("metric_part.", metric_part)):
            if embeddings is not None:
                metrics = evaluate(embeddings, features, split=split).metrics
                found |= {f"{split}.{name}{figure}": metrics[figure] for figure in FIGURES if figure in metrics}
    return found


def with_teacher_of(config: StudentConfig, seed: int) -> StudentConfig:
    """A teacher of its own for each seed; the graph's null model, which weights do not need, is left out."""
    lir, stability, teacher = config.regularizer, config.stability, config.soft_labels
    assert lir is not None
    assert stability is not None
    assert isinstance(teacher, TeacherConfig)
    graph = stability.graph.replace(soft_labels=teacher.replace(seed=seed * teacher.members))
    stability = stability.replace(graph=graph, null="none", seeds=0)
    return config.replace(regularizer=lir.replace(affinity=lir.affinity.replace(stability=stability)))


def shortened(config: StudentConfig) -> StudentConfig:
    """Half the width, half the epochs and twice the rate, to compare many arms; the teacher is as it was."""
    lir = config.regularizer
    assert lir is not None
    return config.replace(
        hidden=config.hidden // 2,
        epochs=config.epochs // 2,
        learning_rate=2 * config.learning_rate,
        regularizer=lir.replace(start_epoch=lir.start_epoch // 2),
    )


def figures_of(trained: TrainedStudent, config: StudentConfig, features: FeatureSet) -> dict[str, float]:
    part = embed(features, config.replace(posterior_share=0.0), trained.weights)
    return measured(trained.embeddings, part, features)


class Bench:
    """One data set and seed, with what its arms share made once and when first needed."""

    def __init__(
        self, data: DataConfig, seed: int, preset_name: Any, short: bool, records: Records, bench: Workbench
    ) -> None:
        self.data, self.records, self.bench = data, records, bench
        config = with_teacher_of(preset(preset_name, data, seed), seed)
        self.config = shortened(config) if short else config
        self.features = load_features(data)
        self.shared: tuple[SoftLabels, Affinity] | None = None

    def arm(self, loss: str, proxies: str = "none", **numbers: float) -> StudentConfig:
        """The student with LIR; its twin is the arm without."""
        return self.config.replace(loss=loss, proxies=proxies, **NUMBERS.get(loss, {}), **numbers)

    def twin(self, config: StudentConfig, prefix: TrainState | None = None) -> None:
        if config.twin not in self.records:
            trained = train_student(self.features, config.twin, prefix=prefix, device="cpu")
            self.records.put(config.twin, figures_of(trained, config, self.features))

    def pair(self, config: StudentConfig) -> None:
        """A student with LIR and its twin."""
        lir = config.regularizer
        assert lir is not None
        if config in self.records and config.twin in self.records:
            return
        if self.shared is None:
            teacher = self.bench.get(lir.affinity.stability.graph.soft_labels)
            self.shared = teacher.soft_labels, self.bench.get(lir.affinity)
        soft_labels, affinity = self.shared
        prefix = train_prefix(self.features, PrefixConfig(config.twin, lir.start_epoch), device="cpu")
        self.twin(config, prefix)
        given: dict[str, Any] = {"prefix": prefix, "soft_labels": soft_labels, "affinity": affinity}
        trained = train_student(self.features, config, device="cpu", **given)
        self.records.put(config, figures_of(trained, config, self.features))

    def baseline(self, config: BaselineConfig) -> None:
        if config not in self.records:
            self.records.put(config, measured(baseline_embeddings(self.features, config), None, self.features))

    def baselines(self) -> dict[str, StudentConfig | BaselineConfig]:
        """What every table of this field carries."""
        size = len(self.features.classes)
        linear = {m: BaselineConfig(self.data, method=m, dim=size) for m in ("cca", "cluster-cca")}
        return linear | {loss: self.arm(loss).twin for loss in ("infonce", "cross-entropy")}

    def compared(self) -> dict[str, StudentConfig]:
        """A student with LIR for each metric loss and choice of proxies; its twin is the same without."""
        return {loss + PROXIES[proxies]: self.arm(loss, proxies) for loss, proxies in arms()}


def rows(benches: list[Bench]) -> Iterator[str]:
    """Makes the table row by row, over all seeds; the name of each row as it is done."""
    for name in benches[0].baselines():
        for bench in benches:
            config = bench.baselines()[name]
            bench.baseline(config) if isinstance(config, BaselineConfig) else bench.twin(config)
        yield name
    for name in benches[0].compared():
        for bench in benches:
            bench.pair(bench.compared()[name])
        yield name


def table(benches: list[Bench], part: str, split: str) -> str:
    """One row per arm: the twin without LIR, and what LIR adds to it, paired by seed."""
    records, names = benches[0].records, [f"{split}.{part}{figure}" for figure in FIGURES]
    head = [*FIGURES.values(), *(f"LIR adds to {name}" for name in FIGURES.values())]
    lines = ["| | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]

    def cell(values: list[float], signed: bool) -> str:
        found = interval(values)
        return f"{found.mean:{'+' if signed else ''}.4f} ± {(found.high - found.low) / 2:.4f}"

    def row(title: str, twins: list[Any], students: list[Any]) -> None:
        plain = [[records[t][name] for t in twins] for name in names]
        cells = [cell(values, False) for values in plain]
        for values, name in zip(plain, names, strict=True):
            changes = [records[s][name] - value for s, value in zip(students, values, strict=False)]
            cells.append(cell(changes, True) if changes else "")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")

    for name in benches[0].baselines() if not part else ():
        plain = [bench.baselines()[name] for bench in benches]
        if all(config in records for config in plain):
            row(name, plain, [])
    for name in benches[0].compared():
        students = [bench.compared()[name] for bench in benches]
        if all(s in records and s.twin in records for s in students):
            row(name, [s.twin for s in students], students)
    return "\n".join(lines)


def tune(benches: list[Bench]) -> None:
    """Each loss's numbers by validation MAP, mean over seeds, without LIR."""
    for loss, choices in GRID.items():
        for numbers in choices:
            found = []
            for bench in benches:
                config = bench.config.replace(loss=loss, **numbers)
                bench.twin(config)
                found.append(bench.records[config.twin])
            whole, part = (np.mean([f[f"validation.{p}map"] for f in found]) for p in ("", "metric_part."))
            print(f"{loss:<24} {numbers!s:<40} MAP {whole:.4f}   metric part alone {part:.4f}", flush=True)


def page(benches: dict[str, list[Bench]], preset_name: str, short: bool) -> str:
    text = ["# Quality\n", (__doc__ or "").strip()]
    chosen = "; ".join(f"{k} {', '.join(f'{n} {v:g}' for n, v in numbers.items())}" for k, numbers in NUMBERS.items())
    how = f"Preset `{preset_name}`" + (", students of half the width, half the epochs and twice the rate" * short)
    text.append(
        f"\n{how}. Figures are of test clips, on which nothing was chosen; the epoch that is kept and each loss's "
        f"numbers were chosen on validation clips ({chosen or 'defaults throughout'}). LIR is the preset's."
    )
    for name, found in benches.items():
        text.append(f"\n## {name}, {len(found)} seeds\n\n{table(found, '', 'test')}")
        text.append(
            "\nThe metric part of the embedding alone, without the class heads' posteriors, which is all that the "
            f"metric loss and its proxies act on:\n\n{table(found, 'metric_part.', 'test')}"
        )
    return "\n".join(text) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="yt8m_demo28.npz; without it, the synthetic benchmark alone")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--short", action="store_true", help="students of half the width and half the epochs")
    parser.add_argument("--only", choices=["yt8m", "synthetic"], help="one of the two data sets")
    parser.add_argument("--records", type=Path, help="where figures are kept, to go on from")
    parser.add_argument("--tune", action="store_true", help="compare each loss's numbers on validation clips instead")
    parser.add_argument("--write", type=Path, help="where the page goes; it grows row by row")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    records, workbench, seeds = Records(arguments.records), Workbench(), range(arguments.seeds)
    sources: dict[str, list[DataConfig]] = {}
    if arguments.data and arguments.only != "synthetic":  # each seed draws validation clips of its own
        files = [feature_file(arguments.data, annotation="random", split_seed=seed) for seed in seeds]
        sources["yt8m_demo28, random annotation"] = [*files]
    if arguments.only != "yt8m":
        sources["Synthetic benchmark"] = [SyntheticConfig(seed=seed) for seed in seeds]
    benches = {
        name: [
            Bench(data, seed, arguments.preset, arguments.short, records, workbench) for seed, data in enumerate(all_)
        ]
        for name, all_ in sources.items()
    }
    if arguments.tune:
        tune(next(iter(benches.values())))
        return
    begin = time.monotonic()
    for found in benches.values():
        for name in rows(found):
            print(f"{time.monotonic() - begin:8.0f} s  {found[0].data.stage:<10} {name}", flush=True)
            if arguments.write:
                arguments.write.write_text(page(benches, arguments.preset, arguments.short))


if __name__ == "__main__":
    main()
