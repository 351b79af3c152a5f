from __future__ import annotations

import time

import numpy as np
import pytest

from avexplore.config import SyntheticConfig
from avexplore.data.audioset import statistics
from avexplore.data.synthetic import generate, plant
from avexplore.errors import DataError


def test_shapes_and_types() -> None:
    features = generate(SyntheticConfig(clips=200, classes=6))
    assert features.audio.shape == (200, 128)
    assert features.visual.shape == (200, 1024)
    assert features.audio.dtype == features.visual.dtype == np.float32
    assert len(set(features.clip_ids)) == 200


def test_equal_seeds_give_equal_bits_and_other_seeds_do_not() -> None:
    config = SyntheticConfig(clips=120, classes=5, seed=3)
    first, again, other = generate(config), generate(config), generate(config.replace(seed=4))
    assert first.audio.tobytes() == again.audio.tobytes()
    assert first.visual.tobytes() == again.visual.tobytes()
    assert np.array_equal(first.split, again.split)
    assert not np.array_equal(first.true_labels, other.true_labels)


def test_noise_changes_features_but_not_labels() -> None:
    easy, hard = (generate(SyntheticConfig(clips=120, classes=5, noise=noise)) for noise in (0.2, 3.0))
    assert np.array_equal(easy.hard_label, hard.hard_label)
    assert np.array_equal(easy.true_labels, hard.true_labels)
    assert not np.array_equal(easy.audio, hard.audio)


def test_the_annotated_class_is_true_and_hidden_labels_join_the_modalities() -> None:
    features = generate(SyntheticConfig(clips=500))
    rows = np.arange(500)
    assert features.true_labels is not None
    assert features.true_audio is not None
    assert features.true_visual is not None
    assert features.true_labels[rows, features.hard_label].all()
    assert np.array_equal(features.true_labels, features.true_audio | features.true_visual)
    assert (features.true_audio != features.true_visual).any()


def test_events_join_only_along_planted_edges() -> None:
    """Every clip must have one event from which all others can be reached, within the modality where they are."""
    features = generate(SyntheticConfig(clips=400, classes=8, density=0.2, seed=1))
    assert features.true_graph is not None
    assert features.true_audio is not None
    assert features.true_visual is not None
    count = len(features.classes)
    for offset, present in ((0, features.true_audio), (count, features.true_visual)):
        edges = features.true_graph[offset : offset + count, offset : offset + count].astype(bool)
        for i in range(400):
            # The first event is there in both modalities and reaches every other over events that are present.
            starts = np.flatnonzero(features.true_audio[i] & features.true_visual[i])
            assert any(_reached(edges, int(s), present[i]) == set(np.flatnonzero(present[i])) for s in starts)


def _reached(edges: np.ndarray, start: int, allowed: np.ndarray) -> set[int]:
    seen, front = {start}, [start]
    while front:
        for j in np.flatnonzero(edges[front.pop()] & allowed):
            if int(j) not in seen:
                seen.add(int(j))
                front.append(int(j))
    return seen


@pytest.mark.parametrize("density", [0.0, 0.12, 0.5, 1.0])
def test_density_is_the_share_of_ordered_pairs(density: float) -> None:
    config = SyntheticConfig(clips=200, classes=9, density=density, co_occurrence=0.1)
    graph = plant(config, np.random.default_rng(0))
    assert len(graph.source) == round(density * 72)
    assert len({(a, b) for a, b in zip(graph.source.tolist(), graph.target.tolist(), strict=True)}) == len(graph.source)
    assert (graph.source != graph.target).all()
    assert (graph.audio | graph.visual).all()
    generate(config)


def test_up_to_half_density_the_plan_has_no_cycle() -> None:
    graph = plant(SyntheticConfig(classes=9, density=0.5), np.random.default_rng(0))
    edges = np.zeros((9, 9))
    edges[graph.source, graph.target] = 1
    assert np.trace(np.linalg.matrix_power(edges + 0.0, 9)) == 0
    assert not np.linalg.matrix_power(edges, 9).any()


def test_co_occurrence_is_the_probability_that_the_target_joins() -> None:
    features = generate(SyntheticConfig(clips=15_000, classes=2, density=0.5, co_occurrence=0.3, noise=0.0))
    assert features.true_labels is not None
    assert features.true_graph is not None
    one_way = features.true_graph * (1 - features.true_graph.T)
    source, target = next((i % 2, j % 2) for i, j in np.argwhere(one_way))
    # Clips that start from the target hold it alone, so those holding the source all started from it.
    joined = features.true_labels[features.true_labels[:, source], target].mean()
    graph = plant(
        SyntheticConfig(classes=2, density=0.5, co_occurrence=0.3),
        np.random.default_rng(np.random.SeedSequence(0).spawn(4)[0]),
    )
    assert joined == pytest.approx(graph.strength[0], abs=0.02)
    assert graph.strength[0] == pytest.approx(0.3, abs=0.16)


def test_every_split_sees_every_class() -> None:
    features = generate(SyntheticConfig(clips=90, classes=30, density=0.0))
    for split in ("train", "validation", "test"):
        assert set(features.hard_label[features.rows(split)]) == set(range(30))


def test_too_few_clips_say_how_many_are_needed() -> None:
    with pytest.raises(DataError, match="at least 150 clips"):
        generate(SyntheticConfig(clips=100, classes=50))


def test_a_classifier_finds_the_classes_and_noise_hides_them() -> None:
    """Nearest training mean: far above chance at the usual noise, near chance when noise drowns everything."""
    scores = []
    for noise in (0.3, 1.0, 20.0):
        features = generate(SyntheticConfig(clips=1200, classes=8, noise=noise))
        train, test = features.rows("train"), features.rows("test")
        means = np.stack([features.audio[train][features.hard_label[train] == c].mean(axis=0) for c in range(8)])
        guess = ((features.audio[test][:, None] - means[None]) ** 2).sum(axis=2).argmin(axis=1)
        scores.append((guess == features.hard_label[test]).mean())
    assert scores[0] > scores[1] > 0.3
    assert scores[2] < 0.25


def test_planted_pairs_co_occur_more_than_others() -> None:
    features = generate(SyntheticConfig(clips=3000, classes=10, density=0.1, seed=5))
    assert features.true_labels is not None
    assert features.true_graph is not None
    count = 10
    blocks = features.true_graph[:count, :count] | features.true_graph[count:, count:]
    linked = (blocks | blocks.T).astype(bool)
    together = np.corrcoef(features.true_labels.T)
    apart = ~linked & ~np.eye(count, dtype=bool)
    assert together[linked].min() > np.median(together[apart])


@pytest.mark.parametrize("seed", range(3))
def test_audioset_statistics_name_real_classes(seed: int) -> None:
    config = SyntheticConfig(statistics="audioset", seed=seed)
    features = generate(config)
    names, _, joint = statistics()
    assert set(features.classes) <= set(names)
    assert features.true_graph is not None
    count = len(features.classes)
    place = [names.index(name) for name in features.classes]
    for i, j in np.argwhere(features.true_graph[:count, :count]):
        assert joint[place[i], place[j]] > 0
    assert "AudioSet" in features.source


def test_the_audioset_summary_is_a_dag_of_probabilities() -> None:
    _, clips, joint = statistics()
    assert (clips > 0).all()
    assert joint.max() <= 1
    assert not (joint.astype(bool) & joint.T.astype(bool)).any()
    order = np.argsort(clips, kind="stable")
    assert np.tril(joint[np.ix_(order, order)], -1).max() == 0


def test_the_summary_follows_the_real_labels(shared_data) -> None:  # type: ignore[no-untyped-def]
    stored = np.load(shared_data / "ave" / "audioset_full_joint527.npz")
    place = {str(name): i for i, name in enumerate(stored["names"])}
    names, clips, joint = statistics()
    rows = [place[name] for name in names]
    counts = stored["joint"][np.ix_(rows, rows)]
    assert np.allclose(clips, np.diag(counts) / 1000, atol=0.051)
    real = counts / np.diag(counts)[:, None]
    kept = joint > 0
    assert np.allclose(joint[kept], real[kept], atol=0.0051)


def test_more_classes_than_the_summary_holds_are_refused() -> None:
    with pytest.raises(DataError, match="Use at most"):
        generate(SyntheticConfig(clips=5000, classes=200, statistics="audioset"))


def test_the_usual_size_takes_less_than_a_second() -> None:
    start = time.thread_time()
    generate(SyntheticConfig())
    assert time.thread_time() - start < 1.0


def test_progress_is_reported() -> None:
    seen: list[float] = []
    generate(SyntheticConfig(clips=60, classes=4), lambda fraction, message="", **figures: seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
