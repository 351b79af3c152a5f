"""causal-learn's GRaSP and BOSS behind the same seam as our own search, for comparison and as a second opinion.

Its search is driven piece by piece (orders, grow-shrink trees, one depth-first pass at a time) instead of through its
`grasp()` and `boss()`, which take no covariance, no seed, no deadline and cannot be stopped. Everything that searches
is theirs. What is guarded against, with the lines of release 0.1.4.8:

- The penalty. From 0.1.4.5 its `lambda_value` costs twice as much as before, and `grasp()` still defaults to 2:
  the score is -n/2 (1 + ln var) - lambda (k + 1) ln n, hence c = 2 lambda in our unit (LocalScoreFunction.py:124).
- `random` of the standard library is shuffled globally (GRaSP.py:32,227,232, BOSS.py:141): seeded here, then restored.
- NaN makes BOSS run forever (BOSS.py:203 compares with NaN): refused before.
- p = 1 fails with an IndexError: answered with the empty graph.
- Its tree keeps no knowledge (gst.py:74): forbidden parents are withheld from the tree; a required parent that is
  missing costs more than any other choice can gain, and the first order has required parents first.
- Recursion over long chains (GRaSP.py:322): the limit is raised to what p nodes can need.
"""

from __future__ import annotations

import math
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray, Report, silent
from avexplore.errors import GraphError
from avexplore.graph.knowledge import required_first
from avexplore.graph.scores.local_score import LocalScore

PINNED = "0.1.4.8"
"""The release whose penalty and faults are described above."""


_MISSING = 1e12
"""What a missing required parent costs: more than any data set can pay."""

# `random` is one state for the whole process: two searches at once would draw from each other's sequence.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Found:
    """One search's end.

    Attributes:
        dag: A[i, j] = 1 for i -> j. Shape (p, p), int8.
        order: Nodes, parents before children. Shape (p,).
        score: Sum of the local scores, in the scorer's own unit.
    """

    dag: IntArray
    order: IntArray
    score: float


def bic_local_score(correlation: FloatArray, samples: int, penalty_discount: float) -> LocalScore:
    """causal-learn's own BIC of one node given its parents, with the penalty converted from our unit.

    Raises:
        GraphError: If another release than the pinned one is installed, since the unit differs between releases.
    """
    installed = version("causal-learn")
    if installed != PINNED:
        raise GraphError(
            f"causal-learn {installed} is installed",
            where="engine",
            fix=f"Install {PINNED}: the meaning of its penalty differs between releases",
        )
    from causallearn.score.LocalScoreFunction import local_score_BIC_from_cov

    parameters = {"lambda_value": penalty_discount / 2}
    data = (correlation, samples)

    def score(node: int, parents: list[int]) -> float:
        return float(local_score_BIC_from_cov(data, node, parents, parameters))

    return score


def search(
    score: LocalScore,
    nodes: int,
    *,
    algorithm: str = "grasp",
    depth: int = 3,
    seed: int = 0,
    forbidden: BoolArray | None = None,
    required: BoolArray | None = None,
    seconds: float | None = None,
    report: Report = silent,
) -> Found:
    """Run causal-learn's GRaSP from a seeded random order, or its BOSS from the columns' order.

    BOSS tries to move one node after the other, in seeded random sequences; so the graph depends on the columns' order.

    Args:
        score: Local score of a node given its parents, higher is better. `bic_local_score` or BDeu.
        nodes: Number of nodes p.
        algorithm: "grasp" or "boss".
        depth: Depth of GRaSP's search; unused by BOSS.
        seed: Seeds the standard library's `random` for the time of the search.
        forbidden: M[i, j]: i -> j is not allowed. Shape (p, p).
        required: M[i, j]: i -> j must be found; must be acyclic and not forbidden. Shape (p, p).
        seconds: Give up after so long; None waits.
        report: Called now and then; may raise `Cancelled`.

    Raises:
        GraphError: If it takes longer than `seconds`, ends without a required edge, or required edges form a cycle.
    """
    if nodes < 2:
        return Found(np.zeros((nodes, nodes), np.int8), np.arange(nodes), 0.0)
    must = np.zeros((nodes, nodes), bool) if required is None else required
    watched = _Watched(
        score, nodes, seconds, report, [frozenset(np.flatnonzero(must[:, j]).tolist()) for j in range(nodes)]
    )
    with _seeded(seed), _room_for(nodes):
        order, parents = (_boss if algorithm == "boss" else _grasp)(watched, nodes, depth, forbidden, must)
    dag = np.zeros((nodes, nodes), np.int8)
    total = 0.0
    for y in range(nodes):
        dag[parents[y], y] = 1
        total += score(y, list(parents[y]))
    if (must & (dag == 0)).any():
        raise GraphError("The search ended without a required edge", where="knowledge", fix="Use our own engine")
    return Found(dag, np.array(order, np.int64), total)


class _Watched:
    """Looks like causal-learn's LocalScoreClass; every evaluation is a chance to stop."""

    def __init__(
        self,
        score: LocalScore,
        nodes: int,
        seconds: float | None,
        report: Report,
        required: list[frozenset[int]],
    ) -> None:
        self.data = np.empty((0, nodes))  # its tree asks for data.shape[1] only
        self._score, self._report, self._required = score, report, required
        self._started = time.monotonic()
        self._seconds = seconds
        self._calls = 0

    def score(self, node: int, parents: list[int]) -> float:
        self._calls += 1
        if self._calls % 2000 == 0:
            self._look_up()
        value = self._score(node, parents)
        if math.isnan(value):
            raise GraphError("A local score is not a number", where="causal-learn search", fix="Check the input")
        missing = self._required[node] and len(self._required[node].difference(parents))
        return value - missing * _MISSING if missing else value

    score_nocache = score

    def _look_up(self) -> None:
        spent = time.monotonic() - self._started
        if self._seconds is not None and spent > self._seconds:
            raise GraphError(
                f"causal-learn did not finish within {self._seconds:g} s",
                where="engine",
                fix="Raise the penalty, use fewer classes, or use our own engine",
            )
        # Nobody knows how far a local search has come: approach 1 and never reach it.
        self._report(spent / (spent + 5.0), f"causal-learn: {self._calls:,} local scores")


def _trees(score: _Watched, nodes: int, forbidden: BoolArray | None) -> list[Any]:
    from causallearn.search.PermutationBased.gst import GST

    trees = [GST(y, score) for y in range(nodes)]
    if forbidden is not None:
        for y, tree in enumerate(trees):
            tree.forbidden = [y, *np.flatnonzero(forbidden[:, y]).tolist()]
    return trees


def _grasp(
    score: _Watched, nodes: int, depth: int, forbidden: BoolArray | None, required: BoolArray
) -> tuple[list[int], dict[int, list[int]]]:
    """The body of its `grasp()`."""
    from causallearn.search.PermutationBased.GRaSP import Order, dfs

    trees = _trees(score, nodes, forbidden)
    order = Order(nodes, score)
    order.order = required_first(order.order, required).tolist()
    for i in range(nodes):
        y = order.get(i)
        parents = order.get_parents(y)
        order.set_local_score(y, trees[y].trace([order.get(j) for j in range(i)], parents))
        order.bump_edges(len(parents))
    while dfs(depth - 1, set(), [], order, trees):
        pass
    return order.order, order.parents


def _boss(
    score: _Watched, nodes: int, depth: int, forbidden: BoolArray | None, required: BoolArray
) -> tuple[list[int], dict[int, list[int]]]:
    """The body of its `boss()`."""
    from causallearn.search.PermutationBased.BOSS import better_mutation

    trees = _trees(score, nodes, forbidden)
    order = required_first(range(nodes), required).tolist()
    variables = list(range(nodes))
    improved = True
    while improved:
        improved = False
        random.shuffle(variables)
        for y in variables:
            improved |= better_mutation(y, order, trees)
    parents: dict[int, list[int]] = {y: [] for y in order}
    for i, y in enumerate(order):
        trees[y].trace(order[:i], parents[y])
    return order, parents


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    with _ONE_AT_A_TIME:
        state = random.getstate()
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(state)


@contextmanager
def _room_for(nodes: int) -> Iterator[None]:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 20 * nodes + 1000))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
