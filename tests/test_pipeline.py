from __future__ import annotations

from collections.abc import Iterator

import pytest

from avexplore import pipeline
from avexplore.config import (
    BaselineConfig,
    ClipsConfig,
    Config,
    EvaluationConfig,
    ExperimentConfig,
    ExtractionConfig,
    FeatureFileConfig,
    OutputsConfig,
    PrefixConfig,
    ProjectionConfig,
    ReadingConfig,
    SoftLabelFileConfig,
    StudentConfig,
    SweepConfig,
    SyntheticConfig,
    TeacherConfig,
    VaryConfig,
)
from avexplore.config.presets import preset
from avexplore.experiments.arms import OFFERED
from avexplore.experiments.sweep import trial_cells

STUDENT = preset("tiny", SyntheticConfig(clips=60, classes=3))
LIR = STUDENT.regularizer
assert LIR is not None
TRUE = LIR.affinity.replace(source="true-graph")
CONFIGS: dict[str, Config] = {
    "synthetic": SyntheticConfig(),
    "features": FeatureFileConfig("f"),
    "extraction": ExtractionConfig("f"),
    "clips": ClipsConfig(SyntheticConfig()),
    "teacher": TeacherConfig(SyntheticConfig()),
    "soft_labels": SoftLabelFileConfig("f"),
    "graph": LIR.affinity.stability.graph,
    "stability": LIR.affinity.stability,
    "affinity": TRUE,
    "prefix": PrefixConfig(STUDENT.twin, 1),
    "student": STUDENT.replace(regularizer=LIR.replace(affinity=TRUE)),
    "outputs": OutputsConfig(STUDENT),
    "reading": ReadingConfig(STUDENT.twin, links=LIR),
    "baseline": BaselineConfig(SyntheticConfig()),
    "evaluation": EvaluationConfig(STUDENT),
    "projection": ProjectionConfig(STUDENT.twin, STUDENT),
    "experiment": ExperimentConfig(STUDENT, OFFERED, seeds=2),
    "sweep": SweepConfig(STUDENT, (VaryConfig("affinity.top_k", (1, 2)), VaryConfig("student.neighbors", (1,)))),
}


def made_from(config: Config) -> Iterator[Config]:
    """All that a result is made from, near and far."""
    needs = pipeline.needs(config)
    if isinstance(config, SweepConfig):  # its trials become known one after the other
        needs += tuple(trial_cells(config, (1, 1)))
    for need in needs:
        yield need
        yield from made_from(need)


def test_every_stage_has_an_example_here() -> None:
    ours = {kind.stage for kind in pipeline.STAGES if kind.__module__.startswith("avexplore.config")}
    assert ours == set(CONFIGS)
    assert all(config.stage == name for name, config in CONFIGS.items())


@pytest.mark.parametrize("name", CONFIGS)
def test_raising_the_version_of_whatever_a_result_is_made_from_makes_it_anew(name: str) -> None:
    config = CONFIGS[name]
    before = config.address
    for kind in {type(need) for need in made_from(config)} | {type(config)}:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(kind, "format_version", 99)
            assert config.replace().address != before, f"{name} is made from {kind.stage}"


@pytest.mark.parametrize("name", CONFIGS)
def test_what_trains_a_network_for_itself_or_upstream(name: str) -> None:
    never = {"synthetic", "features", "extraction", "clips", "soft_labels", "baseline"}
    assert pipeline.trains(CONFIGS[name]) == (name not in never)


def test_what_is_at_hand_is_not_trained_again() -> None:
    assert not pipeline.trains(EvaluationConfig(BaselineConfig(SyntheticConfig())))
    teachers = (TeacherConfig,)
    for name, trained in {
        "graph": False,
        "stability": False,
        "affinity": False,
        "student": True,
        "sweep": True,
    }.items():
        assert pipeline.trains(CONFIGS[name], lambda config: isinstance(config, teachers)) == trained, name
    students = (TeacherConfig, PrefixConfig, StudentConfig)
    for name in ("projection", "experiment"):
        assert pipeline.trains(CONFIGS[name])
        assert not pipeline.trains(CONFIGS[name], lambda config: isinstance(config, students))
