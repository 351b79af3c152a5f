"""A run with everything that its folder and its page tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from avexplore.analysis.loaded_run import LoadedRun
from avexplore.artifacts import GraphStability, Projection, Report, RetrievalReport, silent
from avexplore.config import ClipsConfig, Config, EvaluationConfig, ProjectionConfig, StudentConfig
from avexplore.errors import ConfigError
from avexplore.graph.evidence.pair_probability import PairProbability, pair_probability
from avexplore.pipeline import soft_labels
from avexplore.retrieval.evaluation import completed
from avexplore.store import Provenance
from avexplore.workbench import Ready, Workbench


@dataclass(frozen=True)
class WholeRun:
    """Everything that a folder tells of a run."""

    name: str
    loaded: LoadedRun
    stability: GraphStability
    probability: PairProbability
    reports: tuple[RetrievalReport, RetrievalReport]
    projection: Projection
    origins: tuple[tuple[Config, Provenance], ...]


def whole_run(student: StudentConfig, bench: Workbench, report: Report = silent) -> WholeRun:
    """The run of a student; what is missing is made.

    Raises:
        AvexploreError: If the student has no LIR, or a result cannot be made.
    """

    def get(config: Config) -> Any:
        return bench.get(config, report)

    stability, regularizer = student.stability, student.regularizer
    if stability is None or regularizer is None:
        raise ConfigError("This student has no LIR, so there is no run to export", where="export")
    source = stability.graph.soft_labels
    labels = soft_labels(source, get)
    models: list[Config] = [student.twin, student]
    evaluations = [EvaluationConfig(student.twin), EvaluationConfig(student)]
    maps = ProjectionConfig(student.twin, student)
    loaded = LoadedRun(
        key=student.address[:12],
        student=student,
        clips=get(ClipsConfig(student.data)),
        soft_labels=labels,
        graph=get(stability.graph),
        affinity=get(regularizer.affinity),
        before=get(student.twin).embeddings,
        after=get(student).embeddings,
    )
    before = completed(get(evaluations[0]), loaded.before, loaded.clips, "test")
    after = completed(get(evaluations[1]), loaded.after, loaded.clips, "test")
    projection = get(maps)
    parts: list[Config] = [source, stability.graph, stability, regularizer.affinity, *models, *evaluations, maps]
    return WholeRun(
        name=bench.run_name(student),
        loaded=loaded,
        stability=get(stability),
        probability=pair_probability(labels),
        reports=(before, after),
        projection=projection,
        origins=origins(parts, bench),
    )


def origins(parts: Sequence[Config], bench: Workbench) -> tuple[tuple[Config, Provenance], ...]:
    """Where results come from, as far as it is known."""
    answers = [(part, bench.ask(part, start=False)) for part in parts]
    return tuple((p, a.provenance) for p, a in answers if isinstance(a, Ready) and a.provenance is not None)
