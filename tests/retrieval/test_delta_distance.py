from __future__ import annotations

import itertools

import numpy as np
import pytest

from avexplore.artifacts import Embeddings
from avexplore.errors import DataError
from avexplore.retrieval.delta_distance import delta_distance
from avexplore.retrieval.ranking import normalized


def scene(n=25, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(classes), size=(2, n))
    weights = np.triu(rng.random((2 * classes, 2 * classes)) * (rng.random((2 * classes, 2 * classes)) < 0.7), 1)
    before, after = (Embeddings(*(normalized(rng.normal(size=(n, 4))) for _ in range(2))) for _ in range(2))
    return before, after, probabilities, rng.integers(classes, size=n), weights + weights.T


def test_is_the_loop_over_pairs():
    before, after, p, labels, weights = scene()
    found = delta_distance(before, after, p, labels, weights, top=6, tau=0.3)
    s = np.concatenate([p[0], p[1]], 1)
    for e, (i, j) in enumerate(found.edges):
        distances = [[], []]
        for n, m in itertools.product(range(25), repeat=2):
            if s[n, i] > 0.3 and s[m, j] > 0.3 and labels[n] != labels[m]:
                for k, z in enumerate((before, after)):
                    halves = (z.audio, z.visual)
                    distances[k].append(1 - float(halves[i // 3][n] @ halves[j // 3][m]))
        assert found.pairs[e] == len(distances[0])
        assert found.before[e] == pytest.approx(np.mean(distances[0]), abs=1e-6)
        assert found.after[e] == pytest.approx(np.mean(distances[1]), abs=1e-6)
        everyone = [
            np.mean([1 - z[i // 3][n] @ z[j // 3][m] for n in range(25) for m in range(25) if labels[n] != labels[m]])
            for z in ((before.audio, before.visual), (after.audio, after.visual))
        ]
        assert found.others[e] == pytest.approx(everyone[0] - everyone[1], abs=1e-6)
    assert found.mean.mean == pytest.approx(found.delta.mean())
    assert found.mean_beyond_others.mean == pytest.approx((found.delta - found.others).mean())


def test_a_student_that_only_shrinks_the_space_brings_no_edge_nearer_than_the_rest():
    _, _, p, labels, weights = scene()
    rng = np.random.default_rng(5)
    wide = [normalized(rng.normal(size=(25, 4))) for _ in range(2)]
    shift = np.array([3.0, 0, 0, 0])
    narrow = [normalized(z + shift) for z in wide]
    found = delta_distance(Embeddings(*wide), Embeddings(*narrow), p, labels, weights, top=6, tau=0.2)
    assert found.mean.low > 0.5
    assert abs(found.mean_beyond_others.mean) < 0.2


def test_columns_of_one_modality_alone_are_no_distance():
    before, after, p, labels, weights = scene()
    plain = delta_distance(before, after, p, labels, weights, tau=0.3)
    padded = []
    for length, z in ((0.9, before), (0.1, after)):  # as LIR shortens what makes up the length
        rest, none = np.full((25, 1), length, np.float32), np.zeros((25, 1), np.float32)
        padded.append(Embeddings(np.hstack([z.audio, rest, none]), np.hstack([z.visual, none, rest]), private=2))
    found = delta_distance(*padded, p, labels, weights, tau=0.3)
    np.testing.assert_allclose(found.delta, plain.delta)
    np.testing.assert_allclose(found.others, plain.others)
    assert padded[0].at(np.array([3])).private == 2


def test_the_two_nodes_of_a_class_count_on_request():
    before, after, p, labels, weights = scene()
    weights[0, 3] = weights[3, 0] = 2.0
    assert [0, 3] not in delta_distance(before, after, p, labels, weights).edges.tolist()
    assert delta_distance(before, after, p, labels, weights, same_class=True).edges[0].tolist() == [0, 3]


def test_strongest_edges_first_and_each_once():
    before, after, p, labels, weights = scene()
    found = delta_distance(before, after, p, labels, weights, top=4)
    assert (np.diff(found.weights) <= 0).all()
    assert found.weights[0] == np.where(np.eye(6, k=3) + np.eye(6, k=-3) > 0, 0, weights).max()
    assert (found.edges[:, 0] < found.edges[:, 1]).all()


def test_edges_nobody_activates_have_no_figure():
    before, after, p, labels, weights = scene()
    found = delta_distance(before, after, p, labels, weights, tau=0.9999)
    assert np.isnan(found.delta).all()
    assert found.mean.count == 0
    assert delta_distance(before, after, p, labels, weights * 0).edges.shape == (0, 2)


def test_wrong_shapes_are_refused():
    before, after, p, labels, weights = scene()
    with pytest.raises(DataError, match="do not fit"):
        delta_distance(before, after, p[:, :-1], labels, weights)
