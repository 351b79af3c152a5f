"""Iterated local search whose vertices keep their parents: descents from perturbations of the best order.

A descent moves each variable in turn to its best place in the order, where all others' parents are updated from what
they are (`parent_sets.settle`) instead of being grown anew from nothing, as BOSS does. A perturbation moves a few
variables of the best order to random places, and a descent leads on from there; what scores as well or better replaces
the best. Only variables that a change may concern are tried again.

The score is no function of the order here: two ways to the same order may end with other parents. So parent sets are the
result, and the order comes with them.

References:
    Wienöbst, Henckel, Weichwald 2025, arXiv:2510.04970: iterated local search with updated parents. Which variables are
    tried again is ours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from avexplore.artifacts import FloatArray, IntArray
from avexplore.graph import bitset, randomness
from avexplore.graph.bitset import word_count
from avexplore.graph.compilation import Int, Real, Truth, borrow, compiled, entry_point
from avexplore.graph.parent_sets import (
    FORGOTTEN,
    FULL,
    PARENTS,
    STEPS,
    ParentSets,
    forget,
    has_parent,
    look_up,
    score_of,
    settle,
    would_gain,
)
from avexplore.graph.permutation import Permutation, blank_permutation, move, place

# Entries of PerturbedSearch.progress.
PHASE, TURN, TRIED, PERTURBATIONS, FAILED = range(5)
# Values of PHASE.
START, DESCENT, OPTIMUM, DONE = range(4)
# Entries of PerturbedSearch.settings.
MOST_STEPS, PATIENCE, STRENGTH, WAKES_PARENTS = range(4)

LEAST_GAIN = 1e-6
"""What a change must gain to count; sums of scores agree to about 1e-8."""


class PerturbedSearch(NamedTuple):
    """A search under way from one start. Shapes with p variables, w words to a set.

    Attributes:
        sets: See its module.
        permutation: The order on trial, and its nodes among the parent sets.
        best_order, best_node: The best order so far, and its nodes, (p,).
        score: Its score, (1,).
        passed: Scratch: each variable's node once another has passed it, by position, (p,).
        awake: Variables that may gain from a move, (p,).
        visit: Variables in the sequence in which they are tried, (p,).
        kept: Sets of parents of the best order, and of the order on trial, (2 p, w).
        progress: Where the search stands.
        settings: What it was asked for.
        random: State of the random numbers, (1,).
    """

    sets: ParentSets
    permutation: Permutation
    best_order: IntArray
    best_node: IntArray
    score: FloatArray
    passed: IntArray
    awake: IntArray
    visit: IntArray
    kept: IntArray
    progress: IntArray
    settings: IntArray
    random: IntArray


def begin(
    sets: ParentSets,
    order: IntArray,
    parents: IntArray,
    *,
    most_steps: int,
    patience: int,
    strength: int,
    seed: int,
    wakes: int = 0, few: int=0, mix:int=0,
) -> PerturbedSearch:
    """A search from an order and parents, not started yet.

    Args:
        sets: Those of an earlier search over the same data are used again.
        order: Required parents before their children. Shape (p,).
        parents: Sets per variable, shape (p, w): required ones among them, none forbidden.
        most_steps: Once `sets` counts so many, the next local optimum is the last.
        patience: Perturbations in a row that may fail.
        strength: Variables moved by each.
        seed: Of all that is random.
    """
    p = len(order)
    permutation = blank_permutation(p)
    permutation.order[:] = order
    return PerturbedSearch(
        sets=sets,
        permutation=permutation,
        best_order=np.array(order, np.int64),
        best_node=np.zeros(p, np.int64),
        score=np.full(1, -np.inf),
        passed=np.zeros(p, np.int64),
        awake=np.ones(p, np.int64),
        visit=np.arange(p),
        kept=np.concatenate([parents, np.zeros((p, word_count(p)), np.int64)]),
        progress=np.zeros(5, np.int64),
        settings=np.array([most_steps, patience, strength, wakes, few, mix], np.int64),
        random=np.array([seed], np.int64),
    )


@compiled
def _keep(search: PerturbedSearch) -> None:
    """Write down the parent sets in use."""
    p = len(search.visit)
    for v in range(p):
        for w in range(search.kept.shape[1]):
            search.kept[v, w] = search.sets.nodes[search.best_node[v], PARENTS + w]
            search.kept[p + v, w] = search.sets.nodes[search.permutation.node[v], PARENTS + w]


@compiled
def _make_room(search: PerturbedSearch) -> None:
    """Forget all parent sets but those in use."""
    _keep(search)
    forget(search.sets)
    p = len(search.visit)
    for v in range(p):
        search.best_node[v] = look_up(search.sets, v, search.kept, v)
        search.permutation.node[v] = look_up(search.sets, v, search.kept, p + v)


@compiled
def _wake(search: PerturbedSearch, v: Int, node: Int) -> None:
    """Have v tried again, whose node is or was this one."""
    search.awake[v] = 1
    if search.settings[WAKES_PARENTS] != 0:
        for w in range(search.kept.shape[1]):
            word = search.sets.nodes[node, PARENTS + w]
            while word != 0:
                search.awake[64 * w + bitset.lowest(word)] = 1
                word &= word - 1


@compiled
def _settle_all(search: PerturbedSearch) -> None:
    """Update all parents to the order on trial, and wake the variables concerned."""
    sets, permutation = search.sets, search.permutation
    for k in range(len(search.visit)):
        v = permutation.order[k]
        place(permutation, k, v)
        node = settle(sets, permutation.node[v], permutation.prefix, k)
        if sets.counters[FULL] != 0:
            _make_room(search)
            node = settle(sets, permutation.node[v], permutation.prefix, k)
        if search.settings[4] == 0:
            search.awake[v] = v != search.best_order[k]
        permutation.node[v] = node
    for v in range(len(search.visit)):
        if permutation.node[v] != search.best_node[v]:
            _wake(search, v, search.best_node[v])
            _wake(search, v, permutation.node[v])


@compiled
def _start(search: PerturbedSearch) -> None:
    """Take up the parents that the search was given, and try all variables."""
    p = len(search.visit)
    if search.sets.counters[FORGOTTEN] == 0:
        forget(search.sets)
    for v in range(p):
        node = look_up(search.sets, v, search.kept, v)
        if node < 0:
            forget(search.sets)
            break
    for v in range(p):
        search.permutation.node[v] = look_up(search.sets, v, search.kept, v)
        search.best_node[v] = search.permutation.node[v]
    _settle_all(search)
    search.awake[:] = 1
    _begin_round(search)
    search.progress[PHASE] = DESCENT


@compiled
def _begin_round(search: PerturbedSearch) -> None:
    randomness.shuffle(search.visit, search.random)
    search.progress[TURN] = 0
    search.progress[TRIED] = 0


@compiled
def best_move(search: PerturbedSearch, v: Int) -> Real:
    """Move v to the place where the sum of all scores rises most; return the gain, 0 if it stays.

    Where v passes u to the left, u gains a predecessor and v loses one; to the right it is the other way round. One bit
    of each says whether its parents change. If memory runs out, nothing is moved.
    """
    sets, permutation = search.sets, search.permutation
    order, nodes, prefix, sets_now = permutation.order, permutation.node, permutation.prefix, permutation.spare
    here = permutation.position[v]
    best = LEAST_GAIN
    target = here
    target_node = nodes[v]
    for direction in range(2):
        step = 2 * direction - 1
        mine = nodes[v]
        others = 0.0
        k = here + step
        while 0 <= k < len(order):
            u = order[k]
            if bitset.contains(sets.required, v, u) if step < 0 else bitset.contains(sets.required, u, v):
                break
            old = nodes[u]
            new = old
            if would_gain(sets, old, v) != 0 if step < 0 else has_parent(sets, old, v) != 0:
                bitset.copy(prefix, k, sets_now, 0)
                if step < 0:
                    bitset.insert(sets_now, 0, v)
                else:
                    bitset.discard(sets_now, 0, v)
                new = settle(sets, old, sets_now, 0)
                others += score_of(sets, new) - score_of(sets, old)
            search.passed[k] = new
            if has_parent(sets, mine, u) != 0 if step < 0 else would_gain(sets, mine, u) != 0:
                bitset.copy(prefix, k if step < 0 else k + 1, sets_now, 0)
                bitset.discard(sets_now, 0, v)
                mine = settle(sets, mine, sets_now, 0)
            if sets.counters[FULL] != 0:
                return 0.0
            gain = others + score_of(sets, mine) - score_of(sets, nodes[v])
            if gain > best:
                best = gain
                target = k
                target_node = mine
            k += step
    if target == here:
        return 0.0
    step = 1 if target > here else -1
    for k in range(here + step, target + step, step):
        u = order[k]
        if search.passed[k] != nodes[u]:
            _wake(search, u, nodes[u])
            _wake(search, u, search.passed[k])
            nodes[u] = search.passed[k]
    _wake(search, v, nodes[v])
    _wake(search, v, target_node)
    nodes[v] = target_node
    move(permutation, v, target)
    return best


@compiled
def _try_next(search: PerturbedSearch) -> None:
    """Try the next variable that is awake; after a round without any, the descent is over."""
    progress = search.progress
    p = len(search.visit)
    while progress[TURN] < p and search.awake[search.visit[progress[TURN]]] == 0:
        progress[TURN] += 1
    if progress[TURN] < p:
        v = search.visit[progress[TURN]]
        search.awake[v] = 0
        best_move(search, v)
        if search.sets.counters[FULL] != 0:
            _make_room(search)
            best_move(search, v)
            if search.sets.counters[FULL] != 0:  # one move alone needs more memory than there is
                _make_room(search)
        progress[TURN] += 1
        progress[TRIED] += 1
    elif progress[TRIED] > 0:
        _begin_round(search)
    else:
        progress[PHASE] = OPTIMUM


@compiled
def total_score(search: PerturbedSearch) -> Real:
    """Score of the DAG on trial, summed in index order so that it depends on the DAG alone."""
    total = 0.0
    for v in range(len(search.visit)):
        total += score_of(search.sets, search.permutation.node[v])
    return total


@compiled
def _perturb(search: PerturbedSearch) -> None:
    """Move a few variables of the best order to random places, and update all parents."""
    permutation = search.permutation
    p = len(search.visit)
    for k in range(p):
        v = search.best_order[k]
        permutation.order[k] = v
        permutation.position[v] = k
        permutation.node[v] = search.best_node[v]
    search.awake[:] = 0
    strength = search.settings[STRENGTH]
    if search.settings[5] != 0:
        strength = strength - search.settings[5] + randomness.below(2*search.settings[5] + 1, search.random)
    for _ in range(strength):
        v = randomness.below(p, search.random)
        search.awake[v] = 1
        low, high = 0, p - 1
        move(permutation, v, low + randomness.below(high - low + 1, search.random))
    _settle_all(search)
    _begin_round(search)
    search.progress[PHASE] = DESCENT


@compiled
def _judge(search: PerturbedSearch) -> None:
    """Keep a local optimum that is as good as the best or better, then perturb the best, or end."""
    progress = search.progress
    score = total_score(search)
    if score > search.score[0] + LEAST_GAIN:
        progress[FAILED] = 0
    else:
        progress[FAILED] += 1
    if score >= search.score[0] - LEAST_GAIN:  # equals are accepted: plateaus are wide
        search.score[0] = max(score, search.score[0])
        for k in range(len(search.visit)):
            search.best_order[k] = search.permutation.order[k]
            search.best_node[k] = search.permutation.node[k]
    if search.sets.counters[STEPS] < search.settings[MOST_STEPS] and progress[FAILED] < search.settings[PATIENCE]:
        progress[PERTURBATIONS] += 1
        _perturb(search)
    else:
        _keep(search)
        progress[PHASE] = DONE


@entry_point
def advance(owned: PerturbedSearch, steps: Int) -> Truth:
    """Go on for so many variables; True once the search is done."""
    search: PerturbedSearch = borrow(owned)
    progress = search.progress
    for _ in range(steps):
        if progress[PHASE] == START:
            _start(search)
        elif progress[PHASE] == DESCENT:
            _try_next(search)
        elif progress[PHASE] == OPTIMUM:
            _judge(search)
        else:
            return True
    return progress[PHASE] == DONE
