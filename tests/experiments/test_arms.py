from __future__ import annotations

import numpy as np
import pytest

from avexplore.artifacts import ExperimentReport, RetrievalReport
from avexplore.config import (
    AffinityConfig,
    BaselineConfig,
    ExperimentConfig,
    GraphConfig,
    RegularizerConfig,
    StabilityConfig,
    StudentConfig,
    SyntheticConfig,
    TeacherConfig,
)
from avexplore.errors import ConfigError
from avexplore.experiments import TWIN, arms_of, cells, compare_arms, gather, model_of_arm, summary


def experiment(**changes: object) -> ExperimentConfig:
    data = SyntheticConfig()
    graph = GraphConfig(TeacherConfig(data, members=3))
    student = StudentConfig(data, regularizer=RegularizerConfig(AffinityConfig(StabilityConfig(graph))))
    return ExperimentConfig(student, **changes)  # type: ignore[arg-type]


def test_all_arms_of_a_seed_share_the_twin_and_the_teacher() -> None:
    config = experiment(arms=("graph+I", "pull:random", "identity"), seeds=2)
    students = [model_of_arm(config, arm, seed=1) for arm in config.arms]
    assert {s.twin for s in students if isinstance(s, StudentConfig)} == {model_of_arm(config, TWIN, 1)}
    assert len({s.soft_labels for s in students if isinstance(s, StudentConfig)}) == 1
    assert len({s.address for s in students}) == 3


def test_arms_say_what_they_mean() -> None:
    config = experiment()
    student = model_of_arm(config, "pull:random+I", 4)
    assert isinstance(student, StudentConfig)
    assert student.regularizer is not None
    assert (student.regularizer.form, student.regularizer.affinity.source) == ("pull", "random")
    assert student.regularizer.affinity.same_class
    assert model_of_arm(config, "baseline:cca", 4) == BaselineConfig(config.student.data, "cca", seed=4)
    proxies = model_of_arm(config, "proxies:anchor_aware", 4)
    assert isinstance(proxies, StudentConfig)
    assert proxies.proxies == "anchor_aware"
    assert proxies.regularizer is None


def test_teachers_of_two_seeds_share_no_member() -> None:
    config = experiment()
    seeds = [model_of_arm(config, "graph", s).soft_labels.seed for s in range(3)]  # type: ignore[union-attr]
    assert seeds == [0, 3, 6]


@pytest.mark.parametrize("arm", ["nonsense", "push:graph", "graph+X", "baseline:pca", "loss:nonsense"])
def test_arms_that_do_not_exist_are_refused(arm: str) -> None:
    with pytest.raises(ConfigError):
        cells(experiment(arms=(arm,)))


def report(config: ExperimentConfig, rng: np.random.Generator, gains: dict[str, float]) -> ExperimentReport:
    found = []
    for seed in range(config.seeds):
        level = 0.4 + 0.1 * seed  # seeds differ far more than arms do: only pairing shows the arms
        for arm in arms_of(config):
            value = level + gains.get(arm, 0.0) + 0.001 * rng.standard_normal()
            empty = np.zeros(0)
            metrics = {"map": value, "hidden_pair_ap": value}
            found.append(RetrievalReport(metrics, empty, empty.astype(int), empty, empty, empty, empty.astype(int), ()))
    return gather(config, found)


def test_pairing_by_seed_shows_what_means_alone_would_hide() -> None:
    config = experiment(arms=("graph+I", "random+I"), seeds=8)
    table = report(config, np.random.default_rng(0), {"graph+I": 0.02})
    by_arm = {c.arm: c for c in compare_arms(table, "map")}
    assert by_arm["graph+I"].verdict == "gain"
    assert by_arm["graph+I"].difference == pytest.approx(0.02, abs=0.003)
    assert by_arm["graph+I"].p_value < 0.05
    assert by_arm["random+I"].verdict == "no difference shown"
    text = summary(table)
    assert "The inferred graph beats random+I" in text
    assert "random+I: no difference shown" in text


def test_a_graph_that_does_harm_is_called_so() -> None:
    config = experiment(arms=("graph+I", "identity"), seeds=6)
    table = report(config, np.random.default_rng(0), {"graph+I": -0.02})
    assert "graph+I: loss" in summary(table)
    assert "loses to identity" in summary(table)


def test_an_unknown_metric_is_refused() -> None:
    table = report(experiment(seeds=2), np.random.default_rng(0), {})
    with pytest.raises(ConfigError, match="nonsense"):
        compare_arms(table, "nonsense")
