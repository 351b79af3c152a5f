"""`avexplore report`: the papers' figures from our runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avexplore.cli import options
from avexplore.cli.chosen import Chosen, describes_student, workbench
from avexplore.cli.output import emit, progress, say


@describes_student
def report(
    chosen: Chosen,
    seeds: Annotated[int, typer.Option(help="Students of each kind.", min=1)] = 3,
    figures: Annotated[
        str,
        typer.Option(
            help="start-epoch, edges, class-pairs, precision-scope, neighbors, losses, and training-size (20 trainings "
            "a seed), separated by commas."
        ),
    ] = "start-epoch,edges,class-pairs,precision-scope,neighbors,losses",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the report.")] = Path("reports"),
    workers: options.Workers = 1,
    scheduler: options.Scheduler = None,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """The papers' figures as one HTML page, with SVG and CSV of each. What is on this machine is used again."""
    from avexplore.reporting import write_report

    student = chosen.student()
    names = [name.strip() for name in figures.split(",") if name.strip()]
    with progress(quiet or json) as told:
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
