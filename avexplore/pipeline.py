"""The only place that knows the order of the stages: one `Stage` record for each kind of result.

A record says what a result is made from, how long that takes, whether a visitor can wait for it, and how it is made
once its needs are there. Nothing here reads or writes the store: `Context.get` hands over what is upstream, wherever it
comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from avexplore import experiments
from avexplore.artifacts import (
    Artifact,
    Clips,
    FloatArray,
    Reading,
    Report,
    SoftLabels,
    TrainedStudent,
    TrainedTeacher,
    silent,
)
from avexplore.config import (
    AffinityConfig,
    BaselineConfig,
    ClipsConfig,
    Config,
    DataConfig,
    EvaluationConfig,
    ExperimentConfig,
    ExtractionConfig,
    FeatureFileConfig,
    GraphConfig,
    OutputsConfig,
    PrefixConfig,
    ProjectionConfig,
    ReadingConfig,
    SoftLabelFileConfig,
    SoftLabelSource,
    StabilityConfig,
    StudentConfig,
    SweepConfig,
    SyntheticConfig,
    TeacherConfig,
    upstream,
)
from avexplore.errors import ConfigError, GraphError
from avexplore.experiments import measures
from avexplore.graph.truth import training_co_occurrence


@dataclass(frozen=True)
class Context:
    """What a computation may use beside its config; nothing of it changes the result (on one kind of device).

    Attributes:
        get: Hands over an upstream result.
        report: Told of the progress.
        device: "cpu", "cuda", ...; None lets the training choose.
        state_file: Where a training keeps its state, so that a killed one goes on from there.
        batches_file: Where resampled searches are kept, by what they have in common; None keeps none.
        prefixes: Stored beginnings of a student without LIR, the longest first.
    """

    get: Callable[[Config], Any]
    report: Report = silent
    device: str | None = None
    state_file: Path | None = None
    batches_file: Callable[[Config], Path | None] = field(default=lambda config: None)
    prefixes: Callable[[StudentConfig], Iterable[PrefixConfig]] = field(default=lambda student: ())


class Track(Protocol):
    """Told of every measured epoch of every training: all that a tracker of experiments has to offer.

    >>> def track(config: Config, epoch: int, figures: Mapping[str, float]) -> None:
    ...     print(config.stage, config.address[:12], epoch, figures["loss"])
    """

    def __call__(self, config: Config, epoch: int, figures: Mapping[str, float]) -> None:
        """`epoch` counts from 1; `figures` as in `History.columns`. A student's first epochs are its prefix's."""


def tracked(track: Track | None, config: Config, report: Report) -> Report:
    """The report of a stage; of a training, with a tracker that hears of its epochs, too."""
    if track is None or not stage_of(config).is_network:
        return report

    def told(fraction: float, message: str = "", **figures: float) -> None:
        if "epoch" in figures:
            track(config, int(figures["epoch"]), {n: float(value) for n, value in figures.items() if n != "epoch"})
        report(fraction, message, **figures)

    return told


@dataclass(frozen=True)
class Stage:
    """All that is known of one kind of result.

    Attributes:
        compute: Makes a result from its config and its upstream results.
        needs: What a result is made from directly, in the order in which it is needed.
        cost: Rough work in seconds of one core, for shares of a progress bar and estimates.
        is_quick: Whether a face may compute it while a visitor waits, given its upstream results: about a second at
            most. Takes the config and the number of class nodes, None where unknown.
        is_stored: False for features: they are large, and their files or parameters already identify them.
        is_network: Whether it is a trained network: what that is made on, an accelerator or so many threads of a
            processor, shows in its last digits.
        may_train: Whether making it may train networks that `needs` does not name.
    """

    compute: Callable[[Any, Context], Artifact]
    needs: Callable[[Any], tuple[Config, ...]] = lambda config: ()
    cost: Callable[[Any], float] = lambda config: 1.0
    is_quick: Callable[[Any, int | None], bool] = lambda config, nodes: False
    is_stored: bool = True
    is_network: bool = False
    may_train: bool = False


STAGES: dict[type[Config], Stage] = {}
"""Filled in below, from the data to the experiments."""


def stage_of(config: Config) -> Stage:
    """The record of a config's stage.

    Raises:
        ConfigError: If the config is only a part of others.
    """
    if type(config) not in STAGES:
        raise ConfigError(f"{config.stage or type(config).__name__} is a part of other configs, not a stage of its own")
    return STAGES[type(config)]


def needs(config: Config) -> tuple[Config, ...]:
    """What a result is made from directly, in the order in which it is needed.

    >>> [need.stage for need in needs(ClipsConfig(SyntheticConfig()))]
    ['synthetic']
    """
    return stage_of(config).needs(config)


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
    stage = stage_of(config)
    return stage.is_network or stage.may_train or any(trains(need, there) for need in stage.needs(config))


def is_quick(config: Config, nodes: int | None = None) -> bool:
    """Whether a face may compute this while a visitor waits: see `Stage.is_quick`."""
    return stage_of(config).is_quick(config, nodes)


def data_of(config: Config) -> DataConfig | None:
    """The data that a result is about; None where only soft labels are known.

    >>> data_of(TeacherConfig(SyntheticConfig(seed=3))).seed
    3
    """
    return next((c for c in upstream(config) if isinstance(c, (SyntheticConfig, FeatureFileConfig))), None)


def _at_once(config: Config, nodes: int | None) -> bool:
    return True


def _its_data(config: ClipsConfig | TeacherConfig | BaselineConfig) -> tuple[Config, ...]:
    return (config.data,)


# --- data ---------------------------------------------------------------------------------------------------------

LARGEST_INLINE = 100_000
"""Synthetic clips that a face makes in its own process: with them go a second and half a gigabyte."""


def _features(config: DataConfig, context: Context) -> Artifact:
    from avexplore.data import load_features

    return load_features(config, context.report)


def _clips(config: ClipsConfig, context: Context) -> Artifact:
    clips: Artifact = context.get(config.data).clips()
    return clips


def _clips_are_quick(config: ClipsConfig, nodes: int | None) -> bool:
    return not (isinstance(config.data, SyntheticConfig) and config.data.clips > LARGEST_INLINE)


def _extraction(config: ExtractionConfig, context: Context) -> Artifact:
    from avexplore.data.media.extraction import run_extraction

    return run_extraction(config, context.report, device=context.device)


STAGES[ExtractionConfig] = Stage(_extraction)
STAGES[SyntheticConfig] = STAGES[FeatureFileConfig] = Stage(_features, is_quick=_at_once, is_stored=False)
STAGES[ClipsConfig] = Stage(_clips, _its_data, is_quick=_clips_are_quick)


# --- soft labels --------------------------------------------------------------------------------------------------


def soft_labels(source: SoftLabelSource, get: Callable[[Config], Any]) -> SoftLabels:
    """Soft labels of a teacher, ours or somebody else's."""
    found: TrainedTeacher | SoftLabels = get(source)
    return found.soft_labels if isinstance(found, TrainedTeacher) else found


def _teacher(config: TeacherConfig, context: Context) -> Artifact:
    from avexplore.training import train_teacher

    features = context.get(config.data)
    return train_teacher(features, config, context.report, device=context.device, state_file=context.state_file)


def _soft_label_file(config: SoftLabelFileConfig, context: Context) -> Artifact:
    from avexplore.data import load_soft_labels

    return load_soft_labels(config)


STAGES[TeacherConfig] = Stage(
    _teacher, _its_data, cost=lambda config: 0.3 * config.epochs * config.members, is_network=True
)
STAGES[SoftLabelFileConfig] = Stage(_soft_label_file, is_quick=_at_once)


# --- class graph --------------------------------------------------------------------------------------------------


def _graph(config: GraphConfig, context: Context) -> Artifact:
    from avexplore.graph.learn import learn_class_graph

    return learn_class_graph(soft_labels(config.soft_labels, context.get), config, context.report)


def _graph_is_quick(config: GraphConfig, nodes: int | None) -> bool:
    from avexplore.graph.search.engines import is_quick

    return is_quick(config, nodes or 0)


def _stability(config: StabilityConfig, context: Context) -> Artifact:
    from avexplore.graph.stability.stability import measure_stability

    # One file for all numbers of bootstraps: more of them add to those that are there.
    kept = context.batches_file(StabilityConfig(config.graph, strategy=config.strategy, seed=config.seed))
    return measure_stability(soft_labels(config.graph.soft_labels, context.get), config, context.report, kept=kept)


def _searches(config: StabilityConfig) -> int:
    return config.bootstraps + (config.null_bootstraps if config.null != "none" else 0)


def _stability_is_quick(config: StabilityConfig, nodes: int | None) -> bool:
    return _graph_is_quick(config.graph, nodes) and _searches(config) <= 10 and (nodes or 0) <= 40


def _affinity_needs(config: AffinityConfig) -> tuple[Config, ...]:
    clips = _true_clips(config)
    labels = (config.stability.graph.soft_labels,) if config.source == "conditional-means" else ()
    return (config.stability, *labels, *((clips,) if clips else ()))


def _true_clips(config: AffinityConfig) -> ClipsConfig | None:
    """The clips whose true labels give the weights, for the sources that are made from them."""
    source = config.stability.graph.soft_labels
    is_true = config.source in ("true-graph", "true-pairs")
    return ClipsConfig(source.data) if is_true and isinstance(source, TeacherConfig) else None


def true_weights(clips: Clips | None) -> FloatArray:
    """How often classes truly meet in training clips, for the sources of links that are ceilings. Shape (2C, 2C).

    Raises:
        GraphError: If not all true labels are known.
    """
    if clips is None or clips.true_labels is None:
        raise GraphError(
            "The true class graph and true pairs need all true labels, which are not known for this data",
            where="affinity.source",
            fix="Choose another source, or data with hidden labels",
        )
    return training_co_occurrence(clips)


def _affinity(config: AffinityConfig, context: Context) -> Artifact:
    from avexplore.graph.affinity import build_affinity

    weights = None
    if config.source in ("true-graph", "true-pairs"):
        clips_config = _true_clips(config)
        weights = true_weights(context.get(clips_config) if clips_config else None)
    source = config.stability.graph.soft_labels
    labels = soft_labels(source, context.get) if config.source == "conditional-means" else None
    return build_affinity(config, context.get(config.stability), soft_labels=labels, true_weights=weights)


STAGES[GraphConfig] = Stage(_graph, lambda config: (config.soft_labels,), is_quick=_graph_is_quick)
STAGES[StabilityConfig] = Stage(
    _stability,
    lambda config: (config.graph.soft_labels,),
    cost=lambda config: 0.1 * _searches(config),
    is_quick=_stability_is_quick,
)
STAGES[AffinityConfig] = Stage(_affinity, _affinity_needs, is_quick=_at_once)


# --- student ------------------------------------------------------------------------------------------------------


def shared_prefix(student: StudentConfig) -> PrefixConfig | None:
    """The beginning that a student with LIR has in common with its twin; None if LIR acts from the start."""
    regularizer = student.regularizer
    if regularizer is None or regularizer.start_epoch == 0:
        return None
    return PrefixConfig(student.twin, regularizer.start_epoch)


def _prefix(config: PrefixConfig, context: Context) -> Artifact:
    from avexplore.training import train_prefix

    features = context.get(config.student.data)
    return train_prefix(features, config, context.report, device=context.device, state_file=context.state_file)


def _student_needs(config: StudentConfig) -> tuple[Config, ...]:
    regularizer = config.regularizer
    if regularizer is None:
        return (config.data,)
    prefix = shared_prefix(config)
    affinity = regularizer.affinity
    return (config.data, affinity.stability.graph.soft_labels, affinity, *([prefix] if prefix else []))


def _student_cost(config: StudentConfig) -> float:
    shared = config.regularizer.start_epoch if config.regularizer is not None else 0
    return 0.5 * (config.epochs - shared)


def _student(config: StudentConfig, context: Context) -> Artifact:
    from avexplore.training import train_student

    regularizer = config.regularizer
    prefix: Any = None
    labels = affinity = None
    if regularizer is not None:
        labels = soft_labels(regularizer.affinity.stability.graph.soft_labels, context.get)
        affinity = context.get(regularizer.affinity)
        if shared := shared_prefix(config):
            prefix = context.get(shared)
    else:
        # The same training, begun by somebody else: going on from there gives the same end.
        prefix = next((context.get(known) for known in context.prefixes(config)), None)
    return train_student(
        context.get(config.data),
        config,
        context.report,
        soft_labels=labels,
        affinity=affinity,
        prefix=prefix,
        device=context.device,
        state_file=context.state_file,
    )


def _outputs(config: OutputsConfig, context: Context) -> Artifact:
    from avexplore.training import network_outputs

    student, data = context.get(config.model), config.model.data
    # Students of avexplore 0.1 did not keep them: those take the features.
    outputs = student.outputs or network_outputs(context.get(data), config.model, student.weights)
    return outputs.at(context.get(ClipsConfig(data)).rows(config.split))


def _baseline(config: BaselineConfig, context: Context) -> Artifact:
    from avexplore.training import baseline_embeddings

    return baseline_embeddings(context.get(config.data), config, context.report)


def _reading_needs(config: ReadingConfig) -> tuple[Config, ...]:
    needed = (config.student, OutputsConfig(config.student, "all"), ClipsConfig(config.data))
    if config.links is None:
        return needed
    affinity = config.links.affinity
    return (*needed, affinity.stability.graph.soft_labels, affinity)


def _reading(config: ReadingConfig, context: Context) -> Artifact:
    from avexplore.training import linked_posteriors, read_student

    clips, outputs = (context.get(c) for c in (ClipsConfig(config.data), OutputsConfig(config.student, "all")))
    links = None
    if config.links is not None:
        affinity = config.links.affinity
        labels = soft_labels(affinity.stability.graph.soft_labels, context.get)
        links = linked_posteriors(
            clips, config.student.replace(regularizer=config.links), labels, context.get(affinity)
        )
    return read_student(clips, outputs, config, context.get(config.student).weights, links)


STAGES[PrefixConfig] = Stage(
    _prefix, lambda config: (config.student.data,), cost=lambda config: 0.5 * config.epochs, is_network=True
)
STAGES[StudentConfig] = Stage(_student, _student_needs, cost=_student_cost, is_network=True)
STAGES[OutputsConfig] = Stage(
    _outputs, lambda config: (config.model, ClipsConfig(config.model.data)), is_quick=_at_once
)
STAGES[BaselineConfig] = Stage(_baseline, _its_data, is_quick=_at_once)
STAGES[ReadingConfig] = Stage(_reading, _reading_needs)


# --- views --------------------------------------------------------------------------------------------------------


def _evaluation(config: EvaluationConfig, context: Context) -> Artifact:
    from avexplore.retrieval import evaluate

    model = context.get(config.model)
    embeddings = model.embeddings if isinstance(model, TrainedStudent | Reading) else model
    return evaluate(embeddings, context.get(ClipsConfig(config.model.data)), config.split)


def _projection(config: ProjectionConfig, context: Context) -> Artifact:
    from avexplore.projection import project

    clips = context.get(ClipsConfig(config.before.data))
    before, after = context.get(config.before), context.get(config.after)
    return project(before.embeddings, after.embeddings, clips.rows(config.split), config, context.report)


STAGES[EvaluationConfig] = Stage(
    _evaluation, lambda config: (config.model, ClipsConfig(config.model.data)), is_quick=_at_once
)
STAGES[ProjectionConfig] = Stage(
    _projection,
    lambda config: (config.before, config.after, ClipsConfig(config.before.data)),
    cost=lambda config: 15.0,
)


# --- experiments --------------------------------------------------------------------------------------------------


def _experiment(config: ExperimentConfig, context: Context) -> Artifact:
    cells = experiments.cells(config)
    reports = [context.get(cell) for cell in cells]
    return experiments.gather(config, reports, [_beside_ranking(config, cell, context) for cell in cells])


def _beside_ranking(config: ExperimentConfig, cell: EvaluationConfig, context: Context) -> dict[str, float]:
    """Delta-D and the quality of the links of one arm and seed, where it has them."""
    model = cell.model
    student = model.student if isinstance(model, ReadingConfig) else model
    if not isinstance(student, StudentConfig):
        return {}
    inferred = experiments.inferred_student(config, student.seed)
    twin = experiments.model_of_arm(config, experiments.TWIN, student.seed)
    if model == twin:
        return {"delta_d": 0.0}
    clips = context.get(ClipsConfig(student.data))
    figures = {}
    if student.twin == inferred.twin:  # another loss, or proxies, would change distances on its own account
        affinity = inferred.lir.affinity
        labels = soft_labels(affinity.stability.graph.soft_labels, context.get)
        before, after = (context.get(one).embeddings for one in (twin, model))
        figures["delta_d"] = measures.delta_d(before, after, labels, clips, context.get(affinity), config.split)
    if (lir := student.regularizer) and lir.affinity.source not in ("constant", "true-pairs", "identity"):
        figures |= measures.link_quality(context.get(lir.affinity).weights, clips)
    return figures


def _sweep(config: SweepConfig, context: Context) -> Artifact:
    def measure(cells: list[EvaluationConfig], report: Report) -> list[Any]:
        found = []
        for i, cell in enumerate(cells):
            found.append(context.get(cell))
            report((i + 1) / len(cells))
        return found

    return experiments.run_sweep(config, measure, context.report)


STAGES[ExperimentConfig] = Stage(_experiment, lambda config: tuple(experiments.cells(config)))
# The trials of a sweep follow from each other's figures: which students it trains becomes known on the way.
STAGES[SweepConfig] = Stage(_sweep, lambda config: (ClipsConfig(config.student.data),), may_train=True)
