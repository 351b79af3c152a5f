"""Behind which edges a cause may stand that is no class: the PAG of a DAG, read for edges that rule it out.

A search over classes alone draws a DAG. Many graphs with hidden common causes say the same of which classes are
independent; the PAG holds what all of them agree on. No test looks for hidden causes here: where the PAG rules one out,
that follows from the graph, and holds as far as the graph is right about what is independent.

References:
    Zhang 2008, On the completeness of orientation rules for causal discovery in the presence of latent confounders and
    selection bias, Artificial Intelligence 172 (rules 1 to 4, 8 to 10), and Causal reasoning with ancestral graphs,
    JMLR 9 (definition 8, visible edges). Taking the PAG of BOSS's DAG: Ramsey et al. 2024, LV-Dumb.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from avexplore.artifacts import BoolArray, ClassGraph, IntArray
from avexplore.errors import GraphError
from avexplore.graph.algebra.cpdag import consistent_dag

NONE, CIRCLE, ARROW, TAIL = range(4)
MOST_NODES = 128
"""Beyond, the rules take seconds."""


def hidden_causes(graph: ClassGraph) -> BoolArray | None:
    """Edges of a class graph behind which a hidden common cause is possible; see `may_have_hidden_cause`.

    Returns:
        Shape (p, p), symmetric; None for a graph that no DAG fits, or of more than 128 nodes.

    >>> nodes = ("audio:A", "audio:B", "visual:A", "visual:B")
    >>> graph = ClassGraph(nodes, np.array([[0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]], np.int8))
    >>> hidden_causes(graph)[[0, 2], [2, 3]].tolist()
    [True, False]
    """
    p = len(graph.nodes)
    return None if p > MOST_NODES else _of_cpdag(np.ascontiguousarray(graph.adjacency, np.int8).tobytes(), p)


@lru_cache(16)
def _of_cpdag(adjacency: bytes, p: int) -> BoolArray | None:
    try:
        return may_have_hidden_cause(consistent_dag(np.frombuffer(adjacency, np.int8).reshape(p, p).copy()))
    except GraphError:
        return None


def pag_of_dag(dag: IntArray) -> IntArray:
    """The PAG of a DAG over its variables, without selection bias.

    Args:
        dag: i -> j where entry (i, j) is 1. Shape (p, p).

    Returns:
        At (i, j) the mark at j of the edge between both: 0 no edge, 1 circle, 2 arrowhead, 3 tail. Shape (p, p).

    >>> pag_of_dag(np.array([[0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]])).tolist()
    [[0, 0, 2, 0], [0, 0, 2, 0], [1, 1, 0, 2], [0, 0, 3, 0]]
    """
    edges: BoolArray = np.asarray(dag).astype(bool)
    adjacent: BoolArray = edges | edges.T
    marks = np.where(adjacent, CIRCLE, NONE)
    for j in range(len(edges)):
        parents = np.flatnonzero(edges[:, j])
        apart = ~adjacent[np.ix_(parents, parents)]
        np.fill_diagonal(apart, False)
        marks[parents[apart.any(axis=1)], j] = ARROW
    around = [np.flatnonzero(row).tolist() for row in adjacent]
    rules = (_away_from_colliders, _no_cycles, _double_triangles, _discriminating_paths, _tails_by_ancestors, _tails)
    while any(rule(marks, adjacent, around) for rule in rules):  # the first that finds something, then all again
        pass
    return marks


def may_have_hidden_cause(dag: IntArray) -> BoolArray:
    """Edges behind which a hidden common cause is possible although the DAG is right about what is independent.

    All but the visible ones: i -> j is visible if a k that is not adjacent to j has an edge into i, or a path into i
    whose inner vertices are colliders and parents of j.

    Args:
        dag: As for `pag_of_dag`.

    Returns:
        Symmetric. Shape (p, p).
    """
    marks = pag_of_dag(dag)
    possible: BoolArray = marks > NONE
    for i, j in zip(*np.nonzero((marks == ARROW) & (marks.T == TAIL)), strict=True):
        if _is_visible(marks, int(i), int(j)):
            possible[i, j] = possible[j, i] = False
    return possible


def _is_visible(marks: IntArray, i: int, j: int) -> bool:
    """Whether i -> j rules out a common cause of i and j."""
    return _comes_from_afar(marks, [i], j, seen={i, j})


def _comes_from_afar(marks: IntArray, starts: list[int], k: int, seen: set[int]) -> bool:
    """Whether a vertex apart from k has an edge into a start, or a path whose inner vertices are `_is_inner`."""
    waiting = deque(starts)
    while waiting:
        v = waiting.popleft()
        for u in np.flatnonzero(marks[:, v] == ARROW).tolist():
            if u in seen:
                continue
            if marks[u, k] == NONE:
                return True
            if _is_inner(marks, u, v, k):
                seen.add(u)
                waiting.append(u)
    return False


def _is_inner(marks: IntArray, u: int, after: int, k: int) -> bool:
    """Whether u may be a collider on a path on which the next vertex follows, and is a parent of k."""
    return bool(marks[after, u] == ARROW and marks[u, k] == ARROW and marks[k, u] == TAIL)


def _away_from_colliders(marks: IntArray, adjacent: BoolArray, around: list[list[int]]) -> bool:
    """Rule 1: i *-> j o-* k with i, k apart becomes j -> k."""
    into = (marks == ARROW).astype(np.float32)
    apart = (~adjacent).astype(np.float32)
    np.fill_diagonal(apart, 0.0)
    found = (marks.T == CIRCLE) & (into.T @ apart > 0)  # (j, k): some i into j that k is not adjacent to
    marks[found], marks.T[found] = ARROW, TAIL
    return bool(found.any())


def _no_cycles(marks: IntArray, adjacent: BoolArray, around: list[list[int]]) -> bool:
    """Rule 2: i -> j *-> k or i *-> j -> k, with i *-o k, puts an arrowhead at k."""
    arrow = marks == ARROW
    directed = arrow & (marks.T == TAIL)
    steps = directed.astype(np.float32) @ arrow + arrow.astype(np.float32) @ directed
    found = (marks == CIRCLE) & (steps > 0)
    marks[found] = ARROW
    return bool(found.any())


def _double_triangles(marks: IntArray, adjacent: BoolArray, around: list[list[int]]) -> bool:
    """Rule 3: i *-> j <-* k, i *-o l o-* k with i, k apart, and l *-o j puts an arrowhead at j."""
    changed = False
    for l, j in zip(*np.nonzero(marks == CIRCLE), strict=True):
        ends = np.flatnonzero((marks[:, j] == ARROW) & (marks[:, l] == CIRCLE))
        if len(ends) > 1 and not adjacent[np.ix_(ends, ends)][np.triu_indices(len(ends), 1)].all():
            marks[l, j] = ARROW
            changed = True
    return changed


def _discriminating_paths(marks: IntArray, adjacent: BoolArray, around: list[list[int]]) -> bool:
    """Rule 4: j o-* k at the end of a discriminating path becomes j -> k; in a DAG, j is no collider there."""
    changed = False
    for k, j in zip(*np.nonzero(marks == CIRCLE), strict=True):
        if marks[k, j] == CIRCLE and _ends_discriminating_path(marks, int(j), int(k), around):
            marks[j, k], marks[k, j] = ARROW, TAIL
            changed = True
    return changed


def _ends_discriminating_path(marks: IntArray, j: int, k: int, around: list[list[int]]) -> bool:
    starts = [i for i in around[j] if i != k and _is_inner(marks, i, j, k)]
    return _comes_from_afar(marks, starts, k, seen={j, k, *starts})


def _tails_by_ancestors(marks: IntArray, adjacent: BoolArray, around: list[list[int]]) -> bool:
    """Rule 8: i -> j -> k with i o-> k becomes i -> k."""
    directed = (marks == ARROW) & (marks.T == TAIL)
    found = (marks == ARROW) & (marks.T == CIRCLE) & (directed.astype(np.float32) @ directed > 0)
    marks.T[found] = TAIL
    return bool(found.any())


def _tails(marks: IntArray, adjacent: BoolArray, around: list[list[int]]) -> bool:
    """Rules 9 and 10: i o-> k becomes i -> k where uncovered paths that may be directed leave i towards k's parents."""
    changed = False
    for i, k in zip(*np.nonzero((marks == ARROW) & (marks.T == CIRCLE)), strict=True):
        parents = {int(j) for j in np.flatnonzero((marks[:, k] == ARROW) & (marks[k] == TAIL))}
        firsts: dict[int, set[int]] = {}  # by first step: parents of k that it leads to
        for first in _may_follow(marks, int(i), around):
            if first != k:
                firsts[first] = _reach(marks, adjacent, around, int(i), first)
        nine = any(not adjacent[first, k] and int(k) in reached for first, reached in firsts.items())
        ten = any(
            not adjacent[one, two] and any(a != b for a in firsts[one] & parents for b in firsts[two] & parents)
            for one in firsts
            for two in firsts
            if one < two
        )
        if nine or ten:
            marks[k, i] = TAIL
            changed = True
    return changed


def _may_follow(marks: IntArray, v: int, around: list[list[int]]) -> Iterator[int]:
    """Vertices after v on a path that may be directed away from it."""
    return (w for w in around[v] if marks[w, v] != ARROW and marks[v, w] != TAIL)


def _reach(marks: IntArray, adjacent: BoolArray, around: list[list[int]], start: int, first: int) -> set[int]:
    """Vertices at the ends of uncovered paths that may be directed and begin with start, first."""
    waiting, seen = [(start, first)], {(start, first)}
    while waiting:
        u, v = waiting.pop()
        for w in _may_follow(marks, v, around):
            if w != start and not adjacent[u, w] and (v, w) not in seen:
                seen.add((v, w))
                waiting.append((v, w))
    return {v for _, v in seen}
