"""Grow-shrink trees: the best parents of a vertex among any set of predecessors, remembered.

For vertex y and a set Z of predecessors, grow-shrink adds the variable of Z that improves the score most until none
does, then removes variables as long as that improves it. The tree of y remembers every such run: a node stands for
the variables added so far (its path from the root), its branches are all variables that would improve the score,
best first, and the run for Z goes down the first branch whose variable is in Z. Expanding a node scores all p
candidates at once, from one new row of a Cholesky factor.

What makes searches fast is the certificate that each node carries: `PATH`, the variables added (all are in Z), and
`BLOCK`, every variable that was passed over or still improves (none is in Z). The node is y's for any other set Z' if
and only if PATH is within Z' and BLOCK is disjoint from Z', so that most questions take two AND operations.

The trees of all vertices share one table of nodes. Its memory is fixed at birth; when it is full, all is forgotten
and grown anew.

References:
    Andrews, Ramsey, Sanchez-Romero, Camchong, Kummerfeld 2023, Fast scalable and accurate discovery of DAGs using the
    best order score search and grow-shrink trees. arXiv:2310.17679.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray
from avexplore.graph.compiled import bitset, randomness
from avexplore.graph.compiled.numba_cache import Int, Truth, compiled
from avexplore.graph.scores.gaussian_bic import FLOOR, edge_penalty

# Columns of GrowShrinkTrees.nodes; three sets of `words` columns each follow. With up to 64 variables a node is one
# cache line.
PARENT, ADDED, LIST, DIGEST, SCORE, PATH = range(6)
# Columns of GrowShrinkTrees.branches: the head of a list, and its entries.
NODE, COUNT = range(2)
VARIABLE, CHILD = range(2)
# Entries of GrowShrinkTrees.counters.
NODES, USED_BRANCHES, FULL, CURRENT, LENGTH, FORGOTTEN = range(6)
# Rows of GrowShrinkTrees.given.
VARIANCE, COVARIANCE, GAIN = range(3)
# Rows of GrowShrinkTrees.path.
SLOT, STEP = range(2)
# Rows of GrowShrinkTrees.removal.
COEFFICIENT, DIAGONAL, PIVOT = range(3)

NO_NODE = -1
NOT_GROWN = -1
TIE = 1e-12
"""Relative difference up to which two gains, or two losses, are equal; the earlier variable then comes first."""

ROWS_KEPT_UP_TO = 128
"""With so few variables each node keeps its row of the Cholesky factor; with more, rows are computed anew."""

LINE = 16
"""Numbers to which rows are padded."""

MEMORY = 128 << 20
"""Bytes of the trees of one search. Pages that are never written cost nothing."""


class GrowShrinkTrees(NamedTuple):
    """One grow-shrink tree per vertex, in shared tables. Shapes with p variables, w words to a set, m nodes.

    Attributes:
        correlation: (p, l): rows are padded with zeros to whole cache lines, so that loops need no remainder.
        forbidden, required: Sets per vertex of parents it may not and must have, (p, w).
        nodes: Parent node and variable added to it; where its list of branches begins; digest of the parents (0 until
            shrunk); score; and the sets PATH, BLOCK, PARENTS, (m, 5 + 3 w). Node y < p is the empty root of vertex y.
        values: The same memory read as floats, for the column SCORE: a score, but the residual variance until shrunk.
        rows: Rows of Cholesky factors, each node's (m, l), or the current path's (p, l) if they are not kept.
        branches: Lists, each a head of node and count and then, best first, variables and the places of their
            children's lists (`NOT_GROWN` until visited): a run reads little else.
        roots: The node at which each vertex's runs begin, behind its required parents, (p,).
        aside: Node of u the last time that v changed sides, (p, p), [v, u]: a guess worth checking before a run.
        passed: Node of v the last time that it stood right behind u, (p, p), [v, u].
        counters: Used nodes and branches; whether full; the current node and the length of its path; times forgotten.
        path: Of the current node: where its factor's rows are in `rows`, and the variables added, (2, p).
        given: Variance of each x given the current path, its covariance with y, and scratch for gains, (3, l).
        inverse: Scratch of shrinking: inverse of the factor, inverse correlations, (2, p, p).
        removal: Scratch of shrinking: coefficients, diagonal of the inverse correlations, a row of it, (3, p).
        parents: Scratch list of variables, (p,).
        samples, penalty: n and c ln n.
        least_share: Share of the residual variance that a variable must explain to improve the score.
    """

    correlation: FloatArray
    forbidden: IntArray
    required: IntArray
    nodes: IntArray
    values: FloatArray
    rows: FloatArray
    branches: IntArray
    roots: IntArray
    aside: IntArray
    passed: IntArray
    counters: IntArray
    path: IntArray
    given: FloatArray
    inverse: FloatArray
    removal: FloatArray
    parents: IntArray
    samples: float
    penalty: float
    least_share: float


def new_trees(
    correlation: FloatArray,
    samples: int,
    penalty_discount: float,
    forbidden: BoolArray | None = None,
    required: BoolArray | None = None,
    memory: int = MEMORY,
) -> GrowShrinkTrees:
    """Trees without nodes; `clear` them before use.

    Args:
        correlation: Shape (p, p).
        samples: n.
        penalty_discount: c.
        forbidden, required: [i, j] for i -> j, shape (p, p); None for none.
        memory: Upper bound in bytes on what grows.
    """
    p = len(correlation)
    words = bitset.word_count(p)
    nothing = np.zeros((p, p), bool)
    keeps_rows = p <= ROWS_KEPT_UP_TO
    branches_per_node = min(p, 12 + p // 16)
    width = -(-p // LINE) * LINE
    padded = np.zeros((p, width))
    padded[:, :p] = correlation
    penalty = edge_penalty(samples, penalty_discount)
    node_bytes = 8 * (5 + 3 * words) + 8 * (branches_per_node + 1) + (8 * width if keeps_rows else 0)
    capacity = max(memory // node_bytes, 64 * p) + (0 if required is None else int(required.sum()))
    nodes = np.empty((capacity, 5 + 3 * words), np.int64)
    return GrowShrinkTrees(
        correlation=padded,
        forbidden=bitset.pack(nothing if forbidden is None else forbidden.T),
        required=bitset.pack(nothing if required is None else required.T),
        nodes=nodes,
        values=nodes.view(np.float64),
        rows=np.empty((capacity if keeps_rows else p, width)),
        branches=np.empty((capacity * (branches_per_node + 1), 2), np.int32),
        roots=np.empty(p, np.int64),
        aside=np.empty((p, p), np.int64),
        passed=np.empty((p, p), np.int64),
        counters=np.zeros(6, np.int64),
        path=np.empty((2, p), np.int64),
        given=np.empty((3, width)),
        inverse=np.empty((2, p, p)),
        removal=np.empty((3, p)),
        parents=np.empty(p, np.int64),
        samples=float(samples),
        penalty=penalty,
        least_share=-math.expm1(-penalty / samples),
    )


@compiled
def clear(trees: GrowShrinkTrees) -> None:
    """Forget all nodes but the roots."""
    p = len(trees.correlation)
    counters = trees.counters
    counters[NODES] = 0
    counters[USED_BRANCHES] = 0
    counters[FULL] = 0
    counters[CURRENT] = NO_NODE
    counters[FORGOTTEN] += 1
    for y in range(p):
        for column in range(trees.nodes.shape[1]):
            trees.nodes[y, column] = 0
        trees.nodes[y, PARENT] = NO_NODE
        trees.values[y, SCORE] = 1.0
        trees.roots[y] = y
    counters[NODES] = p
    for y in range(p):
        node = np.int64(y)
        for x in range(p):
            if bitset.contains(trees.required, y, x):
                node = _append(trees, y, node, x)
        _load(trees, y, node)
        _branch(trees, y, node)
        _shrink(trees, y, node)
        trees.roots[y] = node
        for v in range(p):
            trees.aside[v, y] = node
            trees.passed[y, v] = node


@compiled
def _load(trees: GrowShrinkTrees, y: Int, node: Int) -> None:
    """Make a node of y current: list its path, and condition on it."""
    counters, path, given, rows = trees.counters, trees.path, trees.given, trees.rows
    if counters[CURRENT] == node:
        return
    width = given.shape[1]
    length = 0
    m = node
    while trees.nodes[m, PARENT] >= 0:
        m = trees.nodes[m, PARENT]
        length += 1
    m = node
    for k in range(length - 1, -1, -1):
        path[SLOT, k] = m
        path[STEP, k] = trees.nodes[m, ADDED]
        m = trees.nodes[m, PARENT]
    for x in range(width):
        given[VARIANCE, x] = 1.0
        given[COVARIANCE, x] = trees.correlation[y, x]
    kept = len(rows) > len(trees.correlation)
    for k in range(length):
        if kept:
            slot = path[SLOT, k]
            f = rows[slot, y]
            for x in range(width):
                r = rows[slot, x]
                given[VARIANCE, x] -= r * r
                given[COVARIANCE, x] -= r * f
        else:
            path[SLOT, k] = k
            _condition(trees, y, k)
    counters[CURRENT] = node
    counters[LENGTH] = length


@compiled
def _condition(trees: GrowShrinkTrees, y: Int, k: Int) -> None:
    """Add row k of the factor, that of the k-th variable on the path, and take it out of variances and covariances."""
    path, given, rows = trees.path, trees.given, trees.rows
    width = given.shape[1]
    added, slot = path[STEP, k], path[SLOT, k]
    for x in range(width):
        rows[slot, x] = trees.correlation[added, x]
    for earlier in range(k):
        other = path[SLOT, earlier]
        f = rows[other, added]
        for x in range(width):
            rows[slot, x] -= f * rows[other, x]
    # The floor matters only for required parents that determine each other.
    scale = 1.0 / math.sqrt(max(given[VARIANCE, added], FLOOR))
    f = rows[slot, y] * scale
    for x in range(width):
        r = rows[slot, x] * scale
        rows[slot, x] = r
        given[VARIANCE, x] -= r * r
        given[COVARIANCE, x] -= r * f


@compiled
def _append(trees: GrowShrinkTrees, y: Int, parent: Int, added: Int) -> Int:
    """A new node behind `parent` that adds one variable, made current; its branches are not known yet."""
    words = trees.forbidden.shape[1]
    nodes, counters = trees.nodes, trees.counters
    _load(trees, y, parent)
    node = counters[NODES]
    k = counters[LENGTH]
    trees.path[SLOT, k] = node if len(trees.rows) > len(trees.correlation) else k
    trees.path[STEP, k] = added
    _condition(trees, y, k)
    counters[NODES] += 1
    counters[CURRENT] = node
    counters[LENGTH] += 1
    nodes[node, PARENT] = parent
    nodes[node, ADDED] = added
    nodes[node, DIGEST] = 0
    for w in range(words):
        nodes[node, PATH + w] = nodes[parent, PATH + w]
        nodes[node, PATH + words + w] = nodes[parent, PATH + words + w]
    nodes[node, PATH + (added >> 6)] |= np.int64(1) << (added & 63)
    trees.values[node, SCORE] = max(trees.given[VARIANCE, y], FLOOR)
    return node


@compiled
def _branch(trees: GrowShrinkTrees, y: Int, node: Int) -> None:
    """Score all candidates at the current node, and list those that improve, best first.

    Adding x takes the share c_x^2 / (v_x v_y) of the residual variance away, which improves the score if
    -n ln(1 - share) exceeds the penalty.
    """
    p = len(trees.correlation)
    words = trees.forbidden.shape[1]
    nodes, branches, given = trees.nodes, trees.branches, trees.given
    head = trees.counters[USED_BRANCHES]
    first = head + 1
    count = 0
    if given[VARIANCE, y] > FLOOR:
        least = trees.least_share * given[VARIANCE, y]
        for x in range(p):
            v = given[VARIANCE, x]
            c = given[COVARIANCE, x]
            if c * c > least * v and v > FLOOR and x != y:
                word = x >> 6
                out = nodes[node, PATH + word] | nodes[node, PATH + words + word] | trees.forbidden[y, word]
                if (out >> (x & 63)) & 1 == 0:
                    gain = c * c / v
                    k = count
                    while k > 0 and given[GAIN, k - 1] < gain * (1.0 - TIE):
                        given[GAIN, k] = given[GAIN, k - 1]
                        branches[first + k, VARIABLE] = branches[first + k - 1, VARIABLE]
                        k -= 1
                    given[GAIN, k] = gain
                    branches[first + k, VARIABLE] = x
                    count += 1
    for k in range(first, first + count):
        variable = branches[k, VARIABLE]
        branches[k, CHILD] = NOT_GROWN
        nodes[node, PATH + words + (variable >> 6)] |= np.int64(1) << (variable & 63)
    nodes[node, LIST] = head
    branches[head, NODE] = node
    branches[head, COUNT] = count
    trees.counters[USED_BRANCHES] += 1 + count


@compiled
def _grow(trees: GrowShrinkTrees, y: Int, head: Int, branch: Int) -> Int:
    """The list of the node behind a branch that nobody took before; `head` itself if the trees are full."""
    p = len(trees.correlation)
    words = trees.forbidden.shape[1]
    counters, nodes, branches = trees.counters, trees.nodes, trees.branches
    if counters[NODES] >= len(nodes) or counters[USED_BRANCHES] + p >= len(branches):
        counters[FULL] = 1
        return head
    node = np.int64(branches[head, NODE])
    child = _append(trees, y, node, np.int64(branches[branch, VARIABLE]))
    # Variables on this and on worse branches are candidates again: they were not passed over.
    for k in range(branch, head + 1 + branches[head, COUNT]):
        x = np.int64(branches[k, VARIABLE])
        nodes[child, PATH + words + (x >> 6)] &= ~(np.int64(1) << (x & 63))
    _branch(trees, y, child)
    branches[branch, CHILD] = nodes[child, LIST]
    return nodes[child, LIST]


@compiled
def _invert(trees: GrowShrinkTrees, y: Int) -> None:
    """Invert the factor of the current path; fill in coefficients and diagonal of the inverse correlations.

    With R_PP = L L' and L w = R_Py, both of which the path's rows hold, and M = L^-1, the coefficients of the
    regression of y are M'w, and R_PP^-1 = M'M.
    """
    path, rows, M, removal = trees.path, trees.rows, trees.inverse[0], trees.removal
    for i in range(trees.counters[LENGTH]):
        x = path[STEP, i]
        for j in range(i):
            M[i, j] = 0.0
        M[i, i] = 1.0
        for t in range(i):
            f = rows[path[SLOT, t], x]
            for j in range(t + 1):
                M[i, j] -= f * M[t, j]
        scale = 1.0 / rows[path[SLOT, i], x]
        w = rows[path[SLOT, i], y]
        removal[COEFFICIENT, i] = 0.0
        removal[DIAGONAL, i] = 0.0
        for j in range(i + 1):
            M[i, j] *= scale
            removal[COEFFICIENT, j] += M[i, j] * w
            removal[DIAGONAL, j] += M[i, j] * M[i, j]


@compiled
def _shrink(trees: GrowShrinkTrees, y: Int, node: Int) -> None:
    """Remove variables from the grown set as long as that improves the score; then fix parents, score and digest.

    Without variable j the residual variance grows by b_j^2 / [R_PP^-1]_jj. What the inverse is after a removal follows
    from it by one step of elimination.
    """
    p = len(trees.correlation)
    words = trees.forbidden.shape[1]
    nodes, parents, removal = trees.nodes, trees.parents, trees.removal
    _load(trees, y, node)
    _invert(trees, y)
    k = trees.counters[LENGTH]
    for j in range(k):
        parents[j] = trees.path[STEP, j]
    residual = trees.values[node, SCORE]
    removed = 0
    M, A = trees.inverse[0], trees.inverse[1]
    while True:
        weakest = -1
        least = math.inf
        for j in range(k):
            loss = removal[COEFFICIENT, j] * removal[COEFFICIENT, j] / removal[DIAGONAL, j]
            if parents[j] < p and loss < least * (1.0 - TIE) and not bitset.contains(trees.required, y, parents[j]):
                least = loss
                weakest = j
        # the gain of not paying for an edge against what it explains of the variance that would be left
        if weakest < 0 or least >= trees.least_share * (residual + least):
            break
        if removed == 0:  # most sets are not shrunk at all: only now all of R_PP^-1 is needed
            for i in range(k):
                for j in range(k):
                    A[i, j] = 0.0
            for t in range(k):
                for i in range(t + 1):
                    f = M[t, i]
                    for j in range(t + 1):
                        A[i, j] += f * M[t, j]
        pivot = A[weakest, weakest]
        share = removal[COEFFICIENT, weakest] / pivot
        for j in range(k):
            removal[PIVOT, j] = A[weakest, j]
        for i in range(k):
            f = removal[PIVOT, i] / pivot
            removal[COEFFICIENT, i] -= share * removal[PIVOT, i]
            for j in range(k):
                A[i, j] -= f * removal[PIVOT, j]
            removal[DIAGONAL, i] = A[i, i]
        residual += least
        parents[weakest] = p  # gone
        removed += 1
    for w in range(words):
        nodes[node, PATH + 2 * words + w] = 0
    for j in range(k):
        x = parents[j]
        if x < p:
            nodes[node, PATH + 2 * words + (x >> 6)] |= np.int64(1) << (x & 63)
    trees.values[node, SCORE] = -trees.samples * math.log(residual) - trees.penalty * (k - removed)
    digest = randomness.scramble(y + 1)
    for w in range(words):
        digest = randomness.scramble(digest ^ nodes[node, PATH + 2 * words + w])
    nodes[node, DIGEST] = digest if digest != 0 else 1


@compiled
def still_valid(trees: GrowShrinkTrees, node: Int, sets: IntArray, row: Int) -> Truth:
    """The certificate: whether `node` is also its vertex's node for the predecessors in `sets[row]`."""
    words = sets.shape[1]
    nodes = trees.nodes
    wrong = np.int64(0)
    for w in range(words):
        z = sets[row, w]
        wrong |= (nodes[node, PATH + w] & ~z) | (nodes[node, PATH + words + w] & z)
    return wrong == 0


@compiled
def find(trees: GrowShrinkTrees, y: Int, sets: IntArray, row: Int) -> Int:
    """The node of y for the predecessors in `sets[row]`, shrunk; grows the tree where nobody went before.

    If the trees are full, `counters[FULL]` is set and the node returned is of no use.
    """
    branches = trees.branches
    head: Int = trees.nodes[trees.roots[y], LIST]
    while True:
        taken: Int = np.int64(-1)
        for k in range(head + 1, head + 1 + np.int64(branches[head, COUNT])):
            x = np.int64(branches[k, VARIABLE])
            if (sets[row, x >> 6] >> (x & 63)) & 1 != 0:
                taken = k
                break
        if taken < 0:
            break
        child: Int = np.int64(branches[taken, CHILD])
        if child < 0:
            child = _grow(trees, y, head, taken)
            if trees.counters[FULL] != 0:
                return trees.roots[y]
        head = child
    node: Int = np.int64(branches[head, NODE])
    if trees.nodes[node, DIGEST] == 0:
        _shrink(trees, y, node)
    return node


@compiled
def look_up(trees: GrowShrinkTrees, y: Int, sets: IntArray, row: Int, guesses: IntArray, i: Int, j: Int) -> Int:
    """As `find`, but tries the node in `guesses[i, j]` first and keeps the answer there."""
    node: Int = guesses[i, j]
    if not still_valid(trees, node, sets, row):
        node = find(trees, y, sets, row)
        guesses[i, j] = node
    return node


@compiled
def has_parent(trees: GrowShrinkTrees, node: Int, x: Int) -> Truth:
    """Whether x is among the parents at a shrunk node."""
    words = trees.forbidden.shape[1]
    return (trees.nodes[node, PATH + 2 * words + (x >> 6)] >> (x & 63)) & 1 != 0
