"""A student read anew: nothing is trained, and what is chosen is chosen on validation clips."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from avexplore.artifacts import FeatureSet, Reading, TrainedStudent
from avexplore.config import ReadingConfig, StudentConfig, SyntheticConfig
from avexplore.nets.linked_posteriors import LinkedPosteriors
from avexplore.retrieval import evaluate
from avexplore.training import network_outputs, read_outputs, reading, train_student

TWIN = StudentConfig(SyntheticConfig(), hidden=24, dim=8, epochs=6, batch_size=24, learning_rate=2e-2)
LINKS = LinkedPosteriors(np.full((2, 4, 4), 0.3) * (1 - np.eye(4)), np.full(4, 0.25))


@pytest.fixture(scope="module")
def trained(features: FeatureSet) -> TrainedStudent:
    return train_student(features, TWIN, device="cpu")


def read_student(
    features: FeatureSet, config: ReadingConfig, trained: TrainedStudent, links: LinkedPosteriors | None = None
) -> Reading:
    outputs = network_outputs(features, TWIN, trained.weights)
    return reading.read_student(features, outputs, config, trained.weights, links)


def validation_map(features: FeatureSet, trained: TrainedStudent, share: float, temperature: float) -> float:
    out = network_outputs(features, TWIN, trained.weights)
    chosen = TWIN.replace(posterior_share=share, posterior_temperature=temperature)
    audio, visual = read_outputs(out.at(features.rows("validation")), chosen).shared
    labels = features.hard_label[features.rows("validation")]
    found = []
    for one, other in ((audio, visual), (visual, audio)):
        order = np.argsort(-(one @ other.T), axis=1, kind="stable")
        hit = labels[order] == labels[:, None]
        precision = hit.cumsum(1) / np.arange(1, len(labels) + 1)
        found.append(((precision * hit).sum(1) / hit.sum(1)).mean())
    return float(np.mean(found))


def test_the_best_on_validation_clips_is_taken(features: FeatureSet, trained: TrainedStudent) -> None:
    found = read_student(features, ReadingConfig(TWIN), trained)
    every = [(TWIN.posterior_share, TWIN.posterior_temperature)]
    every += [(share, t) for share in reading.SHARES for t in reading.TEMPERATURES]
    figures = {pair: validation_map(features, trained, *pair) for pair in every}
    assert found.map_validation == pytest.approx(max(figures.values()), abs=1e-5)
    assert figures[found.share, found.temperature] == pytest.approx(found.map_validation, abs=1e-5)
    report = evaluate(found.embeddings, features, "validation")
    assert report.metrics["map"] == pytest.approx(found.map_validation, abs=1e-4)


def test_nothing_chosen_is_the_student_itself(features: FeatureSet, trained: TrainedStudent) -> None:
    found = read_student(features, ReadingConfig(TWIN, choose=False), trained)
    np.testing.assert_array_equal(found.embeddings.audio, trained.embeddings.audio)
    np.testing.assert_array_equal(found.embeddings.visual, trained.embeddings.visual)


def test_test_clips_play_no_part(features: FeatureSet, trained: TrainedStudent) -> None:
    rng, label = np.random.default_rng(0), features.hard_label.copy()
    test = features.rows("test")
    label[test] = rng.permutation(label[test])
    shuffled = dataclasses.replace(features, hard_label=label, true_labels=None)
    one, other = (read_student(f, ReadingConfig(TWIN), trained) for f in (features, shuffled))
    assert (one.share, one.temperature) == (other.share, other.temperature)


def test_without_validation_clips_everything_stays(features: FeatureSet, trained: TrainedStudent) -> None:
    split = np.where(features.split == 1, 0, features.split)
    found = read_student(dataclasses.replace(features, split=split), ReadingConfig(TWIN), trained)
    assert (found.share, found.temperature) == (TWIN.posterior_share, TWIN.posterior_temperature)
    assert np.isnan(found.map_validation)


def test_the_twin_is_read_through_links(features: FeatureSet, trained: TrainedStudent) -> None:
    found = read_student(features, ReadingConfig(TWIN, choose=False), trained, LINKS)
    out = network_outputs(features, TWIN, trained.weights)
    np.testing.assert_allclose(found.embeddings.audio, read_outputs(out, TWIN, LINKS).audio, atol=1e-6)
    assert np.abs(found.embeddings.audio - trained.embeddings.audio).max() > 1e-3
