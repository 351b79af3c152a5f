"""A stored network read with other settings: graph, links, share and temperature to embeddings and figures.

Nothing is trained and no features are needed. The steps are those of a student's training and evaluation, so that the
figures are those of `evaluate` on the same network with the same settings, to the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from avexplore import pipeline
from avexplore.artifacts import (
    Affinity,
    ClassGraph,
    Clips,
    Embeddings,
    FloatArray,
    GraphStability,
    IntArray,
    NetworkOutputs,
    RetrievalReport,
    SoftLabels,
)
from avexplore.config import ClipsConfig, EvaluationConfig, StudentConfig
from avexplore.errors import ConfigError, DataError
from avexplore.graph.affinity import build_affinity
from avexplore.retrieval import evaluate
from avexplore.workbench import Workbench

FIGURES = ("map", "any_label_map", "hidden_pair_ap")
"""The figures that settings are judged by; the last two only where hidden labels are known."""


@dataclass(frozen=True)
class OpenRun:
    """All of a stored run that reading it anew takes; rows of embeddings are its test clips.

    Attributes:
        student: The stored student with LIR.
        clips: All clips.
        soft_labels: The teacher's, of all clips.
        graph, stability: The stored class graph and its bootstraps.
        before, after: Embeddings of the test clips, of the twin and as stored.
        twin_report: Figures of the twin.
    """

    student: StudentConfig
    clips: Clips
    soft_labels: SoftLabels
    graph: ClassGraph
    stability: GraphStability
    before: Embeddings
    after: Embeddings
    twin_report: RetrievalReport

    @cached_property
    def rows(self) -> IntArray:
        """The test clips, as rows of `clips`."""
        return self.clips.rows("test")

    @cached_property
    def test_clips(self) -> Clips:
        """The test clips alone."""
        return clips_at(self.clips, self.rows)

    @cached_property
    def associations(self) -> tuple[FloatArray, FloatArray]:
        """`teacher_associations` of this run."""
        from avexplore.training import teacher_associations

        return teacher_associations(self.clips, self.soft_labels)


def open_run(bench: Workbench, student: StudentConfig) -> OpenRun:
    """Gather what a run has stored.

    Raises:
        ConfigError: If the student has no LIR.
        DataError: If something of the run is not stored, or it has no test clips.
    """
    if student.regularizer is None or student.stability is None:
        raise ConfigError("Only a student with LIR can be tuned", where="tune", fix="Choose another run")

    def stored(config: Any) -> Any:
        found = getattr(bench.ask(config, start=False), "artifact", None)
        if found is None:
            raise DataError(
                f"The {config.stage} of this run is not there", where="tune", fix="Train it again on the Training page"
            )
        return found

    clips: Clips = stored(ClipsConfig(student.data))
    rows = clips.rows("test")
    if not len(rows):
        raise DataError("The run has no test clips to rank", where="tune", fix="Choose another run")
    return OpenRun(
        student=student,
        clips=clips,
        soft_labels=pipeline.soft_labels(student.stability.graph.soft_labels, stored),
        graph=stored(student.stability.graph),
        stability=stored(student.stability),
        before=stored(student.twin).embeddings.at(rows),
        after=stored(student).embeddings.at(rows),
        twin_report=stored(EvaluationConfig(student.twin)),
    )


@dataclass(frozen=True)
class Reading:
    """What a setting does.

    Attributes:
        config: The run's student with the settings applied.
        affinity: What is linked, and how strongly.
        presence: m of `LinkedPosteriors`, the stronger of both modalities; zeros without links. Shape (C, C).
        embeddings: Of the test clips.
        report: Figures on the test clips.
        bootstraps: How many bootstraps the links come from; 0 for the graph's own edges.
    """

    config: StudentConfig
    affinity: Affinity
    presence: FloatArray
    embeddings: Embeddings
    report: RetrievalReport
    bootstraps: int


def read(run: OpenRun, config: StudentConfig, outputs: NetworkOutputs, stability: GraphStability) -> Reading:
    """Read a network with some settings.

    Args:
        run: The stored run.
        config: Its student with the settings applied.
        outputs: Of the test clips, by the network that `network_of` names.
        stability: Bootstraps of the settings' graph, all of them or as far as they have come.

    Returns:
        For the stored student itself, what is stored, to the bit: shipped embeddings are rounded and outputs are not.
    """
    from avexplore.training import linked_posteriors, read_outputs

    wanted = config.lir.affinity
    true = pipeline.true_weights(run.clips) if wanted.source in ("true-graph", "true-pairs") else None
    affinity = build_affinity(wanted, stability, soft_labels=run.soft_labels, true_weights=true)
    linked = linked_posteriors(run.clips, config, run.soft_labels, affinity, associations=run.associations)
    embeddings = run.after if config == run.student else read_outputs(outputs, config, linked)
    count = len(run.clips.classes)
    return Reading(
        config=config,
        affinity=affinity,
        presence=np.zeros((count, count)) if linked is None else linked.presence.max(axis=0).astype(np.float64),
        embeddings=embeddings,
        report=evaluate(embeddings, run.test_clips, "test"),
        bootstraps=stability.bootstraps,
    )


def comparable(stored: StudentConfig, working: StudentConfig) -> StudentConfig:
    """The settings with links on the teacher's scale, unless they are the stored ones or the links are the stored ones.

    `LinkedPosteriors` may scale by the strongest link of its own source, which makes a random graph's few links
    stronger than the same links are in the inferred graph. Beside each other, sources are on one scale.
    """
    before, after = stored.lir, working.lir
    if (before.affinity, before.linked) == (after.affinity, after.linked):
        return working
    return working.replace(regularizer=after.replace(link_scale="teacher"))


def differences(figures: RetrievalReport, other: RetrievalReport) -> dict[str, float]:
    """By how much figures exceed others, for those of `FIGURES` that both have."""
    ours, theirs = figures.metrics, other.metrics
    return {name: ours[name] - theirs[name] for name in FIGURES if name in ours and name in theirs}


def clips_at(clips: Clips, rows: IntArray) -> Clips:
    """Some of the clips, as clips of their own."""

    def some(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value[rows]
        return tuple(value[row] for row in rows) if value else value

    per_clip = ("hard_label", "split", "clip_ids", "true_labels", "true_audio", "true_visual", "media")
    return replace(clips, **{name: some(value) for name in per_clip if (value := getattr(clips, name)) is not None})
