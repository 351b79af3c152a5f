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
from avexplore.graph import bitset, randomness
from avexplore.graph.compilation import Int, Truth, compiled
from avexplore.graph.score import FLOOR, edge_penalty

# Columns of Forest.nodes; three sets of `words` columns each follow.
PARENT, ADDED, FIRST_BRANCH, BRANCHES, DIGEST, PATH = range(6)
# Columns of Forest.values.
RESIDUAL, SCORE = range(2)
# Columns of Forest.branches.
VARIABLE, CHILD = range(2)
# Entries of Forest.counters.
NODES, USED_BRANCHES, FULL, CURRENT, FORGOTTEN = range(5)

NO_NODE = -1
TIE = 1e-12
"""Relative difference up to which two gains are equal; the lower index then comes first."""

ROWS_KEPT_UP_TO = 128
"""With so few variables each node keeps its row of the Cholesky factor; with more, rows are computed anew."""

MEMORY = 256 << 20
"""Bytes of one forest. Pages that are never written cost nothing."""


class Forest(NamedTuple):
    """One grow-shrink tree per vertex, in shared tables. Shapes with p variables, w words to a set, m nodes.

    Attributes:
        correlation: (p, p).
        forbidden, required: Sets per vertex of parents it may not and must have, (p, w).
        nodes: Links, digest of the parent set (0 until shrunk) and sets PATH, BLOCK, PARENTS, (m, 5 + 3 w). Node y < p
            is the empty root of vertex y.
        values: Residual variance after growing; score after shrinking, (m, 2).
        rows: Each node's row of the Cholesky factor, (m, p) or (1, p) if not kept.
        branches: Variable and child node (`NO_NODE` until visited), best first within a node.
        roots: The node at which each vertex's runs begin, behind its required parents, (p,).
        counters: Used nodes and branches; whether full; the node whose factor is in `factor`; times forgotten.
        factor: Rows of the Cholesky factor of the current path, then variances, covariances with y, and keys,
            (p + 3, p).
        system: Scratch of shrinking: factor, its inverse, right-hand side, (2 p + 1, p).
        chosen: Scratch list of variables, (2, p).
        samples, penalty: n and c ln n.
    """

    correlation: FloatArray
    forbidden: IntArray
    required: IntArray
    nodes: IntArray
    values: FloatArray
    rows: FloatArray
    branches: IntArray
    roots: IntArray
    counters: IntArray
    factor: FloatArray
    system: FloatArray
    chosen: IntArray
    samples: float
    penalty: float


def plant(
    correlation: FloatArray,
    samples: int,
    penalty_discount: float,
    forbidden: BoolArray | None = None,
    required: BoolArray | None = None,
    memory: int = MEMORY,
) -> Forest:
    """An empty forest; `clear` it before use.

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
    node_bytes = 8 * (5 + 3 * words) + 16 + 8 * branches_per_node + (8 * p if keeps_rows else 0)
    capacity = max(memory // node_bytes, 64 * p) + (0 if required is None else int(required.sum()))
    return Forest(
        correlation=np.ascontiguousarray(correlation, np.float64),
        forbidden=bitset.pack(nothing if forbidden is None else forbidden.T),
        required=bitset.pack(nothing if required is None else required.T),
        nodes=np.empty((capacity, 5 + 3 * words), np.int64),
        values=np.empty((capacity, 2)),
        rows=np.empty((capacity if keeps_rows else 1, p)),
        branches=np.empty((capacity * branches_per_node, 2), np.int32),
        roots=np.empty(p, np.int64),
        counters=np.zeros(5, np.int64),
        factor=np.empty((p + 3, p)),
        system=np.empty((2 * p + 1, p)),
        chosen=np.empty((2, p), np.int64),
        samples=float(samples),
        penalty=edge_penalty(samples, penalty_discount),
    )


@compiled
def clear(forest: Forest) -> None:
    """Forget all nodes, and plant the roots."""
    p = len(forest.correlation)
    counters = forest.counters
    counters[NODES] = 0
    counters[USED_BRANCHES] = 0
    counters[FULL] = 0
    counters[CURRENT] = NO_NODE
    counters[FORGOTTEN] += 1
    for y in range(p):
        for column in range(forest.nodes.shape[1]):
            forest.nodes[y, column] = 0
        forest.nodes[y, PARENT] = NO_NODE
        forest.values[y, RESIDUAL] = forest.correlation[y, y]
        forest.roots[y] = y
    counters[NODES] = p
    for y in range(p):
        node = np.int64(y)
        for x in range(p):
            if bitset.contains(forest.required, y, x):
                node = _append(forest, y, node, x)
        if node == y:
            _load(forest, y, node)
        _branch(forest, y, node)
        forest.roots[y] = node


@compiled
def _load(forest: Forest, y: Int, node: Int) -> Int:
    """Bring the Cholesky factor of y's path to `node` into `forest.factor`; return the length of the path.

    Row k of the factor belongs to the k-th variable added; then v_x, the variance of each x given the path, and c_x,
    its covariance with y given the path.
    """
    p = len(forest.correlation)
    factor = forest.factor
    length = 0
    m = node
    while forest.nodes[m, PARENT] >= 0:
        forest.chosen[0, length] = m
        length += 1
        m = forest.nodes[m, PARENT]
    if forest.counters[CURRENT] == node:
        return length
    for x in range(p):
        factor[p, x] = forest.correlation[x, x]
        factor[p + 1, x] = forest.correlation[y, x]
    kept = len(forest.rows) > 1
    for k in range(length):
        m = forest.chosen[0, length - 1 - k]
        if kept:
            f = forest.rows[m, y]
            for x in range(p):
                r = forest.rows[m, x]
                factor[k, x] = r
                factor[p, x] -= r * r
                factor[p + 1, x] -= r * f
        else:
            _extend(forest, y, forest.nodes[m, ADDED], k)
    forest.counters[CURRENT] = node
    return length


@compiled
def _extend(forest: Forest, y: Int, added: Int, k: Int) -> None:
    """Condition on one more variable: row k of the factor, and what it leaves of variances and covariances."""
    p = len(forest.correlation)
    factor = forest.factor
    for x in range(p):
        factor[k, x] = forest.correlation[added, x]
    for earlier in range(k):
        f = factor[earlier, added]
        for x in range(p):
            factor[k, x] -= f * factor[earlier, x]
    # The floor matters only for required parents that determine each other.
    inverse = 1.0 / math.sqrt(max(factor[p, added], FLOOR))
    f = factor[k, y] * inverse
    for x in range(p):
        r = factor[k, x] * inverse
        factor[k, x] = r
        factor[p, x] -= r * r
        factor[p + 1, x] -= r * f


@compiled
def _append(forest: Forest, y: Int, parent: Int, added: Int) -> Int:
    """A new node behind `parent` that adds one variable; its branches are not known yet."""
    p = len(forest.correlation)
    words = forest.forbidden.shape[1]
    nodes = forest.nodes
    node = forest.counters[NODES]
    forest.counters[NODES] += 1
    k = _load(forest, y, parent)
    _extend(forest, y, added, k)
    forest.counters[CURRENT] = node
    if len(forest.rows) > 1:
        for x in range(p):
            forest.rows[node, x] = forest.factor[k, x]
    nodes[node, PARENT] = parent
    nodes[node, ADDED] = added
    nodes[node, BRANCHES] = 0
    nodes[node, DIGEST] = 0
    for w in range(words):
        nodes[node, PATH + w] = nodes[parent, PATH + w]
        nodes[node, PATH + words + w] = nodes[parent, PATH + words + w]
    nodes[node, PATH + (added >> 6)] |= np.int64(1) << (added & 63)
    forest.values[node, RESIDUAL] = max(forest.factor[p, y], FLOOR)
    return node


@compiled
def _branch(forest: Forest, y: Int, node: Int) -> None:
    """Score all candidates at a node whose factor is current, and list those that improve, best first.

    Adding x takes the share c_x^2 / (v_x v_y) of the residual variance away, which improves the score if
    -n ln(1 - share) exceeds the penalty.
    """
    p = len(forest.correlation)
    words = forest.forbidden.shape[1]
    nodes, branches, factor = forest.nodes, forest.branches, forest.factor
    first = forest.counters[USED_BRANCHES]
    count = 0
    remaining = factor[p, y]
    if remaining > FLOOR:
        least = (1.0 - math.exp(-forest.penalty / forest.samples)) * remaining
        for x in range(p):
            v = factor[p, x]
            c = factor[p + 1, x]
            if c * c > least * v and v > FLOOR and x != y:
                word = x >> 6
                out = nodes[node, PATH + word] | nodes[node, PATH + words + word] | forest.forbidden[y, word]
                if (out >> (x & 63)) & 1 == 0:
                    gain = c * c / v
                    k = count
                    while k > 0 and factor[p + 2, k - 1] < gain * (1.0 - TIE):
                        factor[p + 2, k] = factor[p + 2, k - 1]
                        branches[first + k, VARIABLE] = branches[first + k - 1, VARIABLE]
                        k -= 1
                    factor[p + 2, k] = gain
                    branches[first + k, VARIABLE] = x
                    count += 1
    for k in range(first, first + count):
        variable = branches[k, VARIABLE]
        branches[k, CHILD] = NO_NODE
        nodes[node, PATH + words + (variable >> 6)] |= np.int64(1) << (variable & 63)
    nodes[node, FIRST_BRANCH] = first
    nodes[node, BRANCHES] = count
    forest.counters[USED_BRANCHES] += count


@compiled
def _grow(forest: Forest, y: Int, node: Int, branch: Int) -> Int:
    """The node behind a branch that nobody took before; `node` itself if the forest is full."""
    p = len(forest.correlation)
    words = forest.forbidden.shape[1]
    counters, nodes, branches = forest.counters, forest.nodes, forest.branches
    if counters[NODES] >= len(nodes) or counters[USED_BRANCHES] + p > len(branches):
        counters[FULL] = 1
        return node
    child = _append(forest, y, node, np.int64(branches[branch, VARIABLE]))
    # Variables on this and on worse branches are candidates again: they were not passed over.
    for k in range(branch, nodes[node, FIRST_BRANCH] + nodes[node, BRANCHES]):
        x = np.int64(branches[k, VARIABLE])
        nodes[child, PATH + words + (x >> 6)] &= ~(np.int64(1) << (x & 63))
    _branch(forest, y, child)
    branches[branch, CHILD] = child
    return child


@compiled
def _shrink(forest: Forest, y: Int, node: Int) -> None:
    """Remove variables from the grown set as long as that improves the score; then fix parents, score and digest.

    Without variable j the residual variance grows by b_j^2 / [R^-1]_jj.
    """
    p = len(forest.correlation)
    words = forest.forbidden.shape[1]
    nodes, system, parents = forest.nodes, forest.system, forest.chosen[1]
    k = 0
    m = node
    while nodes[m, PARENT] >= 0:
        parents[k] = nodes[m, ADDED]
        k += 1
        m = nodes[m, PARENT]
    residual = forest.values[node, RESIDUAL]
    limit = math.exp(forest.penalty / forest.samples)
    while k > 0:
        # rows 0..k-1 of system: Cholesky factor L of R_PP; row 2p: w with L w = R_Py; row p + j: column j of L^-1
        solvable = True
        for i in range(k):
            for j in range(i + 1):
                s = forest.correlation[parents[i], parents[j]]
                for t in range(j):
                    s -= system[i, t] * system[j, t]
                if i == j:
                    solvable = solvable and s > 0.0
                    system[i, i] = math.sqrt(s) if s > 0.0 else 1.0
                else:
                    system[i, j] = s / system[j, j]
            s = forest.correlation[parents[i], y]
            for t in range(i):
                s -= system[i, t] * system[2 * p, t]
            system[2 * p, i] = s / system[i, i]
        if not solvable:
            break
        weakest = -1
        least = math.inf
        for j in range(k):
            if bitset.contains(forest.required, y, parents[j]):
                continue
            inverse = 1.0 / system[j, j]
            system[p + j, j] = inverse
            coefficient = inverse * system[2 * p, j]
            diagonal = inverse * inverse
            for i in range(j + 1, k):
                s = 0.0
                for t in range(j, i):
                    s -= system[i, t] * system[p + j, t]
                s /= system[i, i]
                system[p + j, i] = s
                coefficient += s * system[2 * p, i]
                diagonal += s * s
            loss = coefficient * coefficient / diagonal
            if loss < least:
                least = loss
                weakest = j
        if weakest < 0 or residual + least >= residual * limit:
            break
        residual += least
        k -= 1
        for j in range(weakest, k):
            parents[j] = parents[j + 1]
    for w in range(words):
        nodes[node, PATH + 2 * words + w] = 0
    for j in range(k):
        nodes[node, PATH + 2 * words + (parents[j] >> 6)] |= np.int64(1) << (parents[j] & 63)
    forest.values[node, SCORE] = -forest.samples * math.log(residual) - forest.penalty * k
    digest = randomness.scramble(y + 1)
    for w in range(words):
        digest = randomness.scramble(digest ^ nodes[node, PATH + 2 * words + w])
    nodes[node, DIGEST] = digest if digest != 0 else 1


@compiled
def still_valid(forest: Forest, node: Int, sets: IntArray, row: Int) -> Truth:
    """The certificate: whether `node` is also its vertex's node for the predecessors in `sets[row]`."""
    words = sets.shape[1]
    nodes = forest.nodes
    wrong = np.int64(0)
    for w in range(words):
        z = sets[row, w]
        wrong |= (nodes[node, PATH + w] & ~z) | (nodes[node, PATH + words + w] & z)
    return wrong == 0


@compiled
def find(forest: Forest, y: Int, sets: IntArray, row: Int) -> Int:
    """The node of y for the predecessors in `sets[row]`, shrunk; grows the tree where nobody went before.

    If the forest is full, `counters[FULL]` is set and the node returned is of no use.
    """
    nodes, branches = forest.nodes, forest.branches
    node: Int = forest.roots[y]
    while True:
        taken = NO_NODE
        first = nodes[node, FIRST_BRANCH]
        for k in range(first, first + nodes[node, BRANCHES]):
            x = np.int64(branches[k, VARIABLE])
            if (sets[row, x >> 6] >> (x & 63)) & 1 != 0:
                taken = k
                break
        if taken < 0:
            break
        child: Int = np.int64(branches[taken, CHILD])
        if child < 0:
            child = _grow(forest, y, node, taken)
            if forest.counters[FULL] != 0:
                return node
        node = child
    if nodes[node, DIGEST] == 0:
        _shrink(forest, y, node)
    return node


@compiled
def has_parent(forest: Forest, node: Int, x: Int) -> Truth:
    """Whether x is among the parents at a shrunk node."""
    words = forest.forbidden.shape[1]
    return (forest.nodes[node, PATH + 2 * words + (x >> 6)] >> (x & 63)) & 1 != 0
