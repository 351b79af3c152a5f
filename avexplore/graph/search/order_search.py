"""From an order to a local optimum and onwards: the compiled loops around BOSS and GRaSP, in resumable steps."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from avexplore.artifacts import FloatArray, IntArray
from avexplore.graph.compiled import bitset, randomness
from avexplore.graph.compiled.numba_cache import Int, Truth, borrow, compiled, entry_point
from avexplore.graph.search.boss import best_move
from avexplore.graph.search.grasp import UNFINISHED, Tucks, best_tuck, blank_tucks
from avexplore.graph.search.grow_shrink import FORGOTTEN, FULL, Forest, clear
from avexplore.graph.search.permutation import (
    Permutation,
    blank_permutation,
    bounds,
    move,
    resettle,
    settle,
    total_score,
    write_parents,
)

# Entries of Walk.progress.
PHASE, TURN, QUIET, DEEP, BASIN, KICKS, FAILED, ERA = range(8)
# Values of PHASE.
START, KICKED, BOSS, GRASP, OPTIMUM, DONE = range(6)
# Entries of Walk.settings.
USES_BOSS, USES_GRASP, DEPTH, MAX_BASINS, MAX_KICKS, PATIENCE, STRENGTH, AGREEMENT = range(8)

NEGLIGIBLE = 1e-6
"""Scores this close are equal."""


class Walk(NamedTuple):
    """A search under way.

    A basin is what one random start leads to: a local optimum, then kicks (a few variables of its best order moved at
    random, and down to the next local optimum) until so many in a row have failed to improve it.

    Attributes:
        forest, permutation, tucks: See their modules.
        scores, nodes: Scratch of BOSS, (p,).
        visit: Variables in the sequence in which they are tried, (p,).
        progress: Where the search stands.
        settings: What it was asked for.
        random: State of the random numbers, (1,).
        orders: Best order of each basin, (basins, p).
        found: Its score, (basins,).
        parents: The parents that it gives each variable, as sets, (basins, p, w).
        node: Nodes of the present basin's best order, (p,).
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
    orders: IntArray
    found: FloatArray
    parents: IntArray
    node: IntArray


def begin(
    forest: Forest,
    order: IntArray,
    *,
    boss: bool,
    grasp: bool,
    depth: int,
    basins: int,
    kicks: int,
    patience: int,
    strength: int,
    agreement: int,
    seed: int,
) -> Walk:
    """A walk from `order`, not started yet.

    Args:
        forest: Planted.
        order: First start, shape (p,).
        boss, grasp: What the local search consists of, in this sequence.
        depth: Of GRaSP.
        basins: At most so many random starts.
        kicks: At most so many kicks in all.
        patience: Kicks in a row that may fail before a basin is left.
        strength: Variables moved by a kick.
        agreement: Basins that must end at the best score for the search to stop early.
        seed: Of all that is random.
    """
    p = len(order)
    permutation = blank_permutation(p)
    permutation.order[:] = order
    return Walk(
        forest=forest,
        permutation=permutation,
        tucks=blank_tucks(p, depth),
        scores=np.zeros(p),
        nodes=np.zeros(p, np.int64),
        visit=np.arange(p),
        progress=np.zeros(8, np.int64),
        settings=np.array([boss, grasp, depth, basins, kicks, patience, strength, agreement], np.int64),
        random=np.array([seed], np.int64),
        orders=np.tile(np.asarray(order, np.int64), (basins, 1)),
        found=np.full(basins, -np.inf),
        parents=np.zeros((basins, p, bitset.word_count(p)), np.int64),
        node=np.zeros(p, np.int64),
    )


@compiled
def _start(walk: Walk) -> None:
    """Begin a descent: from scratch, or from what a kick has changed."""
    progress = walk.progress
    if progress[PHASE] == KICKED and progress[ERA] == walk.forest.counters[FORGOTTEN]:
        for v in range(len(walk.node)):
            walk.permutation.node[v] = walk.node[v]
        resettle(walk.forest, walk.permutation)
    else:
        settle(walk.forest, walk.permutation)
    randomness.shuffle(walk.visit, walk.random)
    progress[TURN] = 0
    progress[QUIET] = 0
    progress[DEEP] = 1
    progress[PHASE] = BOSS if walk.settings[USES_BOSS] != 0 else GRASP


@compiled
def _try_vertex(walk: Walk) -> None:
    """One vertex of BOSS or GRaSP, or a part of one, and what follows once none of them gains."""
    progress, settings = walk.progress, walk.settings
    p = len(walk.visit)
    phase = progress[PHASE]
    v = walk.visit[progress[TURN]]
    gain = 0.0
    for _ in range(2):  # a second time if the forest got full
        if phase == BOSS:
            gain = best_move(walk.forest, walk.permutation, v, walk.scores, walk.nodes)
        else:
            gain = best_tuck(walk.forest, walk.permutation, walk.visit, progress[TURN], progress[DEEP], walk.tucks)
        if walk.forest.counters[FULL] == 0:
            break
        settle(walk.forest, walk.permutation)
    if gain == UNFINISHED:
        return
    if gain > 0.0:
        progress[QUIET] = 0
        if phase == GRASP:
            progress[DEEP] = 1
    else:
        progress[QUIET] += 1
    progress[TURN] += 1
    if progress[TURN] == p:
        progress[TURN] = 0
        if phase == BOSS:
            randomness.shuffle(walk.visit, walk.random)
    if progress[QUIET] < p:
        return
    progress[QUIET] = 0
    if phase == GRASP and progress[DEEP] < settings[DEPTH]:
        progress[DEEP] += 1
        walk.tucks.seen[:] = 0
    elif (
        phase == BOSS
        and settings[USES_GRASP] != 0
        # most kicks lead back to where they came from, where GRaSP has been before
        and total_score(walk.forest, walk.permutation) > walk.found[progress[BASIN]] + NEGLIGIBLE
    ):
        progress[PHASE] = GRASP
    else:
        progress[PHASE] = OPTIMUM


@compiled
def _kick(walk: Walk) -> None:
    """Move a few variables of the basin's best order to random places."""
    permutation = walk.permutation
    p = len(walk.visit)
    for k in range(p):
        v = walk.orders[walk.progress[BASIN], k]
        permutation.order[k] = v
        permutation.position[v] = k
    for _ in range(walk.settings[STRENGTH]):
        v = randomness.below(p, walk.random)
        low, high = bounds(walk.forest, permutation, v)
        move(permutation, v, low + randomness.below(high - low + 1, walk.random))
    walk.progress[PHASE] = KICKED


@compiled
def _start_afresh(walk: Walk) -> None:
    """A random order that keeps required parents before their children."""
    permutation = walk.permutation
    p = len(walk.visit)
    permutation.spare[:] = 0
    randomness.shuffle(walk.visit, walk.random)
    placed = 0
    while placed < p:
        before = placed
        for v in walk.visit:
            if bitset.contains(permutation.spare, 0, v):
                continue
            free = True
            for w in range(permutation.spare.shape[1]):
                free = free and walk.forest.required[v, w] & ~permutation.spare[0, w] == 0
            if free:
                permutation.order[placed] = v
                permutation.position[v] = placed
                bitset.insert(permutation.spare, 0, v)
                placed += 1
        if placed == before:  # required edges form a cycle: callers refuse that before
            break
    walk.progress[PHASE] = START


@compiled
def _arrive(walk: Walk) -> None:
    """Judge a local optimum, and choose what comes next."""
    progress, settings = walk.progress, walk.settings
    basin = progress[BASIN]
    score = total_score(walk.forest, walk.permutation)
    if score > walk.found[basin] + NEGLIGIBLE:
        progress[FAILED] = 0
    else:
        progress[FAILED] += 1
    if score >= walk.found[basin] - NEGLIGIBLE:  # equals are accepted: plateaus are wide
        walk.found[basin] = max(score, walk.found[basin])
        for v in range(len(walk.node)):
            walk.orders[basin, v] = walk.permutation.order[v]
            walk.node[v] = walk.permutation.node[v]
        write_parents(walk.forest, walk.permutation, walk.parents, basin)
        progress[ERA] = walk.forest.counters[FORGOTTEN]
    if progress[KICKS] < settings[MAX_KICKS] and progress[FAILED] < settings[PATIENCE]:
        progress[KICKS] += 1
        _kick(walk)
        return
    best = -math.inf
    for b in range(basin + 1):
        best = max(best, walk.found[b])
    agreeing = 0
    for b in range(basin + 1):
        agreeing += walk.found[b] >= best - NEGLIGIBLE
    out_of_kicks = settings[MAX_KICKS] > 0 and progress[KICKS] >= settings[MAX_KICKS]
    if basin + 1 < settings[MAX_BASINS] and agreeing < settings[AGREEMENT] and not out_of_kicks:
        progress[BASIN] += 1
        progress[FAILED] = 0
        _start_afresh(walk)
    else:
        progress[PHASE] = DONE


@entry_point
def advance(owned: Walk, steps: Int) -> Truth:
    """Go on for so many vertices, or parts of their searches in depth; True once the walk is done."""
    walk: Walk = borrow(owned)
    progress = walk.progress
    if walk.forest.counters[FORGOTTEN] == 0:
        clear(walk.forest)
    for _ in range(steps):
        if progress[PHASE] == DONE:
            return True
        if progress[PHASE] == START or progress[PHASE] == KICKED:
            _start(walk)
        elif progress[PHASE] == OPTIMUM:
            _arrive(walk)
        else:
            _try_vertex(walk)
    return progress[PHASE] == DONE
