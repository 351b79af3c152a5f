"""The student that a command is about: the options that describe one, shared by every command of the path."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from avexplore.cli import configure, options
from avexplore.cli.output import progress
from avexplore.config import ClipsConfig, Config, DataConfig, FeatureFileConfig, StudentConfig
from avexplore.config.presets import preset
from avexplore.errors import ConfigError, DataError

if TYPE_CHECKING:
    from avexplore.artifacts import Report

C = TypeVar("C", bound=Config)


@dataclass(frozen=True)
class Chosen:
    """Options that describe a student; data and a preset, or a config file, or a stored run, then single changes."""

    files: options.Files = None
    annotation: options.Annotation = None
    classes: options.Classes = None
    class_names: options.ClassNames = None
    preset: options.Preset = "quick"
    seed: options.Seed = 0
    settings: options.Settings = None
    config: options.ConfigFile = None
    run: options.RunKey = None

    def unchanged(self) -> StudentConfig:
        """The student before `settings`."""
        if self.config is not None:
            return configure.read_config(self.config, StudentConfig)
        if self.run is not None:
            student: StudentConfig = stored_run(self.run).student
            return student
        data = configure.data_config(self.files, self.annotation, self.classes, self.seed, self.class_names)
        return preset(self.preset, data, self.seed)

    def student(self) -> StudentConfig:
        """The student."""
        return self.changed(self.unchanged())

    def changed(self, config: C) -> C:
        """A part of the student, with those `settings` that name its stages."""
        return configure.override(config, configure.parse_settings(self.settings or []))


def describes_student(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `Chosen`, and hand them over as its argument `chosen`."""
    shared = inspect.signature(Chosen, eval_str=True).parameters
    own = inspect.signature(command, eval_str=True)
    first = [p for p in own.parameters.values() if p.name != "chosen"]

    @functools.wraps(command)
    def called(**given: Any) -> None:
        command(chosen=Chosen(**{name: given.pop(name) for name in shared}), **given)

    both = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*shared.values(), *first)]
    called.__signature__ = own.replace(parameters=both)  # type: ignore[attr-defined]
    return called


def workbench(device: str | None = None) -> Any:
    """The user's workbench."""
    from avexplore.workbench import Workbench

    return Workbench(device=device)


def make(config: Config, *, device: str | None = None, quiet: bool = False) -> Any:
    """A result, waiting for it with a progress bar."""
    report: Report
    with progress(quiet) as report:
        return workbench(device).get(config, report)


def attach_media(bench: Any, data: DataConfig, files: Sequence[Path] | None) -> None:
    """Let the app show the media files of these clips, where a manifest is given or lies beside the features.

    Raises:
        DataError: If the manifest that was given cannot be used.
    """
    from avexplore.cli.output import say
    from avexplore.data import media_manifest
    from avexplore.workbench.media_files import attach_manifest

    if not isinstance(data, FeatureFileConfig):
        return
    manifest = media_manifest(files or data.paths)
    if manifest is None:
        return
    clips = bench.get(ClipsConfig(data))
    try:
        say(attach_manifest(bench.store.root, clips, manifest).sentence(len(clips.clip_ids)))
    except DataError as error:
        if manifest in (files or ()):
            raise
        say(f"The clips' media files are not shown: {error}")


def stored_run(key: str | None) -> Any:
    """The stored `Run` of a student whose address begins so; without a key the user's newest, else a shipped one.

    Raises:
        ConfigError: If there is none, or more than one that begins so.
    """
    runs = [run for run in workbench().runs() if run.student is not None]
    if key is None:
        if not runs:
            raise ConfigError("There is no stored run yet", fix="Make one with `avexplore run`")
        return next((run for run in runs if not run.shipped), runs[0])
    fitting = [run for run in runs if run.student.address.startswith(key)]
    if len(fitting) != 1:
        raise ConfigError(f"{len(fitting)} stored runs begin with {key!r}", where="--run", fix="See `avexplore runs`")
    return fitting[0]
