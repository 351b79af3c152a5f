"""Does it retrieve? Every metric loss with and without AA proxies, with and without LIR, over seeds.

    python benchmarks/quality.py --data yt8m_demo28.npz --seeds 5 --write docs/quality.md

Training is paired: a student and its twin share their prefix, and a difference is one of the same seed, validation
clips and batches. Half an interval is 1.96 standard errors over seeds. Figures are of test clips, which nothing was
chosen on.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from avexplore.artifacts import Affinity, Embeddings, FeatureSet, SoftLabels
from avexplore.config import BaselineConfig, DataConfig, PrefixConfig, StudentConfig, SyntheticConfig
from avexplore.data import feature_file, load_features
from avexplore.graph.affinity import build_affinity
from avexplore.graph.stability import measure_stability
from avexplore.presets import preset
from avexplore.retrieval import evaluate
from avexplore.training import baseline_embeddings, train_prefix, train_student, train_teacher

FIGURES = ("map", "any_label_map", "hidden_pair_ap")
PAIR_LOSSES = ("supervised-contrastive", "triplet", "triplet-semihard", "triplet-hard", "contrastive")
PROXY_LOSSES = ("proxy-triplet", "proxy-anchor")
WITHOUT_LIR = ("infonce", "cross-entropy")


def arms() -> Iterator[tuple[str, str, bool]]:
    """Loss, proxies, and whether LIR makes sense."""
    for loss in (*PAIR_LOSSES, *PROXY_LOSSES):
        for proxies in ("none", "anchor_aware"):
            yield loss, proxies, True
    for loss in WITHOUT_LIR:
        yield loss, "none", False


def figures(embeddings: Embeddings, features: FeatureSet) -> list[float]:
    metrics = evaluate(embeddings, features, split="test").metrics
    return [metrics.get(name, float("nan")) for name in FIGURES]


class Results:
    """Figures by row of the table, one list per seed."""

    def __init__(self) -> None:
        self.rows: dict[str, list[list[float]]] = {}

    def add(self, row: str, values: list[float]) -> None:
        self.rows.setdefault(row, []).append(values)

    def markdown(self) -> str:
        lines = ["| | MAP | any-label MAP | hidden-pair AP |", "|---|---|---|---|"]
        for row, values in self.rows.items():
            table = np.array(values)
            mean = table.mean(0)
            half = 1.96 * table.std(0, ddof=1) / len(table) ** 0.5 if len(table) > 1 else np.full(len(mean), np.nan)
            sign = "+" if "LIR minus" in row else ""
            cells = [f"{m:{sign}.4f} ± {h:.4f}" for m, h in zip(mean, half, strict=True)]
            lines.append(f"| {row} | " + " | ".join(cells) + " |")
        return "\n".join(lines)


def one_seed(data: DataConfig, seed: int, preset_name: str, results: Results) -> None:
    features = load_features(data)
    config = preset(preset_name, data, seed)  # type: ignore[arg-type]
    assert config.regularizer is not None
    affinity_config = config.regularizer.affinity
    teacher = train_teacher(features, affinity_config.stability.graph.soft_labels, device="cpu")  # type: ignore[arg-type]
    stability = measure_stability(teacher.soft_labels, affinity_config.stability)
    affinity = build_affinity(affinity_config, stability)
    for method in ("cca", "cluster-cca"):
        found = baseline_embeddings(features, BaselineConfig(data=data, method=method, dim=len(features.classes)))
        results.add(method, figures(found, features))
    for loss, proxies, with_lir in arms():
        arm = config.replace(loss=loss, proxies=proxies)
        name = loss + (", AA proxies" if proxies == "anchor_aware" else "")
        begin = time.monotonic()
        pair(arm, name, features, teacher.soft_labels, affinity if with_lir else None, results)
        print(f"seed {seed}  {name:<40} {time.monotonic() - begin:6.1f} s", flush=True)


def pair(
    config: StudentConfig,
    name: str,
    features: FeatureSet,
    soft: SoftLabels,
    affinity: Affinity | None,
    results: Results,
) -> None:
    assert config.regularizer is not None
    prefix = train_prefix(
        features, PrefixConfig(student=config.twin, epochs=config.regularizer.start_epoch), device="cpu"
    )
    twin = figures(train_student(features, config.twin, prefix=prefix, device="cpu").embeddings, features)
    results.add(name, twin)
    if affinity is None:
        return
    # The losses with a margin and no softmax shrink it; the others forgive.
    student = train_student(features, config, prefix=prefix, soft_labels=soft, affinity=affinity, device="cpu")
    lir = figures(student.embeddings, features)
    results.add(f"{name}: LIR minus twin", [a - b for a, b in zip(lir, twin, strict=True)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="yt8m_demo28.npz; without it, the synthetic benchmark alone")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--write", type=Path, help="where the table goes")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sources: dict[str, list[DataConfig]] = {}
    if arguments.data:
        # each seed draws validation clips of its own
        file = feature_file(arguments.data, annotation="random")
        sources["yt8m_demo28, random annotation"] = [file.replace(split_seed=s) for s in range(arguments.seeds)]
    sources["synthetic benchmark"] = [SyntheticConfig(seed=s) for s in range(arguments.seeds)]
    text = [__doc__.strip().replace("\n    python", "\n\n    python")] if __doc__ else []
    text.insert(0, "# Quality\n")
    tables: dict[str, Results] = {name: Results() for name in sources}
    for seed in range(arguments.seeds):
        for name, configs in sources.items():
            one_seed(configs[seed], seed, arguments.preset, tables[name])
        # after every seed, so that a stopped run leaves what it has
        body = "\n\n".join(
            f"## {name}: {seed + 1} seeds, preset `{arguments.preset}`\n\n{table.markdown()}"
            for name, table in tables.items()
        )
        page = "\n".join([*text, "", body, ""])
        print(page, flush=True)
        if arguments.write:
            arguments.write.write_text(page)


if __name__ == "__main__":
    main()
