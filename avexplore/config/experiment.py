"""Comparisons of many trainings: arms over paired seeds, and sweeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from avexplore.config.base import Config, setting, within
from avexplore.config.student import StudentConfig
from avexplore.errors import ConfigError

ARMS = (
    "graph+I",
    "identity",
    "every-pair",
    "random+I",
    "popularity",
    "correlation+I",
    "graphical-lasso+I",
    "conditional-means+I",
    "graph",
    "constant",
    "true-graph+I",
    "true-pairs",
)
"""LIR and its controls; see `ExperimentConfig.arms`."""

DEFAULT_ARMS = (*ARMS[:6], "reading:anew", "reading:links")
"""The inferred graph, and what it has to be better than; the last two train nothing."""


@dataclass(frozen=True)
class ExperimentConfig(Config):
    """Does the graph help? Arms x seeds, each arm paired by seed with the twin without LIR."""

    stage: ClassVar[str] = "experiment"
    format_version: ClassVar[int] = 3  # Delta-D over the columns that both modalities share; the number of links
    uses: ClassVar[tuple[str, ...]] = ("clips", "baseline", "evaluation", "outputs", "reading")
    student: StudentConfig = setting(
        help="The student with LIR whose arms are compared; its own seed is replaced by each of the seeds."
    )
    arms: tuple[str, ...] = setting(
        DEFAULT_ARMS,
        help=(
            "`[form:]source[+I]` with form pull, forgive or margin (the student's own if left out), source as "
            "in `AffinityConfig.source`, and +I for same-class pairs; `[form:]every-pair` for no graph and every "
            "pair of classes linked in the embedding; `[form:]popularity` for "
            "the same with every class linked to another as strongly as classes are on average; "
            "`proxies:aadml` or `proxies:learned` for the twin with proxies, and with +source[+I] for "
            "LIR beside them; `loss:NAME` for the twin with another metric loss; `method:paper` for the loss and the "
            "LIR that the papers report; `baseline:cca` and "
            "`baseline:cluster-cca`; `reading:anew` for the twin with nothing trained and only the share and the "
            "temperature of its class posteriors chosen on validation clips, `reading:links` for the twin read "
            "through the inferred graph's links."
        ),
    )
    seeds: int = within(
        2, 1000, 10, help="Number of paired seeds; fewer than nine can confirm nothing about eight arms."
    )
    first_seed: int = within(
        0, 2**20, 0, help="The first of them. A sweep chose by seeds from 0 on: to test its choice, start behind them."
    )
    vary_teacher: bool = setting(
        True, help="Train the teacher anew for each seed, so that intervals hold its chance, too."
    )
    split: Literal["validation", "test"] = setting(
        "test", help="Clips that the figures are of; choose parameters on validation."
    )
    reading: Literal["own", "chosen"] = setting(
        "own",
        help=(
            "Whether each student's embedding is read with the share and temperature of its config, or with those "
            "that do best for that arm and seed on validation clips; the twin is then what `reading:anew` is."
        ),
        since="0.2.0",
    )

    def _check(self) -> None:
        if self.student.regularizer is None:
            raise ConfigError("An experiment needs a student with LIR", where="experiment.student")
        if not self.arms or len(set(self.arms)) != len(self.arms):
            raise ConfigError("Arms are missing or repeat", where="experiment.arms", fix="Name each arm once")
        if self.reading == "chosen" and self.arms == ("reading:anew",):
            raise ConfigError(
                "The twin would be compared with itself", where="experiment.arms", fix="Use reading own, or another arm"
            )


@dataclass(frozen=True)
class VaryConfig(Config):
    """One parameter of a sweep and the values that are tried."""

    stage: ClassVar[str] = "vary"
    parameter: str = setting(help='The field, as `stage.field`, such as "regularizer.weight".')
    values: tuple[int | float | str, ...] = setting(help="In their order, where they have one.")

    def _check(self) -> None:
        if not self.values or len(set(self.values)) != len(self.values):
            raise ConfigError(f"Values of {self.parameter} are missing or repeat", where="sweep.vary")


@dataclass(frozen=True)
class SweepConfig(Config):
    """Which parameters do best on validation clips? Test clips play no part."""

    stage: ClassVar[str] = "sweep"
    uses: ClassVar[tuple[str, ...]] = ("clips", "evaluation", "vary")
    student: StudentConfig = setting(
        help="The student with LIR that is varied; its own seed is replaced by each of the seeds."
    )
    vary: tuple[VaryConfig, ...] = setting(help="What is varied; everything else stays as in the student.")
    method: Literal["tpe", "random", "grid"] = setting(
        "tpe", help="Optuna's Tree-structured Parzen Estimator, random choices, or every combination."
    )
    trials: int = within(1, 10_000, 16, help="Combinations that are tried, the student's own first; `grid` tries all.")
    seeds: int = within(1, 100, 2, help="Students trained for each combination; a trial's figure is their mean.")
    objective: Literal["map", "any_label_map", "hidden_pair_ap"] = setting(
        "map",
        help=(
            "Figure on validation clips that decides; all but `map` look at hidden labels, for choosing and "
            "never to train."
        ),
    )
    seed: int = within(0, 2**31 - 1, 0, help="Draws the combinations.")

    def _check(self) -> None:
        if self.student.regularizer is None:
            raise ConfigError("A sweep needs a student with LIR", where="sweep.student")
        names = [varied.parameter for varied in self.vary]
        if not names or len(set(names)) != len(names):
            raise ConfigError("Parameters are missing or repeat", where="sweep.vary", fix="Name each parameter once")
