"""The only place that knows the order of the stages.

`needs` says what a result is made from, `compute` makes it once its needs are there. Nothing here reads or writes
the store: `get` hands over what is upstream, wherever it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import singledispatch
from pathlib import Path
from typing import Any

from avexplore import experiments
from avexplore.artifacts import Artifact, Report, SoftLabels, TrainedStudent, TrainedTeacher, silent
from avexplore.config import (
    AffinityConfig,
    BaselineConfig,
    ClipsConfig,
    Config,
    EvaluationConfig,
    ExperimentConfig,
    FeatureFileConfig,
    GraphConfig,
    PrefixConfig,
    ProjectionConfig,
    SoftLabelFileConfig,
    SoftLabelSource,
    StabilityConfig,
    StudentConfig,
    SweepConfig,
    SyntheticConfig,
    TeacherConfig,
    walk,
)
from avexplore.errors import ConfigError, GraphError

NOT_STORED = (SyntheticConfig, FeatureFileConfig)
"""Features are read or generated again: they are large, and their files or parameters already identify them."""
TRAINED: tuple[type[Config], ...] = (TeacherConfig, PrefixConfig, StudentConfig)
"""Networks: what they are made on, an accelerator or so many threads of a processor, shows in their last digits."""


@dataclass(frozen=True)
class Surroundings:
    """What a computation may use beside its config; nothing of it changes the result (on one kind of device).

    Attributes:
        get: Hands over an upstream result.
        report: Told of the progress.
        device: "cpu", "cuda", ...; None lets the training choose.
        state_file: Where a training keeps its state, so that a killed one goes on from there.
        prefixes: Stored beginnings of a student without LIR, the longest first.
    """

    get: Callable[[Config], Any]
    report: Report = silent
    device: str | None = None
    state_file: Path | None = None
    prefixes: Callable[[StudentConfig], Iterable[PrefixConfig]] = field(default=lambda student: ())


def needs(config: Config) -> tuple[Config, ...]:
    """What a result is made from directly, in the order in which it is needed.

    >>> [need.stage for need in needs(ClipsConfig(SyntheticConfig()))]
    ['synthetic']
    """
    match config:
        case ClipsConfig() | TeacherConfig() | BaselineConfig():
            return (config.data,)
        case GraphConfig():
            return (config.soft_labels,)
        case StabilityConfig():
            return (config.graph.soft_labels,)
        case AffinityConfig():
            clips = _clips_of(config) if config.source in ("true-graph", "true-pairs") else None
            return (config.stability, clips) if clips else (config.stability,)
        case PrefixConfig():
            return (config.student.data,)
        case StudentConfig(regularizer=None):
            return (config.data,)
        case StudentConfig(regularizer=regularizer) if regularizer is not None:
            affinity = regularizer.affinity
            prefix = shared_prefix(config)
            return (config.data, affinity.stability.graph.soft_labels, affinity, *([prefix] if prefix else []))
        case EvaluationConfig():
            return (config.model, ClipsConfig(config.model.data))
        case ProjectionConfig():
            return (config.before, config.after, ClipsConfig(config.before.data))
        case ExperimentConfig():
            return tuple(experiments.cells(config))
        case SweepConfig():
            # Its trials follow from each other's figures: `compute` asks for them one batch after the other.
            return (ClipsConfig(config.student.data),)
        case _:
            return ()


def trains(config: Config, there: Callable[[Config], bool] = lambda config: False) -> bool:
    """Whether making a result may train a network, for itself or for something upstream.

    Args:
        config: What is asked for.
        there: Whether a result is at hand; it and what is upstream of it is not made again.

    >>> trains(GraphConfig(TeacherConfig(SyntheticConfig()))), trains(GraphConfig(SoftLabelFileConfig("f")))
    (True, False)
    """
    if there(config):
        return False
    # Which students a sweep trains becomes known on the way.
    return isinstance(config, (*TRAINED, SweepConfig)) or any(trains(need, there) for need in needs(config))


def shared_prefix(student: StudentConfig) -> PrefixConfig | None:
    """The beginning that a student with LIR has in common with its twin; None if LIR acts from the start."""
    regularizer = student.regularizer
    if regularizer is None or regularizer.start_epoch == 0:
        return None
    return PrefixConfig(student.twin, regularizer.start_epoch)


def _clips_of(config: AffinityConfig) -> ClipsConfig | None:
    source = config.stability.graph.soft_labels
    return ClipsConfig(source.data) if isinstance(source, TeacherConfig) else None


def cost(config: Config) -> float:
    """Rough work of one stage in seconds of one core, for shares of a progress bar and for nothing else."""
    match config:
        case TeacherConfig():
            return 0.3 * config.epochs * config.members
        case StudentConfig() | PrefixConfig():
            epochs = config.epochs
            if isinstance(config, StudentConfig) and config.regularizer is not None:
                epochs -= config.regularizer.start_epoch
            return 0.5 * epochs
        case StabilityConfig():
            return 0.1 * (config.bootstraps + (config.null_bootstraps if config.null != "none" else 0))
        case ProjectionConfig():
            return 15.0
        case _:
            return 1.0


LARGEST_INLINE = 100_000
"""Synthetic clips that a face makes in its own process: with them go a second and half a gigabyte."""


def is_quick(config: Config, nodes: int | None = None) -> bool:
    """Whether a face may compute this while a visitor waits, given its upstream results: about a second at most.

    Args:
        config: What is asked for.
        nodes: Number of class nodes, where known.
    """
    match config:
        case ClipsConfig(SyntheticConfig(clips=clips)) if clips > LARGEST_INLINE:
            return False
        case ClipsConfig() | SoftLabelFileConfig() | AffinityConfig() | BaselineConfig() | EvaluationConfig():
            return True
        case SyntheticConfig() | FeatureFileConfig():
            return True
        case GraphConfig():
            small = (nodes or 0) <= 80
            kicks = config.iterations if config.strategy == "iterated" else 1
            return (
                small
                and config.strategy != "restarts"
                and kicks <= 1000
                and "causal" not in config.engine
                and config.score != "kernel"
            )
        case StabilityConfig():
            searches = config.bootstraps + (config.null_bootstraps if config.null != "none" else 0)
            return is_quick(config.graph, nodes) and searches <= 10 and (nodes or 0) <= 40
        case _:
            return False


@singledispatch
def compute(config: Config, use: Surroundings) -> Artifact:
    """Make the result of a config from its upstream results.

    Raises:
        AvexploreError: If the data or the parameters do not allow it.
        Cancelled: If `use.report` says so.
    """
    raise ConfigError(f"{config.stage or type(config).__name__} is a part of other configs, not a stage of its own")


@compute.register
def _(config: SyntheticConfig, use: Surroundings) -> Artifact:
    from avexplore.data import load_features

    return load_features(config, use.report)


@compute.register
def _(config: FeatureFileConfig, use: Surroundings) -> Artifact:
    from avexplore.data import load_features

    return load_features(config, use.report)


@compute.register
def _(config: ClipsConfig, use: Surroundings) -> Artifact:
    clips: Artifact = use.get(config.data).clips()
    return clips


@compute.register
def _(config: TeacherConfig, use: Surroundings) -> Artifact:
    from avexplore.training import train_teacher

    features = use.get(config.data)
    return train_teacher(features, config, use.report, device=use.device, state_file=use.state_file)


@compute.register
def _(config: SoftLabelFileConfig, use: Surroundings) -> Artifact:
    from avexplore.data import load_soft_labels

    return load_soft_labels(config)


def soft_labels(source: SoftLabelSource, get: Callable[[Config], Any]) -> SoftLabels:
    """Soft labels of a teacher, ours or somebody else's."""
    found: TrainedTeacher | SoftLabels = get(source)
    return found.soft_labels if isinstance(found, TrainedTeacher) else found


@compute.register
def _(config: GraphConfig, use: Surroundings) -> Artifact:
    from avexplore.graph.learn import learn_class_graph

    return learn_class_graph(soft_labels(config.soft_labels, use.get), config, use.report)


@compute.register
def _(config: StabilityConfig, use: Surroundings) -> Artifact:
    from avexplore.graph.stability import measure_stability

    return measure_stability(soft_labels(config.graph.soft_labels, use.get), config, use.report)


@compute.register
def _(config: AffinityConfig, use: Surroundings) -> Artifact:
    from avexplore.graph.affinity import build_affinity

    weights = None
    if config.source in ("true-graph", "true-pairs"):
        from avexplore.graph.truth import true_co_occurrence

        clips_config = _clips_of(config)
        clips = use.get(clips_config) if clips_config else None
        if clips is None or clips.true_labels is None:
            raise GraphError(
                f"{config.source} weights need all true labels, which are not known for this data",
                where="affinity.source",
                fix="Choose another source, or data with hidden labels",
            )
        rows = clips.rows("train")
        by_ear, by_eye = (None if labels is None else labels[rows] for labels in (clips.true_audio, clips.true_visual))
        weights = true_co_occurrence(clips.true_labels[rows], true_audio=by_ear, true_visual=by_eye)
    return build_affinity(config, use.get(config.stability), true_weights=weights)


@compute.register
def _(config: PrefixConfig, use: Surroundings) -> Artifact:
    from avexplore.training import train_prefix

    features = use.get(config.student.data)
    return train_prefix(features, config, use.report, device=use.device, state_file=use.state_file)


@compute.register
def _(config: StudentConfig, use: Surroundings) -> Artifact:
    from avexplore.training import train_student

    regularizer = config.regularizer
    prefix: Any = None
    labels = affinity = None
    if regularizer is not None:
        labels = soft_labels(regularizer.affinity.stability.graph.soft_labels, use.get)
        affinity = use.get(regularizer.affinity)
        if shared := shared_prefix(config):
            prefix = use.get(shared)
    else:
        # The same training, begun by somebody else: going on from there gives the same end.
        prefix = next((use.get(known) for known in use.prefixes(config)), None)
    return train_student(
        use.get(config.data),
        config,
        use.report,
        soft_labels=labels,
        affinity=affinity,
        prefix=prefix,
        device=use.device,
        state_file=use.state_file,
    )


@compute.register
def _(config: BaselineConfig, use: Surroundings) -> Artifact:
    from avexplore.training import baseline_embeddings

    return baseline_embeddings(use.get(config.data), config, use.report)


@compute.register
def _(config: EvaluationConfig, use: Surroundings) -> Artifact:
    from avexplore.retrieval import evaluate

    model = use.get(config.model)
    embeddings = model.embeddings if isinstance(model, TrainedStudent) else model
    return evaluate(embeddings, use.get(ClipsConfig(config.model.data)), config.split)


@compute.register
def _(config: ProjectionConfig, use: Surroundings) -> Artifact:
    from avexplore.projection import project

    clips = use.get(ClipsConfig(config.before.data))
    before, after = use.get(config.before), use.get(config.after)
    return project(before.embeddings, after.embeddings, clips.rows(config.split), config, use.report)


@compute.register
def _(config: ExperimentConfig, use: Surroundings) -> Artifact:
    cells = experiments.cells(config)
    reports = [use.get(cell) for cell in cells]
    return experiments.gather(config, reports, [_beside_ranking(config, cell, use) for cell in cells])


def _beside_ranking(config: ExperimentConfig, cell: EvaluationConfig, use: Surroundings) -> dict[str, float]:
    """Delta-D and the quality of the links of one arm and seed, where it has them."""
    from avexplore.experiments import measures

    model = cell.model
    if not isinstance(model, StudentConfig):
        return {}
    if model.regularizer is None:
        same = model == experiments.inferred_student(config, model.seed).twin
        return {"delta_d": 0.0} if same else {}
    clips = use.get(ClipsConfig(model.data))
    inferred = experiments.inferred_student(config, model.seed)
    assert inferred.regularizer is not None
    labels = soft_labels(inferred.regularizer.affinity.stability.graph.soft_labels, use.get)
    figures = {}
    if model.twin == inferred.twin:  # another loss, or proxies, would change distances on its own account
        twin, student = (use.get(one).embeddings for one in (inferred.twin, model))
        edges = use.get(inferred.regularizer.affinity)
        figures["delta_d"] = measures.delta_d(twin, student, labels, clips, edges, config.split)
    if model.regularizer.affinity.source not in ("constant", "true-pairs", "identity"):
        figures |= measures.link_quality(use.get(model.regularizer.affinity).weights, clips)
    return figures


@compute.register
def _(config: SweepConfig, use: Surroundings) -> Artifact:
    def measure(cells: list[EvaluationConfig], report: Report) -> list[Any]:
        found = []
        for i, cell in enumerate(cells):
            found.append(use.get(cell))
            report((i + 1) / len(cells))
        return found

    return experiments.run_sweep(config, measure, use.report)


def data_of(config: Config) -> Config | None:
    """The data that a result is about; None where only soft labels are known.

    >>> data_of(TeacherConfig(SyntheticConfig(seed=3))).seed
    3
    """
    return next((c for c in walk(config) if isinstance(c, NOT_STORED)), None)
