"""One command per stage of the method, and `run` for all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from avexplore.artifacts import ClassGraph, Clips, RetrievalReport, TrainedTeacher
from avexplore.cli import configure, options
from avexplore.cli.output import emit, progress, say, stdout_is_ours, table
from avexplore.config import (
    BaselineConfig,
    ClipsConfig,
    Config,
    EvaluationConfig,
    GraphConfig,
    ProjectionConfig,
    SoftLabelSource,
    StabilityConfig,
    StudentConfig,
    TeacherConfig,
)
from avexplore.errors import AvexploreError, ConfigError

Engine = Literal["grasp", "boss", "both", "causal-learn-grasp", "causal-learn-boss"]
Transform = Literal["raw", "logit", "clr", "ilr", "drop-one", "rank", "class-centered"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("run")(run)
    app.command("data")(data)
    app.command("train-teacher")(train_teacher)
    app.command("graph")(graph)
    app.command("train-student")(train_student)
    app.command("evaluate")(evaluate)
    app.command("project")(project)


def workbench(device: str | None = None) -> Any:
    """The user's workbench."""
    from avexplore.workbench import Workbench

    return Workbench(device=device)


def make(config: Config, *, device: str | None = None, quiet: bool = False) -> Any:
    """A result, waiting for it with a progress bar."""
    with stdout_is_ours(), progress(quiet) as report:
        return workbench(device).get(config, report)


def chosen_student(
    files: list[Path] | None,
    annotation: str | None,
    classes: str | None,
    preset: str,
    seed: int,
    settings: list[str] | None,
    config_file: Path | None = None,
    run_key: str | None = None,
) -> StudentConfig:
    """The student that the options describe."""
    if config_file is not None:
        config = configure.read_config(config_file, StudentConfig)
    elif run_key is not None:
        config = stored_run(run_key)
    else:
        data_config = configure.data_config(files, annotation, classes, seed)
        config = configure.student_config(preset, data_config, seed)
    return configure.override(config, configure.parse_settings(settings or []))


def stored_run(key: str) -> StudentConfig:
    """The stored student whose address begins so.

    Raises:
        ConfigError: If there is none, or more than one.
    """
    runs = [run for run in workbench().runs() if run.student is not None and run.student.address.startswith(key)]
    if len(runs) != 1:
        raise ConfigError(f"{len(runs)} stored runs begin with {key!r}", where="--run", fix="See `avexplore runs`")
    student: StudentConfig = runs[0].student
    return student


def run(
    data: options.Files = None,
    annotation: options.Annotation = None,
    classes: options.Classes = None,
    preset: options.Preset = "quick",
    seed: options.Seed = 0,
    settings: options.Settings = None,
    config: options.ConfigFile = None,
    projection: Annotated[bool, typer.Option(help="Also map both embeddings with UMAP.")] = True,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """The whole path: teacher, class graph, student with LIR and its twin without, figures on test clips."""
    student = chosen_student(data, annotation, classes, preset, seed, settings, config)
    if student.regularizer is None:
        raise ConfigError("This student has no LIR, so there is nothing to compare", where="regularizer")
    twin, bench = student.twin, workbench(device)
    bench.keep_run(student)
    assert student.stability is not None
    wanted: list[Config] = [EvaluationConfig(student), EvaluationConfig(twin), student.stability.graph]
    if projection:
        wanted.append(ProjectionConfig(twin, student))
    made = []
    with stdout_is_ours(), progress(quiet or json) as report:
        for i, step in enumerate(wanted):

            def partial(fraction: float, message: str = "", i: int = i, **figures: float) -> None:
                report((i + fraction) / len(wanted), message, **figures)

            made.append(bench.get(step, partial))
    after, before = dict(made[0].metrics), dict(made[1].metrics)
    if json:
        emit(
            {
                "without_lir": before,
                "with_lir": after,
                "difference": {name: after[name] - before[name] for name in after if name in before},
                "split": "test",
                "seed": seed,
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
    say(f"Stored as run {student.address[:12]}. Look at it with `avexplore app`.")
    say("One pair from one seed: differences of a few thousandths need several seeds before they mean anything.")


def data(
    files: options.FileArguments = None,
    annotation: options.Annotation = None,
    classes: options.Classes = None,
    seed: options.Seed = 0,
    settings: options.Settings = None,
    out: Annotated[Path | None, typer.Option(help="Write clips and features to this npz.")] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Check data and say what is in them; generate the synthetic benchmark."""
    chosen = configure.data_config(files, annotation, classes, seed)
    chosen = configure.override(chosen, configure.parse_settings(settings or []))
    with stdout_is_ours(), progress(quiet or json) as report:
        bench = workbench()
        if out is not None:
            from avexplore.data import export_features

            export_features(bench.get(chosen, report), out)
        clips: Clips = bench.get(ClipsConfig(chosen), report)
    summary = _describe(clips)
    if json:
        emit({**summary, "config": chosen.to_json(), "address": chosen.address})
        return
    table(clips.source or "Data", ("", ""), [(name, summary[name]) for name in ("clips", "splits", "hidden_labels")])
    table("Classes", ("Class", "Annotated", "Truly there"), [tuple(row.values()) for row in summary["classes"]])


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
        "classes": [
            {"name": name, "annotated": int(annotated[i]), "true": None if truly is None else int(truly[i])}
            for i, name in enumerate(clips.classes)
        ],
    }


def train_teacher(
    data: options.Files = None,
    annotation: options.Annotation = None,
    classes: options.Classes = None,
    preset: options.Preset = "quick",
    seed: options.Seed = 0,
    settings: options.Settings = None,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a teacher with AV-SAL and calibrate its soft labels."""
    student = chosen_student(data, annotation, classes, preset, seed, None)
    source = student.soft_labels
    if not isinstance(source, TeacherConfig):
        raise ConfigError("This preset trains no teacher", where="preset")
    config = configure.override(source, configure.parse_settings(settings or []))
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
    table("Teacher", ("Figure", "Value"), [(name, float(value)) for name, value in teacher.quality.items()])
    for warning in teacher.soft_labels.warnings:
        say(f"Note: {warning}")


def graph(
    file: Annotated[Path | None, typer.Argument(help="Soft labels (npz with audio, visual) or a feature file.")] = None,
    penalty_discount: Annotated[
        float | None, typer.Option(help="c in BIC = 2L - c k ln n; 1 is plain BIC, useful 1..16.")
    ] = None,
    engine: Annotated[Engine | None, typer.Option(help="Which searcher.")] = None,
    transform: Annotated[Transform | None, typer.Option(help="What is done to the soft labels first.")] = None,
    training_rows: Annotated[
        int | None, typer.Option(help="The first so many rows of a soft-label file are training clips.", min=0)
    ] = None,
    rows: Annotated[Literal["train", "all"] | None, typer.Option(help="Clips that the graph is learned from.")] = None,
    annotation: options.Annotation = None,
    classes: options.Classes = None,
    preset: options.Preset = "quick",
    seed: options.Seed = 0,
    settings: options.Settings = None,
    compare: Annotated[
        Path | None, typer.Option(help="Compare with a graph file (CSV, GraphML, DOT, JSON ...).")
    ] = None,
    stability: Annotated[int, typer.Option(help="Bootstraps behind each edge's frequency; 0 for none.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="Write the graph; the ending says in which format.")] = None,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Learn the class-dependency graph of soft labels, or of a teacher's soft labels of a feature file."""
    source: SoftLabelSource
    if file is not None and not file.exists():
        raise ConfigError("There is no such file", where=str(file))
    if file is not None and configure.is_soft_label_file(file):
        source = configure.soft_label_config(file, training_rows)
        # Such a file seldom says which of its rows are training clips; taken whole, the graph says so.
        config = GraphConfig(source, rows="all" if training_rows is None else "train", seed=seed)
    else:
        student = chosen_student([file] if file else None, annotation, classes, preset, seed, None)
        assert student.stability is not None
        config = student.stability.graph.replace(seed=seed)
    given = {"penalty_discount": penalty_discount, "engine": engine, "transform": transform, "rows": rows}
    config = config.replace(**{name: value for name, value in given.items() if value is not None})
    config = configure.override(config, configure.parse_settings(settings or []))
    bench = workbench(device)
    with stdout_is_ours(), progress(quiet or json) as report:
        found: ClassGraph = bench.get(config, report)
        frequency = None
        if stability:
            wanted = StabilityConfig(config, bootstraps=max(2, stability), null="none", seed=seed)
            frequency = bench.get(wanted, report)
    content = _graph_content(found, config, frequency)
    if compare is not None:
        content["comparison"] = _comparison(found, compare, config, bench)
    if out is not None:
        from avexplore.cli.export import write_graph_file

        write_graph_file(found, out)
    if json:
        emit(content)
        return
    edges = [
        (e["source"], "->" if e["directed"] else "--", e["target"], float(e["effect"]), float(e["gain"]))
        for e in content["edges"]
    ]
    table(f"{len(edges)} dependencies, score {found.score:,.1f}", ("From", "", "To", "Effect", "BIC gain"), edges)
    for warning in found.warnings:
        say(f"Note: {warning}")
    if compare is not None:
        table("Comparison", ("", ""), list(content["comparison"].items()))


def _graph_content(found: ClassGraph, config: GraphConfig, stability: Any) -> dict[str, Any]:
    place = {name: i for i, name in enumerate(found.nodes)}
    edges = []
    for source, target, directed in found.edges():
        i, j = place[source], place[target]
        edge: dict[str, Any] = {
            "source": source,
            "target": target,
            "directed": directed,
            "effect": float(found.effect[i, j]),
            "gain": float(found.gain[i, j]),
        }
        if stability is not None:
            edge["frequency"] = float(stability.edge_frequency[i, j])
        edges.append(edge)
    return {
        "nodes": list(found.nodes),
        "edges": edges,
        "score": found.score,
        "samples": found.samples,
        "warnings": list(found.warnings),
        "address": config.address,
        "config": config.to_json(),
    }


def _comparison(found: ClassGraph, path: Path, config: GraphConfig, bench: Any) -> dict[str, Any]:
    from dataclasses import asdict

    from avexplore.cli.export import read_graph_file
    from avexplore.graph.comparison import compare

    other = read_graph_file(path, found.nodes)
    content: dict[str, Any] = {"with": path.name, "edges": len(other.edges())}
    compared = asdict(compare(found, other))
    content |= {name: value for name, value in compared.items() if isinstance(value, (int, float))}
    content["score"] = found.score
    content["score_of_the_other"] = _score_on_same_data(other, config, bench)
    return content


def _score_on_same_data(other: ClassGraph, config: GraphConfig, bench: Any) -> float | None:
    """Score of an imported graph on the soft labels ours was learned from; None if it has a cycle."""
    import numpy as np

    from avexplore.pipeline import soft_labels

    labels = soft_labels(config.soft_labels, bench.get)
    rows = labels.rows(config.rows)
    try:
        score: float = score_graph(other, labels.matrix(rows), config.penalty_discount)
    except AvexploreError:
        return None
    return score if np.isfinite(score) else None


def score_graph(graph: ClassGraph, matrix: Any, penalty_discount: float) -> float:
    """BIC score of a graph on raw soft labels over the empty graph's. Undirected edges are oriented first."""
    from avexplore.graph.covariance import correlation
    from avexplore.graph.cpdag import consistent_dag
    from avexplore.graph.score import bic_score

    return bic_score(correlation(matrix), len(matrix), consistent_dag(graph.adjacency), penalty_discount)


def train_student(
    data: options.Files = None,
    annotation: options.Annotation = None,
    classes: options.Classes = None,
    preset: options.Preset = "quick",
    seed: options.Seed = 0,
    settings: options.Settings = None,
    config: options.ConfigFile = None,
    lir: Annotated[bool, typer.Option(help="With the Latent Interaction Regularizer.")] = True,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a student, with LIR or without."""
    student = chosen_student(data, annotation, classes, preset, seed, settings, config)
    student = student if lir else student.twin
    workbench().keep_run(student)
    trained = make(student, device=device, quiet=quiet or json)
    last = {name: float(values[trained.best_epoch]) for name, values in trained.history.columns.items() if len(values)}
    if json:
        emit(
            {"best_epoch": trained.best_epoch, "at_best": last, "address": student.address, "config": student.to_json()}
        )
        return
    table(f"Best epoch {trained.best_epoch} of {trained.epochs}", ("Figure", "Value"), list(last.items()))
    say(f"Stored as {student.address[:12]}.")


def evaluate(
    data: options.Files = None,
    annotation: options.Annotation = None,
    classes: options.Classes = None,
    preset: options.Preset = "quick",
    seed: options.Seed = 0,
    settings: options.Settings = None,
    config: options.ConfigFile = None,
    run_key: options.RunKey = None,
    split: Annotated[Literal["train", "validation", "test"], typer.Option(help="Whose clips.")] = "test",
    lir: Annotated[bool, typer.Option(help="The student with LIR, or its twin.")] = True,
    baseline: Annotated[Literal["cca", "cluster-cca"] | None, typer.Option(help="A baseline instead.")] = None,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Retrieval figures of a student or a baseline."""
    student = chosen_student(data, annotation, classes, preset, seed, settings, config, run_key)
    model: StudentConfig | BaselineConfig = student if lir else student.twin
    if baseline is not None:
        model = BaselineConfig(student.data, method=baseline, seed=seed)
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
    table(f"Retrieval, {split} clips", ("Figure", "Value"), [(n, float(v)) for n, v in found.metrics.items()])


def project(
    data: options.Files = None,
    annotation: options.Annotation = None,
    classes: options.Classes = None,
    preset: options.Preset = "quick",
    seed: options.Seed = 0,
    settings: options.Settings = None,
    config: options.ConfigFile = None,
    run_key: options.RunKey = None,
    split: Annotated[Literal["train", "validation", "test", "all"], typer.Option(help="Whose clips.")] = "test",
    out: Annotated[Path | None, typer.Option(help="Write the coordinates to this CSV.")] = None,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Map both embeddings with UMAP, without LIR and with it."""
    student = chosen_student(data, annotation, classes, preset, seed, settings, config, run_key)
    wanted = ProjectionConfig(student.twin, student, split=split, seed=seed)
    found = make(wanted, device=device, quiet=quiet or json)
    if out is not None:
        from avexplore.cli.export import write_projection

        write_projection(found, workbench().get(ClipsConfig(student.data)), out)
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
    table(
        f"{found.method}, {len(found.rows)} clips",
        ("Figure", "Value"),
        [(n, float(v)) for n, v in found.metrics.items()],
    )
