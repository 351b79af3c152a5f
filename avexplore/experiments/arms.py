"""Arms and seeds as configs.

An experiment is nothing but evaluations of students: each cell is a config with an address, so that cells already
trained are not trained again, a stopped experiment goes on where it was, and cells can be made anywhere.
"""

from __future__ import annotations

from typing import Literal, get_args, get_type_hints

from avexplore.config import (
    ARMS,
    AffinityConfig,
    BaselineConfig,
    EvaluationConfig,
    ExperimentConfig,
    Model,
    ReadingConfig,
    RegularizerConfig,
    StudentConfig,
    TeacherConfig,
)
from avexplore.config.presets import as_reported
from avexplore.errors import ConfigError

TWIN = "without LIR"
AS_REPORTED = "method:paper"
EVERY_PAIR: Literal["every-pair"] = "every-pair"
WITHOUT_A_GRAPH: tuple[Literal["every-pair", "popularity"], ...] = (EVERY_PAIR, "popularity")
FORMS = get_args(get_type_hints(RegularizerConfig)["form"])
SOURCES = get_args(get_type_hints(AffinityConfig)["source"])
OFFERED = (
    *ARMS,
    *(f"{form}:graph+I" for form in FORMS),
    AS_REPORTED,
    "reading:anew",
    "reading:links",
    "proxies:aadml",
    "proxies:aadml+graph+I",
    "baseline:cca",
    "baseline:cluster-cca",
    "loss:cross-entropy",
    "loss:infonce",
    "loss:soft-triplet",
)
"""Arms that a face offers; any other that `ExperimentConfig.arms` describes works as well."""


def model_of_arm(config: ExperimentConfig, arm: str, seed: int) -> Model:
    """What is trained and read for one arm and seed.

    Raises:
        ConfigError: If the arm is not understood.
    """
    model = _as_trained(config, arm, seed)
    return ReadingConfig(model) if config.reading == "chosen" and isinstance(model, StudentConfig) else model


def _as_trained(config: ExperimentConfig, arm: str, seed: int) -> Model:
    student = reseeded(config.student, seed, config.vary_teacher)
    if arm == TWIN:
        return student.twin
    kind, _, choice = arm.rpartition(":")
    if kind == "baseline":
        return BaselineConfig(student.data, method=choice, seed=seed)  # type: ignore[arg-type]
    if kind == "reading":
        if choice == "anew":
            return ReadingConfig(student.twin)
        if choice == "links":
            links = inferred_student(config, seed).regularizer
            return ReadingConfig(student.twin, choose=config.reading == "chosen", links=links)
        raise ConfigError(
            f"Arm {arm!r} is not understood", where="experiment.arms", fix="Use reading:anew or reading:links"
        )
    if arm == AS_REPORTED:
        return as_reported(student)
    if kind == "loss":
        return student.twin.replace(loss=choice)
    if kind == "proxies":
        proxies, plus, weights = choice.partition("+")
        return (
            _with_weights(student, arm, weights, "").replace(proxies=proxies)
            if plus
            else student.twin.replace(proxies=proxies)
        )
    return _with_weights(student, arm, choice, kind)


def _with_weights(student: StudentConfig, arm: str, choice: str, form: str) -> StudentConfig:
    regularizer = student.lir
    if choice in WITHOUT_A_GRAPH:
        whole = _with_weights(student, arm, "identity", form)
        return whole.replace(regularizer=whole.lir.replace(linked=choice))
    source, plus, extra = choice.partition("+")
    if source not in SOURCES or (plus and extra != "I") or form not in ("", *FORMS):
        raise ConfigError(
            f"Arm {arm!r} is not understood",
            where="experiment.arms",
            fix=f"Use [form:]source[+I] with form {', '.join(FORMS)} and source {', '.join(SOURCES)}, or {EVERY_PAIR}",
        )
    # Only a random graph is drawn: with another seed, what needs none would be trained once more.
    seed = student.seed if source == "random" else regularizer.affinity.seed
    affinity = regularizer.affinity.replace(source=source, same_class=bool(plus), seed=seed)
    changed = regularizer.replace(affinity=affinity, form=form or regularizer.form, linked="graph")
    return student.replace(regularizer=changed)


def reseeded(student: StudentConfig, seed: int, vary_teacher: bool) -> StudentConfig:
    """The student with another seed; with `vary_teacher` its teacher, too."""
    affinity = student.lir.affinity
    stability = affinity.stability
    source = stability.graph.soft_labels
    if vary_teacher and isinstance(source, TeacherConfig):
        # Members of an ensemble are seeded one after the other: keep the seeds' members apart.
        source = source.replace(seed=seed * source.members)
        stability = stability.replace(graph=stability.graph.replace(soft_labels=source))
        affinity = affinity.replace(stability=stability)
    return student.replace(seed=seed, regularizer=student.lir.replace(affinity=affinity))


def inferred_student(config: ExperimentConfig, seed: int) -> StudentConfig:
    """The student whose links come from the inferred graph: on its edges Delta-D is measured for every arm."""
    return _with_weights(reseeded(config.student, seed, config.vary_teacher), "graph", "graph", "")


def arms_of(config: ExperimentConfig) -> tuple[str, ...]:
    """The twin first, then the arms; where all are read anew, so is the twin, and `reading:anew` is no arm."""
    return (TWIN, *(arm for arm in config.arms if config.reading == "own" or arm != "reading:anew"))


def seeds_of(config: ExperimentConfig) -> range:
    """The paired seeds."""
    return range(config.first_seed, config.first_seed + config.seeds)


def cells(config: ExperimentConfig) -> list[EvaluationConfig]:
    """Every evaluation that the experiment needs, seed by seed, so that first results come early."""
    return [
        EvaluationConfig(model_of_arm(config, arm, seed), split=config.split)
        for seed in seeds_of(config)
        for arm in arms_of(config)
    ]
