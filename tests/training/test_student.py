from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
import torch

from avexplore.artifacts import Affinity, FeatureSet, SoftLabels, TrainedStudent, class_nodes
from avexplore.config import (
    AffinityConfig,
    GraphConfig,
    PrefixConfig,
    RegularizerConfig,
    StabilityConfig,
    StudentConfig,
    SyntheticConfig,
    TeacherConfig,
)
from avexplore.errors import Cancelled, TrainingError
from avexplore.losses.metric import build_metric_loss
from avexplore.nets.two_branch import BranchOutputs
from avexplore.training import embed, train_prefix, train_student
from avexplore.training.student import embed_outputs, evidence, linked_posteriors

DATA = SyntheticConfig()
LOSSES = get_args(get_type_hints(StudentConfig)["loss"])
START = 4


def config(**changes: object) -> StudentConfig:
    small = {"hidden": 24, "dim": 8, "epochs": 10, "batch_size": 24, "learning_rate": 2e-2}
    small |= {"input_dropout": 0.1, "dropout": 0.1}
    return StudentConfig(data=DATA, **{**small, **changes})


def regularizer(**changes: object) -> RegularizerConfig:
    graph = GraphConfig(soft_labels=TeacherConfig(data=DATA))
    affinity = AffinityConfig(stability=StabilityConfig(graph=graph))
    return RegularizerConfig(affinity=affinity, **{"start_epoch": START, **changes})


@pytest.fixture(scope="module")
def soft_labels(features: FeatureSet) -> SoftLabels:
    """Those of a teacher that knows the hidden labels, nearly."""
    assert features.true_labels is not None
    logits = 4.0 * features.true_labels.astype(np.float32)
    return SoftLabels(
        audio=logits,
        visual=logits,
        kind="logits",
        classes=features.classes,
        split=features.split,
        hard_label=features.hard_label,
    )


@pytest.fixture(scope="module")
def affinity(features: FeatureSet) -> Affinity:
    """Class 0 goes with 1, class 2 with 3, and every class with itself."""
    block = np.eye(4) + np.eye(4)[[1, 0, 3, 2]]
    return Affinity(nodes=class_nodes(features.classes), weights=np.tile(block, (2, 2)))


@pytest.fixture(scope="module")
def twin(features: FeatureSet) -> TrainedStudent:
    return train_student(features, config(), device="cpu")


def same(a: TrainedStudent, b: TrainedStudent) -> bool:
    return (
        a.embeddings.audio.tobytes() == b.embeddings.audio.tobytes()
        and a.embeddings.visual.tobytes() == b.embeddings.visual.tobytes()
        and a.best_epoch == b.best_epoch
        and a.history.columns.keys() == b.history.columns.keys()
        and all(a.history.columns[n].tobytes() == b.history.columns[n].tobytes() for n in a.history.columns)
    )


def first_answers_right(features: FeatureSet, trained: TrainedStudent) -> float:
    rows = features.rows("test")
    nearest = (trained.embeddings.audio[rows] @ trained.embeddings.visual[rows].T).argmax(1)
    return float((features.hard_label[rows][nearest] == features.hard_label[rows]).mean())


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_teaches(features: FeatureSet, loss: str) -> None:
    trained = train_student(features, config(loss=loss), device="cpu")
    assert first_answers_right(features, trained) > 0.37  # chance is 0.25
    assert trained.history.columns["map_validation"][-1] > 0.45
    np.testing.assert_allclose(np.linalg.norm(trained.embeddings.audio, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("proxies", ["aadml", "learned"])
@pytest.mark.parametrize("loss", ["supervised-contrastive", "triplet", "contrastive"])
def test_proxies_go_with_losses(features: FeatureSet, loss: str, proxies: str) -> None:
    trained = train_student(features, config(loss=loss, proxies=proxies), device="cpu")
    assert first_answers_right(features, trained) > 0.37


@pytest.mark.parametrize("space", ["embedding", "labels"])
def test_proxies_with_neighbors_among_all_training_clips_branch_off_a_prefix(features: FeatureSet, space: str) -> None:
    """What is remembered of the clips is part of the training's state."""
    whole = config(loss="triplet", proxies="aadml", neighbors_among="training", metric_space=space)
    prefix = train_prefix(features, PrefixConfig(student=whole, epochs=START), device="cpu")
    trained = train_student(features, whole, device="cpu")
    assert same(trained, train_student(features, whole, prefix=prefix, device="cpu"))
    assert first_answers_right(features, trained) > 0.37
    assert not same(trained, train_student(features, whole.replace(neighbors_among="batch"), device="cpu"))


@pytest.mark.parametrize("form", ["pull", "forgive", "margin"])
def test_student_and_twin_are_one_up_to_the_start_and_differ_after_it(
    features: FeatureSet, soft_labels: SoftLabels, affinity: Affinity, twin: TrainedStudent, form: str
) -> None:
    loss = "triplet" if form == "margin" else "supervised-contrastive"
    plain = twin if form != "margin" else train_student(features, config(loss=loss), device="cpu")
    with_lir = config(loss=loss, regularizer=regularizer(form=form))
    prefix = train_prefix(features, PrefixConfig(student=with_lir.twin, epochs=START), device="cpu")
    given = {"soft_labels": soft_labels, "affinity": affinity, "device": "cpu"}

    branched = train_student(features, with_lir, prefix=prefix, **given)
    assert same(branched, train_student(features, with_lir, **given))
    assert same(plain, train_student(features, with_lir.twin, prefix=prefix, device="cpu"))

    for name in ("loss", "metric_loss", "semantic_loss", "map_validation", "map_train"):
        ours, theirs = branched.history.columns[name], plain.history.columns[name]
        np.testing.assert_array_equal(ours[:START], theirs[:START])
        assert not np.array_equal(ours[START:], theirs[START:])
    assert "lir" not in plain.history.columns
    assert np.isnan(branched.history.columns["lir"][:START]).all()
    assert (branched.history.columns["lir"][START:] > 0).all()


def test_forgiving_linked_pairs_brings_hidden_partners_closer(
    features: FeatureSet, soft_labels: SoftLabels, affinity: Affinity
) -> None:
    long = config(epochs=12, posterior_share=0.0)
    plain = train_student(features, long, device="cpu")
    lir = train_student(
        features, long.replace(regularizer=regularizer()), soft_labels=soft_labels, affinity=affinity, device="cpu"
    )
    assert features.true_labels is not None
    rows = features.rows("train")
    true = features.true_labels[rows].astype(int)
    hidden = (true @ true.T > 0) & (features.hard_label[rows][:, None] != features.hard_label[rows])
    closer = [float((t.embeddings.audio[rows] @ t.embeddings.visual[rows].T)[hidden].mean()) for t in (plain, lir)]
    assert closer[1] > closer[0] + 0.03


def test_a_weight_of_zero_is_no_regularizer(
    features: FeatureSet, soft_labels: SoftLabels, affinity: Affinity, twin: TrainedStudent
) -> None:
    nothing = train_student(
        features,
        config(regularizer=regularizer(weight=0.0, class_heads=0.0, posterior_links=0.0)),
        soft_labels=soft_labels,
        affinity=affinity,
        device="cpu",
    )
    np.testing.assert_allclose(nothing.embeddings.audio, twin.embeddings.audio, atol=1e-4)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_class_heads_stop_counting_hidden_classes_as_wrong(
    features: FeatureSet, soft_labels: SoftLabels, affinity: Affinity, weight: float
) -> None:
    assert features.true_labels is not None
    # Of two classes that meet, only the first is ever annotated: nothing but LIR speaks for the second.
    first = dataclasses.replace(features, hard_label=features.true_labels.argmax(1))
    rows = features.rows("validation")
    hidden = features.true_labels[rows].copy()
    hidden[np.arange(len(rows)), first.hard_label[rows]] = False
    belief = []
    for heads in (0.0, 5.0):
        trained = train_student(
            first,
            config(regularizer=regularizer(weight=weight, class_heads=heads), posterior_share=0.5),
            soft_labels=soft_labels,
            affinity=affinity,
            device="cpu",
        )
        belief.append(trained.embeddings.visual[rows][:, 8:12][hidden].mean())
    assert belief[1] > 1.2 * belief[0]


def test_linked_classes_enter_the_embedding_and_nothing_else(
    features: FeatureSet, soft_labels: SoftLabels, affinity: Affinity
) -> None:
    given = {"soft_labels": soft_labels, "affinity": affinity, "device": "cpu"}
    plain, linked = (
        train_student(
            features, config(regularizer=regularizer(posterior_links=strength), posterior_share=0.5, epochs=12), **given
        )
        for strength in (0.0, 0.5)
    )
    for name in ("loss", "metric_loss", "semantic_loss"):
        np.testing.assert_array_equal(plain.history.columns[name], linked.history.columns[name])
    assert "links.presence" in linked.weights
    assert "links.presence" not in plain.weights
    # From the same network: the partner class rises, the metric part stays, and vectors keep unit length.
    settings = config(posterior_share=0.5, epochs=12)
    without = {name: values for name, values in linked.weights.items() if not name.startswith("links.")}
    before, after = embed(features, settings, without), embed(features, settings, linked.weights)
    np.testing.assert_array_equal(after.audio, linked.embeddings.audio)
    np.testing.assert_array_equal(before.audio[:, :8], after.audio[:, :8])
    assert features.true_labels is not None
    hidden = features.true_labels.copy()
    hidden[np.arange(len(hidden)), features.hard_label] = False
    for modality in ("audio", "visual"):
        was, now = getattr(before, modality)[:, 8:12], getattr(after, modality)[:, 8:12]
        assert now[hidden].mean() > 1.1 * was[hidden].mean()
        np.testing.assert_allclose(np.linalg.norm(getattr(after, modality), axis=1), 1, atol=1e-5)


def test_how_strong_links_are_is_read_from_training_clips_alone(
    features: FeatureSet, soft_labels: SoftLabels, affinity: Affinity
) -> None:
    settings = config(regularizer=regularizer(posterior_links=0.5), posterior_share=0.5)
    found = linked_posteriors(features, settings, soft_labels, affinity)
    assert found is not None
    pairs = set(zip(*np.nonzero(found.presence[0]), strict=True))
    assert {(0, 1), (1, 0)} <= pairs <= {(0, 1), (1, 0), (2, 3), (3, 2)}
    assert found.presence.max() == pytest.approx(0.5)
    every = config(regularizer=regularizer(posterior_links=0.5, linked="every-pair"), posterior_share=0.5)
    alone = dataclasses.replace(affinity, weights=np.tile(np.eye(4), (2, 2)))
    by_graph, whole = (linked_posteriors(features, c, soft_labels, alone) for c in (settings, every))
    assert by_graph is not None
    assert whole is not None
    assert not by_graph.presence.any()
    assert (whole.presence[found.presence > 0] > 0).all()
    popular = config(regularizer=regularizer(posterior_links=0.5, linked="popularity"), posterior_share=0.5)
    level = linked_posteriors(features, popular, soft_labels, alone)
    assert level is not None
    for c, column in enumerate(level.presence[0].T):
        others = np.delete(column, c)
        np.testing.assert_allclose(others, others[0], rtol=1e-6, err_msg="says something of pairs")
    others = np.setdiff1d(np.arange(len(features.hard_label)), features.rows("train"))
    changed = soft_labels.audio.copy()
    changed[others] = 9.0
    again = linked_posteriors(features, settings, dataclasses.replace(soft_labels, audio=changed), affinity)
    assert again is not None
    np.testing.assert_array_equal(again.presence, found.presence)


def test_links_of_probabilities_are_those_of_their_log_odds(features: FeatureSet, affinity: Affinity) -> None:
    """A second class at .02 rather than .01 is as much of a hint as one at .2 rather than .1 nearly is."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, *features.true_labels.shape)) * 3  # type: ignore[union-attr]
    probabilities = 1 / (1 + np.exp(-logits))
    settings = config(regularizer=regularizer(posterior_links=0.5), posterior_share=0.5)
    found = []
    for kind, (audio, visual) in (("logits", logits), ("probabilities", probabilities)):
        given: dict[str, Any] = {"kind": kind, "classes": features.classes, "normalized": False}
        soft = SoftLabels(audio, visual, split=features.split, hard_label=features.hard_label, **given)
        links = linked_posteriors(features, settings, soft, affinity)
        assert links is not None
        found.append(links.presence)
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)


def test_true_pairs_link_no_classes(features: FeatureSet, soft_labels: SoftLabels, affinity: Affinity) -> None:
    true = dataclasses.replace(affinity, true_pairs=True)
    settings = config(regularizer=regularizer(), posterior_share=0.5, epochs=6)
    trained = train_student(features, settings, soft_labels=soft_labels, affinity=true, device="cpu")
    assert "links.presence" not in trained.weights


def test_evidence_of_both_modalities_is_their_mean_output(features: FeatureSet) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, len(features.hard_label), 4))
    given = {"classes": features.classes, "split": features.split, "hard_label": features.hard_label}
    soft = SoftLabels(audio=logits[0], visual=logits[1], kind="logits", temperature=np.array([2.0, 0.5]), **given)
    assert evidence(soft, "own") is soft
    both = evidence(soft, "both").probabilities()
    mean = logits[0] / 2 / 2 + logits[1] / 0.5 / 2
    np.testing.assert_allclose(both[0], np.exp(mean) / np.exp(mean).sum(1, keepdims=True))
    np.testing.assert_array_equal(both[0], both[1])
    scores = SoftLabels(audio=logits[0], visual=logits[1], kind="scores", **given)
    np.testing.assert_allclose(evidence(scores, "both").probabilities()[1], logits.clip(0, 1).mean(0))


def test_the_ramp_grows(features: FeatureSet, soft_labels: SoftLabels, affinity: Affinity) -> None:
    ramped = train_student(
        features,
        config(regularizer=regularizer(ramp_epochs=4)),
        soft_labels=soft_labels,
        affinity=affinity,
        device="cpu",
    )
    lir = ramped.history.columns["lir"][START:]
    np.testing.assert_allclose(lir[:4] / lir[4], [0.25, 0.5, 0.75, 1], rtol=0.1)


def test_true_pairs_need_no_teacher_insight(features: FeatureSet, soft_labels: SoftLabels, affinity: Affinity) -> None:
    pairs = Affinity(nodes=affinity.nodes, weights=affinity.weights, source="true-pairs", true_pairs=True)
    trained = train_student(
        features, config(regularizer=regularizer()), soft_labels=soft_labels, affinity=pairs, device="cpu"
    )
    assert trained.history.columns["lir"][-1] > 0


def test_a_stopped_student_goes_on_to_the_same_bytes(
    features: FeatureSet, soft_labels: SoftLabels, affinity: Affinity, tmp_path: Path
) -> None:
    with_lir = config(regularizer=regularizer())
    given = {"soft_labels": soft_labels, "affinity": affinity, "device": "cpu"}

    def stop(fraction: float, message: str = "", **figures: float) -> None:
        if figures["epoch"] == START + 3:
            raise Cancelled("Stopped")

    path = tmp_path / "state"
    with pytest.raises(Cancelled):
        train_student(features, with_lir, stop, state_file=path, **given)
    assert same(train_student(features, with_lir, state_file=path, **given), train_student(features, with_lir, **given))


def test_the_epoch_kept_is_the_best_of_the_second_half(twin: TrainedStudent) -> None:
    curve = twin.history.columns["map_validation"]
    assert twin.best_epoch == 5 + int(curve[5:].argmax())
    assert twin.epochs == len(curve) == 10


def test_curves_hold_each_term_on_validation_clips(features: FeatureSet, twin: TrainedStudent) -> None:
    rows = features.rows("validation")
    last = train_student(features, config(epochs=1), device="cpu")  # one epoch, so that what is kept is the last
    net = embed(features, config(posterior_share=0.0), last.weights)
    audio, visual = torch.from_numpy(net.audio[rows]), torch.from_numpy(net.visual[rows])
    labels = torch.from_numpy(features.hard_label[rows])
    batch = slice(0, config().batch_size)
    expected = build_metric_loss(config(), 4)(audio[batch], visual[batch], labels[batch])
    assert last.history.columns["metric_loss_validation"][-1] == pytest.approx(float(expected), rel=1e-5)
    semantic = twin.history.columns["semantic_loss_validation"]
    assert semantic[-1] < semantic[0]


def test_test_clips_have_no_say(features: FeatureSet, twin: TrainedStudent) -> None:
    test = features.rows("test")
    audio, label = features.audio.copy(), features.hard_label.copy()
    audio[test] += 50
    label[test] = 0
    other = train_student(FeatureSet(**{**vars(features), "audio": audio, "hard_label": label}), config(), device="cpu")
    assert other.best_epoch == twin.best_epoch
    for name, values in twin.weights.items():
        np.testing.assert_array_equal(values, other.weights[name])


def test_stored_weights_give_the_same_embeddings(features: FeatureSet, twin: TrainedStudent) -> None:
    again = embed(features, config(), twin.weights)
    np.testing.assert_array_equal(again.audio, twin.embeddings.audio)
    np.testing.assert_array_equal(again.visual, twin.embeddings.visual)


def test_cosine_between_modalities_is_metric_part_plus_posterior_agreement() -> None:
    generator = torch.Generator().manual_seed(0)
    out = BranchOutputs(*(torch.randn(1, 20, width, generator=generator) for width in (6, 6, 4, 4)))
    audio, visual = embed_outputs(out, 0.3, 0.5)
    unit = torch.nn.functional.normalize
    metric = unit(out.audio[0], dim=1) @ unit(out.visual[0], dim=1).T
    posterior = (out.audio_logits[0] / 0.5).softmax(1) @ (out.visual_logits[0] / 0.5).softmax(1).T
    torch.testing.assert_close(audio @ visual.T, 0.7 * metric + 0.3 * posterior)
    torch.testing.assert_close(audio.norm(dim=1), torch.ones(20))
    torch.testing.assert_close(visual.norm(dim=1), torch.ones(20))
    torch.testing.assert_close(embed_outputs(out, 0.0, 0.5)[0], unit(out.audio[0], dim=1))


def test_what_lir_needs_is_asked_for(features: FeatureSet, soft_labels: SoftLabels, affinity: Affinity) -> None:
    with_lir = config(regularizer=regularizer())
    with pytest.raises(TrainingError, match="needs soft labels"):
        train_student(features, with_lir, device="cpu")
    few = SoftLabels(
        audio=soft_labels.audio[:9],
        visual=soft_labels.visual[:9],
        kind="logits",
        classes=features.classes,
        split=features.split[:9],
        hard_label=features.hard_label[:9],
    )
    with pytest.raises(TrainingError, match="of 9 clips"):
        train_student(features, with_lir, soft_labels=few, affinity=affinity, device="cpu")
    late = train_prefix(features, PrefixConfig(student=with_lir.twin, epochs=START + 1), device="cpu")
    with pytest.raises(TrainingError, match="shared prefix ends"):
        train_student(features, with_lir, soft_labels=soft_labels, affinity=affinity, prefix=late, device="cpu")
