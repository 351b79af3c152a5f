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
from avexplore.graph.search.grow_shrink import FORGOTTEN, FULL, GrowShrinkTrees, clear
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

# Entries of OrderSearch.progress.
PHASE, TURN, QUIET, DEEP, NTH_START, PERTURBATIONS, FAILED, ERA = range(8)
# Values of PHASE.
START, PERTURBED, BOSS, GRASP, OPTIMUM, DONE = range(6)
# Entries of OrderSearch.settings.
USES_BOSS, USES_GRASP, DEPTH, MOST_STARTS, MOST_PERTURBATIONS, PATIENCE, STRENGTH, AGREEMENT = range(8)

NEGLIGIBLE = 1e-6
"""Scores this close are equal."""


class OrderSearch(NamedTuple):
    """A search under way.

    Each start leads to a local optimum, which is then perturbed (a few variables of its best order move at random, and
    the search leads on to the next local optimum) until so many perturbations in a row have failed to improve it.

    Attributes:
        trees, permutation, tucks: See their modules.
        scores, nodes: Scratch of BOSS, (p,).
        visit: Variables in the sequence in which they are tried, (p,).
        progress: Where the search stands.
        settings: What it was asked for.
        random: State of the random numbers, (1,).
        orders: Best order of each start, (starts, p).
        found: Its score, (starts,).
        parents: The parents that it gives each variable, as sets, (starts, p, w).
        node: Nodes of the present start's best order, (p,).
    """

    trees: GrowShrinkTrees
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
    trees: GrowShrinkTrees,
    order: IntArray,
    *,
    boss: bool,
    grasp: bool,
    depth: int,
    starts: int,
    perturbations: int,
    patience: int,
    strength: int,
    agreement: int,
    seed: int,
) -> OrderSearch:
    """A search from `order`, not started yet.

    Args:
        trees: Those of an earlier search over the same data are used again.
        order: First start, shape (p,).
        boss, grasp: What the local search consists of, in this sequence.
        depth: Of GRaSP.
        starts: At most so many random starts.
        perturbations: At most so many perturbations in all.
        patience: Perturbations in a row that may fail before a start is left.
        strength: Variables moved by a perturbation.
        agreement: Starts that must end at the best score for the search to stop early.
        seed: Of all that is random.
    """
    p = len(order)
    permutation = blank_permutation(p)
    permutation.order[:] = order
    return OrderSearch(
        trees=trees,
        permutation=permutation,
        tucks=blank_tucks(p, depth),
        scores=np.zeros(p),
        nodes=np.zeros(p, np.int64),
        visit=np.arange(p),
        progress=np.zeros(8, np.int64),
        settings=np.array([boss, grasp, depth, starts, perturbations, patience, strength, agreement], np.int64),
        random=np.array([seed], np.int64),
        orders=np.tile(np.asarray(order, np.int64), (starts, 1)),
        found=np.full(starts, -np.inf),
        parents=np.zeros((starts, p, bitset.word_count(p)), np.int64),
        node=np.zeros(p, np.int64),
    )


@compiled
def _start(state: OrderSearch) -> None:
    """Begin a descent: from scratch, or from what a perturbation has changed."""
    progress = state.progress
    if progress[PHASE] == PERTURBED and progress[ERA] == state.trees.counters[FORGOTTEN]:
        for v in range(len(state.node)):
            state.permutation.node[v] = state.node[v]
        resettle(state.trees, state.permutation)
    else:
        settle(state.trees, state.permutation)
    randomness.shuffle(state.visit, state.random)
    progress[TURN] = 0
    progress[QUIET] = 0
    progress[DEEP] = 1
    progress[PHASE] = BOSS if state.settings[USES_BOSS] != 0 else GRASP


@compiled
def _try_vertex(state: OrderSearch) -> None:
    """One vertex of BOSS or GRaSP, or a part of one, and what follows once none of them gains."""
    progress, settings = state.progress, state.settings
    p = len(state.visit)
    phase = progress[PHASE]
    v = state.visit[progress[TURN]]
    gain = 0.0
    for _ in range(2):  # a second time if the trees got full
        if phase == BOSS:
            gain = best_move(state.trees, state.permutation, v, state.scores, state.nodes)
        else:
            gain = best_tuck(state.trees, state.permutation, state.visit, progress[TURN], progress[DEEP], state.tucks)
        if state.trees.counters[FULL] == 0:
            break
        settle(state.trees, state.permutation)
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
            randomness.shuffle(state.visit, state.random)
    if progress[QUIET] < p:
        return
    progress[QUIET] = 0
    if phase == GRASP and progress[DEEP] < settings[DEPTH]:
        progress[DEEP] += 1
        state.tucks.seen[:] = 0
    elif (
        phase == BOSS
        and settings[USES_GRASP] != 0
        # most perturbations lead back to where they came from, where GRaSP has been before
        and total_score(state.trees, state.permutation) > state.found[progress[NTH_START]] + NEGLIGIBLE
    ):
        progress[PHASE] = GRASP
    else:
        progress[PHASE] = OPTIMUM


@compiled
def _perturb(state: OrderSearch) -> None:
    """Move a few variables of the start's best order to random places."""
    permutation = state.permutation
    p = len(state.visit)
    for k in range(p):
        v = state.orders[state.progress[NTH_START], k]
        permutation.order[k] = v
        permutation.position[v] = k
    for _ in range(state.settings[STRENGTH]):
        v = randomness.below(p, state.random)
        low, high = bounds(state.trees.regression.required, permutation, v)
        move(permutation, v, low + randomness.below(high - low + 1, state.random))
    state.progress[PHASE] = PERTURBED


@compiled
def _start_afresh(state: OrderSearch) -> None:
    """A random order that keeps required parents before their children."""
    permutation = state.permutation
    p = len(state.visit)
    permutation.spare[:] = 0
    randomness.shuffle(state.visit, state.random)
    placed = 0
    while placed < p:
        before = placed
        for v in state.visit:
            if bitset.contains(permutation.spare, 0, v):
                continue
            free = True
            for w in range(permutation.spare.shape[1]):
                free = free and state.trees.regression.required[v, w] & ~permutation.spare[0, w] == 0
            if free:
                permutation.order[placed] = v
                permutation.position[v] = placed
                bitset.insert(permutation.spare, 0, v)
                placed += 1
        if placed == before:  # required edges form a cycle: callers refuse that before
            break
    state.progress[PHASE] = START


@compiled
def _arrive(state: OrderSearch) -> None:
    """Judge a local optimum, and choose what comes next."""
    progress, settings = state.progress, state.settings
    start = progress[NTH_START]
    score = total_score(state.trees, state.permutation)
    if score > state.found[start] + NEGLIGIBLE:
        progress[FAILED] = 0
    else:
        progress[FAILED] += 1
    if score >= state.found[start] - NEGLIGIBLE:  # equals are accepted: plateaus are wide
        state.found[start] = max(score, state.found[start])
        for v in range(len(state.node)):
            state.orders[start, v] = state.permutation.order[v]
            state.node[v] = state.permutation.node[v]
        write_parents(state.trees, state.permutation, state.parents, start)
        progress[ERA] = state.trees.counters[FORGOTTEN]
    if progress[PERTURBATIONS] < settings[MOST_PERTURBATIONS] and progress[FAILED] < settings[PATIENCE]:
        progress[PERTURBATIONS] += 1
        _perturb(state)
        return
    best = -math.inf
    for b in range(start + 1):
        best = max(best, state.found[b])
    agreeing = 0
    for b in range(start + 1):
        agreeing += state.found[b] >= best - NEGLIGIBLE
    is_spent = settings[MOST_PERTURBATIONS] > 0 and progress[PERTURBATIONS] >= settings[MOST_PERTURBATIONS]
    if start + 1 < settings[MOST_STARTS] and agreeing < settings[AGREEMENT] and not is_spent:
        progress[NTH_START] += 1
        progress[FAILED] = 0
        _start_afresh(state)
    else:
        progress[PHASE] = DONE


@entry_point
def advance(owned: OrderSearch, steps: Int) -> Truth:
    """Go on for so many vertices, or parts of their searches in depth; True once the search is done."""
    state: OrderSearch = borrow(owned)
    progress = state.progress
    if state.trees.counters[FORGOTTEN] == 0:
        clear(state.trees)
    for _ in range(steps):
        if progress[PHASE] == DONE:
            return True
        if progress[PHASE] == START or progress[PHASE] == PERTURBED:
            _start(state)
        elif progress[PHASE] == OPTIMUM:
            _arrive(state)
        else:
            _try_vertex(state)
    return progress[PHASE] == DONE
