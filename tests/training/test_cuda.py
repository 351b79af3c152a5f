from __future__ import annotations

import dataclasses
from typing import get_args, get_type_hints

import numpy as np
import pytest
import torch

from avexplore.artifacts import Affinity, FeatureSet, SoftLabels, TrainedStudent, class_nodes
from avexplore.config import (
    AffinityConfig,
    GraphConfig,
    RegularizerConfig,
    StabilityConfig,
    StudentConfig,
    SyntheticConfig,
    TeacherConfig,
)
from avexplore.training import teacher, train_student, train_teacher
from avexplore.training.loop import Training, fit
from avexplore.training.student import plan_of, task_of

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")

DATA = SyntheticConfig()
LOSSES = get_args(get_type_hints(StudentConfig)["loss"])


def student(form: str | None = None, loss: str = "supervised-contrastive") -> StudentConfig:
    regularizer = None
    if form is not None:
        graph = GraphConfig(soft_labels=TeacherConfig(data=DATA))
        affinity = AffinityConfig(stability=StabilityConfig(graph=graph))
        regularizer = RegularizerConfig(affinity=affinity, form=form, start_epoch=2)
    small = {"hidden": 24, "dim": 8, "epochs": 6, "batch_size": 24, "learning_rate": 1e-2}
    return StudentConfig(data=DATA, loss=loss, regularizer=regularizer, **small)


def given(features: FeatureSet) -> tuple[SoftLabels, Affinity]:
    assert features.true_labels is not None
    logits = 4.0 * features.true_labels.astype(np.float32)
    soft = SoftLabels(
        audio=logits,
        visual=logits,
        kind="logits",
        classes=features.classes,
        split=features.split,
        hard_label=features.hard_label,
    )
    return soft, Affinity(class_nodes(features.classes), np.tile(np.eye(4) + 0.5 * np.eye(4, k=1), (2, 2)))


def trainings(features: FeatureSet, config: StudentConfig | TeacherConfig) -> tuple[Training, Training]:
    """The same training twice: with recorded steps, and step by step."""
    sides = []
    for recorded in (True, False):
        if isinstance(config, TeacherConfig):
            task, plan = teacher.task_of(features, config, "cuda")[0], teacher.plan_of(config)
        else:
            task, plan = task_of(features, config, *given(features), "cuda")[0], plan_of(config)
        sides.append(Training(task, dataclasses.replace(plan, measure_every=10**6)))
        sides[-1].runner.record = recorded
        for _ in range(4):
            sides[-1].run_epoch()
        assert sides[-1].runner.record == recorded, sides[-1].runner.why_not_recorded
    return sides[0], sides[1]


def assert_alike(one: Training, other: Training) -> None:
    for name, value in one.task.module.state_dict().items():
        torch.testing.assert_close(value, other.task.module.state_dict()[name], rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("form", [None, "forgive", "pull", "margin"])
@pytest.mark.parametrize("proxies", ["none", "aadml", "learned"])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_recorded_step_is_the_eager_step(features: FeatureSet, loss: str, proxies: str, form: str | None) -> None:
    assert_alike(*trainings(features, student(form, loss).replace(proxies=proxies)))  # with dropout: one noise for both


@pytest.mark.parametrize("members", [1, 3])
def test_a_recorded_step_of_a_teacher_is_the_eager_step(features: FeatureSet, members: int) -> None:
    small = {"hidden": 24, "dim": 8, "epochs": 15, "batch_size": 24, "learning_rate": 1e-2}
    assert_alike(*trainings(features, TeacherConfig(data=DATA, members=members, **small)))


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_the_second_device_learns_like_the_first(features: FeatureSet) -> None:
    first, second = (
        train_student(
            features, student("forgive"), soft_labels=given(features)[0], affinity=given(features)[1], device=device
        )
        for device in ("cuda:0", "cuda:1")
    )
    np.testing.assert_allclose(first.embeddings.audio, second.embeddings.audio, rtol=2e-3, atol=2e-3)


def test_a_stopped_training_goes_on_with_recorded_steps(features: FeatureSet) -> None:
    config = student("forgive")
    halves = [task_of(features, config, *given(features), "cuda")[0] for _ in range(2)]
    state = fit(halves[0], plan_of(config), until=3)
    went_on = fit(halves[1], plan_of(config), start=state)
    whole = fit(task_of(features, config, *given(features), "cuda")[0], plan_of(config))
    for name, values in whole.tensors.items():
        np.testing.assert_allclose(went_on.tensors[name], values, rtol=2e-3, atol=2e-3, err_msg=name)


def trained_twice(features: FeatureSet, config: StudentConfig) -> list[TrainedStudent]:
    soft, affinity = given(features)
    return [train_student(features, config, soft_labels=soft, affinity=affinity, device="cuda") for _ in range(2)]


@pytest.mark.parametrize("form", [None, "forgive", "pull", "margin"])
@pytest.mark.parametrize("loss", ["supervised-contrastive", "triplet", "triplet-semihard", "proxy-anchor"])
def test_same_seed_same_result_on_cuda(features: FeatureSet, loss: str, form: str | None) -> None:
    first, second = trained_twice(features, student(form, loss))
    np.testing.assert_array_equal(first.embeddings.audio, second.embeddings.audio)


@pytest.mark.parametrize("proxies", ["aadml", "learned"])
def test_same_seed_same_result_with_proxies_on_cuda(features: FeatureSet, proxies: str) -> None:
    first, second = trained_twice(features, student("forgive", "triplet").replace(proxies=proxies))
    np.testing.assert_array_equal(first.embeddings.audio, second.embeddings.audio)


@pytest.mark.parametrize("loss", ["triplet", "triplet-semihard", "triplet-hard", "contrastive", "proxy-anchor"])
def test_every_loss_runs_on_cuda(features: FeatureSet, loss: str) -> None:
    soft, affinity = given(features)
    trained = train_student(features, student("forgive", loss), soft_labels=soft, affinity=affinity, device="cuda")
    assert np.isfinite(trained.history.columns["loss"]).all()


def test_a_teacher_learns_on_cuda(features: FeatureSet) -> None:
    config = TeacherConfig(data=DATA, members=3, hidden=24, dim=8, epochs=15, batch_size=24, learning_rate=2e-2)
    assert train_teacher(features, config, device="cuda").quality["accuracy_visual_test"] > 0.4


def test_curves_mean_the_same_on_both_devices(features: FeatureSet) -> None:
    found = []
    for device in ("cpu", "cuda"):
        task, _ = task_of(features, student(), None, None, device)
        task.module.eval()
        with torch.no_grad():
            found.append(task.measure())
    assert found[0].keys() == found[1].keys()
    assert found[1] == pytest.approx(found[0], rel=1e-3)
