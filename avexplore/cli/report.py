"""`avexplore report`: the papers' figures from our runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avexplore.cli import options
from avexplore.cli.experiment import Scheduler, Workers
from avexplore.cli.output import emit, progress, say, stdout_is_ours
from avexplore.cli.stages import chosen_student, workbench


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report)


def report(
    data: options.Files = None,
    annotation: options.Annotation = None,
    classes: options.Classes = None,
    preset: options.Preset = "quick",
    settings: options.Settings = None,
    config: options.ConfigFile = None,
    run: options.RunKey = None,
    seeds: Annotated[int, typer.Option(help="Students of each kind.", min=1)] = 3,
    figures: Annotated[
        str, typer.Option(help="start-epoch, edges, precision-scope, neighbors, losses, separated by commas.")
    ] = "start-epoch,edges,precision-scope,neighbors,losses",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the report.")] = Path("reports"),
    workers: Workers = 1,
    scheduler: Scheduler = None,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """The papers' figures as one HTML page, with SVG and CSV of each. What is on this machine is used again."""
    from avexplore.reporting import write_report

    student = chosen_student(data, annotation, classes, preset, 0, settings, config, run)
    names = [name.strip() for name in figures.split(",") if name.strip()]
    with stdout_is_ours(), progress(quiet or json) as told:
        files = write_report(
            student,
            out,
            workbench(device),
            seeds=seeds,
            figures=names,
            workers=workers,
            scheduler=scheduler,
            report=told,
        )
    if json:
        emit({"files": [str(path) for path in files], "student": student.address, "seeds": seeds, "figures": names})
    else:
        say(f"Open {files[0]}")
