"""Parent sets beside plain least squares: scores, what would improve them, and where settling ends."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from avexplore.artifacts import FloatArray
from avexplore.graph.compiled.bitset import pack, unpack
from avexplore.graph.search.parent_sets import (
    FULL,
    MADE,
    NODES,
    NONE,
    PARENTS,
    ParentSets,
    forget,
    look_up,
    new_parent_sets,
    score_of,
    settle,
)

SAMPLES, PENALTY = 300, 2.0


def correlations(p: int, seed: int) -> FloatArray:
    rng = np.random.default_rng(seed)
    return np.corrcoef(rng.normal(size=(SAMPLES, p)) @ (np.eye(p) + 0.5 * rng.normal(size=(p, p))), rowvar=False)


def plain_score(R: FloatArray, y: int, parents: list[int]) -> float:
    residual = 1.0
    if parents:
        residual -= R[y, parents] @ np.linalg.solve(R[np.ix_(parents, parents)], R[parents, y])
    return -SAMPLES * np.log(residual) - PENALTY * np.log(SAMPLES) * len(parents)


def as_set(members: list[int], p: int) -> Any:
    return pack(np.isin(np.arange(p), members)[None])


@pytest.fixture(scope="module")
def engine(from_python: Callable[[Any], Any]) -> dict[str, Any]:
    return {part.__name__: from_python(part) for part in (forget, look_up, settle, score_of)}


def fresh(engine: dict[str, Any], R: FloatArray, **knowledge: Any) -> ParentSets:
    sets = new_parent_sets(R, SAMPLES, PENALTY, **knowledge)
    engine["forget"](sets)
    return sets


def members_of(sets: ParentSets, node: int, p: int, which: int = 0) -> list[int]:
    words = sets.regression.forbidden.shape[1]
    first = PARENTS + which * words
    return np.flatnonzero(unpack(sets.nodes[node : node + 1, first : first + words], p)[0]).tolist()


@pytest.mark.parametrize("p", [6, 70])
def test_a_node_knows_its_score_and_what_would_improve_it(engine: dict[str, Any], p: int) -> None:
    R = correlations(p, 0)
    sets = fresh(engine, R)
    rng = np.random.default_rng(1)
    for _ in range(20):
        y, *parents = rng.choice(p, size=int(rng.integers(1, 6)), replace=False).tolist()
        node = engine["look_up"](sets, y, as_set(parents, p), 0)
        before = plain_score(R, y, parents)
        assert engine["score_of"](sets, node) == pytest.approx(before, abs=1e-8)
        gains = {x: plain_score(R, y, [*parents, x]) - before for x in range(p) if x != y and x not in parents}
        assert members_of(sets, node, p, which=1) == [x for x, gain in gains.items() if gain > 0]
        assert engine["look_up"](sets, y, as_set(parents, p), 0) == node


def test_settling_ends_where_no_single_change_improves(engine: dict[str, Any]) -> None:
    p = 9
    rng = np.random.default_rng(2)
    for seed in range(10):
        R = correlations(p, seed)
        sets = fresh(engine, R)
        for _ in range(20):
            y, *others = rng.permutation(p).tolist()
            before = others[: int(rng.integers(1, p))]
            started = others[: int(rng.integers(0, p))]
            start = engine["look_up"](sets, y, as_set(started, p), 0)
            node = engine["settle"](sets, start, as_set(before, p), 0)
            found = members_of(sets, node, p)
            score = plain_score(R, y, found)
            assert set(found) <= set(before)
            assert all(plain_score(R, y, [*found, x]) <= score for x in before if x not in found)
            assert all(plain_score(R, y, [z for z in found if z != x]) <= score for x in found)
            kept = [x for x in started if x in before]
            assert score >= plain_score(R, y, kept) - 1e-9


def test_every_start_ends_at_or_below_the_best_of_all_sets(engine: dict[str, Any]) -> None:
    p = 7
    R = correlations(p, 3)
    sets = fresh(engine, R)
    others = list(range(1, p))
    all_sets = [list(chosen) for k in range(p) for chosen in combinations(others, k)]
    best = max(plain_score(R, 0, chosen) for chosen in all_sets)
    ends = []
    for chosen in all_sets:
        start = engine["look_up"](sets, 0, as_set(chosen, p), 0)
        ends.append(engine["score_of"](sets, engine["settle"](sets, start, as_set(others, p), 0)))
    assert max(ends) == pytest.approx(best, abs=1e-8)
    assert sets.counters[MADE] <= 2 ** (p - 1)  # each set once, whatever led to it


def test_forbidden_parents_are_never_added_and_required_ones_never_removed(engine: dict[str, Any]) -> None:
    p = 8
    R = correlations(p, 4)
    forbidden, required = np.zeros((p, p), bool), np.zeros((p, p), bool)
    forbidden[[1, 2], 0] = True
    required[[3, 4], 0] = True
    sets = fresh(engine, R, forbidden=forbidden, required=required)
    start = engine["look_up"](sets, 0, as_set([3, 4], p), 0)
    found = members_of(sets, engine["settle"](sets, start, as_set(list(range(1, p)), p), 0), p)
    assert {3, 4} <= set(found)
    assert not {1, 2} & set(found)


def test_a_full_table_says_so_and_can_be_emptied(engine: dict[str, Any]) -> None:
    p = 12
    sets = new_parent_sets(correlations(p, 5), SAMPLES, PENALTY, memory=1)
    engine["forget"](sets)
    nodes = [
        engine["look_up"](sets, 0, as_set(list(chosen), p), 0)
        for k in range(p)
        for chosen in combinations(range(1, p), k)
    ]
    assert sets.counters[FULL] == 1
    assert nodes[: sets.counters[NODES]] == list(range(sets.counters[NODES]))
    assert set(nodes[sets.counters[NODES] :]) == {NONE}
    engine["forget"](sets)
    assert sets.counters[FULL] == sets.counters[NODES] == 0
    assert engine["look_up"](sets, 0, as_set([1], p), 0) == 0
