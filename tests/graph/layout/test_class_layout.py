"""Places of classes: names never touch, linked classes stand near, nothing depends on chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from avexplore.artifacts import FloatArray, IntArray
from avexplore.graph.layout.class_layout import lay_out, tile
from avexplore.graph.layout.geometry import (
    BENDS,
    choose_bends,
    crossings,
    curves,
    curves_cross,
    curves_over,
    hits,
    overlaps,
)
from avexplore.graph.layout.groups import MOST_NAMED, communities, group_name, strongest
from avexplore.graph.layout.name_boxes import text_width
from avexplore.graph.layout.stress import push_apart

Names = list[str]


def clustered(count: int, groups: int, seed: int = 0) -> tuple[FloatArray, Names]:
    """Classes in groups, strongly linked inside and loosely outside."""
    rng = np.random.default_rng(seed)
    of = rng.integers(groups, size=count)
    likely = np.where(of[:, None] == of[None], 0.7, 0.03)
    weights = np.triu(rng.random((count, count)) * (rng.random((count, count)) < likely), 1)
    words = ["Acoustic guitar", "Car", "Playing marimba, xylophone", "Dog barking", "Rain", "A"]
    return weights + weights.T, [f"{words[c % len(words)]} {c}" for c in range(count)]


@pytest.mark.parametrize("stage", [(1000.0, 640.0), (540.0, 280.0), (360.0, 600.0)])
@pytest.mark.parametrize("count", [1, 2, 3, 12, 28, 64])
def test_no_two_names_touch_and_all_are_on_the_stage(count: int, stage: tuple[float, float]) -> None:
    weights, names = clustered(count, max(count // 5, 1))
    layout = lay_out(weights, names, np.arange(count) + 1, stage)
    assert overlaps(layout.place, layout.boxes) == 0
    low, high = (layout.place + layout.boxes[:, :2]).min(axis=0), (layout.place + layout.boxes[:, 2:]).max(axis=0)
    assert (low > -1).all()
    assert (high < np.array(stage) + 1).all()
    titles = [title for title in layout.titles if title.text]
    corners = np.array([title.box for title in titles]).reshape(-1, 4)
    assert overlaps(np.zeros((len(corners), 2)), corners) == 0, "nor do the names of groups"
    assert all(title.box[0] > -1 and title.box[2] < stage[0] + 1 for title in titles)
    for title in titles:
        height = title.box[3] - title.box[1]
        assert text_width(title.text) * 0.86 * height <= title.box[2] - title.box[0] + 0.15 * height


def test_the_same_weights_give_the_same_places() -> None:
    weights, names = clustered(40, 6)
    one, two = lay_out(weights, names), lay_out(weights.copy(), names)
    np.testing.assert_array_equal(one.place, two.place)
    assert one.titles == two.titles


def test_linked_classes_stand_nearer_than_others_and_groups_are_found() -> None:
    rng = np.random.default_rng(1)
    of = np.repeat(np.arange(4), 6)
    weights = np.where(of[:, None] == of[None], 1.0, 0.0) * (1 - np.eye(24))
    order = rng.permutation(24)
    layout = lay_out(weights[np.ix_(order, order)], [f"class {c}" for c in range(24)])
    found = [frozenset(np.flatnonzero(layout.named == g)) for g in range(layout.named.max() + 1)]
    assert set(found) == {frozenset(np.flatnonzero(of[order] == g)) for g in range(4)}
    apart = np.linalg.norm(layout.place[:, None] - layout.place[None], axis=2)
    same = (of[order][:, None] == of[order][None]) & ~np.eye(24, dtype=bool)
    assert apart[same].mean() < 0.6 * apart[~same & ~np.eye(24, dtype=bool)].mean()


def test_classes_linked_to_nothing_have_a_place_and_no_group() -> None:
    weights = np.zeros((5, 5))
    weights[0, 1] = weights[1, 0] = 1.0
    layout = lay_out(weights, list("ABCDE"))
    assert layout.named.tolist() == [0, 0, -1, -1, -1]
    assert overlaps(layout.place, layout.boxes) == 0
    assert lay_out(np.zeros((3, 3)), list("ABC")).titles == ()
    assert lay_out(np.zeros((0, 0)), []).place.shape == (0, 2)


def test_many_groups_are_joined_until_they_can_be_told_apart() -> None:
    weights = np.kron(np.eye(30), np.array([[0.0, 1.0], [1.0, 0.0]]))
    named, part = communities(weights)
    assert named.max() + 1 == MOST_NAMED
    assert (np.bincount(part) >= 2).all()
    assert all(len(np.unique(named[part == k])) == 1 for k in np.unique(part)), "a part is of one group"


def test_a_pair_bends_one_way_whatever_else_is_drawn() -> None:
    weights, names = clustered(28, 5)
    layout = lay_out(weights, names)
    every = np.argwhere(np.triu(np.ones((28, 28)), 1))
    bends = layout.bends(every)
    some_pairs = every[::7]
    np.testing.assert_array_equal(lay_out(weights, names).bends(some_pairs), bends[::7])
    np.testing.assert_array_equal(layout.bends(some_pairs[:, ::-1]), -bends[::7])


def test_bends_are_the_flattest_over_the_fewest_names() -> None:
    rng = np.random.default_rng(4)
    place = rng.uniform(0, 600, (14, 2))
    boxes = np.tile([-40.0, -15.0, 40.0, 30.0], (14, 1))
    ends = np.array([(i, j) for i in range(14) for j in range(i)])
    found = choose_bends(place, boxes, ends)
    for (i, j), bend in zip(ends, found, strict=True):
        cost = {}
        for candidate in BENDS:
            line = curves(place, np.array([[i, j]]), np.array([candidate]))[0]
            over = 0
            for k in range(14):
                left, top, right, bottom = place[k, [0, 1, 0, 1]] + boxes[k]
                if k not in (i, j):
                    over += any(left < x < right and top < y < bottom for x, y in line)
            cost[candidate] = over + abs(candidate)
        assert cost[float(bend)] == pytest.approx(min(cost.values()))


# --- geometry -----------------------------------------------------------------------------------------------------


def test_crossings_by_hand() -> None:
    lines = np.array([[[0, 0], [2, 2]], [[0, 2], [2, 0]], [[3, 0], [3, 2]], [[0, 0], [0, 2.0]]])
    expected = np.zeros((4, 4), bool)
    expected[0, 1] = expected[1, 0] = True
    np.testing.assert_array_equal(crossings(lines, lines), expected)


def test_a_line_over_a_box_is_a_hit_and_its_own_ends_are_none() -> None:
    place = np.array([[0.0, 0.0], [100.0, 0.0], [50.0, 3.0], [50.0, 40.0]])
    boxes = np.tile([-10.0, -10.0, 10.0, 10.0], (4, 1))
    assert hits(place, np.array([[0, 1]]), boxes).tolist() == [1]
    line = curves(place, np.array([[0, 1]]), np.array([0.0]))
    assert curves_over(line, np.array([[0, 1]]), place, boxes).tolist() == [1]


@settings(max_examples=25, deadline=None)
@given(some.integers(0, 10_000))
def test_straight_curves_cross_as_often_as_their_lines(seed: int) -> None:
    rng = np.random.default_rng(seed)
    place = rng.uniform(0, 100, (10, 2))
    ends = np.array([(i, i + 1) for i in range(0, 10, 2)])
    lines = curves(place, ends, np.zeros(len(ends)))
    assert curves_cross(lines, ends) == np.triu(crossings(place[ends], place[ends]), 1).sum()


@settings(max_examples=25, deadline=None)
@given(some.integers(0, 10_000))
def test_pushed_apart_boxes_do_not_overlap(seed: int) -> None:
    rng = np.random.default_rng(seed)
    boxes = np.column_stack([-rng.uniform(5, 40, (12, 2)), rng.uniform(5, 40, (12, 2))])
    place = np.concatenate([rng.uniform(0, 100, (9, 2)), np.zeros((3, 2))])
    assert overlaps(push_apart(place, boxes, 2.0), boxes) == 0


def test_cells_tile_the_stage_by_their_wants() -> None:
    area = np.array([1.0, 2.0, 3.0, 2.0])
    between = np.ones((4, 4))
    cells = tile(between, area, np.arange(4), (0.0, 0.0, 800.0, 400.0))
    np.testing.assert_allclose(cells[:, 2] * cells[:, 3], area / area.sum() * 320_000)


def test_names_of_groups_say_whom_the_others_hang_on() -> None:
    weights = np.array([[0, 1, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0.0]])
    members: IntArray = np.arange(4)
    names = ["Hub, or center", "One", "Two", "Three"]
    assert group_name(names, weights, members) == "Hub, One +2"
    assert group_name(names, weights, members, text_width("Hub +3")) == "Hub +3"
    assert group_name(names, weights, members, 1.5).endswith("…")
    kept = strongest(weights, 0.5)
    assert (kept > 0).sum() == 6, "equal ones stay together"
