"""The same workbench from a terminal.

Exit codes: 0 done, 1 it could not be done (the reason is on stderr), 2 wrong usage, 130 stopped.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

import avexplore
from avexplore.cli import compare, experiment, features, graph, manual, models, serve, stages, tune, upkeep
from avexplore.errors import AvexploreError, Cancelled

app = typer.Typer(
    name="avexplore",
    help="Which classes depend on which in audio-visual data, and what that does to an embedding.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: rich would take longer to load than all else
    context_settings={"help_option_names": ["-h", "--help"]},
)
_COMMANDS: dict[str, Callable[..., None]] = {
    "features": features.features,
    "run": stages.run,
    "data": stages.data,
    "train-teacher": stages.train_teacher,
    "train-student": stages.train_student,
    "evaluate": stages.evaluate,
    "project": stages.project,
    "graph": graph.graph,
    "export": upkeep.export,
    "runs": upkeep.runs,
    "compute": upkeep.compute,
    "health": upkeep.health,
    "retrain-models": models.retrain,
    "experiment": experiment.experiment,
    "sweep": experiment.sweep,
    "compare": compare.compare,
    "report": experiment.report,
    "tune": tune.tune,
    "gather": features.gather,
    "app": serve.serve,
    "man": manual.man,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)
app.add_typer(upkeep.job_commands, name="jobs")
app.add_typer(upkeep.store_commands, name="store")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(avexplore.__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
) -> None:
    pass


def _spin_shortly() -> None:
    """How long threads of a training spin while they wait for each other, here and in every process begun from here.

    By default they spin so long that beside one busy program a training takes several times as long; without any
    spinning one of small steps is slower on idle cores. OpenMP reads this when torch is first loaded.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "500")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    import logging

    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    _spin_shortly()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names of files need not be text, and not every terminal shows every letter.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app(arguments)
    except Cancelled as error:
        sys.stderr.write(f"{error}\n")
        return 130
    except AvexploreError as error:
        sys.stderr.write(f"avexplore: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        return 130
    except SystemExit as leave:
        # Typer and rich turn a broken pipe into an exit with code 1.
        if not isinstance(leave.__context__, BrokenPipeError):
            return leave.code if isinstance(leave.code, int) else 0
        _write_nothing_more()
    except BrokenPipeError:
        _write_nothing_more()
    except OSError as error:
        # Whatever meets a full disk or a missing folder without words of its own for it.
        where = "" if error.filename is None else os.fsdecode(error.filename)
        told = AvexploreError(
            error.strerror or str(error), where=where, fix="Check the path, its permissions and the disk"
        )
        sys.stderr.write(f"avexplore: {told}\n")
        return 1
    return 0


def _write_nothing_more() -> None:
    """The reader of our output has left: nothing is wrong here, and what is still buffered goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
