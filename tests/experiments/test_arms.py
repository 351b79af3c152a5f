from __future__ import annotations

import pytest

from avexplore.config import (
    AffinityConfig,
    BaselineConfig,
    ExperimentConfig,
    GraphConfig,
    ReadingConfig,
    RegularizerConfig,
    StabilityConfig,
    StudentConfig,
    SyntheticConfig,
    TeacherConfig,
)
from avexplore.errors import ConfigError
from avexplore.experiments import OFFERED, TWIN, arms_of, cells, model_of_arm
from avexplore.experiments.arms import reseeded


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


def test_what_draws_nothing_has_one_address_for_all_seeds_of_its_weights() -> None:
    config = experiment()
    for arm, seeds in (("graph+I", {0}), ("correlation", {0}), ("random", {0, 1, 2})):
        models = [model_of_arm(config, arm, seed) for seed in range(3)]
        assert {m.regularizer.affinity.seed for m in models} == seeds  # type: ignore[union-attr]
    # so that what a sweep or a report trained is not trained again
    assert model_of_arm(config, "graph+I", 2) == reseeded(config.student, 2, vary_teacher=True)


def test_fresh_seeds_are_other_students() -> None:
    old, fresh = experiment(seeds=3), experiment(seeds=3, first_seed=3)
    assert not {cell.address for cell in cells(old)} & {cell.address for cell in cells(fresh)}
    assert {cell.model.seed for cell in cells(fresh)} == {3, 4, 5}


def test_arms_say_what_they_mean() -> None:
    config = experiment()
    student = model_of_arm(config, "pull:random+I", 4)
    assert isinstance(student, StudentConfig)
    assert student.regularizer is not None
    assert (student.regularizer.form, student.regularizer.affinity.source) == ("pull", "random")
    assert student.regularizer.affinity.same_class
    assert model_of_arm(config, "baseline:cca", 4) == BaselineConfig(config.student.data, "cca", seed=4)
    proxies = model_of_arm(config, "proxies:aadml", 4)
    assert isinstance(proxies, StudentConfig)
    assert proxies.proxies == "aadml"
    assert proxies.regularizer is None


def test_every_pair_is_linked_in_the_embedding_and_none_in_training() -> None:
    config = experiment()
    arm, identity = (model_of_arm(config, name, 4) for name in ("every-pair", "identity"))
    assert isinstance(arm, StudentConfig)
    assert isinstance(identity, StudentConfig)
    assert arm.regularizer is not None
    assert identity.regularizer is not None
    assert arm.regularizer == identity.regularizer.replace(linked="every-pair")
    pulled = model_of_arm(config, "pull:every-pair", 4)
    assert isinstance(pulled, StudentConfig)
    assert pulled.regularizer == arm.regularizer.replace(form="pull")


def test_teachers_of_two_seeds_share_no_member() -> None:
    config = experiment()
    seeds = [model_of_arm(config, "graph", s).soft_labels.seed for s in range(3)]  # type: ignore[union-attr]
    assert seeds == [0, 3, 6]


def test_reading_trains_nothing() -> None:
    config = experiment()
    twin = model_of_arm(config, TWIN, 4)
    anew, links = (model_of_arm(config, f"reading:{choice}", 4) for choice in ("anew", "links"))
    assert isinstance(anew, ReadingConfig)
    assert isinstance(links, ReadingConfig)
    assert anew.student == links.student == twin
    assert (anew.choose, anew.links) == (True, None)
    inferred = model_of_arm(config, "graph", 4)
    assert isinstance(inferred, StudentConfig)
    assert (links.choose, links.links) == (False, inferred.regularizer)


def test_every_arm_is_read_anew_where_that_is_asked_for() -> None:
    plain, fair = experiment(), experiment(reading="chosen")
    for arm in (TWIN, "graph+I", "method:paper"):
        assert model_of_arm(fair, arm, 1) == ReadingConfig(model_of_arm(plain, arm, 1))  # type: ignore[arg-type]
    assert model_of_arm(fair, "baseline:cca", 1) == model_of_arm(plain, "baseline:cca", 1)
    assert experiment(reading="own").address == plain.address != fair.address


def test_the_twin_stands_for_itself_read_anew() -> None:
    arms = ("graph+I", "reading:anew", "reading:links")
    assert arms_of(experiment(arms=arms)) == (TWIN, *arms)
    assert arms_of(experiment(arms=arms, reading="chosen")) == (TWIN, "graph+I", "reading:links")
    with pytest.raises(ConfigError):
        experiment(arms=("reading:anew",), reading="chosen")


@pytest.mark.parametrize(
    "arm", ["nonsense", "reading:nonsense", "push:graph", "graph+X", "baseline:pca", "loss:nonsense"]
)
def test_arms_that_do_not_exist_are_refused(arm: str) -> None:
    with pytest.raises(ConfigError):
        cells(experiment(arms=(arm,)))


def test_proxies_and_lir_are_arms_together_and_apart() -> None:
    config = experiment()
    alone, both = (model_of_arm(config, f"proxies:aadml{more}", 2) for more in ("", "+graph+I"))
    assert isinstance(alone, StudentConfig)
    assert isinstance(both, StudentConfig)
    assert both.twin == alone
    assert both.regularizer is not None
    assert both.regularizer.affinity.source == "graph"
    assert both.regularizer.affinity.same_class


def test_every_offered_arm_is_one() -> None:
    config = experiment(arms=OFFERED, seeds=2)
    models = {cell.model.address for cell in cells(config)}
    # `graph+I` in the student's own form is one of the forms, and therefore trained once
    assert len(models) == 2 * len(OFFERED)
