"""Layouts: every node has its place, names have room, linked nodes are near."""

from __future__ import annotations

import numpy as np
import pytest

from avexplore.artifacts import FloatArray
from avexplore.drawing.class_graph.arrangement import Arrangement
from avexplore.drawing.class_graph.layouts import GAP_Y, arrange, bends, trophic_levels
from avexplore.drawing.class_graph.names import LayoutName

LAYOUTS: tuple[LayoutName, ...] = ("layered", "spring", "circular")


def chain(p: int) -> FloatArray:
    weights = np.zeros((p, p))
    weights[np.arange(p - 1), np.arange(1, p)] = 1.0
    return weights


def random_weights(p: int, seed: int = 0) -> FloatArray:
    rng = np.random.default_rng(seed)
    weights: FloatArray = rng.random((p, p)) * (rng.random((p, p)) < 2 / max(p, 1))
    np.fill_diagonal(weights, 0)
    return weights


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("p", [0, 1, 2, 3, 12, 31, 56])
def test_positions_are_finite_apart_and_repeatable(name: LayoutName, p: int) -> None:
    weights = random_weights(p)
    position = arrange(name, weights)
    assert position.shape == (p, 2)
    assert np.isfinite(position).all()
    np.testing.assert_array_equal(position, arrange(name, weights))
    apart = np.linalg.norm(position[:, None] - position[None], axis=2) + 1e9 * np.eye(p)
    assert p < 2 or apart.min() > 20, "signs would overlap"


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_graph_without_edges_has_a_layout(name: LayoutName) -> None:
    position = arrange(name, np.zeros((30, 30)))
    assert len(np.unique(position.round(3), axis=0)) == 30


@pytest.mark.parametrize("name", ["layered", "spring"])
def test_linked_nodes_stand_nearer_than_others(name: LayoutName) -> None:
    weights = random_weights(40, seed=5)
    position = arrange(name, weights)
    apart = np.linalg.norm(position[:, None] - position[None], axis=2)
    linked = (weights + weights.T) > 0
    assert apart[linked].mean() < 0.6 * apart[~linked & ~np.eye(40, dtype=bool)].mean()


def test_a_chain_runs_downwards() -> None:
    height = arrange("layered", chain(12))[:, 1]
    ends = np.diff(height)
    assert (ends > -GAP_Y / 3).all(), "no arrow climbs"
    assert height[-1] - height[0] > 2 * GAP_Y


def test_trophic_levels_solve_their_equation() -> None:
    weights = random_weights(15, seed=2)
    levels = trophic_levels(weights)
    # At the minimum, the gradient of sum W_ij (h_j - h_i - 1)^2 vanishes for every node.
    gap = levels[None] - levels[:, None] - 1
    gradient = (weights * gap).sum(axis=0) - (weights * gap).sum(axis=1)
    np.testing.assert_allclose(gradient, 0, atol=1e-5)


def test_an_undirected_edge_keeps_its_ends_level() -> None:
    np.testing.assert_allclose(trophic_levels(np.array([[0.0, 1.0], [1.0, 0.0]])), 0, atol=1e-9)


def test_tiers_stack_in_order() -> None:
    tiers = np.array([2] * 6 + [1] * 6)
    height = arrange("layered", random_weights(12), tiers)[:, 1]
    assert height[tiers == 1].max() < height[tiers == 2].min()


def test_nodes_without_a_tier_join_their_neighbors() -> None:
    weights = np.zeros((5, 5))
    weights[0, 1] = weights[2, 3] = weights[3, 4] = 1.0
    height = arrange("layered", weights, np.array([1, 0, 3, 3, 0]))[:, 1]
    assert height[1] < height[2]
    assert height[4] > height[0]


def test_circular_faces_audio_with_visual() -> None:
    position = arrange("circular", random_weights(24))
    audio, visual = position[:12], position[12:]
    assert (audio[:, 0] < 0).all()
    np.testing.assert_allclose(audio * [-1, 1], visual)
    assert set(Arrangement("circular", position).sides()) == {"left", "right"}


def test_chords_curve_towards_the_middle() -> None:
    position = arrange("circular", random_weights(24))
    edges = [(0, 5), (5, 0), (13, 20), (2, 16)]
    for (i, j), bend in zip(edges, bends("circular", position, edges), strict=True):
        step = position[j] - position[i]
        middle = (position[i] + position[j]) / 2
        # vis-network's control point lies to the left of the way for a positive roundness (y points down).
        bowed = middle + 0.2 * bend * np.array([step[1], -step[0]])
        center = position.mean(axis=0)
        assert np.linalg.norm(bowed - center) <= np.linalg.norm(middle - center) + 1e-9


@pytest.mark.parametrize("name", LAYOUTS)
def test_large_graphs_have_a_layout(name: LayoutName) -> None:
    assert np.isfinite(arrange(name, random_weights(320))).all()
