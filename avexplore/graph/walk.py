"""From an order to a local optimum and onwards: the compiled loops around BOSS and GRaSP, in resumable steps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from avexplore.artifacts import FloatArray, IntArray
from avexplore.graph import bitset, randomness
from avexplore.graph.boss import best_move
from avexplore.graph.compilation import Int, Truth, compiled, entry_point
from avexplore.graph.grasp import Tucks, best_tuck, blank_tucks
from avexplore.graph.grow_shrink import FULL, Forest, clear
from avexplore.graph.permutation import (
    Permutation,
    blank_permutation,
    bounds,
    move,
    read_dag,
    settle,
    total_score,
)

# Entries of Walk.progress.
PHASE, TURN, QUIET, DEEP, ROUND, ROUNDS, STUCK = range(7)
# Values of PHASE.
START, BOSS, GRASP, OPTIMUM, DONE = range(5)
# Entries of Walk.settings.
USES_BOSS, USES_GRASP, DEPTH, STRATEGY, KICK = range(5)
# Values of STRATEGY.
SINGLE, RESTARTS, ITERATED = range(3)


class Walk(NamedTuple):
    """A search under way.

    Attributes:
        forest, permutation, tucks: See their modules.
        scores, nodes: Scratch of BOSS, (p,).
        visit: Variables in the sequence in which they are tried, (p,).
        progress: Where the search stands.
        settings: What it was asked for.
        random: State of the random numbers, (1,).
        best: Best order so far, (p,).
        best_score: Its score, (1,).
        found: Score of each round's local optimum, (rounds,).
    """

    forest: Forest
    permutation: Permutation
    tucks: Tucks
    scores: FloatArray
    nodes: IntArray
    visit: IntArray
    progress: IntArray
    settings: IntArray
    random: IntArray
    best: IntArray
    best_score: FloatArray
    found: FloatArray


def begin(
    forest: Forest, order: IntArray, *, boss: bool, grasp: bool, depth: int, strategy: int, rounds: int, seed: int
) -> Walk:
    """A walk from `order`, not started yet."""
    p = len(order)
    permutation = blank_permutation(p)
    permutation.order[:] = order
    progress = np.zeros(7, np.int64)
    progress[ROUNDS] = rounds
    return Walk(
        forest=forest,
        permutation=permutation,
        tucks=blank_tucks(p, depth),
        scores=np.zeros(p),
        nodes=np.zeros(p, np.int64),
        visit=np.arange(p),
        progress=progress,
        settings=np.array([boss, grasp, depth, strategy, 4], np.int64),
        random=np.array([seed], np.int64),
        best=permutation.order.copy(),
        best_score=np.full(1, -np.inf),
        found=np.full(rounds, np.nan),
    )


@compiled
def _step(walk: Walk) -> None:
    """One vertex of the local search."""
    progress, settings = walk.progress, walk.settings
    p = len(walk.visit)
    phase = progress[PHASE]
    if phase == START:
        settle(walk.forest, walk.permutation)
        randomness.shuffle(walk.visit, walk.random)
        progress[TURN] = 0
        progress[QUIET] = 0
        progress[DEEP] = 1
        progress[PHASE] = BOSS if settings[USES_BOSS] != 0 else GRASP
        return
    gain = 0.0
    for _ in range(2):  # a second time if the forest got full
        if phase == BOSS:
            v = walk.visit[progress[TURN]]
            gain = best_move(walk.forest, walk.permutation, v, walk.scores, walk.nodes)
        else:
            gain = best_tuck(walk.forest, walk.permutation, walk.visit, progress[TURN], progress[DEEP], walk.tucks)
        if walk.forest.counters[FULL] == 0:
            break
        settle(walk.forest, walk.permutation)
    if gain > 0.0:
        progress[QUIET] = 0
        if phase == GRASP:
            progress[DEEP] = 1
            walk.tucks.seen[:] = 0
    else:
        progress[QUIET] += 1
    progress[TURN] += 1
    if progress[TURN] == p:
        progress[TURN] = 0
        if phase == BOSS:
            randomness.shuffle(walk.visit, walk.random)
    if progress[QUIET] >= p:
        progress[QUIET] = 0
        if phase == GRASP and progress[DEEP] < settings[DEPTH]:
            progress[DEEP] += 1
            walk.tucks.seen[:] = 0
        elif phase == BOSS and settings[USES_GRASP] != 0:
            walk.tucks.seen[:] = 0
            progress[PHASE] = GRASP
        else:
            progress[PHASE] = OPTIMUM


@compiled
def _kick(walk: Walk, count: Int) -> None:
    """Move `count` variables of the best order to random places."""
    permutation = walk.permutation
    p = len(walk.visit)
    for k in range(p):
        permutation.order[k] = walk.best[k]
        permutation.position[walk.best[k]] = k
    for _ in range(count):
        v = randomness.below(p, walk.random)
        low, high = bounds(walk.forest, permutation, v)
        move(permutation, v, low + randomness.below(high - low + 1, walk.random))


@compiled
def _shuffle_within_bounds(walk: Walk) -> None:
    """A random order that keeps required parents before their children."""
    permutation = walk.permutation
    p = len(walk.visit)
    for k in range(p):
        permutation.spare[0, k >> 6] = 0
    randomness.shuffle(walk.visit, walk.random)
    placed = 0
    while placed < p:
        before = placed
        for v in walk.visit:
            if bitset.contains(permutation.spare, 0, v):
                continue
            free = True
            for w in range(permutation.spare.shape[1]):
                if walk.forest.required[v, w] & ~permutation.spare[0, w] != 0:
                    free = False
            if free:
                permutation.order[placed] = v
                permutation.position[v] = placed
                bitset.insert(permutation.spare, 0, v)
                placed += 1
        if placed == before:  # required edges form a cycle: callers refuse that before
            break


@entry_point
def advance(walk: Walk, steps: Int) -> Truth:
    """Go on for so many vertices; True once the walk is done."""
    progress = walk.progress
    if progress[PHASE] == START and progress[ROUND] == 0 and progress[TURN] == 0:
        clear(walk.forest)
    for _ in range(steps):
        if progress[PHASE] == DONE:
            break
        if progress[PHASE] != OPTIMUM:
            _step(walk)
            continue
        score = total_score(walk.forest, walk.permutation)
        walk.found[progress[ROUND]] = score
        if score >= walk.best_score[0] - 1e-6:
            progress[STUCK] = 0 if score > walk.best_score[0] + 1e-6 else progress[STUCK] + 1
            walk.best_score[0] = score
            walk.best[:] = walk.permutation.order
        progress[ROUND] += 1
        if progress[ROUND] >= progress[ROUNDS]:
            progress[PHASE] = DONE
            walk.permutation.order[:] = walk.best
            settle(walk.forest, walk.permutation)
            break
        progress[PHASE] = START
        if walk.settings[STRATEGY] == RESTARTS:
            _shuffle_within_bounds(walk)
        else:
            _kick(walk, walk.settings[KICK])
    return progress[PHASE] == DONE


@entry_point
def write_dag(walk: Walk, dag: IntArray) -> None:
    """The DAG of a walk that is done, dag[i, j] = 1 for i -> j. Shape (p, p), int8."""
    read_dag(walk.forest, walk.permutation, dag)
