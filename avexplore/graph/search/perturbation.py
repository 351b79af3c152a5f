"""Iterated local search whose vertices keep their parents: descents from perturbations of the best order.

A descent moves each variable in turn to its best place in the order, where all others' parents are updated from what
they are (`parent_sets.settle`) instead of being grown anew from nothing, as BOSS does. A perturbation moves a few
variables of the best order to random places, and the next descent leads on from there; what scores as well or better
replaces the best. Only variables that a change may concern are tried again.

The score is no function of the order here: two ways to the same order may end with different parents. So the parent
sets are the result, and the order comes with them.

References:
    Wienöbst, Henckel, Weichwald 2025, arXiv:2510.04970: iterated local search over orders, with updated parents.
    [ours]: the graph of parent sets, and which variables are tried again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from avexplore.artifacts import FloatArray, IntArray
from avexplore.graph.compiled import bitset, randomness
from avexplore.graph.compiled.numba_cache import Int, Real, Truth, borrow, compiled, entry_point
from avexplore.graph.search.parent_sets import (
    FORGOTTEN,
    FULL,
    MADE,
    PARENTS,
    ParentSets,
    forget,
    has_parent,
    look_up,
    score_of,
    settle,
    would_gain,
)
from avexplore.graph.search.permutation import Permutation, blank_permutation, bounds, move, place

# Entries of PerturbedSearch.progress.
PHASE, TURN, TRIED, FAILED = range(4)
# Values of PHASE.
START, DESCENT, OPTIMUM, DONE = range(4)
# Entries of PerturbedSearch.settings.
MOST_MADE, PATIENCE, STRENGTH = range(3)

LEAST_GAIN = 1e-6
"""What a change must gain to count; sums of scores agree to about 1e-8."""


class PerturbedSearch(NamedTuple):
    """A search under way from one start. Shapes with p variables, w words to a set.

    Attributes:
        sets: See their module.
        permutation: The order on trial; its nodes are parent sets.
        best_order, best_node: The best order so far, and its nodes, (p,).
        score: Its score, (1,).
        passed: Scratch: the node of the variable at each position once another one has passed it, (p,).
        awake: Whether a variable may gain from a move, (p,).
        visit: Variables in the sequence in which they are tried, (p,).
        kept: Parents in the best order, and in the order on trial, (2 p, w).
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
    most_made: int,
    patience: int,
    strength: int,
    seed: int,
) -> PerturbedSearch:
    """A search from an order and parents, not started yet.

    Args:
        sets: Those of an earlier search over the same data are used again.
        order: Required parents before their children. Shape (p,).
        parents: Sets per variable, shape (p, w): required ones among them, none forbidden.
        most_made: Once `sets` has made so many nodes in all, the next local optimum is the last.
        patience: Perturbations in a row that may fail.
        strength: Variables moved by each; every other time, about, one less.
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
        awake=np.zeros(p, np.int64),
        visit=np.arange(p),
        kept=np.concatenate([parents, parents]),
        progress=np.zeros(4, np.int64),
        settings=np.array([most_made, patience, strength], np.int64),
        random=np.array([seed], np.int64),
    )


def best_parents(search: PerturbedSearch) -> IntArray:
    """Sets of parents in the best order of a search that is done. Shape (p, w)."""
    return search.kept[: len(search.visit)].copy()


@compiled
def _keep(search: PerturbedSearch) -> None:
    """Write down the parents in use."""
    p = len(search.visit)
    for v in range(p):
        for w in range(search.kept.shape[1]):
            search.kept[v, w] = search.sets.nodes[search.best_node[v], PARENTS + w]
            search.kept[p + v, w] = search.sets.nodes[search.permutation.node[v], PARENTS + w]


@compiled
def _take_up(search: PerturbedSearch) -> None:
    """Find the nodes of the parents written down; all other nodes are forgotten if there is no room for these."""
    p = len(search.visit)
    for _ in range(2):
        for v in range(p):
            search.best_node[v] = look_up(search.sets, v, search.kept, v)
            search.permutation.node[v] = look_up(search.sets, v, search.kept, p + v)
        if search.sets.counters[FULL] == 0:
            break
        forget(search.sets)


@compiled
def _make_room(search: PerturbedSearch) -> None:
    """Forget all nodes but those in use."""
    _keep(search)
    forget(search.sets)
    _take_up(search)


@compiled
def _wake(search: PerturbedSearch, v: Int, node: Int) -> None:
    """Have v and the parents at one of its nodes tried again."""
    search.awake[v] = 1
    for w in range(search.kept.shape[1]):
        word = search.sets.nodes[node, PARENTS + w]
        while word != 0:
            search.awake[64 * w + bitset.lowest(word)] = 1
            word &= word - 1


@compiled
def _begin_descent(search: PerturbedSearch) -> None:
    """Update all parents to the order on trial, and wake the variables that this concerns."""
    sets, permutation = search.sets, search.permutation
    p = len(search.visit)
    for k in range(p):
        v = permutation.order[k]
        place(permutation, k, v)
        node = settle(sets, permutation.node[v], permutation.prefix, k)
        if sets.counters[FULL] != 0:
            _make_room(search)
            node = settle(sets, permutation.node[v], permutation.prefix, k)
        permutation.node[v] = node
        search.awake[v] = v != search.best_order[k]
    for v in range(p):
        if permutation.node[v] != search.best_node[v]:
            _wake(search, v, search.best_node[v])
            _wake(search, v, permutation.node[v])
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
    order, nodes, prefix, predecessors = permutation.order, permutation.node, permutation.prefix, permutation.spare
    here: Int = permutation.position[v]
    low, high = bounds(sets.regression.required, permutation, v)
    best = 0.0
    target = here
    target_node = nodes[v]
    for side in range(2):
        leftward = side == 0
        step = -1 if leftward else 1
        mine = nodes[v]
        others = 0.0
        k = here + step
        while low <= k <= high:
            u = order[k]
            new = nodes[u]
            if would_gain(sets, new, v) if leftward else has_parent(sets, new, v):
                bitset.copy(prefix, k, predecessors, 0)
                if leftward:
                    bitset.insert(predecessors, 0, v)
                else:
                    bitset.discard(predecessors, 0, v)
                new = settle(sets, new, predecessors, 0)
                others += score_of(sets, new) - score_of(sets, nodes[u])
            search.passed[k] = new
            if has_parent(sets, mine, u) if leftward else would_gain(sets, mine, u):
                bitset.copy(prefix, k if leftward else k + 1, predecessors, 0)
                bitset.discard(predecessors, 0, v)
                mine = settle(sets, mine, predecessors, 0)
            if sets.counters[FULL] != 0:
                return 0.0
            gain = others + score_of(sets, mine) - score_of(sets, nodes[v])
            if gain > best + LEAST_GAIN:  # of equals the first: which is more by rounding must not matter
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
        for _ in range(2):
            best_move(search, v)
            if search.sets.counters[FULL] == 0:
                break
            _make_room(search)
        progress[TURN] += 1
        progress[TRIED] += 1
    elif progress[TRIED] > 0:
        _begin_round(search)
    else:
        progress[PHASE] = OPTIMUM


@compiled
def _perturb(search: PerturbedSearch) -> None:
    """Move a few variables of the best order to random places."""
    permutation = search.permutation
    for k in range(len(search.visit)):
        v = search.best_order[k]
        permutation.order[k] = v
        permutation.position[v] = k
        permutation.node[k] = search.best_node[k]
    for _ in range(search.settings[STRENGTH] - randomness.below(2, search.random)):
        v = randomness.below(len(search.visit), search.random)
        low, high = bounds(search.sets.regression.required, permutation, v)
        move(permutation, v, low + randomness.below(high - low + 1, search.random))


@compiled
def _judge(search: PerturbedSearch) -> None:
    """Keep a local optimum that is as good as the best or better; then perturb the best, or end."""
    sets, permutation, progress = search.sets, search.permutation, search.progress
    score = 0.0
    for v in range(len(search.visit)):  # in index order, so that it depends on the DAG alone
        score += score_of(sets, permutation.node[v])
    if score > search.score[0] + LEAST_GAIN:
        progress[FAILED] = 0
    else:
        progress[FAILED] += 1
    if score >= search.score[0] - LEAST_GAIN:  # equals are accepted: plateaus are wide
        search.score[0] = max(score, search.score[0])
        for k in range(len(search.visit)):
            search.best_order[k] = permutation.order[k]
            search.best_node[k] = permutation.node[k]
    if sets.counters[MADE] < search.settings[MOST_MADE] and progress[FAILED] < search.settings[PATIENCE]:
        _perturb(search)
        _begin_descent(search)
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
            if search.sets.counters[FORGOTTEN] == 0:
                forget(search.sets)
            _take_up(search)
            _begin_descent(search)
            search.awake[:] = 1
        elif progress[PHASE] == DESCENT:
            _try_next(search)
        elif progress[PHASE] == OPTIMUM:
            _judge(search)
        else:
            return True
    return progress[PHASE] == DONE
