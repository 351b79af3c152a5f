"""`avexplore retrain-models`: makes the results that ship with avexplore."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from avexplore.cli import configure, options
from avexplore.cli.chosen import workbench
from avexplore.cli.output import progress, say, size_text
from avexplore.config import ARMS, ExperimentConfig, StudentConfig, SyntheticConfig, presets, upstream
from avexplore.errors import ConfigError

MOST_BYTES = 25_000_000
SHIPPED_ARMS = (*ARMS[:8], "reading:links")
"""LIR beside every control that needs no truth, and beside its reading without its training."""
_SMALL = {
    "synthetic": {"clips": 1600},
    "teacher": {"hidden": 256},
    "student": {"hidden": 256},
}
"""A synthetic run is there to be looked at beside the real one; it need not be as wide."""


def retrain(
    files: options.Files = None,
    annotation: options.Annotation = None,
    synthetic: Annotated[bool, typer.Option(help="Also the synthetic benchmark.")] = True,
    seeds: Annotated[int, typer.Option(help="Paired seeds of the arms and controls; 0 leaves them out.", min=0)] = 10,
    preset: options.Preset = "quick",
    seed: options.Seed = 0,
    settings: options.Settings = None,
    out: Annotated[Path | None, typer.Option(help="Folder to replace; the shipped models/ by default.")] = None,
    device: options.Device = None,
    quiet: options.Quiet = False,
) -> None:
    """Train the shipped teachers and students anew, and write models/ with their results."""
    from avexplore.folders import shipped_models
    from avexplore.reporting.model_folder import overview, replace_folder, ship, ship_experiment
    from avexplore.store import Store
    from avexplore.store.entries import folder_size

    target = shipped_models() if out is None else out
    changes = configure.parse_settings(settings or [])
    students = []
    if files:
        students.append(presets.preset(preset, configure.data_config(files, annotation, None, seed), seed))
    if synthetic:
        students.append(configure.override(presets.preset(preset, SyntheticConfig(seed=seed), seed), _SMALL))
    students = [configure.override(student, _fitting(student, changes)) for student in students]
    if not students:
        raise ConfigError("There is nothing to train", where="retrain-models", fix="Name a feature file")
    with tempfile.TemporaryDirectory(prefix="avexplore-models-") as scratch:
        fresh = Path(scratch) / "models"
        with progress(quiet) as report:
            for i, student in enumerate(students):

                def partial(fraction: float, message: str = "", i: int = i, **figures: float) -> None:
                    report((i + fraction) / len(students), message, **figures)

                ship(student, workbench(device), fresh, Path(scratch) / "home", partial)
                if seeds:
                    arms = ExperimentConfig(student, SHIPPED_ARMS, seeds, reading="chosen")
                    ship_experiment(arms, workbench(device), fresh, partial)
        (fresh / "README.md").write_text(overview(Store(Path(scratch) / "home", fresh), students), encoding="utf-8")
        size = folder_size(fresh)
        if size > MOST_BYTES:
            raise ConfigError(
                f"The results take {size_text(size)}, more than {size_text(MOST_BYTES)}",
                where="retrain-models",
                fix="Use narrower networks, for instance -s student.hidden=256",
            )
        replace_folder(target, fresh)
    say(f"Wrote {size_text(size)} to {target}.")


def _fitting(student: StudentConfig, changes: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Changes to stages that this student has: `synthetic.clips` is no mistake for the other run."""
    own = {part.stage for part in upstream(student)}
    if unknown := set(changes) - own - {"synthetic", "features"}:
        raise ConfigError(f"No stage {sorted(unknown)[0]!r} here", where="--set")
    return {stage: values for stage, values in changes.items() if stage in own}
