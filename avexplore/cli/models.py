"""`avexplore retrain-models`: makes the results that ship with avexplore, and writes them small.

They are ordinary entries of the store, in one compressed file of arrays each: weights and embeddings in half
precision, soft labels exact, so that a graph learned from shipped soft labels is the very same. What is computed from
embeddings (figures, maps) is computed from the rounded ones, so that it follows from what is shipped.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from avexplore.artifacts import Artifact, Clips, RetrievalReport
from avexplore.cli import configure, options
from avexplore.cli.chosen import workbench
from avexplore.cli.output import progress, say, size_text, stdout_is_ours
from avexplore.config import (
    ClipsConfig,
    Config,
    DataConfig,
    EvaluationConfig,
    ExperimentConfig,
    ProjectionConfig,
    StudentConfig,
    SyntheticConfig,
    TeacherConfig,
)
from avexplore.errors import ConfigError
from avexplore.store import Packing, Store, shipped_models
from avexplore.store.entries import folder_size, publish, write_entry
from avexplore.workbench import Workbench

MOST_BYTES = 15_000_000
_PACKING = Packing(compact=True, halved=("weights", "embeddings", "before", "after"))
_SMALL = {
    "synthetic": {"clips": 1600},
    "teacher": {"hidden": 256},
    "student": {"hidden": 256},
}
"""A synthetic run is there to be looked at beside the real one; it need not be as wide."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("retrain-models")(retrain)


def retrain(
    files: options.Files = None,
    annotation: options.Annotation = None,
    synthetic: Annotated[bool, typer.Option(help="Also the synthetic benchmark.")] = True,
    seeds: Annotated[int, typer.Option(help="Paired seeds of the arms and controls; 0 leaves them out.", min=0)] = 8,
    preset: options.Preset = "quick",
    seed: options.Seed = 0,
    settings: options.Settings = None,
    out: Annotated[Path | None, typer.Option(help="Folder to replace; the shipped models/ by default.")] = None,
    device: options.Device = None,
    quiet: options.Quiet = False,
) -> None:
    """Train the shipped teachers and students anew, and write models/ with their results."""
    target = shipped_models() if out is None else out
    changes = configure.parse_settings(settings or [])
    students = []
    if files:
        students.append(_student(configure.data_config(files, annotation, None, seed), preset, seed, changes))
    if synthetic:
        student = configure.student_config(preset, SyntheticConfig(seed=seed), seed)
        students.append(configure.override(configure.override(student, _SMALL), _fitting(student, changes)))
    if not students:
        raise ConfigError("There is nothing to train", where="retrain-models", fix="Name a feature file")
    with tempfile.TemporaryDirectory(prefix="avexplore-models-") as scratch:
        fresh = Path(scratch) / "models"
        with stdout_is_ours(), progress(quiet) as report:
            for i, student in enumerate(students):

                def partial(fraction: float, message: str = "", i: int = i, **figures: float) -> None:
                    report((i + fraction) / len(students), message, **figures)

                ship(student, workbench(device), fresh, Path(scratch) / "home", partial)
                if seeds:
                    ship_experiment(ExperimentConfig(student, seeds=seeds), workbench(device), fresh, partial)
        (fresh / "README.md").write_text(overview(Store(Path(scratch) / "home", fresh), students), encoding="utf-8")
        size = folder_size(fresh)
        if size > MOST_BYTES:
            raise ConfigError(
                f"The results take {size_text(size)}, more than {size_text(MOST_BYTES)}",
                where="retrain-models",
                fix="Use narrower networks, for instance -s student.hidden=256",
            )
        _replace(target, fresh)
    say(f"Wrote {size_text(size)} to {target}.")


def _student(data: DataConfig, preset: str, seed: int, changes: dict[str, dict[str, Any]]) -> StudentConfig:
    student = configure.student_config(preset, data, seed)
    return configure.override(student, _fitting(student, changes))


def _fitting(student: StudentConfig, changes: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Changes to stages that this student has: `synthetic.clips` is no mistake for the other run."""
    from avexplore.config import walk

    stages = {part.stage for part in walk(student)} | {"synthetic"}
    kept = {stage: values for stage, values in changes.items() if stage in stages}
    if unknown := set(changes) - stages - {"features"}:
        raise ConfigError(f"No stage {sorted(unknown)[0]!r} here", where="--set")
    return {stage: v for stage, v in kept.items() if stage in {part.stage for part in walk(student)}}


def ship(student: StudentConfig, bench: Workbench, folder: Path, home: Path, report: Any) -> None:
    """Make everything that a run's pages show, and write it as shipped entries."""
    stability = student.stability
    source = student.soft_labels
    if stability is None or not isinstance(source, TeacherConfig):
        raise ConfigError("Only a student with LIR and a teacher of its own can be shipped", where="student")
    twin, regularizer = student.twin, student.regularizer
    assert regularizer is not None
    first: list[Config] = [ClipsConfig(student.data), source, stability.graph, stability, regularizer.affinity]
    for config in (*first, twin, student):
        write(config, bench.get(config, report), bench, folder)
    # From here on from what was just written: rounded, without features.
    shipped = Workbench(Store(home, folder), device="cpu")
    second: list[Config] = [EvaluationConfig(model, "test") for model in (twin, student)]
    for config in (*second, ProjectionConfig(twin, student, seed=student.seed)):
        write(config, shipped.get(config, report), shipped, folder)


def ship_experiment(wanted: ExperimentConfig, bench: Workbench, folder: Path, report: Any) -> None:
    """Whether the graph helps, as the Experiments page asks first; the figures alone, not the many students."""
    from avexplore.workbench import fanout

    write(wanted, fanout.make(wanted, bench, workers=os.cpu_count() or 1, report=report), bench, folder)


def write(config: Config, artifact: Artifact, bench: Workbench, folder: Path) -> None:
    """One shipped entry: compact, and without the paths of the machine it was made on."""
    entry = bench.store.get(config)
    if entry is None:
        raise ConfigError(f"A {config.stage} is not stored", where="retrain-models")
    place = folder / config.stage / config.address
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    note = "Weights, embeddings and coordinates are rounded to half precision."
    write_entry(place, without_paths(config), artifact, replace(entry.provenance, note=note), packing=_PACKING)
    if isinstance(config, (TeacherConfig, StudentConfig)):
        (place / "README.md").write_text(card(config, bench), encoding="utf-8")


def without_paths(config: Config) -> Config:
    """The same config (with the same address) that names no files."""
    from avexplore.config import from_json

    return from_json(config.to_json(address_only=True))


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
        "",
    ]
    for student in students:
        clips: Clips = bench.get(ClipsConfig(student.data))
        before, after = (_figures(bench, model) for model in (student.twin, student))
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


def _figures(bench: Workbench, model: StudentConfig) -> dict[str, float]:
    report: RetrievalReport = bench.get(EvaluationConfig(model, "test"))
    return dict(report.metrics)


def _replace(target: Path, fresh: Path) -> None:
    """Put the new folder in place of the old one at the last moment."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(fresh, beside)
    shutil.rmtree(target, ignore_errors=True)
    if not publish(beside, target):
        raise ConfigError("Cannot replace the folder", where=str(target))
