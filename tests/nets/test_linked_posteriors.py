from __future__ import annotations

import numpy as np
import pytest
import torch

from avexplore.nets import linked_posteriors
from avexplore.nets.linked_posteriors import CEILING, SMALL, LinkedPosteriors, association

COUNT = 5


def presence(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    drawn = rng.random((2, COUNT, COUNT)) * (rng.random((2, COUNT, COUNT)) < 0.5) * 0.8
    return (drawn * (1 - np.eye(COUNT))).astype(np.float32)


def posteriors(n: int = 7, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, COUNT, generator=torch.Generator().manual_seed(seed)).mul(2).softmax(1)


SHARE = np.array([0.4, 0.3, 0.15, 0.1, 0.05])


def test_presence_is_that_of_a_loop() -> None:
    m, p = presence(), posteriors()
    links = LinkedPosteriors(m, SHARE)
    for modality in (0, 1):
        found = links(p, modality)
        for n in range(len(p)):
            for j in range(COUNT):
                absent = 1 - float(p[n, j])
                for i in range(COUNT):
                    prior = float(m[modality, i, j])
                    with_j = prior * (float(p[n, j]) + SMALL) / (SHARE[j] + SMALL)
                    absent *= 1 - float(p[n, i]) * with_j / (with_j + 1 - prior)
                assert float(found[n, j]) == pytest.approx(1 - absent, abs=1e-5)


def test_a_link_brings_nothing_without_evidence_and_evidence_nothing_without_a_link() -> None:
    m = np.zeros((2, COUNT, COUNT))
    m[:, 0, 1] = 0.3
    p = torch.tensor([[1.0, 0, 0, 0, 0], [0.6, 0.4, 0, 0, 0], [0, 0.4, 0.6, 0, 0]])
    found = LinkedPosteriors(m, SHARE)(p, 0)
    assert found[0, 1] < 0.01
    assert found[1, 1] > 0.5
    torch.testing.assert_close(found[2], p[2])
    torch.testing.assert_close(found[:, 2:], p[:, 2:])


def test_it_stays_a_probability_and_never_takes_away() -> None:
    p = torch.cat([posteriors(200), torch.eye(COUNT), torch.zeros(1, COUNT)])
    m = np.full((2, COUNT, COUNT), CEILING) * (1 - np.eye(COUNT))
    found = LinkedPosteriors(m, SHARE)(p, 0)
    assert (found >= p - 1e-6).all()
    assert (found <= 1).all()


def test_no_links_change_nothing() -> None:
    p = posteriors()
    assert LinkedPosteriors.from_weights(np.eye(2 * COUNT), np.ones((COUNT, COUNT)), SHARE, 1.0)(p, 0) is p


def test_clips_do_not_see_each_other_however_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    links, p = LinkedPosteriors(presence(), SHARE), posteriors(50)
    whole = links(p, 1)
    monkeypatch.setattr(linked_posteriors, "_ENTRIES", 1)
    torch.testing.assert_close(links(p, 1), whole)
    torch.testing.assert_close(links(p.flip(0), 1).flip(0), whole)


def test_arrays_bring_it_back() -> None:
    links, p = LinkedPosteriors(presence(), SHARE), posteriors()
    again = LinkedPosteriors.from_arrays(links.to_arrays())
    assert again is not None
    assert torch.equal(again(p, 0), links(p, 0))
    assert LinkedPosteriors.from_arrays({"other": p.numpy()}) is None


def test_association_is_that_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    columns, labels = rng.normal(size=(60, 2 * COUNT)), rng.integers(COUNT, size=60)
    columns[:, 3] = 0.5  # says nothing of any clip
    found = association(columns, labels, COUNT)
    for i in range(COUNT):
        for j in range(COUNT):
            parts = []
            for column in (columns[:, j], columns[:, COUNT + j]):
                spread = column.std()
                parts.append((column[labels == i].mean() - column.mean()) / spread if spread else 0.0)
            assert found[i, j] == pytest.approx(0.0 if i == j else max(0.0, np.mean(parts)))


def test_association_has_a_direction_and_no_unit() -> None:
    """A class that always comes with another, which mostly comes alone."""
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1, 2], [50, 500, 450])
    present = np.stack([labels == 0, (labels == 1) | (labels == 0), labels == 2], 1).astype(float)
    columns = np.tile(present + 0.1 * rng.normal(size=present.shape), 2)
    found = association(columns, labels, 3)
    assert found[0, 1] > 1.5 * found[1, 0]
    np.testing.assert_allclose(association(columns * 7 - 3, labels, 3), found)


def test_a_class_without_clips_brings_nothing() -> None:
    found = association(np.random.default_rng(0).normal(size=(20, 6)), np.arange(20) % 2, 3)
    assert (found[2] == 0).all()
    assert np.isfinite(found).all()


def test_association_says_how_strong_a_link_is_and_the_graph_whether_it_is() -> None:
    weights = np.zeros((6, 6))
    weights[0, 1], weights[1, 2] = 0.01, 0.9
    found = np.array([[0, 0.8, 2.0], [0.4, 0, 0.2], [0.1, 0.1, 0]])
    m = LinkedPosteriors.from_weights(weights, found, SHARE[:3], 0.5).presence
    expected = np.zeros((3, 3))
    expected[0, 1], expected[1, 2] = 0.5, 0.5 * 0.2 / 0.8  # 0 -> 2 is no link, whatever the clips show
    np.testing.assert_allclose(m, np.stack([expected, expected]), atol=1e-7)


def test_edges_start_from_their_own_modality_at_node_level() -> None:
    weights = np.zeros((6, 6))
    weights[0, 4] = 0.4  # audio 0 -> visual 1
    weights[5, 3] = 0.2  # visual 2 -> visual 0
    share, found = np.full(3, 1 / 3), np.array([[0, 1.0, 1], [1, 0, 1], [0.5, 1, 0]])
    nodes = LinkedPosteriors.from_weights(weights, found, share, 0.5, "node").presence
    assert sorted(zip(*np.nonzero(nodes), strict=True)) == [(0, 0, 1), (1, 2, 0)]
    assert nodes[0, 0, 1] == pytest.approx(0.5)
    assert nodes[1, 2, 0] == pytest.approx(0.25)
    classes = LinkedPosteriors.from_weights(weights, found, share, 0.5, "class").presence
    np.testing.assert_array_equal(classes[0], classes[1])
    np.testing.assert_allclose(classes[0], nodes.sum(0))


def test_same_class_links_do_not_count_and_no_link_is_certain() -> None:
    weights = np.tile(np.eye(3), (2, 2))
    weights[0, 1] = 0.5
    share, found = np.full(3, 1 / 3), np.full((3, 3), 2.0)
    m = LinkedPosteriors.from_weights(weights, found, share, 0.25).presence
    assert m[0, 0, 1] == pytest.approx(0.25)
    assert (m[:, range(3), range(3)] == 0).all()
    assert LinkedPosteriors.from_weights(weights, found, share, 1.0).presence.max() == np.float32(CEILING)
