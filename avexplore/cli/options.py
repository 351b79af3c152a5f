"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Files = Annotated[
    list[Path] | None, typer.Argument(help="Feature files. Without any: the synthetic benchmark.", metavar="FILE")
]
Annotation = Annotated[
    Literal["given", "random", "rarest"] | None,
    typer.Option(help="Which of several true labels is kept as the annotation; the others are hidden."),
]
Classes = Annotated[
    list[str] | None,
    typer.Option("--class", help="Keep this class only; repeated, these. Names may hold commas."),
]
ClassNames = Annotated[
    Path | None,
    typer.Option(help="Names of the classes: CSV with label_id,label_name, or .txt with one a line, class 0 first."),
]
Preset = Annotated[
    Literal["tiny", "quick", "long", "paper"],
    typer.Option(help="Sizes and lengths of every stage; paper is the papers' loss and LIR, the others are ours."),
]
Seed = Annotated[int, typer.Option(help="Seed of every stage.", min=0)]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", help="Change one field: stage.field=value, such as regularizer.weight=0.5."),
]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="A student's config as JSON, as the app gives it.")]
RunKey = Annotated[str | None, typer.Option("--run", help="A stored run, by the beginning of its address.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, mps; chosen by itself if not given.")]
Workers = Annotated[int, typer.Option(help="Processes on this machine.", min=1)]
Scheduler = Annotated[
    str | None, typer.Option(help="Address of a Dask scheduler whose workers see the same data folder.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
