"""Sources of links beside the search: by hand, and with a planted structure."""

from __future__ import annotations

import numpy as np
import pytest

from avexplore.artifacts import FloatArray, SoftLabels
from avexplore.errors import ConfigError
from avexplore.graph.evidence.link_sources import (
    COUNTED,
    SOURCES,
    LinkEvidence,
    lasso_scores,
    link_evidence,
    link_weights,
)
from avexplore.graph.inputs.covariance import correlation


def made(seed: int = 0, n: int = 400, count: int = 5) -> SoftLabels:
    rng = np.random.default_rng(seed)
    audio, visual = rng.random((2, n, count)) ** 3
    audio[:, 1] = (audio[:, 1] + audio[:, 0]) / 2
    visual[:, 3] = (visual[:, 3] + audio[:, 0]) / 2
    zero = np.zeros(n, int)
    return SoftLabels(audio, visual, "probabilities", tuple("ABCDE")[:count], zero, zero, normalized=False)


def test_strength_is_the_conditional_difference_of_a_loop() -> None:
    soft = made(n=50)
    x = np.concatenate([soft.audio, soft.visual], axis=1)
    evidence = link_evidence(soft)
    for i in range(10):
        for j in range(10):
            given = sum(x[n, i] * x[n, j] for n in range(50)) / x[:, i].sum()
            wanted = 0.0 if i == j else max(0.0, given - x[:, j].mean())
            assert evidence.strength[i, j] == pytest.approx(wanted)
    assert np.allclose(evidence.correlation, np.corrcoef(x.T))
    by_class = link_evidence(soft, "class")
    four = [evidence.correlation[a, b] for a in (0, 5) for b in (1, 6)]
    back = [evidence.correlation[b, a] for a in (0, 5) for b in (1, 6)]
    assert by_class.correlation[0, 1] == pytest.approx((max(four) + max(back)) / 2)
    assert by_class.strength.shape == (5, 5)


@pytest.mark.parametrize("source", SOURCES)
def test_all_sources_are_on_one_scale(source: str) -> None:
    evidence = link_evidence(made())
    given = np.zeros((10, 10), bool)
    given[0, 8] = True
    where = np.zeros((10, 10), bool)
    where[:5, 5:] = where[5:, :5] = True
    found = link_weights(source, evidence, count=4, given=given, where=where, seed=1)  # type: ignore[arg-type]
    assert (found >= 0).all()
    assert (np.diagonal(found) == 0).all()
    assert (found[~where] == 0).all()
    linked = found > 0
    if source != "popularity":
        assert np.array_equal(found[linked], evidence.strength[linked]), "as strong as the others' links"
    if source in COUNTED:
        assert linked.sum() <= 8
    if source == "given":
        assert set(map(tuple, np.argwhere(linked))) == {(0, 8), (8, 0)}
    if source == "none":
        assert not linked.any()


def test_popularity_knows_nothing_of_pairs() -> None:
    found = link_weights("popularity", link_evidence(made()))
    for j in range(10):
        others = np.delete(found[:, j], j)
        assert np.allclose(others, others[0])
    strength = link_evidence(made()).strength
    assert found[0, 9] == pytest.approx(strength[:9, 9].mean())


def test_conditional_means_keep_their_own_direction() -> None:
    strength = np.array([[0, 0.5, 0.0], [0.1, 0, 0.4], [0.0, 0.3, 0]])
    evidence = LinkEvidence(np.eye(3), strength)
    assert np.argwhere(link_weights("conditional-means", evidence, count=1)).tolist() == [[0, 1], [1, 2]]


def test_a_lasso_leaves_out_what_others_explain() -> None:
    rng = np.random.default_rng(0)
    x: FloatArray = rng.normal(size=(4000, 5))
    x[:, 1] += 1.5 * x[:, 0]
    x[:, 2] += 1.5 * x[:, 1]  # a chain: 0 - 1 - 2
    r = correlation(x)
    scores = lasso_scores(r, 2)
    best = {tuple(pair) for pair in np.argwhere(np.triu(scores >= np.sort(scores[np.triu_indices(5, 1)])[-2], 1))}
    assert best == {(0, 1), (1, 2)}
    assert r[0, 2] > 0.6, "though the ends are correlated"
    assert np.allclose(scores, scores.T)
    evidence = LinkEvidence(r, np.where(np.eye(5), 0.0, 0.1))
    for count in (1, 2, 4):
        assert np.triu(link_weights("graphical-lasso", evidence, count=count) > 0).sum() == count


def test_a_lasso_that_has_fewer_links_than_wanted_still_ranks_by_itself() -> None:
    rng = np.random.default_rng(0)
    x: FloatArray = rng.normal(size=(4000, 3))
    x[:, 1] += x[:, 0]
    x[:, 2] -= x[:, 1]  # one positive pair of three
    scores = lasso_scores(correlation(x), 3)
    assert scores[0, 1] > 0.1, "not the correlation that stands in for missing links"
    assert scores[0, 2] == scores[1, 2] == 0


def test_a_lasso_has_its_links_among_the_pairs_that_are_asked_for() -> None:
    rng = np.random.default_rng(0)
    x: FloatArray = rng.normal(size=(4000, 5))
    x[:, 1] += x[:, 0]  # the strongest link, and not asked for
    x[:, 2] += 0.3 * x[:, 1]
    x[:, 4] += 0.3 * x[:, 3]
    where = np.ones((5, 5), bool)
    where[0, 1] = where[1, 0] = False
    evidence = LinkEvidence(correlation(x), np.ones((5, 5)))
    found = {
        source: {tuple(pair) for pair in np.argwhere(np.triu(link_weights(source, evidence, count=2, where=where)))}
        for source in COUNTED[:2]
    }
    assert found == {"correlation": {(0, 2), (1, 2)}, "graphical-lasso": {(1, 2), (3, 4)}}


def test_what_cannot_be_had_is_refused() -> None:
    evidence = link_evidence(made())
    with pytest.raises(ConfigError, match="no source"):
        link_weights("oracle", evidence)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="without a graph"):
        link_weights("given", evidence)
    with pytest.raises(ConfigError, match="too long"):
        lasso_scores(np.eye(400), 5)


def test_random_links_are_as_many_and_come_back_with_their_seed() -> None:
    evidence = LinkEvidence(np.eye(20), np.full((20, 20), 0.2) * ~np.eye(20, dtype=bool))
    one, two = (link_weights("random", evidence, count=15, seed=seed) for seed in (0, 1))
    assert (one > 0).sum() == (two > 0).sum() == 30
    assert not np.array_equal(one, two)
    assert np.array_equal(one, link_weights("random", evidence, count=15, seed=0))
