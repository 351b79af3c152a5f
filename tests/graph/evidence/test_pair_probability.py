"""The probability of class pairs: features against slow loops, worlds by hand, calibration on worlds never seen."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avexplore.artifacts import FloatArray, SoftLabels
from avexplore.graph.evidence import pair_probability as subject
from avexplore.graph.evidence.simulated_worlds import OUTPUTS, come_together, draw_world, simulate

NEVER_SEEN = 2_000_000
"""Seeds from here on are not among those that the regression was fitted or chosen on."""


def slow_features(soft: SoftLabels) -> FloatArray:
    """The definitions, pair by pair."""
    x = np.concatenate([soft.audio, soft.visual], axis=1)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    y, count, n = soft.hard_label, len(soft.classes), len(x)
    r = np.corrcoef(x.T)
    pairs = [(i, j) for i in range(count) for j in range(count) if i != j]
    crossing = {(i, j): (r[i, j + count] + r[j, i + count]) / 2 for i, j in pairs}

    def z(values: dict[tuple[int, int], float]) -> dict[tuple[int, int], float]:
        low, middle = np.quantile(list(values.values()), [0.16, 0.5])
        return {pair: (value - middle) / (middle - low) for pair, value in values.items()}

    heard, seen, across = (
        z({p: r[p] for p in pairs}),
        z({(i, j): r[i + count, j + count] for i, j in pairs}),
        z(crossing),
    )
    reach = {}
    for j in range(count):
        for node in (j, j + count):
            own = np.sort(x[y == j, node])
            reach[node] = own[int(0.3 * (len(own) - 1))]
    both = {j: (x[:, j] >= reach[j]) & (x[:, j + count] >= reach[j + count]) for j in range(count)}

    def one_way(i: int, j: int) -> tuple[float, float]:
        inside = y == i
        agreement = np.corrcoef(x[inside, j], x[inside, j + count])[0, 1]
        usual = both[j].mean()
        here = (both[j][inside].sum() + 2 * usual) / (inside.sum() + 2)
        return float(np.clip(agreement, -0.95, 0.95)), float(np.log((here + 0.01) / (usual + 0.01)))

    other = [r[i, j + count] for i in range(count) for j in range(count) if i != j]
    own = (np.median([r[k, k + count] for k in range(count)]) - np.median(other)) / np.std(other)
    share = [(np.sum(y == k) + 1) / (n + count) for k in range(count)]
    rows = []
    for i in range(count):
        for j in range(i + 1, count):
            forth, back = one_way(i, j), one_way(j, i)
            within = (heard[i, j] + seen[i, j]) / 2
            agreement, presence = (forth[0] + back[0]) / 2, (forth[1] + back[1]) / 2
            rows.append([within, across[i, j], agreement, presence, np.log(max(share[i], share[j])), own])
    return np.array(rows)


@pytest.mark.parametrize("seed", [NEVER_SEEN + 3, NEVER_SEEN + 4])
def test_features_are_what_they_are_said_to_be(seed: int) -> None:
    soft = simulate(seed).soft_labels
    enough = np.bincount(soft.hard_label, minlength=len(soft.classes)) >= 3
    assert enough.all(), "a world in which the rule for rare classes plays no part"
    found, label = subject.pair_features(soft)
    assert np.allclose(found, slow_features(soft), atol=1e-9)
    assert (label == soft.hard_label).all()


def test_order_of_classes_scale_and_modality_do_not_matter() -> None:
    soft = simulate(NEVER_SEEN + 3).soft_labels
    before = subject.pair_probability(soft).probability
    rng = np.random.default_rng(0)
    order = rng.permutation(len(soft.classes))
    place = np.argsort(order)
    turned = replace(
        soft,
        audio=soft.visual[:, order] * 3 + 1,
        visual=soft.audio[:, order] / 7,
        kind="scores",
        classes=tuple(soft.classes[k] for k in order),
        hard_label=place[soft.hard_label],
    )
    assert np.allclose(subject.pair_probability(turned).probability, before[np.ix_(order, order)], equal_nan=True)
    assert np.array_equal(before, before.T, equal_nan=True)
    assert np.isnan(np.diagonal(before)).all()


def test_what_comes_together_is_told_from_what_does_not() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 10, 2000)
    there = np.eye(10)[label]
    there[:, 1] = np.maximum(there[:, 1], (label == 0) & (rng.random(2000) < 0.4))
    audio, visual = (3 * there + rng.normal(0, 1, there.shape) for _ in range(2))
    classes = tuple("ABCDEFGHIJ")
    found = subject.pair_probability(SoftLabels(audio, visual, "logits", classes, 0 * label, label))
    assert found.likely[0, 1]
    assert found.likely.sum() == 2
    nodes = ("visual:B", "audio:A", "audio:unknown", "visual:A")
    of_nodes = found.of_nodes(nodes)
    assert of_nodes[0, 1] == of_nodes[1, 0] == of_nodes[0, 3] == found.probability[0, 1]
    assert np.isnan(of_nodes[2]).all()
    assert np.isnan(of_nodes[1, 3])


def test_probabilities_mean_what_they_say_on_worlds_never_seen() -> None:
    said, true = [], []
    for seed in range(NEVER_SEEN, NEVER_SEEN + 120):
        world = simulate(seed)
        i, j = np.triu_indices(len(world.together), 1)
        some = np.random.default_rng(seed).permutation(len(i))[:200]
        found = subject.pair_probability(world.soft_labels)
        said.append(found.probability[i, j][some])
        true.append(world.together[i, j][some])
    p, y = np.concatenate(said), np.concatenate(true)
    place = np.minimum((p * 10).astype(int), 9)
    error = np.abs(np.bincount(place, p - y, 10)).sum() / len(p)
    assert error < 0.05
    assert y[p >= found.probably_true].mean() > 0.8


def test_the_coefficients_say_how_they_did_and_how_they_were_made() -> None:
    model = subject.coefficients()
    assert model["features"] == list(subject.FEATURES)
    assert model["held_out"]["ece_pooled"] <= 0.03
    assert model["held_out"]["ece_per_world"] <= 0.12
    assert model["held_out"]["precision"] >= 0.9
    assert model["held_out"]["unrelated_worlds_with_a_pair"] <= 0.15
    assert "benchmarks/pair_probability.py --fit" in model["made_by"]["command"]
    assert f"{model['held_out']['unrelated_worlds_with_a_pair']:.0%}" in subject.limits()


def test_what_makes_it_less_sure_is_told() -> None:
    drawn = [simulate(seed).soft_labels for seed in range(NEVER_SEEN, NEVER_SEEN + 40)]
    softmax = next(s for s in drawn if s.kind == "probabilities" and s.normalized)
    assert any("are a softmax" in text for text in subject.pair_probability(softmax).warnings)
    logits = next(s for s in drawn if s.kind == "logits")
    assert subject.pair_probability(logits).warnings == ()
    unknown = replace(logits, hard_label=np.full(len(logits.hard_label), -1))
    assert any("highest soft label stands in" in text for text in subject.pair_probability(unknown).warnings)
    few = replace(logits, **{name: getattr(logits, name)[:50] for name in ("audio", "visual", "split", "hard_label")})
    assert any("50 clips are outside" in text for text in subject.pair_probability(few).warnings)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_few_classes_and_constant_columns_do_no_harm(count: int) -> None:
    rng = np.random.default_rng(1)
    audio, visual = rng.normal(size=(30, count)), np.zeros((30, count))
    label = np.zeros(30, int)
    soft = SoftLabels(audio, visual, "logits", tuple("ABCD")[:count], label, label)
    found = subject.pair_probability(soft)
    off = ~np.eye(count, dtype=bool)
    if count < 4:
        assert np.isnan(found.probability).all()
        assert any("fewer than four" in text for text in found.warnings)
    else:
        assert ((found.probability[off] >= 0) & (found.probability[off] <= 1)).all()


def test_of_very_many_clips_some_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    soft = simulate(NEVER_SEEN).soft_labels
    monkeypatch.setattr(subject, "MOST_CLIPS", 100)
    rows = subject.rows_looked_at(soft)
    assert len(rows) == 100
    assert rows[0] == 0
    assert rows[-1] == len(soft.hard_label) - 1


def test_worlds_are_what_they_are_said_to_be() -> None:
    drawn = [simulate(seed) for seed in range(NEVER_SEEN, NEVER_SEEN + 60)]
    assert {world.output for world in drawn} == set(OUTPUTS)
    for world in drawn:
        assert np.array_equal(world.together, world.together.T)
        if not world.related:
            assert not world.together.any()
    again = simulate(NEVER_SEEN + 1)
    assert np.array_equal(again.soft_labels.audio, drawn[1].soft_labels.audio)
    world = draw_world(np.random.default_rng(5))
    heard, seen, label = world.draw(50, np.random.default_rng(6))
    assert heard.shape == seen.shape == (50, len(world.share))
    assert label.max() < len(world.share)


# --- real truth ---------------------------------------------------------------------------------------------------


def error_on(soft: SoftLabels, present: np.ndarray) -> float:
    found = subject.pair_probability(soft)
    i, j = np.triu_indices(len(found.classes), 1)
    p, y = found.probability[i, j], come_together(present)[i, j]
    place = np.minimum((p * 10).astype(int), 9)
    return float(np.abs(np.bincount(place, p - y, 10)).sum() / len(p))


def test_calibration_on_vggsounder(shared_data: Path) -> None:
    with np.load(shared_data / "vggsounder" / "vggsounder_labels_and_model_votes.npz", allow_pickle=False) as held:
        human = np.stack([np.unpackbits(held[f"gt_{m}"], axis=1)[:, :309].astype(bool) for m in ("audio", "visual")])
        votes = np.zeros(human.shape)
        for k, name in enumerate(("votes_a_coo", "votes_v_coo")):
            clip, voted, number = held[name].T
            votes[k, clip, voted] = number / held["n_models"][clip]
        label = held["orig_vggsound"].astype(int).ravel()
    kept = np.argsort(-human.sum(axis=1).min(axis=0), kind="stable")[:60]
    place = np.full(309, -1)
    place[kept] = np.arange(60)
    fed = np.arange(0, len(label), 4)
    judging = np.arange(1, len(label), 2)
    names = tuple(f"class {k}" for k in range(60))
    soft = SoftLabels(*votes[:, fed][:, :, kept], "probabilities", names, 0 * fed, place[label[fed]], normalized=False)
    assert error_on(soft, human[:, judging][:, :, kept].any(axis=0)) <= 0.10


def test_calibration_on_llp(shared_data: Path) -> None:
    rows = []
    for k, name in enumerate(("audio", "visual")):
        with (shared_data / "llp" / f"AVVP_eval_{name}.csv").open(encoding="utf-8", newline="") as file:
            rows += [(k, row["filename"], row["event_labels"]) for row in csv.DictReader(file, delimiter="\t")]
    clips = {name: n for n, name in enumerate(sorted({row[1] for row in rows}))}
    classes = sorted({row[2] for row in rows})
    human = np.zeros((2, len(clips), len(classes)), bool)
    for k, clip, event in rows:
        human[k, clips[clip], classes.index(event)] = True
    rng = np.random.default_rng(0)
    noisy = 2.0 * human + rng.normal(0, 1 / 0.9, human.shape)
    label = np.where(human.any(axis=0), rng.random(human.shape[1:]), -1).argmax(axis=1)
    soft = SoftLabels(*noisy, "logits", tuple(classes), 0 * label, label, normalized=False)
    assert error_on(soft, human.any(axis=0)) <= 0.10
