"""The results that ship with avexplore: written small, with a card for each.

They are ordinary entries of the store, in one compressed file of arrays each: weights and embeddings in half
precision, soft labels exact, so that a graph learned from shipped soft labels is the very same. What is computed from
embeddings (figures, maps) is computed from the rounded ones, so that it follows from what is shipped.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from avexplore.artifacts import Artifact, Clips, TrainedStudent
from avexplore.config import (
    ClipsConfig,
    Config,
    EvaluationConfig,
    ExperimentConfig,
    FeatureFileConfig,
    OutputsConfig,
    ProjectionConfig,
    StudentConfig,
    TeacherConfig,
    from_json,
)
from avexplore.data.clip_index import index_in, write_index
from avexplore.errors import ConfigError
from avexplore.store import Packing, Store
from avexplore.store.entries import publish, write_entry
from avexplore.workbench import Workbench, fanout

_PACKING = Packing(compact=True, halved=("weights", "embeddings", "before", "after"))
_OUTPUTS = Packing(compact=True, halved=("audio", "visual"))
"""Class scores stay exact: a low temperature makes much of their last digits."""
STOPS = (0.0, 0.3, 3.0, 10.0)
"""Lambdas beside the run's own whose students can be read without features."""


def ship(student: StudentConfig, bench: Workbench, folder: Path, home: Path, report: Any) -> None:
    """Make everything that a run's pages show, and write it as shipped entries."""
    source = student.soft_labels
    if not isinstance(source, TeacherConfig):
        raise ConfigError("Only a student with LIR and a teacher of its own can be shipped", where="student")
    twin, regularizer, stability = student.twin, student.lir, student.lir.affinity.stability
    first: list[Config] = [ClipsConfig(student.data), source, stability.graph, stability, regularizer.affinity]
    for config in (*first, twin, student):
        write(config, bench.get(config, report), bench, folder)
    for stop in (twin, student, *(student.replace(regularizer=regularizer.replace(weight=w)) for w in STOPS)):
        write(OutputsConfig(stop), bench.get(OutputsConfig(stop), report), bench, folder, packing=_OUTPUTS)
    if isinstance(student.data, FeatureFileConfig) and len(student.data.paths) == 1:
        index = index_in(folder, student.data.fingerprint)
        index.parent.mkdir(exist_ok=True)
        write_index(Path(student.data.paths[0]), index)
    # From here on from what was just written: rounded, without features.
    shipped = Workbench(Store(home, folder), device="cpu")
    second: list[Config] = [EvaluationConfig(model, "test") for model in (twin, student)]
    for config in (*second, ProjectionConfig(twin, student, seed=student.seed)):
        write(config, shipped.get(config, report), shipped, folder)


def ship_experiment(wanted: ExperimentConfig, bench: Workbench, folder: Path, report: Any) -> None:
    """Whether the graph helps, as the Experiments page asks first; the figures alone, not the many students."""
    write(wanted, fanout.make(wanted, bench, workers=os.cpu_count() or 1, report=report), bench, folder)


def write(config: Config, artifact: Artifact, bench: Workbench, folder: Path, *, packing: Packing = _PACKING) -> None:
    """One shipped entry: compact, and without the paths of the machine it was made on."""
    if isinstance(artifact, TrainedStudent):
        artifact = replace(artifact, outputs=None)  # those of test clips are entries of their own
    entry = bench.store.get(config)
    if entry is None:
        raise ConfigError(f"A {config.stage} is not stored", where="retrain-models")
    place = folder / config.stage / config.address
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    note = "Weights, embeddings and coordinates are rounded to half precision."
    nameless = from_json(config.to_json(address_only=True))  # the same address, without paths
    write_entry(place, nameless, artifact, replace(entry.provenance, note=note), packing=packing)
    if isinstance(config, (TeacherConfig, StudentConfig)):
        (place / "README.md").write_text(card(config, bench), encoding="utf-8")


def card(config: TeacherConfig | StudentConfig, bench: Workbench) -> str:
    """The model card of a teacher or a student."""
    clips: Clips = bench.get(ClipsConfig(config.data))
    entry = bench.store.get(config)
    assert entry is not None
    teacher = isinstance(config, TeacherConfig)
    kind = (
        "Teacher" if teacher else "Student with LIR" if getattr(config, "regularizer", None) else "Student without LIR"
    )
    figures = dict(entry.artifact.quality) if teacher else {"best_epoch": entry.artifact.best_epoch}
    lines = [
        f"# {kind}",
        "",
        f"- Data: {clips.source or 'synthetic benchmark'}",
        f"- Clips: {len(clips.hard_label):,} of {len(clips.classes)} classes; trained on the "
        f"{len(clips.rows('train')):,} training clips only",
        "- Input: clip averages of audio and visual features, which are not part of this folder",
        "- Output: "
        + ("soft labels per modality and class" if teacher else "embeddings of both modalities, unit length"),
        f"- Made by avexplore {entry.provenance.avexplore} on {entry.provenance.platform}, {entry.provenance.created}",
        f"- Address: `{config.address}` (the whole config is in `manifest.json`)",
        "- Weights: `weights.safetensors`, half precision; they hold numbers and no code",
        "",
        "## Use and limits",
        "",
        "For looking at the method and at this data. The classes are those of the data's annotators; soft labels and",
        "dependencies are statistical estimates, not facts about a clip and not causes. Not meant for decisions about",
        "people.",
        "",
        "## Figures",
        "",
        *(f"- {name}: {value:.4g}" for name, value in figures.items()),
        "",
        "Weights: CC BY 4.0, as the data.",
        "",
    ]
    return "\n".join(lines)


def overview(store: Store, students: Iterable[StudentConfig]) -> str:
    """The README of models/: what was shipped, from which data, and what came out."""
    bench = Workbench(store, read_only=True)
    lines = [
        "# Shipped results",
        "",
        "Made by `avexplore retrain-models`; everything here is CC BY 4.0, as its data. Each folder is",
        "`<stage>/<address>` with a manifest (config, checksums, provenance) and arrays; no features, no code.",
        "`clip_index/` tells by digests which clips of their source these are: `gather` finds them there.",
        "",
    ]
    for student in students:
        clips: Clips = bench.get(ClipsConfig(student.data))
        before, after = (bench.get(EvaluationConfig(model)).metrics for model in (student.twin, student))
        lines += [
            f"## {clips.source or 'Synthetic benchmark with a planted class graph'}",
            "",
            f"{len(clips.hard_label):,} clips, {len(clips.classes)} classes; figures on "
            f"{len(clips.rows('test')):,} test clips, seed {student.seed}.",
            "",
            "| figure | without LIR | with LIR |",
            "|---|---|---|",
            *(f"| {name} | {before[name]:.4f} | {after[name]:.4f} |" for name in after if name in before),
            "",
            "One seed: these differences alone do not show that LIR helps or harms.",
            "",
        ]
    return "\n".join(lines)


def replace_folder(target: Path, fresh: Path) -> None:
    """Put the new folder in place of the old one at the last moment."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(fresh, beside)
    shutil.rmtree(target, ignore_errors=True)
    if not publish(beside, target):
        raise ConfigError("Cannot replace the folder", where=str(target))
