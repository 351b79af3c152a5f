"""One command per stage of the method, and `run` for all of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from avexplore.cli import configure, options
from avexplore.cli.chosen import Chosen, attach_media, describes_student, make, workbench
from avexplore.cli.output import emit, figure_table, progress, say, table
from avexplore.config import (
    BaselineConfig,
    ClipsConfig,
    Config,
    EvaluationConfig,
    ProjectionConfig,
    StudentConfig,
    TeacherConfig,
)
from avexplore.errors import ConfigError

if TYPE_CHECKING:
    from avexplore.artifacts import Clips, FeatureSet, RetrievalReport, TrainedTeacher


@describes_student
def run(
    chosen: Chosen,
    projection: Annotated[bool, typer.Option(help="Also map both embeddings with UMAP.")] = True,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """The whole path: teacher, class graph, student with LIR and its twin without, figures on test clips."""
    student = chosen.student()
    if student.regularizer is None:
        raise ConfigError("This student has no LIR, so there is nothing to compare", where="regularizer")
    twin, bench = student.twin, workbench(device)
    bench.keep_run(student)
    wanted: list[Config] = [EvaluationConfig(student), EvaluationConfig(twin), student.lir.affinity.stability.graph]
    if projection:
        wanted.append(ProjectionConfig(twin, student))
    made = []
    with progress(quiet or json) as report:
        for i, step in enumerate(wanted):

            def partial(fraction: float, message: str = "", i: int = i, **figures: float) -> None:
                report((i + fraction) / len(wanted), message, **figures)

            made.append(bench.get(step, partial))
    attach_media(bench, student.data, chosen.files)
    after, before = dict(made[0].metrics), dict(made[1].metrics)
    if json:
        emit(
            {
                "without_lir": before,
                "with_lir": after,
                "difference": {name: after[name] - before[name] for name in after if name in before},
                "split": "test",
                "seed": student.seed,
                "address": student.address,
                "config": student.to_json(),
            }
        )
        return
    table(
        "Retrieval on test clips",
        ("Figure", "Without LIR", "With LIR", "Difference"),
        [(name, float(before[name]), float(after[name]), float(after[name] - before[name])) for name in after],
    )
    say(f"Stored as run {student.address[:12]}. Look at it with `avexplore app`, under Run.")
    say("One pair from one seed: differences of a few thousandths need several seeds before they mean anything.")


def data(
    files: options.Files = None,
    annotation: options.Annotation = None,
    classes: options.Classes = None,
    class_names: options.ClassNames = None,
    seed: options.Seed = 0,
    settings: options.Settings = None,
    out: Annotated[Path | None, typer.Option(help="Write clips and features to this npz.")] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Check data and say what is in them; generate the synthetic benchmark."""
    chosen = configure.data_config(files, annotation, classes, seed, class_names)
    chosen = configure.override(chosen, configure.parse_settings(settings or []))
    with progress(quiet or json) as report:
        bench = workbench()
        features: FeatureSet = bench.get(chosen, report)
        if out is not None:
            from avexplore.data import export_features

            export_features(features, out)
        clips = features.clips()
    attach_media(bench, chosen, files)
    summary = _describe(clips)
    if json:
        emit({**summary, "config": chosen.to_json(), "address": chosen.address})
        return
    figures = ("clips", "splits", "hidden_labels", "audio_width", "visual_width")
    table(clips.source or "Data", ("", ""), [(name, summary[name]) for name in figures if name in summary])
    for sentence in clips.notes:
        say(f"Note: {sentence}.")
    known = clips.true_labels is not None
    header = ("Class", "Annotated", "Truly there")[: 2 + known]
    table("Classes", header, [tuple(row.values())[: len(header)] for row in summary["classes"]])


def _describe(clips: Clips) -> dict[str, Any]:
    import numpy as np

    count = len(clips.classes)
    annotated = np.bincount(clips.hard_label, minlength=count)
    truly = None if clips.true_labels is None else clips.true_labels.sum(axis=0)
    return {
        "clips": len(clips.hard_label),
        "splits": {split: len(clips.rows(split)) for split in ("train", "validation", "test")},
        "hidden_labels": None if truly is None else int(truly.sum() - len(clips.hard_label)),
        "source": clips.source,
        **clips.reading,
        "notes": clips.notes,
        "classes": [
            {"name": name, "annotated": int(annotated[i]), "true": None if truly is None else int(truly[i])}
            for i, name in enumerate(clips.classes)
        ],
    }


@describes_student
def train_teacher(
    chosen: Chosen,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a teacher with AV-SAL and calibrate its soft labels."""
    source = chosen.unchanged().soft_labels
    if not isinstance(source, TeacherConfig):
        raise ConfigError("This preset trains no teacher", where="preset")
    config = chosen.changed(source)
    teacher: TrainedTeacher = make(config, device=device, quiet=quiet or json)
    if json:
        emit(
            {
                "quality": dict(teacher.quality),
                "calibration": dict(teacher.calibration),
                "warnings": teacher.soft_labels.warnings,
                "address": config.address,
                "config": config.to_json(),
            }
        )
        return
    figure_table("Teacher", teacher.quality)
    for warning in teacher.soft_labels.warnings:
        say(f"Note: {warning}")


@describes_student
def train_student(
    chosen: Chosen,
    lir: Annotated[bool, typer.Option(help="With the Latent Interaction Regularizer.")] = True,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a student, with LIR or without."""
    student = chosen.student()
    student = student if lir else student.twin
    workbench().keep_run(student)
    trained = make(student, device=device, quiet=quiet or json)
    attach_media(workbench(), student.data, chosen.files)
    last = {name: float(values[trained.best_epoch]) for name, values in trained.history.columns.items() if len(values)}
    if json:
        emit(
            {"best_epoch": trained.best_epoch, "at_best": last, "address": student.address, "config": student.to_json()}
        )
        return
    figure_table(f"Best epoch {trained.best_epoch} of {trained.epochs}", last)
    say(f"Stored as {student.address[:12]}.")


@describes_student
def evaluate(
    chosen: Chosen,
    split: Annotated[Literal["train", "validation", "test"], typer.Option(help="Whose clips.")] = "test",
    lir: Annotated[bool, typer.Option(help="The student with LIR, or its twin.")] = True,
    baseline: Annotated[Literal["cca", "cluster-cca"] | None, typer.Option(help="A baseline instead.")] = None,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Retrieval figures of a student or a baseline."""
    student = chosen.student()
    model: StudentConfig | BaselineConfig = student if lir else student.twin
    if baseline is not None:
        model = BaselineConfig(student.data, method=baseline, seed=student.seed)
    found: RetrievalReport = make(EvaluationConfig(model, split), device=device, quiet=quiet or json)
    if json:
        emit(
            {
                "metrics": dict(found.metrics),
                "per_class": {name: found.per_class[i] for i, name in enumerate(found.classes)},
                "scopes": found.scopes,
                "precision": found.precision,
                "split": split,
                "address": model.address,
            }
        )
        return
    figure_table(f"Retrieval, {split} clips", found.metrics)


@describes_student
def project(
    chosen: Chosen,
    split: Annotated[Literal["train", "validation", "test", "all"], typer.Option(help="Whose clips.")] = "test",
    out: Annotated[Path | None, typer.Option(help="Write the coordinates to this .csv or .parquet.")] = None,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Map both embeddings with UMAP, without LIR and with it."""
    student = chosen.student()
    wanted = ProjectionConfig(student.twin, student, split=split, seed=student.seed)
    found = make(wanted, device=device, quiet=quiet or json)
    if out is not None:
        from avexplore.analysis.run_tables import map_table, write_table

        write_table(map_table(found, workbench().get(ClipsConfig(student.data))), out)
    if json:
        emit(
            {
                "metrics": dict(found.metrics),
                "clips": len(found.rows),
                "method": found.method,
                "address": wanted.address,
            }
        )
        return
    figure_table(f"{found.method}, {len(found.rows)} clips", found.metrics)
