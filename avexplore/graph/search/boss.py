"""BOSS: best order score search. Each variable in turn goes to the best place in the order, until none gains.

References:
    Andrews, Ramsey, Sanchez-Romero, Camchong, Kummerfeld 2023, arXiv:2310.17679.
"""

from __future__ import annotations

from avexplore.artifacts import FloatArray, IntArray
from avexplore.graph.compiled import bitset
from avexplore.graph.compiled.numba_cache import Int, Real, compiled
from avexplore.graph.search.grow_shrink import FULL, PATH, SCORE, GrowShrinkTrees, find, look_up, still_valid
from avexplore.graph.search.permutation import Permutation, bounds, move, renew

LEAST_GAIN = 1e-6
"""What a change must gain to count; sums of scores agree to about 1e-8."""


@compiled
def best_move(trees: GrowShrinkTrees, permutation: Permutation, v: Int, scores: FloatArray, nodes: IntArray) -> Real:
    """Move v to the position where the order scores best; return the gain, 0 if it stays.

    Each other variable u is asked twice per position, with v before it and without. Since all but v stays the same,
    u's certificate fails only if v is in its path (v goes away) or blocks it (v arrives): one bit decides.

    Args:
        trees: If it gets full, nothing is moved.
        permutation: Settled; changed.
        v: The variable.
        scores: Scratch, shape (p,).
        nodes: Scratch for nodes with v before them, shape (p,).
    """
    words = permutation.prefix.shape[1]
    here = permutation.position[v]
    low, high = bounds(trees.regression.required, permutation, v)
    table = trees.nodes
    word, shift = v >> 6, v & 63
    # sets[0]: predecessors without v, sets[1]: with v
    sets = permutation.spare
    bitset.copy(permutation.prefix, low, sets, 0)
    bitset.copy(permutation.prefix, low, sets, 1)
    bitset.insert(sets, 1, v)
    mine = find(trees, v, sets, 0)
    before = 0.0  # scores of the others that precede v, which stand without v
    for k in range(low, high + 1):
        # `k` runs over positions of v; `u` is the variable that v passes to get to k + 1
        scores[k] = trees.values[mine, SCORE] + before
        if k == high:
            break
        u = permutation.order[k] if k < here else permutation.order[k + 1]
        node = permutation.node[u]
        without = node
        behind = node
        if k < here:
            if (table[node, PATH + words + word] >> shift) & 1 != 0:
                behind = look_up(trees, u, sets, 1, trees.aside, v, u)
        elif (table[node, PATH + word] >> shift) & 1 != 0:
            without = look_up(trees, u, sets, 0, trees.aside, v, u)
        if trees.counters[FULL] != 0:
            return 0.0
        nodes[k] = behind
        before += trees.values[without, SCORE]
        bitset.insert(sets, 0, u)
        bitset.insert(sets, 1, u)
        if (table[mine, PATH + words + (u >> 6)] >> (u & 63)) & 1 != 0:
            mine = look_up(trees, v, sets, 0, trees.passed, v, u)
    if trees.counters[FULL] != 0:
        return 0.0
    after = 0.0
    best = high
    for k in range(high - 1, low - 1, -1):
        after += trees.values[nodes[k], SCORE]
        scores[k] += after
        if scores[k] > scores[best]:
            best = k
    gain = scores[best] - scores[here]
    if gain <= LEAST_GAIN:
        return 0.0
    for k in range(low, best):  # among equals the first position
        if scores[k] >= scores[best] - LEAST_GAIN:
            best = k
            break
    move(permutation, v, best)
    for k in range(min(here, best), max(here, best) + 1):
        if not still_valid(trees, permutation.node[permutation.order[k]], permutation.prefix, k):
            renew(trees, permutation, k, v)
    return gain
