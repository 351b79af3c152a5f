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
from avexplore.graph.scores.gaussian_bic import FLOOR
from avexplore.graph.search.regression import (
    COEFFICIENT,
    COVARIANCE,
    DIAGONAL,
    PIVOT,
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
    padded_width,
)

# Columns of GrowShrinkTrees.nodes; three sets of `words` columns each follow. With up to 64 variables a node is one
# cache line.
PARENT, ADDED, LIST, DIGEST, SCORE, PATH = range(6)
# Columns of GrowShrinkTrees.branches: the head of a list, and its entries.
NODE, COUNT = range(2)
CHILD = 1  # beside VARIABLE
# Entries of GrowShrinkTrees.counters.
NODES, USED_BRANCHES, FULL, CURRENT, LENGTH, FORGOTTEN = range(6)

NO_NODE = -1
NOT_GROWN = -1
ROWS_KEPT_UP_TO = 128
"""With so few variables each node keeps its row of the Cholesky factor; with more, rows are computed anew."""

LINE = 16
"""Numbers to which rows are padded."""

MEMORY = 128 << 20
MEMORY_PER_VARIABLE = 512 << 10
"""Bytes of the trees of one search are the larger of the two. Pages that are never written cost nothing; where trees of
many variables have to be forgotten often, the search spends its time on growing them again."""


class GrowShrinkTrees(NamedTuple):
    """One grow-shrink tree per vertex, in shared tables. Shapes with p variables, w words to a set, m nodes.

    Attributes:
        regression: The problem; the rows of its factor are each node's, or the current path's if they are not kept.
        nodes: Parent node and variable added to it; where its list of branches begins; digest of the parents (0 until
            shrunk); score; and the sets PATH, BLOCK, PARENTS, (m, 5 + 3 w). Node y < p is the empty root of vertex y.
        values: The same memory read as floats, for the column SCORE: a score, but the residual variance until shrunk.
        branches: Lists, each a head of node and count and then, best first, variables and the places of their
            children's lists (`NOT_GROWN` until visited): a run reads little else.
        roots: The node at which each vertex's runs begin, behind its required parents, (p,).
        aside: Node of u the last time that v changed sides, (p, p), [v, u]: a guess worth checking before a run.
        passed: Node of v the last time that it stood right behind u, (p, p), [v, u].
        counters: Used nodes and branches; whether full; the current node and the length of its path; times forgotten.
        remainder: Scratch of shrinking: inverse correlations of the parents that are left, (p, p).
        left: Scratch list of variables, (p,).
    """

    regression: Regression
    nodes: IntArray
    values: FloatArray
    branches: IntArray
    roots: IntArray
    aside: IntArray
    passed: IntArray
    counters: IntArray
    remainder: FloatArray
    left: IntArray


def new_trees(
    correlation: FloatArray,
    samples: int,
    penalty_discount: float,
    forbidden: BoolArray | None = None,
    required: BoolArray | None = None,
    memory: int | None = None,
) -> GrowShrinkTrees:
    """Trees without nodes; `clear` them before use.

    Args:
        correlation: Shape (p, p).
        samples: n.
        penalty_discount: c.
        forbidden, required: [i, j] for i -> j, shape (p, p); None for none.
        memory: Upper bound in bytes on what grows; None for what suits the number of variables.
    """
    p = len(correlation)
    memory = max(MEMORY, MEMORY_PER_VARIABLE * p) if memory is None else memory
    words = bitset.word_count(p)
    keeps_rows = p <= ROWS_KEPT_UP_TO
    branches_per_node = min(p, 12 + p // 16)
    row_bytes = 8 * padded_width(p, LINE) if keeps_rows else 0
    node_bytes = 8 * (5 + 3 * words) + 8 * (branches_per_node + 1) + row_bytes
    capacity = max(memory // node_bytes, 64 * p) + (0 if required is None else int(required.sum()))
    nodes = np.empty((capacity, 5 + 3 * words), np.int64)
    return GrowShrinkTrees(
        regression=new_regression(
            correlation, samples, penalty_discount, forbidden, required, LINE, capacity if keeps_rows else p
        ),
        nodes=nodes,
        values=nodes.view(np.float64),
        branches=np.empty((capacity * (branches_per_node + 1), 2), np.int32),
        roots=np.empty(p, np.int64),
        aside=np.empty((p, p), np.int64),
        passed=np.empty((p, p), np.int64),
        counters=np.zeros(6, np.int64),
        remainder=np.empty((p, p)),
        left=np.empty(p, np.int64),
    )


@compiled
def clear(trees: GrowShrinkTrees) -> None:
    """Forget all nodes but the roots."""
    p = len(trees.roots)
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
            if bitset.contains(trees.regression.required, y, x):
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
    counters, regression = trees.counters, trees.regression
    path, given, rows = regression.parents, regression.given, regression.rows
    if counters[CURRENT] == node:
        return
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
    begin(regression, y)
    kept = _keeps_rows(trees)
    for k in range(length):
        if kept:
            slot = path[SLOT, k]
            f = rows[slot, y]
            for x in range(given.shape[1]):
                r = rows[slot, x]
                given[VARIANCE, x] -= r * r
                given[COVARIANCE, x] -= r * f
        else:
            path[SLOT, k] = k
            condition(regression, y, k)
    counters[CURRENT] = node
    counters[LENGTH] = length


@compiled
def _keeps_rows(trees: GrowShrinkTrees) -> Truth:
    return len(trees.regression.rows) > len(trees.roots)


@compiled
def _append(trees: GrowShrinkTrees, y: Int, parent: Int, added: Int) -> Int:
    """A new node behind `parent` that adds one variable, made current; its branches are not known yet."""
    words = trees.regression.forbidden.shape[1]
    nodes, counters = trees.nodes, trees.counters
    _load(trees, y, parent)
    node = counters[NODES]
    k = counters[LENGTH]
    trees.regression.parents[SLOT, k] = node if _keeps_rows(trees) else k
    trees.regression.parents[STEP, k] = added
    condition(trees.regression, y, k)
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
    trees.values[node, SCORE] = max(trees.regression.given[VARIANCE, y], FLOOR)
    return node


@compiled
def _branch(trees: GrowShrinkTrees, y: Int, node: Int) -> None:
    """List the variables that improve the score at the current node, best first."""
    words = trees.regression.forbidden.shape[1]
    nodes, branches = trees.nodes, trees.branches
    head = trees.counters[USED_BRANCHES]
    first = head + 1
    for w in range(words):
        trees.regression.barred[0, w] = nodes[node, PATH + w] | nodes[node, PATH + words + w]
    count = list_improving(trees.regression, y, branches, first)
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
    p = len(trees.roots)
    words = trees.regression.forbidden.shape[1]
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
def _shrink(trees: GrowShrinkTrees, y: Int, node: Int) -> None:
    """Remove variables from the grown set as long as that improves the score; then fix parents, score and digest.

    What the inverse correlations are after a removal follows from them by one step of elimination.
    """
    p = len(trees.roots)
    regression, nodes, parents = trees.regression, trees.nodes, trees.left
    words = regression.forbidden.shape[1]
    removal = regression.removal
    _load(trees, y, node)
    k = trees.counters[LENGTH]
    invert(regression, y, k)
    for j in range(k):
        parents[j] = regression.parents[STEP, j]
    residual = trees.values[node, SCORE]
    removed = 0
    M, A = regression.inverse, trees.remainder
    while True:
        weakest = -1
        least = math.inf
        for j in range(k):
            loss = removal[COEFFICIENT, j] * removal[COEFFICIENT, j] / removal[DIAGONAL, j]
            if (
                parents[j] < p
                and loss < least * (1.0 - TIE)
                and not bitset.contains(regression.required, y, parents[j])
            ):
                least = loss
                weakest = j
        # the gain of not paying for an edge against what it explains of the variance that would be left
        if weakest < 0 or least >= regression.least_share * (residual + least):
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
    trees.values[node, SCORE] = -regression.samples * math.log(residual) - regression.penalty * (k - removed)
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
    words = trees.regression.forbidden.shape[1]
    return (trees.nodes[node, PATH + 2 * words + (x >> 6)] >> (x & 63)) & 1 != 0
