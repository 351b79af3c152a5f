from __future__ import annotations

import dataclasses

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
from avexplore.training import train_student, train_teacher
from avexplore.training.loop import Training
from avexplore.training.student import plan_of, task_of

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")

DATA = SyntheticConfig()


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
    return soft, Affinity(class_nodes(features.classes), np.tile(np.eye(4), (2, 2)))


@pytest.mark.parametrize("form", [None, "forgive", "pull", "margin"])
def test_a_recorded_step_is_the_eager_step(features: FeatureSet, form: str | None) -> None:
    config = student(form).replace(input_dropout=0.0, dropout=0.0)
    sides = []
    for recorded in (True, False):
        task, _ = task_of(features, config, *given(features), "cuda")
        training = Training(task, dataclasses.replace(plan_of(config), measure_every=10**6))
        training.runner.record = recorded
        for _ in range(4):
            training.run_epoch()
        assert training.runner.record == recorded, training.runner.why_not_recorded
        sides.append({name: t.clone() for name, t in task.module.state_dict().items()})
    for name, value in sides[0].items():
        torch.testing.assert_close(value, sides[1][name], rtol=2e-3, atol=2e-3)


def trained_twice(features: FeatureSet, config: StudentConfig) -> list[TrainedStudent]:
    soft, affinity = given(features)
    return [train_student(features, config, soft_labels=soft, affinity=affinity, device="cuda") for _ in range(2)]


@pytest.mark.parametrize("form", [None, "forgive", "pull", "margin"])
@pytest.mark.parametrize("loss", ["supervised-contrastive", "triplet", "triplet-semihard", "proxy-anchor"])
def test_same_seed_same_result_on_cuda(features: FeatureSet, loss: str, form: str | None) -> None:
    first, second = trained_twice(features, student(form, loss))
    np.testing.assert_array_equal(first.embeddings.audio, second.embeddings.audio)


@pytest.mark.parametrize("proxies", ["anchor_aware", "learned"])
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
