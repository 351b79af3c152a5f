from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from avexplore.artifacts import GraphStability, SoftLabels, class_nodes
from avexplore.config import AffinityConfig, GraphConfig, SoftLabelFileConfig, StabilityConfig
from avexplore.errors import ConfigError, GraphError
from avexplore.graph.affinity import build_affinity, keep_strongest
from avexplore.graph.truth import class_pair_scores

C = 5
SAME = np.tile(np.eye(C, dtype=bool), (2, 2))
STABILITY = StabilityConfig(graph=GraphConfig(soft_labels=SoftLabelFileConfig(fingerprint="0")))


def stability(seed: int = 0) -> GraphStability:
    rng = np.random.default_rng(seed)
    frequency = np.triu(rng.random((2 * C, 2 * C)), 1)
    forward = frequency * rng.random(frequency.shape)
    correlation = np.corrcoef(rng.normal(size=(2 * C, 30)))
    zero, two = np.zeros_like(frequency), np.zeros(2)
    orientation = forward + (frequency - forward).T * 0.5
    return GraphStability(
        class_nodes(tuple("ABCDE")), frequency + frequency.T, orientation, zero, zero, correlation, 50, two, two, two
    )


def build(source: Any = "graph", true_weights: np.ndarray | None = None, **changes: Any) -> np.ndarray:
    config = AffinityConfig(**({"stability": STABILITY, "source": source} | changes))
    return build_affinity(config, stability(), true_weights=true_weights).weights


@pytest.mark.parametrize(
    "source", ["graph", "correlation", "graphical-lasso", "random", "constant", "identity", "true-graph"]
)
def test_every_source_is_symmetric_scaled_and_holds_the_identity_if_asked(source: str) -> None:
    truth = np.abs(stability(1).correlation) * 3
    weights = build(source, truth)
    np.testing.assert_array_equal(weights, weights.T)
    assert (weights[SAME] == 1).all()
    bare = build(source, truth, same_class=False)
    if source == "identity":
        assert not bare[~SAME].any()
        return
    assert not bare[SAME].any()
    assert bare.max() == 1.0
    np.testing.assert_array_equal(bare[~SAME], weights[~SAME])


def test_conditional_means_have_a_direction_of_their_own() -> None:
    rng = np.random.default_rng(3)
    audio, visual = rng.random((2, 40, C)) ** 4
    labels = SoftLabels(audio, visual, "probabilities", tuple("ABCDE"), np.zeros(40, int), np.zeros(40, int), False)
    measured = stability()
    config = AffinityConfig(STABILITY, source="conditional-means", threshold=0.6, top_k=100, same_class=False)
    weights = build_affinity(config, measured, soft_labels=labels).weights
    said = np.concatenate([audio, visual], axis=1)
    expected = np.zeros((2 * C, 2 * C))
    for i in range(2 * C):
        for j in range(2 * C):
            if not SAME[i, j]:
                expected[i, j] = (said[:, i] * said[:, j]).sum() / said[:, i].sum() - said[:, j].mean()
    pairs = sum(
        measured.edge_frequency[i, j] >= 0.6 and measured.correlation[i, j] > 0 and not SAME[i, j]
        for i in range(2 * C)
        for j in range(i)
    )
    least = np.sort(expected.ravel())[-2 * pairs]
    expected = np.where(expected >= max(least, 1e-12), expected, 0)
    np.testing.assert_allclose(weights, expected / expected.max(), atol=1e-12)
    assert (weights != weights.T).any()
    with pytest.raises(ConfigError, match="soft labels"):
        build_affinity(config, measured)


def test_graph_weights_are_frequency_times_positive_correlation() -> None:
    measured = stability()
    weights = build(threshold=0.4, top_k=100, same_class=False)
    expected = (
        measured.edge_frequency * (measured.edge_frequency >= 0.4) * np.clip(measured.correlation, 0, None) * ~SAME
    )
    np.testing.assert_allclose(weights, expected / expected.max())


def test_a_graphical_lasso_has_as_many_links_as_the_graph() -> None:
    measured = stability()
    for threshold in (0.0, 0.4, 0.8, 1.0):
        wanted = (measured.edge_frequency >= threshold) & (measured.correlation > 0) & ~SAME
        found = build("graphical-lasso", threshold=threshold, top_k=100, same_class=False) > 0
        assert found.sum() <= wanted.sum()
        if 0 < wanted.sum() < (~SAME & (measured.correlation > 0)).sum() / 2:
            assert found.sum() == wanted.sum()


def test_the_threshold_is_on_frequency_only() -> None:
    assert not build(threshold=1.0, same_class=False).any()
    assert build("correlation", threshold=1.0, same_class=False).any()


@pytest.mark.parametrize("k", [1, 2, 3])
def test_no_node_has_more_edges_than_asked(k: int) -> None:
    weights = build(threshold=0.0, top_k=k, same_class=False)
    degree = (weights > 0).sum(axis=0)
    assert degree.max() == k
    # Greedy from the top: an edge was left out only if one of its ends was full of stronger ones.
    strength = build(threshold=0.0, top_k=100, same_class=False)
    for i, j in np.argwhere((strength > 0) & (weights == 0)):
        full = [a for a in (i, j) if degree[a] == k]
        assert any(strength[a][weights[a] > 0].min() >= strength[i, j] for a in full)


def test_top_pairs_counts_pairs_of_classes() -> None:
    every = class_pair_scores(build(threshold=0.0, top_k=100, same_class=False))
    few = class_pair_scores(build(threshold=0.0, top_k=100, top_pairs=4, same_class=False))
    strongest = np.sort(every[np.triu_indices(C, 1)])[::-1][:4]
    np.testing.assert_allclose(np.sort(few[few > 0])[::2][::-1], strongest)


@pytest.mark.parametrize(
    ("off", "block"),
    [("within_audio", np.s_[:C, :C]), ("within_visual", np.s_[C:, C:]), ("across", np.s_[:C, C:])],
)
def test_blocks_can_be_switched_off_with_their_identity(off: str, block: tuple[slice, slice]) -> None:
    for source in ("graph", "identity", "constant"):
        weights = build(source, threshold=0.0, **{off: False})
        assert not weights[block].any()
        assert weights.any()


def test_random_keeps_degrees_weights_and_blocks_but_not_the_pairs() -> None:
    real = build(threshold=0.0, top_k=100, same_class=False)
    fake = build("random", threshold=0.0, top_k=100, same_class=False)
    assert not np.array_equal(real, fake)
    for block in (np.s_[:C, :C], np.s_[:C, C:], np.s_[C:, C:]):
        np.testing.assert_allclose(np.sort(real[block].ravel()), np.sort(fake[block].ravel()))
        np.testing.assert_allclose(np.sort(real[block].sum(axis=1)), np.sort(fake[block].sum(axis=1)))
    other = build("random", threshold=0.0, top_k=100, same_class=False, seed=1)
    assert not np.array_equal(fake, other)
    np.testing.assert_array_equal(fake, build("random", threshold=0.0, top_k=100, same_class=False))


def test_directed_weights_follow_the_orientation() -> None:
    measured = stability()
    weights = build(threshold=0.0, top_k=100, same_class=False, directed=True)
    both = build(threshold=0.0, top_k=100, same_class=False)
    assert not np.array_equal(weights, weights.T)
    ahead = (measured.orientation_frequency > measured.orientation_frequency.T) & (both > 0)
    assert (weights[ahead] > weights.T[ahead]).all()
    total = weights + weights.T
    np.testing.assert_allclose(total / total.max(), both / both.max())


def test_true_pairs_leave_the_decision_to_the_label_sets() -> None:
    built = build_affinity(AffinityConfig(stability=STABILITY, source="true-pairs"), stability())
    assert built.true_pairs


def test_the_true_graph_must_be_given_and_make_sense() -> None:
    with pytest.raises(ConfigError, match="not known"):
        build("true-graph")
    with pytest.raises(GraphError, match="shape"):
        build("true-graph", np.ones((3, 3)))
    with pytest.raises(GraphError, match=">= 0"):
        build("true-graph", -np.ones((2 * C, 2 * C)))


def test_ties_go_to_the_earlier_pair() -> None:
    weights = np.ones((4, 4)) - np.eye(4)
    kept = keep_strongest(weights, 1)
    assert kept[0, 1] == kept[2, 3] == 1
    assert kept.sum() == 4
