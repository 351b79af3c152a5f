from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from avexplore.artifacts import FeatureSet, TrainedTeacher
from avexplore.config import SyntheticConfig, TeacherConfig
from avexplore.errors import Cancelled, TrainingError
from avexplore.losses.semantic_alignment import SemanticAlignmentLoss
from avexplore.training import teach, train_teacher
from avexplore.training.teacher import hidden_label_auc

DATA = SyntheticConfig()


def config(**changes: object) -> TeacherConfig:
    small = {"members": 2, "hidden": 24, "dim": 8, "epochs": 15, "batch_size": 24, "learning_rate": 2e-2}
    small |= {"input_dropout": 0.1, "dropout": 0.1}
    return TeacherConfig(data=DATA, **{**small, **changes})


@pytest.fixture(scope="module")
def trained(features: FeatureSet) -> TrainedTeacher:
    return train_teacher(features, config(), device="cpu")


def test_it_learns_the_annotated_and_senses_the_hidden_classes(trained: TrainedTeacher) -> None:
    assert trained.quality["accuracy_audio_test"] > 0.6
    assert trained.quality["accuracy_visual_test"] > 0.6
    assert trained.quality["hidden_label_auc_visual_test"] > 0.8
    assert trained.history.columns["loss"][-1] < trained.history.columns["loss"][0]


def test_soft_labels_are_the_mean_logits_of_the_members(features: FeatureSet, trained: TrainedTeacher) -> None:
    members = []
    for member in range(2):
        alone = {
            name.replace(f"{member}.", "0.", 1): values
            for name, values in trained.weights.items()
            if name.startswith((f"{member}.", "input."))
        }
        members.append(teach(features, config(members=1), alone))
    mean = (members[0] + members[1]) / 2
    assert not np.allclose(members[0], members[1])
    np.testing.assert_allclose(trained.soft_labels.audio, mean[0], atol=1e-5)
    np.testing.assert_allclose(trained.soft_labels.visual, mean[1], atol=1e-5)


def test_stored_weights_give_the_same_soft_labels(features: FeatureSet, trained: TrainedTeacher) -> None:
    again = teach(features, config(), trained.weights)
    np.testing.assert_array_equal(again, np.stack([trained.soft_labels.audio, trained.soft_labels.visual]))


def test_same_seed_same_bytes(features: FeatureSet, trained: TrainedTeacher) -> None:
    again = train_teacher(features, config(), device="cpu")
    assert again.soft_labels.audio.tobytes() == trained.soft_labels.audio.tobytes()
    other = train_teacher(features, config(seed=1, epochs=1), device="cpu")
    assert other.soft_labels.audio.tobytes() != trained.soft_labels.audio.tobytes()


@pytest.mark.parametrize(
    ("head", "calibration"),
    [("probability", "platt"), ("independent", "temperature"), ("independent", "platt"), ("score", "temperature")],
)
def test_every_head_gives_soft_labels_of_its_kind(features: FeatureSet, head: str, calibration: str) -> None:
    trained = train_teacher(features, config(head=head, calibration=calibration, epochs=10), device="cpu")
    soft = trained.soft_labels
    assert soft.kind == ("scores" if head == "score" else "logits")
    assert soft.normalized == (head != "independent")
    assert (soft.platt is not None) == (calibration == "platt")
    p = soft.probabilities()
    assert p.min() >= 0
    assert p.max() <= 1
    if head == "probability":
        np.testing.assert_allclose(p.sum(2), 1)
    assert trained.quality["accuracy_visual_test"] > 0.5
    if head == "score":
        assert "nothing to calibrate" in soft.warnings[0]
        assert 0.8 < np.stack([soft.audio, soft.visual]).sum(2).mean() < 1.2


@pytest.mark.parametrize("alignment", ["kl", "js"])
def test_alignment_brings_the_modalities_together(features: FeatureSet, alignment: str) -> None:
    apart, together = (
        train_teacher(
            features, config(alpha=alpha, alignment=alignment, epochs=8, calibration="none"), device="cpu"
        ).soft_labels
        for alpha in (0.0, 20.0)
    )
    gap = [np.abs(np.subtract(*soft.probabilities())).mean() for soft in (apart, together)]
    assert gap[1] < 0.7 * gap[0]


def test_calibration_is_reported_per_modality(trained: TrainedTeacher) -> None:
    assert trained.calibration["ece_before"].shape == trained.calibration["ece_after"].shape == (2,)
    assert trained.calibration["count_after"].sum(1).tolist() == [48, 48]
    assert (trained.soft_labels.temperature > 0).all()


def test_curves_hold_each_term_on_validation_clips(features: FeatureSet) -> None:
    one = train_teacher(features, config(members=1, epochs=1, calibration="none"), device="cpu")
    rows = features.rows("validation")
    audio, visual = (torch.from_numpy(values[rows]) for values in (one.soft_labels.audio, one.soft_labels.visual))
    target = torch.from_numpy(features.hard_label[rows])
    smoothing = config().label_smoothing
    expected = sum(
        torch.nn.functional.cross_entropy(logits, target, label_smoothing=smoothing) for logits in (audio, visual)
    )
    assert one.history.columns["label_loss_validation"][-1] == pytest.approx(float(expected), rel=1e-5)
    assert one.history.columns["alignment_loss_validation"][-1] >= 0


def test_without_validation_clips_it_stays_uncalibrated_and_says_so(features: FeatureSet) -> None:
    none = dataclasses.replace(features, split=np.where(features.split == 1, 0, features.split).astype(np.int8))
    soft = train_teacher(none, config(epochs=2), device="cpu").soft_labels
    assert soft.temperature.tolist() == [1, 1]
    assert "0 validation clips" in soft.warnings[0]


def test_a_stopped_teacher_goes_on_to_the_same_bytes(
    features: FeatureSet, trained: TrainedTeacher, tmp_path: Path
) -> None:
    def stop(fraction: float, message: str = "", **figures: float) -> None:
        if fraction > 0.5:
            raise Cancelled("Stopped")

    path = tmp_path / "state"
    with pytest.raises(Cancelled):
        train_teacher(features, config(), stop, device="cpu", state_file=path)
    resumed = train_teacher(features, config(), device="cpu", state_file=path)
    assert resumed.soft_labels.audio.tobytes() == trained.soft_labels.audio.tobytes()
    assert resumed.history.columns["loss"].tobytes() == trained.history.columns["loss"].tobytes()


def test_a_diverging_training_names_epoch_and_term(features: FeatureSet, monkeypatch: pytest.MonkeyPatch) -> None:
    def terms(self: SemanticAlignmentLoss, audio: Tensor, visual: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        return audio.square().mean(), torch.full((), float("inf"))

    monkeypatch.setattr(SemanticAlignmentLoss, "terms", terms)
    with pytest.raises(TrainingError, match=r"alignment loss became (nan|-?inf) in epoch 0 \(teacher\)"):
        train_teacher(features, config(), device="cpu")


def test_hidden_label_auc_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    n, classes = 200, 6
    hard = rng.integers(classes, size=n)
    true = rng.random((n, classes)) < 0.2
    true[np.arange(n), hard] = True
    p = (rng.random((n, classes)) + 0.3 * true).round(1)  # with ties
    rest = np.arange(classes) != hard[:, None]
    assert hidden_label_auc(p, hard, true) == pytest.approx(roc_auc_score(true[rest], p[rest]))
    assert np.isnan(hidden_label_auc(p, hard, np.eye(classes, dtype=bool)[hard]))
