from __future__ import annotations

import numpy as np
import pytest
from causallearn.score.LocalScoreFunction import local_score_BDeu

from avexplore.graph.scores.bdeu import bdeu_local_score, discretize, thirds


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("prior", [(1.0, 1.0), (5.0, 0.5)])
def test_scores_are_those_of_causal_learn(seed: int, prior: tuple[float, float]) -> None:
    rng = np.random.default_rng(seed)
    states = rng.integers(0, [2, 3, 3, 4, 2], size=(120, 5))
    states[:, 1] = (states[:, 0] + states[:, 2]) % 3
    theirs = {"sample_prior": prior[0], "structure_prior": prior[1], "r_i_map": dict(enumerate([2, 3, 3, 4, 2]))}
    ours = bdeu_local_score(states, sample_prior=prior[0], parents_expected=prior[1])
    for node in range(5):
        for size in range(5):
            parents = [k for k in rng.permutation(5).tolist() if k != node][:size]
            assert ours(node, parents) == pytest.approx(local_score_BDeu(states, node, parents, theirs), rel=1e-9)


def test_many_parents_are_counted_without_a_giant_table() -> None:
    states = np.random.default_rng(0).integers(0, 3, size=(200, 30))
    assert np.isfinite(bdeu_local_score(states)(0, list(range(1, 30))))


def test_states_of_near_one_hot_labels() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([np.eye(4)[rng.integers(0, 3, 100)]] * 2, axis=1) + 0.01 * rng.normal(size=(100, 8))
    states = discretize(values)
    assert ((states[:, :4] == 2).sum(axis=1) == 1).all()
    assert not (states[:, 3] == 2).any()  # never a clip's top class
    rest = states[states[:, 0] < 2, 0]
    assert abs((rest == 1).mean() - 0.5) < 0.02


def test_thirds_are_of_equal_size_and_see_ranks_only() -> None:
    x = np.random.default_rng(0).normal(size=(300, 2))
    assert np.bincount(thirds(x)[:, 0]).tolist() == [100, 100, 100]
    np.testing.assert_array_equal(thirds(x), thirds(x**3))


def test_two_values_stay_two_states_and_a_tied_row_has_no_top() -> None:
    labels = np.array([[0, 0, 0, 1], [1, 0, 0, 0], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 1, 1]], float)
    assert discretize(labels).tolist() == labels.astype(int).tolist()
    assert thirds(labels * 4 - 2).tolist() == labels.astype(int).tolist(), "even where most are ones"
    mixed = np.array([[0.5, 0.5, 0.9, 0.1], [0.7, 0.3, 0.5, 0.5], [0.2, 0.8, 0.4, 0.6]])
    assert not (discretize(mixed)[0, :2] == 2).any()
    assert not (discretize(mixed)[1, 2:] == 2).any()
    assert (discretize(mixed)[2] == 2).sum() == 2


def test_dependencies_of_labels_are_found_by_counting_both_states() -> None:
    rng = np.random.default_rng(0)
    there = rng.random((500, 2)) < 0.1
    labels = np.concatenate([there, there ^ (rng.random((500, 2)) < 0.02)], axis=1).astype(float)
    score = bdeu_local_score(discretize(labels))
    assert score(2, [0]) > score(2, [])
    assert score(2, [1]) < score(2, []), "empty clips alone make no two classes depend on each other"
