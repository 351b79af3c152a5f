"""GRaSP: greedy relaxations of the sparsest permutation. Tucks, searched in depth.

A tuck of the edge x -> y puts y, and those of its ancestors that stand between, right before x. At the first level of
the search any edge may be tucked, deeper only covered edges (x's parents and x are y's parents), along tucks that
leave the score unchanged, until one improves it. Depth 1 alone finds what single tucks can; depth 3 is the paper's.

Deviations from the paper, on purpose: depths are tried in turn, the shallow ones first; a DAG seen before at the same
level is not searched again, where the paper compares histories of tucks; after an improvement the search goes on
behind the vertex that gave it instead of from the start.

References:
    Lam, Andrews, Ramsey 2022, Greedy relaxations of the sparsest permutation algorithm, UAI, algorithm 2.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from avexplore.artifacts import IntArray
from avexplore.graph.compiled import bitset, randomness
from avexplore.graph.compiled.bitset import word_count
from avexplore.graph.compiled.numba_cache import Int, Real, Truth, compiled
from avexplore.graph.search.boss import LEAST_GAIN
from avexplore.graph.search.grow_shrink import DIGEST, FULL, PATH, SCORE, GrowShrinkTrees, look_up
from avexplore.graph.search.permutation import Permutation, place

AT_ONCE = 1000
"""Tucks between two chances to stop."""
UNFINISHED = -1.0
"""In place of a gain: call again to go on."""

SEEN = 1 << 14
PROBES = 64


class Tucks(NamedTuple):
    """Scratch of the depth-first search: one row per level.

    Attributes:
        level: Where an unfinished search stands, -1 before it begins, (1,).
        turn: How many vertices have been tried, (depth,).
        first, last: Range of positions that the tuck changes, (depth,).
        digest: Of the DAG on the other side of the tuck, (depth,).
        parents: Parents of the present vertex as the level found them, (depth, w).
        remaining: Those not tried yet, (depth, w).
        order, node: What the tuck overwrote, (depth, p).
        weighed: Nodes that a tuck would give to the variables now at each position, (p,).
        seen: Hash table of DAGs searched, (SEEN,).
    """

    level: IntArray
    turn: IntArray
    first: IntArray
    last: IntArray
    digest: IntArray
    parents: IntArray
    remaining: IntArray
    order: IntArray
    node: IntArray
    weighed: IntArray
    seen: IntArray


def blank_tucks(variables: int, depth: int) -> Tucks:
    """Scratch for searches up to `depth`."""
    words = word_count(variables)
    return Tucks(
        level=np.full(1, -1),
        turn=np.zeros(depth, np.int64),
        first=np.zeros(depth, np.int64),
        last=np.zeros(depth, np.int64),
        digest=np.zeros(depth, np.int64),
        parents=np.zeros((depth, words), np.int64),
        remaining=np.zeros((depth, words), np.int64),
        order=np.zeros((depth, variables), np.int64),
        node=np.zeros((depth, variables), np.int64),
        weighed=np.zeros(variables, np.int64),
        seen=np.zeros(SEEN, np.int64),
    )


@compiled
def _weigh(trees: GrowShrinkTrees, permutation: Permutation, x: Int, y: Int, tucks: Tucks, level: Int) -> Real:
    """What the score would gain if y and its ancestors in between stood right before x; -inf if that is not allowed.

    Nothing is moved. Those that would go ahead lose from their predecessors x and what else they would pass, all others
    gain the former: two AND operations say whose certificate fails.
    """
    order, prefix, sets = permutation.order, permutation.prefix, permutation.spare
    nodes, weighed = trees.nodes, tucks.weighed
    first, last = permutation.position[x], permutation.position[y]
    words = sets.shape[1]
    # sets[2]: those that move, and parents of theirs that are ahead already; sets[1]: passed; sets[0]: predecessors
    for w in range(words):
        sets[2, w] = nodes[permutation.node[y], PATH + 2 * words + w]
        sets[1, w] = 0
    bitset.insert(sets, 2, y)
    for k in range(last - 1, first, -1):
        z = order[k]
        if bitset.contains(sets, 2, z):
            for w in range(words):
                sets[2, w] |= nodes[permutation.node[z], PATH + 2 * words + w]
    for k in range(first + 1, last + 1):
        if bitset.contains(sets, 2, order[k]) and bitset.contains(trees.regression.required, order[k], x):
            return -math.inf
    tucks.first[level] = first
    tucks.last[level] = last
    change = 0.0
    digest = permutation.digest[0]
    for moves in range(2):
        for k in range(first, last + 1):
            v = order[k]
            if (k > first and bitset.contains(sets, 2, v)) != (moves == 0):
                if moves == 0:
                    bitset.insert(sets, 1, v)
                continue
            old = permutation.node[v]
            new = old
            wrong = np.int64(0)
            for w in range(words):
                wrong |= nodes[old, PATH + w] & sets[1, w] if moves == 0 else nodes[old, PATH + words + w] & sets[2, w]
            if wrong != 0:
                for w in range(words):
                    sets[0, w] = prefix[k, w] & ~sets[1, w] if moves == 0 else prefix[k, w] | sets[2, w]
                if k == first:
                    bitset.discard(sets, 0, x)
                new = look_up(trees, v, sets, 0, trees.aside, y, v)
                if trees.counters[FULL] != 0:
                    return 0.0
                digest ^= nodes[new, DIGEST] ^ nodes[old, DIGEST]
                change += trees.values[new, SCORE] - trees.values[old, SCORE]
            weighed[k] = new
    tucks.digest[level] = digest
    return change


@compiled
def _tuck(permutation: Permutation, tucks: Tucks, level: Int) -> None:
    """Carry out the tuck that was weighed last, whose movers are still in `spare[2]`."""
    first, last = tucks.first[level], tucks.last[level]
    order, node = tucks.order[level], tucks.node[level]
    for k in range(first, last + 1):
        order[k] = permutation.order[k]
        node[k] = permutation.node[order[k]]
        permutation.node[order[k]] = tucks.weighed[k]
    target: Int = first
    for moves in range(2):
        for k in range(first, last + 1):
            if (k > first and bitset.contains(permutation.spare, 2, order[k])) == (moves == 0):
                place(permutation, target, order[k])
                target += 1
    _swap_digests(permutation, tucks, level)


@compiled
def _undo(permutation: Permutation, tucks: Tucks, level: Int) -> None:
    """Take back the tuck of a level."""
    for k in range(tucks.first[level], tucks.last[level] + 1):
        x = tucks.order[level, k]
        place(permutation, k, x)
        permutation.node[x] = tucks.node[level, k]
    _swap_digests(permutation, tucks, level)


@compiled
def _swap_digests(permutation: Permutation, tucks: Tucks, level: Int) -> None:
    other = tucks.digest[level]
    tucks.digest[level] = permutation.digest[0]
    permutation.digest[0] = other


@compiled
def _first_time(tucks: Tucks, key: Int) -> Truth:
    """Note a DAG; False if it was there already. Once a stretch of the table is full, all its DAGs count as new."""
    key = key if key != 0 else 1
    slot = randomness.scramble(key) & (SEEN - 1)
    for _ in range(PROBES):
        if tucks.seen[slot] == key:
            return False
        if tucks.seen[slot] == 0:
            tucks.seen[slot] = key
            return True
        slot = (slot + 1) & (SEEN - 1)
    return True


@compiled
def _look_at(trees: GrowShrinkTrees, permutation: Permutation, y: Int, tucks: Tucks, level: Int) -> None:
    words = permutation.prefix.shape[1]
    for w in range(words):
        mask = trees.nodes[permutation.node[y], PATH + 2 * words + w]
        tucks.parents[level, w] = mask
        tucks.remaining[level, w] = mask


@compiled
def _covered(trees: GrowShrinkTrees, permutation: Permutation, x: Int, tucks: Tucks, level: Int) -> Truth:
    """Whether x with its parents are the present vertex's parents."""
    words = permutation.prefix.shape[1]
    for w in range(words):
        mask = trees.nodes[permutation.node[x], PATH + 2 * words + w]
        if w == x >> 6:
            mask |= np.int64(1) << (x & 63)
        if mask != tucks.parents[level, w]:
            return False
    return True


@compiled
def best_tuck(
    trees: GrowShrinkTrees, permutation: Permutation, visit: IntArray, turn: Int, depth: Int, tucks: Tucks
) -> Real:
    """Search in depth from the edges into one vertex; return the gain of the first improvement, 0 if there is none.

    After `AT_ONCE` tucks it returns `UNFINISHED`, and goes on from there at the next call. Iterative: numba cannot keep
    compiled code of functions that call themselves.

    Args:
        trees: If it gets full, nothing is changed.
        permutation: Settled; changed.
        visit: All variables in the sequence in which they are tried, shape (p,).
        turn: Start with the edges into `visit[turn]`.
        depth: Levels.
        tucks: Scratch.
    """
    p = len(visit)
    level: Int = tucks.level[0]
    tucks.level[0] = -1
    if level < 0:
        level = 0
        tucks.turn[0] = 0
        _look_at(trees, permutation, visit[turn], tucks, 0)
    tried = 0
    while True:
        if tried == AT_ONCE:
            tucks.level[0] = level
            return UNFINISHED
        y = visit[(turn + tucks.turn[level]) % p]
        x = bitset.pop(tucks.remaining, level)
        if x < 0:
            tucks.turn[level] += 1
            if level == 0:
                return 0.0
            if tucks.turn[level] == p:
                level -= 1
                _undo(permutation, tucks, level)
            else:
                _look_at(trees, permutation, visit[(turn + tucks.turn[level]) % p], tucks, level)
            continue
        if level > 0 and not _covered(trees, permutation, x, tucks, level):
            continue
        tried += 1
        change = _weigh(trees, permutation, x, y, tucks, level)
        if trees.counters[FULL] != 0:
            while level > 0:
                level -= 1
                _undo(permutation, tucks, level)
            return 0.0
        if change > LEAST_GAIN:
            _tuck(permutation, tucks, level)
            return change
        if (
            change > -LEAST_GAIN
            and level + 1 < depth
            and _first_time(tucks, randomness.scramble(tucks.digest[level] + level))
        ):
            _tuck(permutation, tucks, level)
            level += 1
            tucks.turn[level] = 0
            _look_at(trees, permutation, visit[turn], tucks, level)
