"""`avexplore experiment`: arms and controls over paired seeds, on this machine's cores or a Dask cluster."""

from __future__ import annotations

from typing import Annotated

import typer

from avexplore.cli import options
from avexplore.cli.chosen import Chosen, workbench
from avexplore.cli.output import emit, progress, say, stdout_is_ours, table
from avexplore.config import ARMS, ExperimentConfig


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("experiment")(experiment)


def experiment(
    data: options.Files = None,
    annotation: options.Annotation = None,
    classes: options.Classes = None,
    preset: options.Preset = "quick",
    settings: options.Settings = None,
    config: options.ConfigFile = None,
    run: options.RunKey = None,
    arms: Annotated[str, typer.Option(help="[form:]source[+I], baseline:cca, ..., separated by commas.")] = ",".join(
        ARMS[:4]
    ),
    seeds: Annotated[int, typer.Option(help="Number of paired seeds.", min=2)] = 5,
    vary_teacher: Annotated[bool, typer.Option(help="Train the teacher anew for each seed.")] = True,
    split: Annotated[str, typer.Option(help="test, or validation while parameters are being chosen.")] = "test",
    workers: Annotated[int, typer.Option(help="Processes on this machine.", min=1)] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler whose workers see the same data folder.")
    ] = None,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Does the graph help? Every arm against its twin without LIR and against the controls, paired by seed."""
    from avexplore.experiments import cells, compare_arms, summary
    from avexplore.fanout import make_all

    student = Chosen(data, annotation, classes, preset, 0, settings, config, run).student()
    wanted = ExperimentConfig(
        student,
        tuple(arms.split(",")),
        seeds=seeds,
        vary_teacher=vary_teacher,
        split=split,  # type: ignore[arg-type]
    )
    bench = workbench(device)
    with stdout_is_ours(), progress(quiet or json) as report:
        make_all(cells(wanted), bench.store.root, workers=workers, scheduler=scheduler, report=report)
        found = bench.get(wanted)
    comparisons = {metric: compare_arms(found, metric) for metric in found.metrics}
    if json:
        emit(
            {
                "arms": found.arms,
                "seeds": found.seeds,
                "metrics": found.metrics,
                "values": found.values,
                "comparisons": {
                    metric: [vars(c) | {"verdict": c.verdict} for c in rows] for metric, rows in comparisons.items()
                },
                "summary": summary(found),
                "address": wanted.address,
                "config": wanted.to_json(),
            }
        )
        return
    for metric, rows in comparisons.items():
        head = ("Arm", "Mean", "Change", "95 % interval", "p, Holm", "Verdict")
        lines = [
            (c.arm, c.mean, f"{c.difference:+.4f}", f"{c.low:+.4f} {c.high:+.4f}", c.p_value, c.verdict) for c in rows
        ]
        table(f"{metric}, against the twin without LIR, {seeds} paired seeds, {split} clips", head, lines)
    say(summary(found))
