"""A graph of parent sets: what a greedy search needs to know about any parents of a vertex, remembered.

A grow-shrink tree (`grow_shrink`) remembers runs that all begin with no parents. Here a node is any set of parents P of
a vertex y, whatever led to it, and it carries

- the score of y given P;
- BETTER, all variables whose addition would improve that score, and the same as a list, best first, each with a pointer
  to P and that variable;
- SMALLER, a pointer to P without the variable whose removal improves the score most, or `NONE`.

P is a local optimum among predecessors Z if and only if P is within Z, BETTER is disjoint from Z, and SMALLER is
`NONE`. So when one variable joins or leaves Z, one bit says whether y's parents may stay, and if they may not, `settle`
goes on from where they are. Linear algebra is done once per parent set ever seen: its variables enter the Cholesky
factor in index order, so that a score does not depend on the way to its set.

The nodes of all vertices share one table of fixed size. When it is full, all but the sets in use is forgotten.

References:
    Wienöbst, Henckel, Weichwald 2025, Embracing discrete search: a reasonable approach to causal structure learning,
    arXiv:2510.04970, keep a vertex's parents from order to order and update them. The graph of parent sets is ours.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray
from avexplore.graph.compiled import bitset
from avexplore.graph.compiled.numba_cache import Int, Real, Truth, compiled
from avexplore.graph.scores.gaussian_bic import FLOOR
from avexplore.graph.search.regression import (
    COEFFICIENT,
    DIAGONAL,
    SLOT,
    STEP,
    TIE,
    VARIABLE,
    VARIANCE,
    Regression,
    begin,
    condition,
    invert,
    list_improving,
    new_regression,
)

# Columns of ParentSets.nodes; two sets of `words` columns each follow, parents and BETTER. With up to 64 variables a
# node is one cache line.
VERTEX, DIGEST, LIST, COUNT, SMALLER, SCORE, PARENTS = range(7)
# Columns of ParentSets.additions.
LARGER = 1  # beside VARIABLE
# Entries of ParentSets.counters.
NODES, ADDITIONS, FULL, CURRENT, SIZE, FORGOTTEN, MADE = range(7)
# Rows of ParentSets.keys.
OF_PARENT, OF_VERTEX = range(2)

NONE = -1
UNKNOWN = -2

LINE = 8
"""Numbers to which rows are padded."""

MEMORY = 128 << 20
"""Bytes of one graph of parent sets. Pages that are never written cost nothing."""


class ParentSets(NamedTuple):
    """Nodes, and how to make more of them. Shapes with p variables, w words to a set, m nodes.

    Attributes:
        regression: The problem; its current regression is that of one node, with the parents in index order.
        keys: A random word per variable as a parent, and per variable as the vertex; their exclusive or over a node is
            its digest, (2, p).
        nodes: Vertex and digest; where the list of additions begins, and its length; SMALLER; score; and the sets of
            parents and of BETTER, (m, 6 + 2 w).
        values: The same memory read as floats, for the column SCORE.
        additions: Lists: a variable, and the node with it or `UNKNOWN`.
        table: Hash table of nodes, open addressing, `NONE` where free; a power of two.
        wanted: The set that is asked for, (1, w).
        counters: Used nodes and additions; whether full; the current node and how many parents it has; how often
            all was forgotten; nodes ever made.
    """

    regression: Regression
    keys: IntArray
    nodes: IntArray
    values: FloatArray
    additions: IntArray
    table: IntArray
    wanted: IntArray
    counters: IntArray


def new_parent_sets(
    correlation: FloatArray,
    samples: int,
    penalty_discount: float,
    forbidden: BoolArray | None = None,
    required: BoolArray | None = None,
    memory: int = MEMORY,
    most_made: int | None = None,
) -> ParentSets:
    """An empty graph of parent sets; `forget` it before use.

    Args:
        correlation: Shape (p, p).
        samples: n.
        penalty_discount: c.
        forbidden, required: [i, j] for i -> j, shape (p, p); None for none.
        memory: Upper bound in bytes on what grows, but for a minimum that one move of a variable needs.
        most_made: About how many nodes will be made; no room is set aside for more.
    """
    p = len(correlation)
    words = bitset.word_count(p)
    additions_per_node = min(p, 12 + p // 16)
    node_bytes = 8 * (PARENTS + 2 * words) + 8 * additions_per_node + 12
    capacity = memory // node_bytes if most_made is None else min(memory // node_bytes, most_made)
    capacity = max(capacity, 64 * p)
    nodes = np.empty((capacity, PARENTS + 2 * words), np.int64)
    return ParentSets(
        regression=new_regression(correlation, samples, penalty_discount, forbidden, required, LINE, p),
        keys=np.random.default_rng(p).integers(-(2**63), 2**63 - 1, (2, p)),
        nodes=nodes,
        values=nodes.view(np.float64),
        additions=np.empty((max(capacity * additions_per_node, 8 * p * p), 2), np.int32),
        table=np.empty(1 << (2 * capacity - 1).bit_length(), np.int32),
        wanted=np.zeros((1, words), np.int64),
        counters=np.zeros(7, np.int64),
    )


@compiled
def forget(sets: ParentSets) -> None:
    """Forget all nodes."""
    counters = sets.counters
    counters[NODES] = 0
    counters[ADDITIONS] = 0
    counters[FULL] = 0
    counters[CURRENT] = NONE
    counters[FORGOTTEN] += 1
    sets.table[:] = NONE


@compiled
def look_up(sets: ParentSets, y: Int, parents: IntArray, row: Int) -> Int:
    """The node of y whose parents are the set `parents[row]`; `NONE` if there is no room for it."""
    digest = sets.keys[OF_VERTEX, y]
    for w in range(parents.shape[1]):
        word = parents[row, w]
        sets.wanted[0, w] = word
        while word != 0:
            digest ^= sets.keys[OF_PARENT, 64 * w + bitset.lowest(word)]
            word &= word - 1
    return _find(sets, y, digest)


@compiled
def _find(sets: ParentSets, y: Int, digest: Int) -> Int:
    """The node of y whose parents are `wanted`, with that digest; made if it is new, `NONE` if there is no room."""
    nodes, counters = sets.nodes, sets.counters
    words = sets.regression.forbidden.shape[1]
    mask = len(sets.table) - 1
    slot = (digest ^ (digest >> 29)) & mask
    while sets.table[slot] >= 0:
        node = np.int64(sets.table[slot])
        if nodes[node, DIGEST] == digest and nodes[node, VERTEX] == y:
            differs = np.int64(0)
            for w in range(words):
                differs |= nodes[node, PARENTS + w] ^ sets.wanted[0, w]
            if differs == 0:
                return node
        slot = (slot + 1) & mask
    if counters[NODES] >= len(nodes) or counters[ADDITIONS] + len(sets.keys[0]) > len(sets.additions):
        counters[FULL] = 1
        return np.int64(NONE)
    new = counters[NODES]
    counters[NODES] += 1
    counters[MADE] += 1
    sets.table[slot] = new
    nodes[new, VERTEX] = y
    nodes[new, DIGEST] = digest
    nodes[new, SMALLER] = UNKNOWN
    for w in range(words):
        nodes[new, PARENTS + w] = sets.wanted[0, w]
        nodes[new, PARENTS + words + w] = 0
    _condition(sets, new)
    regression = sets.regression
    residual = max(regression.given[VARIANCE, y], FLOOR)
    sets.values[new, SCORE] = -regression.samples * math.log(residual) - regression.penalty * counters[SIZE]
    _list_additions(sets, new)
    return new


@compiled
def _condition(sets: ParentSets, node: Int) -> None:
    """Make a node current: its parents in index order, their Cholesky rows, and all variances given them."""
    counters, regression = sets.counters, sets.regression
    if counters[CURRENT] == node:
        return
    y = sets.nodes[node, VERTEX]
    begin(regression, y)
    k = 0
    for w in range(regression.forbidden.shape[1]):
        word = sets.nodes[node, PARENTS + w]
        while word != 0:
            regression.parents[SLOT, k] = k
            regression.parents[STEP, k] = 64 * w + bitset.lowest(word)
            condition(regression, y, k)
            word &= word - 1
            k += 1
    counters[CURRENT] = node
    counters[SIZE] = k


@compiled
def _list_additions(sets: ParentSets, node: Int) -> None:
    """List the variables that improve the score at the current node, best first."""
    nodes, additions = sets.nodes, sets.additions
    words = sets.regression.forbidden.shape[1]
    first = sets.counters[ADDITIONS]
    for w in range(words):
        sets.regression.barred[0, w] = nodes[node, PARENTS + w]
    count = list_improving(sets.regression, nodes[node, VERTEX], additions, first)
    for k in range(first, first + count):
        x = np.int64(additions[k, VARIABLE])
        nodes[node, PARENTS + words + (x >> 6)] |= np.int64(1) << (x & 63)
        additions[k, LARGER] = UNKNOWN
    nodes[node, LIST] = first
    nodes[node, COUNT] = count
    sets.counters[ADDITIONS] += count


@compiled
def _worst_parent(sets: ParentSets, node: Int) -> Int:
    """The parent whose removal improves the score most, `NONE` if none does."""
    _condition(sets, node)
    regression = sets.regression
    y = sets.nodes[node, VERTEX]
    size = sets.counters[SIZE]
    invert(regression, y, size)
    # the gain of not paying for an edge against what it explains of the variance that would be left
    least = math.expm1(regression.penalty / regression.samples) * max(regression.given[VARIANCE, y], FLOOR)
    worst = np.int64(NONE)
    for j in range(size):
        coefficient = regression.removal[COEFFICIENT, j]
        loss = coefficient * coefficient / regression.removal[DIAGONAL, j]
        x = regression.parents[STEP, j]
        if loss < least * (1.0 - TIE) and not bitset.contains(regression.required, y, x):
            least = loss
            worst = x
    return worst


@compiled
def _smaller(sets: ParentSets, node: Int) -> Int:
    """The node without the worst parent, `NONE` if every parent is worth its penalty."""
    nodes = sets.nodes
    if nodes[node, SMALLER] == UNKNOWN:
        x = _worst_parent(sets, node)
        smaller = np.int64(NONE)
        if x >= 0:
            for w in range(sets.regression.forbidden.shape[1]):
                sets.wanted[0, w] = nodes[node, PARENTS + w]
            bitset.discard(sets.wanted, 0, x)
            smaller = _find(sets, nodes[node, VERTEX], nodes[node, DIGEST] ^ sets.keys[OF_PARENT, x])
            if smaller == NONE:
                return smaller
        nodes[node, SMALLER] = smaller
    return nodes[node, SMALLER]


@compiled
def _larger(sets: ParentSets, node: Int, predecessors: IntArray, row: Int) -> Int:
    """The node with the best addition among `predecessors[row]`, which holds one."""
    nodes, additions = sets.nodes, sets.additions
    k = nodes[node, LIST]
    x = np.int64(additions[k, VARIABLE])
    while not bitset.contains(predecessors, row, x):
        k += 1
        x = np.int64(additions[k, VARIABLE])
    if additions[k, LARGER] == UNKNOWN:
        for w in range(sets.regression.forbidden.shape[1]):
            sets.wanted[0, w] = nodes[node, PARENTS + w]
        bitset.insert(sets.wanted, 0, x)
        larger = _find(sets, nodes[node, VERTEX], nodes[node, DIGEST] ^ sets.keys[OF_PARENT, x])
        if larger == NONE:
            return larger
        additions[k, LARGER] = larger
    return np.int64(additions[k, LARGER])


@compiled
def _restricted(sets: ParentSets, node: Int, predecessors: IntArray, row: Int) -> Int:
    """The node without the parents that are not in `predecessors[row]`."""
    nodes = sets.nodes
    digest = nodes[node, DIGEST]
    for w in range(sets.regression.forbidden.shape[1]):
        outside = nodes[node, PARENTS + w] & ~predecessors[row, w]
        sets.wanted[0, w] = nodes[node, PARENTS + w] ^ outside
        while outside != 0:
            digest ^= sets.keys[OF_PARENT, 64 * w + bitset.lowest(outside)]
            outside &= outside - 1
    return _find(sets, nodes[node, VERTEX], digest)


@compiled
def settle(sets: ParentSets, start: Int, predecessors: IntArray, row: Int) -> Int:
    """From a node to a local optimum among `predecessors[row]`.

    Parents that are no predecessors go; then the best addition is made, or where there is none the best removal, as
    long as the score rises. If the table gets full, `counters[FULL]` is set and the node returned is of no use.
    """
    nodes, values = sets.nodes, sets.values
    words = predecessors.shape[1]
    node: Int = start
    while True:
        outside = np.int64(0)
        better = np.int64(0)
        for w in range(words):
            z = predecessors[row, w]
            outside |= nodes[node, PARENTS + w] & ~z
            better |= nodes[node, PARENTS + words + w] & z
        if outside != 0:
            node = _restricted(sets, node, predecessors, row)
            if node < 0:
                return start
        else:
            other = _larger(sets, node, predecessors, row) if better != 0 else _smaller(sets, node)
            # A gain that is nothing but round-off could lead around in a circle.
            if other < 0 or values[other, SCORE] <= values[node, SCORE]:
                return node
            node = other


@compiled
def would_gain(sets: ParentSets, node: Int, x: Int) -> Truth:
    """Whether x is in BETTER: the score would rise with it."""
    words = sets.regression.forbidden.shape[1]
    return (sets.nodes[node, PARENTS + words + (x >> 6)] >> (x & 63)) & 1 != 0


@compiled
def has_parent(sets: ParentSets, node: Int, x: Int) -> Truth:
    """Whether x is among the parents."""
    return (sets.nodes[node, PARENTS + (x >> 6)] >> (x & 63)) & 1 != 0


@compiled
def score_of(sets: ParentSets, node: Int) -> Real:
    """Score of the node's vertex given its parents."""
    return sets.values[node, SCORE]
