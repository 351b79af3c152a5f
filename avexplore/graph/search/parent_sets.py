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
from avexplore.graph.scores.gaussian_bic import FLOOR, edge_penalty

# Columns of ParentSets.nodes; two sets of `words` columns each follow, parents and BETTER. With up to 64 variables a
# node is one cache line.
VERTEX, DIGEST, LIST, COUNT, SMALLER, SCORE, PARENTS = range(7)
# Columns of ParentSets.additions.
VARIABLE, LARGER = range(2)
# Entries of ParentSets.counters.
NODES, ADDITIONS, FULL, CURRENT, SIZE, FORGOTTEN, MADE = range(7)
# Rows of ParentSets.given.
VARIANCE, COVARIANCE, GAIN = range(3)
# Rows of ParentSets.keys.
OF_PARENT, OF_VERTEX = range(2)

NONE = -1
UNKNOWN = -2

TIE = 1e-12
"""Relative difference up to which two gains are equal; the earlier variable then comes first."""

LINE = 8
"""Numbers to which rows are padded."""

MEMORY = 128 << 20
"""Bytes of one graph of parent sets. Pages that are never written cost nothing."""


class ParentSets(NamedTuple):
    """Nodes, and how to make more of them. Shapes with p variables, w words to a set, m nodes.

    Attributes:
        correlation: (p, l): rows are padded with zeros, so that loops need no remainder.
        forbidden, required: Sets per vertex of parents it may not and must have, (p, w).
        keys: A random word per variable as a parent, and per variable as the vertex; their exclusive or over a node is
            its digest, (2, p).
        nodes: Vertex and digest; where the list of additions begins, and its length; SMALLER; score; and the sets of
            parents and of BETTER, (m, 6 + 2 w).
        values: The same memory read as floats, for the column SCORE.
        additions: Lists: a variable, and the node with it or `UNKNOWN`.
        table: Hash table of nodes, open addressing, `NONE` where free; a power of two.
        wanted: The set that is asked for, (1, w).
        rows: Cholesky rows of the current node's parents, (p, l).
        members: Those parents in index order, (p,).
        given: Variance of each x given those parents, its covariance with y, and scratch for gains, (3, l).
        inverse: Scratch: inverse of the Cholesky factor, (p, p).
        counters: Used nodes and additions; whether full; the current node and how many parents it has; how often
            all was forgotten; nodes ever made.
        samples, penalty: n and c ln n.
        least_share: Share of the residual variance that a variable must explain to improve the score.
    """

    correlation: FloatArray
    forbidden: IntArray
    required: IntArray
    keys: IntArray
    nodes: IntArray
    values: FloatArray
    additions: IntArray
    table: IntArray
    wanted: IntArray
    rows: FloatArray
    members: IntArray
    given: FloatArray
    inverse: FloatArray
    counters: IntArray
    samples: float
    penalty: float
    least_share: float


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
    nothing = np.zeros((p, p), bool)
    width = -(-p // LINE) * LINE
    padded = np.zeros((p, width))
    padded[:, :p] = correlation
    penalty = edge_penalty(samples, penalty_discount)
    additions_per_node = min(p, 12 + p // 16)
    node_bytes = 8 * (PARENTS + 2 * words) + 8 * additions_per_node + 12
    capacity = memory // node_bytes if most_made is None else min(memory // node_bytes, most_made)
    capacity = max(capacity, 64 * p)
    nodes = np.empty((capacity, PARENTS + 2 * words), np.int64)
    return ParentSets(
        correlation=padded,
        forbidden=bitset.pack(nothing if forbidden is None else forbidden.T),
        required=bitset.pack(nothing if required is None else required.T),
        keys=np.random.default_rng(p).integers(-(2**63), 2**63 - 1, (2, p)),
        nodes=nodes,
        values=nodes.view(np.float64),
        additions=np.empty((max(capacity * additions_per_node, 8 * p * p), 2), np.int32),
        table=np.empty(1 << (2 * capacity - 1).bit_length(), np.int32),
        wanted=np.zeros((1, words), np.int64),
        rows=np.empty((p, width)),
        members=np.empty(p, np.int64),
        given=np.empty((3, width)),
        inverse=np.empty((p, p)),
        counters=np.zeros(7, np.int64),
        samples=float(samples),
        penalty=penalty,
        least_share=-math.expm1(-penalty / samples),
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
    words = sets.forbidden.shape[1]
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
    if counters[NODES] >= len(nodes) or counters[ADDITIONS] + len(sets.correlation) > len(sets.additions):
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
    residual = max(sets.given[VARIANCE, y], FLOOR)
    sets.values[new, SCORE] = -sets.samples * math.log(residual) - sets.penalty * counters[SIZE]
    _list_additions(sets, new)
    return new


@compiled
def _condition(sets: ParentSets, node: Int) -> None:
    """Make a node current: its parents in index order, their Cholesky rows, and all variances given them."""
    counters, rows, given = sets.counters, sets.rows, sets.given
    if counters[CURRENT] == node:
        return
    y = sets.nodes[node, VERTEX]
    width = given.shape[1]
    for x in range(width):
        given[VARIANCE, x] = 1.0
        given[COVARIANCE, x] = sets.correlation[y, x]
    k = 0
    for w in range(sets.forbidden.shape[1]):
        word = sets.nodes[node, PARENTS + w]
        while word != 0:
            a = 64 * w + bitset.lowest(word)
            word &= word - 1
            for x in range(width):
                rows[k, x] = sets.correlation[a, x]
            for earlier in range(k):
                f = rows[earlier, a]
                for x in range(width):
                    rows[k, x] -= f * rows[earlier, x]
            # The floor matters only for required parents that determine each other.
            scale = 1.0 / math.sqrt(max(given[VARIANCE, a], FLOOR))
            f = rows[k, y] * scale
            for x in range(width):
                r = rows[k, x] * scale
                rows[k, x] = r
                given[VARIANCE, x] -= r * r
                given[COVARIANCE, x] -= r * f
            sets.members[k] = a
            k += 1
    counters[CURRENT] = node
    counters[SIZE] = k


@compiled
def _list_additions(sets: ParentSets, node: Int) -> None:
    """Score all candidates at the current node, and list those that improve, best first.

    Adding x takes the share c_x^2 / (v_x v_y) of the residual variance away, which improves the score if
    -n ln(1 - share) exceeds the penalty.
    """
    nodes, additions, given = sets.nodes, sets.additions, sets.given
    words = sets.forbidden.shape[1]
    y = nodes[node, VERTEX]
    first = sets.counters[ADDITIONS]
    count = 0
    if given[VARIANCE, y] > FLOOR:
        least = sets.least_share * given[VARIANCE, y]
        for x in range(len(sets.correlation)):
            v = given[VARIANCE, x]
            c = given[COVARIANCE, x]
            if c * c > least * v and v > FLOOR and x != y:
                out = nodes[node, PARENTS + (x >> 6)] | sets.forbidden[y, x >> 6]
                if (out >> (x & 63)) & 1 == 0:
                    gain = c * c / v
                    k = count
                    while k > 0 and given[GAIN, k - 1] < gain * (1.0 - TIE):
                        given[GAIN, k] = given[GAIN, k - 1]
                        additions[first + k, VARIABLE] = additions[first + k - 1, VARIABLE]
                        k -= 1
                    given[GAIN, k] = gain
                    additions[first + k, VARIABLE] = x
                    count += 1
                    nodes[node, PARENTS + words + (x >> 6)] |= np.int64(1) << (x & 63)
    for k in range(first, first + count):
        additions[k, LARGER] = UNKNOWN
    nodes[node, LIST] = first
    nodes[node, COUNT] = count
    sets.counters[ADDITIONS] += count


@compiled
def _worst_parent(sets: ParentSets, node: Int) -> Int:
    """The parent whose removal improves the score most, `NONE` if none does.

    With R_PP = L L' and L w = R_Py, both of which the Cholesky rows hold, and M = L^-1, the coefficients of the
    regression of y are b = M'w and R_PP^-1 = M'M. Without parent j the residual variance grows by b_j^2 / (M'M)_jj.
    """
    _condition(sets, node)
    rows, members, M = sets.rows, sets.members, sets.inverse
    y = sets.nodes[node, VERTEX]
    size = sets.counters[SIZE]
    for i in range(size):
        a = members[i]
        for j in range(i):
            M[i, j] = 0.0
        M[i, i] = 1.0
        for t in range(i):
            f = rows[t, a]
            for j in range(t + 1):
                M[i, j] -= f * M[t, j]
        scale = 1.0 / rows[i, a]
        for j in range(i + 1):
            M[i, j] *= scale
    # the gain of not paying for an edge against what it explains of the variance that would be left
    least = math.expm1(sets.penalty / sets.samples) * max(sets.given[VARIANCE, y], FLOOR)
    worst = np.int64(NONE)
    for j in range(size):
        coefficient = 0.0
        diagonal = 0.0
        for i in range(j, size):
            coefficient += M[i, j] * rows[i, y]
            diagonal += M[i, j] * M[i, j]
        loss = coefficient * coefficient / diagonal
        if loss < least * (1.0 - TIE) and not bitset.contains(sets.required, y, members[j]):
            least = loss
            worst = members[j]
    return worst


@compiled
def _smaller(sets: ParentSets, node: Int) -> Int:
    """The node without the worst parent, `NONE` if every parent is worth its penalty."""
    nodes = sets.nodes
    if nodes[node, SMALLER] == UNKNOWN:
        x = _worst_parent(sets, node)
        smaller = np.int64(NONE)
        if x >= 0:
            for w in range(sets.forbidden.shape[1]):
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
        for w in range(sets.forbidden.shape[1]):
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
    for w in range(sets.forbidden.shape[1]):
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
    words = sets.forbidden.shape[1]
    return (sets.nodes[node, PARENTS + words + (x >> 6)] >> (x & 63)) & 1 != 0


@compiled
def has_parent(sets: ParentSets, node: Int, x: Int) -> Truth:
    """Whether x is among the parents."""
    return (sets.nodes[node, PARENTS + (x >> 6)] >> (x & 63)) & 1 != 0


@compiled
def score_of(sets: ParentSets, node: Int) -> Real:
    """Score of the node's vertex given its parents."""
    return sets.values[node, SCORE]
