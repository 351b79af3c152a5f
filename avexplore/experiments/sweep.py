"""Which parameters do best on validation clips.

A sweep keeps no state of its own. Its trials follow from its seed and from the figures of the trials before, and those
figures are results by address: a sweep that was stopped asks for the same trials again, finds what was made, and goes
on from there; two sweeps that meet in a trial train it once.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import numpy as np

from avexplore.artifacts import Report, RetrievalReport, SweepReport, silent
from avexplore.config import (
    EvaluationConfig,
    GraphConfig,
    StudentConfig,
    SweepConfig,
    TeacherConfig,
    VaryConfig,
    override,
    upstream,
)
from avexplore.config.base import types_of
from avexplore.errors import ConfigError
from avexplore.experiments.arms import reseeded

if TYPE_CHECKING:
    from avexplore.retrieval.significance import Interval

Value = int | float | str
Trial = tuple[Value, ...]
Measure = Callable[[list[EvaluationConfig], Report], list[RetrievalReport]]

SHORT = {
    "lambda": "regularizer.weight",
    "top_k": "affinity.top_k",
    "tau": "regularizer.tau",
    "penalty_discount": "graph.penalty_discount",
    "start_epoch": "regularizer.start_epoch",
    "k": "student.neighbors",
    "head": "teacher.head",
    "transform": "graph.transform",
    "train_fraction": "data.train_fraction",
}
"""Short names of the parameters that are swept most."""
TRAIN_FRACTIONS = (0.1, 0.2, 0.4, 0.7, 1.0)
"""Shares of the training clips: evenly apart on a logarithmic axis, roughly."""
AT_ONCE = 4
"""Trials proposed together. A constant: as many workers as there may be, the trials stay the same."""
_STAGES = {"teacher", "graph", "stability", "affinity", "regularizer", "student"}
_FIXED = {"data", "seed"}
_OF_DATA = SHORT["train_fraction"]
"""The one parameter of the data that a sweep may vary: validation clips stay the same ones."""
_PATIENCE = 50


def start_epochs(student: StudentConfig) -> tuple[int, ...]:
    """The papers' {300, 400, ..., 900} of 1000 epochs, scaled to the student's.

    >>> from avexplore.config import SyntheticConfig
    >>> start_epochs(StudentConfig(SyntheticConfig(), epochs=1000))
    (300, 400, 500, 600, 700, 800, 900)
    """
    scaled = (round(student.epochs * tenths / 10) for tenths in range(3, 10))
    return tuple(sorted({epoch for epoch in scaled if 0 < epoch < student.epochs}))


def offered(student: StudentConfig) -> dict[str, tuple[Value, ...]]:
    """Parameters that can be swept without naming values, with values worth a try, by `stage.field`.

    After some that are swept most, every choice and every number with steps that a config has.
    """
    found: dict[str, tuple[Value, ...]] = {
        SHORT["lambda"]: (0.25, 0.5, 1.0, 2.0, 4.0),
        SHORT["top_k"]: (1, 2, 3, 5, 8),
        SHORT["tau"]: (0.0, 0.05, 0.1, 0.2),
        SHORT["start_epoch"]: start_epochs(student),
        SHORT["k"]: tuple(range(1, 8)),
    }
    if isinstance(student.soft_labels, TeacherConfig):
        found[SHORT["head"]] = get_args(types_of(TeacherConfig)["head"])
    found[SHORT["penalty_discount"]] = (1.0, 2.0, 4.0, 8.0, 16.0)
    found[SHORT["transform"]] = get_args(types_of(GraphConfig)["transform"])
    if isinstance(student.soft_labels, TeacherConfig):  # soft labels from a file are of all its clips
        found[_OF_DATA] = TRAIN_FRACTIONS
    for part in upstream(student):
        for f in fields(part) if part.stage in _STAGES else ():
            values = _all_values(types_of(type(part))[f.name], f.metadata.get("steps", ()))
            if values:
                found.setdefault(f"{part.stage}.{f.name}", values)
    return found


def _all_values(kind: Any, steps: Sequence[Value]) -> tuple[Value, ...]:
    """The values of a choice, or up to seven of a number's steps."""
    return get_args(kind) if get_origin(kind) is Literal else tuple(steps[:: math.ceil(len(steps) / 7) or 1])


def varied(student: StudentConfig, parameter: str, values: Sequence[Value] | None = None) -> VaryConfig:
    """A parameter of a sweep, by its short or its full name.

    Args:
        student: What is swept.
        parameter: Such as "lambda" or "regularizer.weight".
        values: What is tried; the offered values if left out.

    Raises:
        ConfigError: If there is no such parameter, or a value is refused.
    """
    name = SHORT.get(parameter, parameter)
    stage, _, field = name.partition(".")
    if name != _OF_DATA and (stage not in _STAGES or field in _FIXED):
        raise ConfigError(
            f"{parameter!r} cannot be swept",
            where="sweep.vary",
            fix=f"Use {', '.join(SHORT)}, or stage.field with stage {', '.join(sorted(_STAGES))}",
        )
    if values is None:
        values = offered(student).get(name)
    if values is None:
        raise ConfigError(f"No values to try for {parameter}", where="sweep.vary", fix=f"Write {parameter}=1,2,3")
    # As the field reads them: 1 and 1.0 are one value of a number, and the same address.
    read = dict.fromkeys(_value(_changed(student, {name: v}), name) for v in values)
    return VaryConfig(name, tuple(read))


def _value(student: StudentConfig, parameter: str) -> Value:
    stage, field = _place(student, parameter)
    found: Value = next(getattr(part, field) for part in upstream(student) if part.stage == stage)
    return found


def _place(student: StudentConfig, parameter: str) -> tuple[str, str]:
    """The stage and the field of a parameter; "data" is whatever the student's clips come from."""
    stage, _, field = parameter.partition(".")
    return (student.data.stage if stage == "data" else stage), field


def student_of(config: SweepConfig, trial: Trial, seed: int) -> StudentConfig:
    """What is trained for a trial.

    The k of anchor-aware proxies means something only with them: a sweep over k switches them on.
    """
    changes = {one.parameter: value for one, value in zip(config.vary, trial, strict=True)}
    return reseeded(_changed(config.student, changes), seed, vary_teacher=True)


def _changed(student: StudentConfig, values: Mapping[str, Value]) -> StudentConfig:
    changes: dict[str, dict[str, Any]] = {}
    for parameter, value in values.items():
        stage, field = _place(student, parameter)
        changes.setdefault(stage, {})[field] = value
    if "neighbors" in changes.get("student", {}) and student.proxies == "none":
        changes["student"].setdefault("proxies", "aadml")
    return override(student, changes, where="sweep.vary")


def _extremes(one: VaryConfig) -> tuple[Value, ...]:
    numbers = [value for value in one.values if not isinstance(value, str)]
    return (min(numbers), max(numbers)) if len(numbers) == len(one.values) else one.values[:1]


def check(config: SweepConfig) -> int:
    """Refuse a sweep with values that no student takes, alone or together; returns how many combinations there are."""
    for one in config.vary:
        varied(config.student, one.parameter, one.values)
    # What fields ask of each other are inequalities, so the corners of each pair of parameters tell.
    for pair in itertools.combinations(config.vary, 2):
        for values in itertools.product(*map(_extremes, pair)):
            two = {one.parameter: value for one, value in zip(pair, values, strict=True)}
            try:
                _changed(config.student, two)
            except ConfigError as error:
                together = " and ".join(f"{parameter} = {value}" for parameter, value in two.items())
                raise ConfigError(
                    f"{together} do not go together: {error.what}", where="sweep.vary", fix="Leave one of them out"
                ) from error
    return math.prod(len(one.values) for one in config.vary)


def trial_cells(config: SweepConfig, trial: Trial) -> list[EvaluationConfig]:
    """A trial's evaluations on validation clips: each seed with LIR and its twin without."""
    students = [student_of(config, trial, seed) for seed in range(config.seeds)]
    return [EvaluationConfig(one, split="validation") for student in students for one in (student, student.twin)]


def likely_cells(config: SweepConfig, limit: int = 64) -> list[EvaluationConfig]:
    """Evaluations of as many combinations as will be tried, spread evenly over all: of a grid, the very ones.

    Args:
        config: The sweep.
        limit: At most so many combinations; [] of a larger sweep, since they are listed to tell how long it takes.
    """
    total = check(config)
    count = total if config.method == "grid" else min(config.trials, total)
    if count > limit or count * config.seeds > 4 * limit:
        return []
    lists = [one.values for one in config.vary]
    spread = np.unravel_index([i * total // count for i in range(count)], [len(values) for values in lists])
    trials = [tuple(values[i] for values, i in zip(lists, place, strict=True)) for place in zip(*spread, strict=True)]
    return [cell for trial in trials for cell in trial_cells(config, trial)]


def run_sweep(config: SweepConfig, measure: Measure, report: Report = silent) -> SweepReport:
    """Try combination after combination.

    Args:
        config: What is varied, and how combinations are found.
        measure: Makes the evaluations of several trials, in order, and reports on the way.
        report: Told of each result.

    Raises:
        ConfigError: If a value is refused, or the objective is not known for these data.
        Cancelled: If `report` says so.
    """
    total = check(config) if config.method == "grid" else min(config.trials, check(config))
    found: dict[Trial, list[RetrievalReport]] = {}
    proposals = _proposals(config, total, found)
    for batch in proposals:
        per_trial = [trial_cells(config, trial) for trial in batch]
        done, share = len(found) / total, len(batch) / total

        def partial(
            fraction: float, message: str = "", *, done: float = done, share: float = share, **figures: float
        ) -> None:
            report(done + share * fraction, f"{len(found)} of {total} trials" + (message and f", {message}"))

        figures = iter(measure([cell for cells in per_trial for cell in cells], partial))
        for trial, cells in zip(batch, per_trial, strict=True):
            found[trial] = [next(figures) for _ in cells]
            if not math.isfinite(found[trial][0].metrics.get(config.objective, math.nan)):
                raise ConfigError(
                    f"{config.objective} needs hidden labels, and pairs of validation clips that share one: these data "
                    "do not have them",
                    where="sweep.objective",
                    fix="Choose map",
                )
        best = max(_score(config, reports) for reports in found.values())
        report(len(found) / total, f"{len(found)} of {total} trials", **{f"best_{config.objective}": best})
    names = tuple(next(iter(found.values()))[0].metrics)
    shape = (len(found), config.seeds, 2, len(names))
    table = np.array([[r.metrics[name] for name in names] for reports in found.values() for r in reports])
    table = table.reshape(shape)
    parameters = tuple(one.parameter for one in config.vary)
    return SweepReport(parameters, tuple(found), names, table[:, :, 0], table[:, :, 1], config.objective)


def _score(config: SweepConfig, reports: list[RetrievalReport]) -> float:
    return float(np.mean([with_lir.metrics[config.objective] for with_lir in reports[::2]]))


def _proposals(config: SweepConfig, total: int, found: dict[Trial, list[RetrievalReport]]) -> Iterator[list[Trial]]:
    """Batches of trials that were not tried before, `total` in all; reads `found` between two batches."""
    lists = [one.values for one in config.vary]
    if config.method == "tpe":
        yield from _by_tpe(config, total, found)
        return
    if config.method == "grid":
        trials: list[Trial] = list(itertools.product(*lists))
    else:
        shape = tuple(map(len, lists))
        drawn = np.random.default_rng(config.seed).choice(math.prod(shape), total, replace=False)
        places = np.stack(np.unravel_index(drawn, shape), axis=1)
        trials = [tuple(values[i] for values, i in zip(lists, place, strict=True)) for place in places]
        if (own := _own(config)) is not None:
            trials = [own, *(trial for trial in trials if trial != own)][:total]
    for first in range(0, total, AT_ONCE):
        yield trials[first : first + AT_ONCE]


def _own(config: SweepConfig) -> Trial | None:
    """The student's own values, if they are among those to try."""
    own = tuple(_value(config.student, one.parameter) for one in config.vary)
    return own if all(value in one.values for value, one in zip(own, config.vary, strict=True)) else None


def _by_tpe(config: SweepConfig, total: int, found: dict[Trial, list[RetrievalReport]]) -> Iterator[list[Trial]]:
    """Optuna's sampler over positions in the lists of values: numbers keep their order, names have none."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    random_first = max(AT_ONCE, min(10, total // 3))
    sampler = optuna.samplers.TPESampler(seed=config.seed, n_startup_trials=random_first, constant_liar=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    asked: set[Trial] = set()

    def enqueue(trial: Trial) -> None:
        study.enqueue_trial({one.parameter: one.values.index(v) for one, v in zip(config.vary, trial, strict=True)})

    def ask() -> tuple[Any, Trial]:
        handle = study.ask()
        return handle, tuple(one.values[_suggest(handle, one)] for one in config.vary)

    def ask_something_new() -> tuple[Any, Trial]:
        for _ in range(_PATIENCE):
            handle, trial = ask()
            if trial not in asked:
                return handle, trial
            if trial in found:
                study.tell(handle, _score(config, found[trial]))
            else:  # its twin in this batch is still being measured
                study.tell(handle, state=optuna.trial.TrialState.FAIL)
        enqueue(next(t for t in itertools.product(*(one.values for one in config.vary)) if t not in asked))
        return ask()

    if (own := _own(config)) is not None:
        enqueue(own)
    while len(asked) < total:
        batch = []
        for _ in range(min(AT_ONCE, total - len(asked))):
            batch.append(ask_something_new())
            asked.add(batch[-1][1])
        yield [trial for _, trial in batch]
        for handle, trial in batch:
            study.tell(handle, _score(config, found[trial]))


def _suggest(handle: Any, one: VaryConfig) -> int:
    count = len(one.values)
    if any(isinstance(value, str) for value in one.values):
        return int(handle.suggest_categorical(one.parameter, list(range(count))))
    return int(handle.suggest_int(one.parameter, 0, count - 1))


# --- reading a sweep ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """A trial and what came of it, on validation clips.

    Attributes:
        number: Place in the sweep, from 1.
        values: What was tried, by `stage.field`.
        objective: Mean over seeds of the figure that decided.
        twin: The same of the twins without LIR.
        gain: Paired difference of the two with its 95 % interval over seeds.
        figures: Mean over seeds of every figure.
        own: Whether these are the student's own values.
    """

    number: int
    values: dict[str, Value]
    objective: float
    twin: float
    gain: Interval
    figures: dict[str, float]
    own: bool


def outcomes(config: SweepConfig, report: SweepReport) -> list[Outcome]:
    """All trials, the best first; of equally good ones the earlier."""
    from avexplore.retrieval.significance import paired_difference

    column, own = report.metrics.index(report.objective), _own(config)
    found = []
    for t, trial in enumerate(report.trials):
        with_lir, twins = report.values[t, :, column], report.twins[t, :, column]
        means = dict(zip(report.metrics, map(float, report.values[t].mean(axis=0)), strict=True))
        values = dict(zip(report.parameters, trial, strict=True))
        gain = paired_difference(with_lir, twins)
        found.append(Outcome(t + 1, values, float(with_lir.mean()), float(twins.mean()), gain, means, own=trial == own))
    return sorted(found, key=lambda outcome: -outcome.objective)


def best_student(config: SweepConfig, outcome: Outcome, seed: int = 0) -> StudentConfig:
    """What a trial trained."""
    return student_of(config, tuple(outcome.values.values()), seed)


def sweep_summary(config: SweepConfig, report: SweepReport, names: Mapping[str, str] | None = None) -> str:
    """What the sweep says, in plain words, and what it does not.

    Args:
        config, report: The sweep.
        names: How parameters and figures are called, by their own names; those if left out.
    """

    def called(name: str) -> str:
        return (names or {}).get(name, name)

    ranking = outcomes(config, report)
    best = ranking[0]
    chosen = ", ".join(f"{called(name)} = {value}" for name, value in best.values.items())
    text = (
        f"Best of {len(ranking)} trials on validation clips: {chosen}, with {called(report.objective)} "
        f"{best.objective:.4f} ({best.gain.mean:+.4f} over the twin without LIR)."
    )
    own = next((one for one in ranking if one.own), None)
    if own is not None and own is not best:
        text += f" The parameters as they were reach {own.objective:.4f}."
    elif own is best:
        text += " These are the parameters as they were."
    text += (
        " The best of many is partly luck: before believing it, compare it in an experiment on test clips, with "
        f"{config.seeds} or more as its first seed."
    )
    if report.objective != "map":
        text += " This choice looked at hidden labels of validation clips, which a data set without them cannot do."
    return text
