"""An order of the variables and the DAG it implies: each vertex takes its grow-shrink parents among its predecessors.

References:
    Teyssier, Koller 2005, Ordering-based search. Lam, Andrews, Ramsey 2022, Greedy relaxations of the sparsest
    permutation algorithm, UAI (tucks).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from avexplore.artifacts import IntArray
from avexplore.graph.compiled import bitset
from avexplore.graph.compiled.bitset import word_count
from avexplore.graph.compiled.numba_cache import Int, Real, compiled
from avexplore.graph.search.grow_shrink import (
    DIGEST,
    FULL,
    NO_NODE,
    PATH,
    SCORE,
    GrowShrinkTrees,
    clear,
    find,
    look_up,
    still_valid,
)


class Permutation(NamedTuple):
    """An order with all that follows from it. Shapes with p variables, w words to a set.

    Attributes:
        order: Variable at each position, (p,).
        position: The inverse, (p,).
        node: Each variable's node, which says its parents and score, (p,).
        prefix: Set of the variables before each position, (p + 1, w).
        digest: Of all parent sets, order-free, (1,).
        spare: Sets for whoever moves something, (3, w).
    """

    order: IntArray
    position: IntArray
    node: IntArray
    prefix: IntArray
    digest: IntArray
    spare: IntArray


def blank_permutation(variables: int) -> Permutation:
    """Space for an order; write `order`, then `settle`."""
    words = word_count(variables)
    return Permutation(
        order=np.arange(variables),
        position=np.arange(variables),
        node=np.full(variables, NO_NODE),
        prefix=np.zeros((variables + 1, words), np.int64),
        digest=np.zeros(1, np.int64),
        spare=np.zeros((3, words), np.int64),
    )


@compiled
def place(permutation: Permutation, k: Int, x: Int) -> None:
    """Put x at position k, given that all before it are in place."""
    permutation.order[k] = x
    permutation.position[x] = k
    for w in range(permutation.prefix.shape[1]):
        permutation.prefix[k + 1, w] = permutation.prefix[k, w]
    bitset.insert(permutation.prefix, k + 1, x)


@compiled
def renew(trees: GrowShrinkTrees, permutation: Permutation, k: Int, mover: Int) -> Real:
    """Find the node of the variable at position k anew since `mover` moved; return what its score gained.

    Callers check the certificate first: a call costs more than the check, and most nodes stay.
    """
    x = permutation.order[k]
    old = permutation.node[x]
    new = look_up(trees, x, permutation.prefix, k, trees.aside, mover, x)
    if trees.counters[FULL] != 0:
        return 0.0
    permutation.node[x] = new
    permutation.digest[0] ^= trees.nodes[new, DIGEST] ^ trees.nodes[old, DIGEST]
    return trees.values[new, SCORE] - trees.values[old, SCORE]


@compiled
def settle(trees: GrowShrinkTrees, permutation: Permutation) -> None:
    """Derive everything from `order` anew, in trees that are cleared first if they are full."""
    p = len(permutation.order)
    for attempt in range(2):
        if trees.counters[FULL] != 0 or attempt > 0:
            clear(trees)
        permutation.digest[0] = 0
        for k in range(p):
            x = permutation.order[k]
            place(permutation, k, x)
            permutation.node[x] = find(trees, x, permutation.prefix, k)
            permutation.digest[0] ^= trees.nodes[permutation.node[x], DIGEST]
        if trees.counters[FULL] == 0:
            break


@compiled
def resettle(trees: GrowShrinkTrees, permutation: Permutation) -> None:
    """As `settle`, where `node` is right but for what a few moves have changed."""
    for k in range(len(permutation.order)):
        x = permutation.order[k]
        place(permutation, k, x)
        if not still_valid(trees, permutation.node[x], permutation.prefix, k):
            renew(trees, permutation, k, x)
    if trees.counters[FULL] != 0:
        settle(trees, permutation)
    permutation.digest[0] = 0
    for x in range(len(permutation.order)):
        permutation.digest[0] ^= trees.nodes[permutation.node[x], DIGEST]


@compiled
def total_score(trees: GrowShrinkTrees, permutation: Permutation) -> Real:
    """Score of the DAG, summed in index order so that it depends on the DAG alone."""
    total = 0.0
    for x in range(len(permutation.order)):
        total += trees.values[permutation.node[x], SCORE]
    return total


@compiled
def write_parents(trees: GrowShrinkTrees, permutation: Permutation, parents: IntArray, row: Int) -> None:
    """Write each variable's set of parents into `parents[row]`, shape (p, w)."""
    words = permutation.prefix.shape[1]
    for y in range(len(permutation.order)):
        for w in range(words):
            parents[row, y, w] = trees.nodes[permutation.node[y], PATH + 2 * words + w]


@compiled
def bounds(required: IntArray, permutation: Permutation, v: Int) -> tuple[Int, Int]:
    """First and last position at which v may stand without passing a required parent or child."""
    p = len(permutation.order)
    low, high, here = 0, p - 1, permutation.position[v]
    for k in range(p):
        u = permutation.order[k]
        if k < here and bitset.contains(required, v, u):
            low = k + 1
        elif k > here and bitset.contains(required, u, v):
            high = k - 1
            break
    return low, high


@compiled
def move(permutation: Permutation, v: Int, target: Int) -> None:
    """Take v out and insert it at position `target`; nodes are not renewed."""
    here = permutation.position[v]
    order = permutation.order
    if target < here:
        for k in range(here, target, -1):
            order[k] = order[k - 1]
    else:
        for k in range(here, target):
            order[k] = order[k + 1]
    order[target] = v
    for k in range(min(here, target), max(here, target) + 1):
        place(permutation, k, order[k])
