"""How long training takes, stage by stage, and what LIR adds to a step.

    python benchmarks/training.py                                   # synthetic clips, the fastest device
    python benchmarks/training.py --data yt8m_demo28.npz --device cuda
    python benchmarks/training.py --only step --device cpu --threads 2

Prints a table of wall and CPU seconds. Ratios are of one process, alternating the two sides.
"""

from __future__ import annotations

import argparse
import dataclasses
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from avexplore.artifacts import Affinity, FeatureSet, GraphStability, SoftLabels, TrainedStudent, class_nodes
from avexplore.config import FeatureFileConfig, PrefixConfig, StudentConfig, TeacherConfig
from avexplore.config.presets import preset
from avexplore.training import train_prefix, train_student, train_teacher
from avexplore.training.device import choose_device
from avexplore.training.loop import Training
from avexplore.training.student import plan_of, task_of

DATA = FeatureFileConfig(fingerprint="benchmark", annotation="random")


def load(path: Path) -> FeatureSet:
    """The prepared YouTube-8M file: the random annotation, the given test clips, 15 % of the others for validation."""
    with np.load(path) as file:
        split = np.where(file["split"] == "train", 0, 2).astype(np.int8)
        train = np.random.default_rng(0).permutation(np.flatnonzero(split == 0))
        split[train[: int(0.15 * len(train))]] = 1
        return FeatureSet(
            hard_label=file["annotated_random"].astype(np.int64),
            classes=tuple(map(str, file["classes"])),
            split=split,
            clip_ids=tuple(map(str, range(len(split)))),
            true_labels=file["labels"].astype(bool),
            audio=file["audio"].astype(np.float32),
            visual=file["visual"].astype(np.float32),
        )


def invent(clips: int = 2280, classes: int = 28, seed: int = 0) -> FeatureSet:
    """Clips of the same shape as the prepared file, where it is not at hand."""
    rng = np.random.default_rng(seed)
    hard = rng.integers(classes, size=clips)
    true = np.eye(classes, dtype=bool)[hard] | (rng.random((clips, classes)) < 0.03)
    split = np.zeros(clips, np.int8)
    split[int(clips * 0.67) : int(clips * 0.79)] = 1
    split[int(clips * 0.79) :] = 2
    noisy: dict[str, Any] = {
        name: (true @ rng.normal(size=(classes, d)) + 2 * rng.normal(size=(clips, d))).astype(np.float32)
        for name, d in (("audio", 128), ("visual", 1024))
    }
    return FeatureSet(
        hard_label=hard,
        classes=tuple(f"class {c}" for c in range(classes)),
        split=split,
        clip_ids=tuple(map(str, range(clips))),
        true_labels=true,
        **noisy,
    )


class Table:
    """Rows of wall and CPU seconds, printed as they come."""

    def __init__(self, device: str) -> None:
        self.device = device
        print(f"{'stage':<44} {'wall s':>9} {'CPU s':>9}  note")

    def time(self, stage: str, work: Callable[[], Any], note: Callable[[Any], str] = lambda _: "") -> Any:
        _wait(self.device)
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        _wait(self.device)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(f"{stage:<44} {wall:9.2f} {cpu:9.2f}  {note(result)}", flush=True)
        return result


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    elif device == "mps":
        torch.mps.synchronize()


def validation_map(trained: TrainedStudent) -> str:
    curve = trained.history.columns["map_validation"]
    return f"validation MAP {np.nanmax(curve):.4f}, epoch {trained.best_epoch} kept"


def some_affinity(features: FeatureSet) -> Affinity:
    """The identity and a few edges: what a step costs does not depend on which."""
    rng = np.random.default_rng(0)
    p = 2 * len(features.classes)
    weights = np.triu(rng.random((p, p)) * (rng.random((p, p)) < 0.05), 1)
    return Affinity(class_nodes(features.classes), np.clip(weights + weights.T + np.eye(p), 0, 1))


def graph_affinity(features: FeatureSet, soft: SoftLabels, config: StudentConfig, table: Table) -> Affinity:
    assert config.regularizer is not None
    try:
        from avexplore.graph.affinity import build_affinity
        from avexplore.graph.stability.stability import measure_stability
    except ImportError as error:
        print(f"graph: left out ({error})")
        return some_affinity(features)
    affinity = config.regularizer.affinity
    stability: GraphStability = table.time(
        "class graphs over bootstraps", lambda: measure_stability(soft, affinity.stability)
    )
    return build_affinity(affinity, stability)


def path(name: Any, features: FeatureSet, device: str, table: Table) -> None:
    """Teacher, graph, prefix, twin and student of one preset."""
    config = preset(name, DATA)
    assert config.regularizer is not None
    teacher_config = config.regularizer.affinity.stability.graph.soft_labels
    assert isinstance(teacher_config, TeacherConfig)
    begin = time.perf_counter()
    teacher = table.time(f"{name}: teacher", lambda: train_teacher(features, teacher_config, device=device))
    affinity = graph_affinity(features, teacher.soft_labels, config, table)
    twins = time.perf_counter()
    prefix_config = PrefixConfig(student=config.twin, epochs=config.regularizer.start_epoch)
    prefix = table.time(f"{name}: shared prefix", lambda: train_prefix(features, prefix_config, device=device))
    table.time(
        f"{name}: twin without LIR",
        lambda: train_student(features, config.twin, prefix=prefix, device=device),
        validation_map,
    )
    given = {"soft_labels": teacher.soft_labels, "affinity": affinity}
    table.time(
        f"{name}: student with LIR",
        lambda: train_student(features, config, prefix=prefix, device=device, **given),
        validation_map,
    )
    end = time.perf_counter()
    print(f"{name + ': twins':<44} {end - twins:9.2f}\n{name + ': all':<44} {end - begin:9.2f}", flush=True)


def step(features: FeatureSet, device: str, name: Any, rounds: int) -> None:
    """What LIR adds to an epoch, alternating epochs with and without it."""
    # On a CPU that is shared with others, wall time tells more of them than of us.
    clock = time.process_time if device == "cpu" else time.perf_counter
    config = preset(name, DATA)
    assert config.regularizer is not None
    classes = len(features.classes)
    logits = np.random.default_rng(0).normal(size=(2, len(features.hard_label), classes)).astype(np.float32)
    soft = SoftLabels(
        audio=logits[0],
        visual=logits[1],
        kind="logits",
        classes=features.classes,
        split=features.split,
        hard_label=features.hard_label,
    )
    for form in ("forgive", "pull", "margin"):
        sides = {}
        for side, lir in (("without", None), ("with", config.regularizer.replace(form=form, start_epoch=0))):
            side_config = config.replace(regularizer=lir, epochs=100_000)
            task, _ = task_of(features, side_config, soft, some_affinity(features), device)
            sides[side] = Training(task, plan_of(side_config))
        if device.startswith("cuda"):
            task, _ = task_of(features, side_config, soft, some_affinity(features), device)
            sides["bfloat16"] = Training(task, dataclasses.replace(plan_of(side_config), bfloat16=True))
        spent: dict[str, list[float]] = {side: [] for side in sides}
        for turn in range(rounds + 3):
            for side, training in sides.items():
                _wait(device)
                begin = clock()
                training.run_epoch()
                _wait(device)
                if turn >= 3:
                    spent[side].append((clock() - begin) / training.batches * 1e3)
        without, with_lir, *low = (statistics.median(times) for times in spent.values())
        runner = sides["with"].runner
        how = "recorded" if runner.record else f"eager ({runner.why_not_recorded})"
        print(
            f"{name} step, {form:<8} {without:8.3f} ms without, {with_lir:8.3f} ms with LIR, "
            f"ratio {statistics.median(b / a for a, b in zip(spent['without'], spent['with'], strict=True)):.3f}, {how}"
            + (f", {low[0]:.3f} ms with LIR in bfloat16" if low else ""),
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default=None)
    parser.add_argument("--data", type=Path, help="yt8m_demo28.npz; without it, clips of the same shape are invented")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=20, help="epochs per side of the step comparison")
    parser.add_argument("--only", choices=["quick", "long", "step"])
    parser.add_argument("--clips", type=int, default=2280, help="how many clips to invent")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = str(choose_device(arguments.device))
    features = load(arguments.data) if arguments.data else invent(arguments.clips)
    kind = torch.cuda.get_device_name(device) if device.startswith("cuda") else f"{arguments.threads} threads"
    print(f"torch {torch.__version__}, Python {platform.python_version()}, {device}: {kind}")
    print(f"{len(features.rows('train'))} training clips, {len(features.classes)} classes")
    if device.startswith("cuda"):  # the device's start-up is not what is measured
        torch.ones(8, device=device).sum().item()
        step(features, device, "tiny", 1)
    if arguments.only in (None, "step"):
        for name in ("quick", "long"):
            step(features, device, name, arguments.rounds)
    table = Table(device)
    for name in ("quick", "long"):
        if arguments.only in (None, name):
            path(name, features, device, table)


if __name__ == "__main__":
    main()
