"""What a researcher knows beforehand: edges that must or must not be there, and what follows from them.

Masks use the convention of the whole package: M[i, j] is about i -> j.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avexplore.artifacts import MODALITIES, BoolArray, IntArray
from avexplore.config import KnowledgeConfig
from avexplore.errors import GraphError


@dataclass(frozen=True)
class Knowledge:
    """Knowledge as masks over p nodes.

    Attributes:
        forbidden: M[i, j]: i -> j must not be in the graph. Shape (p, p); includes the reverse of required edges.
        required: M[i, j]: i -> j must be in the graph. Shape (p, p).
    """

    forbidden: BoolArray
    required: BoolArray

    @property
    def empty(self) -> bool:
        """Whether anything is known at all."""
        return not (self.forbidden.any() or self.required.any())

    def restrict(self, columns: IntArray) -> Knowledge:
        """The same over a subset of the nodes."""
        block = np.ix_(columns, columns)
        return Knowledge(self.forbidden[block], self.required[block])


def knowledge_masks(config: KnowledgeConfig, nodes: Sequence[str]) -> Knowledge:
    """Read required and forbidden edges, tiers and blocks into masks.

    Args:
        config: What is known, by node name.
        nodes: Names of the p nodes.

    Returns:
        Masks of shape (p, p).

    Raises:
        GraphError: If a node is unknown or the statements contradict each other; the message names the edge and why.

    >>> known = KnowledgeConfig(tiers=(("audio:A",), ("visual:A",)))
    >>> knowledge_masks(known, ("audio:A", "visual:A")).forbidden.astype(int)
    array([[0, 0],
           [1, 0]])
    """
    index = {name: i for i, name in enumerate(nodes)}
    p = len(index)
    reasons: dict[tuple[int, int], str] = {}
    for edge in config.forbidden:
        reasons[_edge(edge, index, "forbidden")] = "it is listed as forbidden"
    for block in config.forbidden_blocks:
        for i, j in _block(block, nodes):
            reasons.setdefault((i, j), f"no {block[0]} node may point to a {block[1]} node")
    tier_of = _tiers(config.tiers, index)
    for i, later in tier_of.items():
        for j, earlier in tier_of.items():
            if later > earlier:
                reasons.setdefault((i, j), f"{nodes[i]} is in tier {later + 1} and {nodes[j]} in tier {earlier + 1}")
    required = np.zeros((p, p), bool)
    for edge in config.required:
        i, j = _edge(edge, index, "required")
        if (i, j) in reasons:
            raise _contradiction(f"{nodes[i]} -> {nodes[j]} is required, but {reasons[i, j]}")
        required[i, j] = True
    if required.any():
        _refuse_cycles(required, nodes)
    forbidden = np.zeros((p, p), bool)
    for i, j in reasons:
        forbidden[i, j] = True
    return Knowledge(forbidden | required.T, required)


def _edge(edge: tuple[str, str], index: dict[str, int], where: str) -> tuple[int, int]:
    i, j = (_number(name, index, where) for name in edge)
    if i == j:
        raise GraphError(f"{edge[0]} cannot depend on itself", where=f"knowledge, {where}", fix="Remove this edge")
    return i, j


def _number(name: str, index: dict[str, int], where: str) -> int:
    if name not in index:
        raise GraphError(
            f"There is no node {name!r}", where=f"knowledge, {where}", fix="Nodes are named audio:X or visual:X"
        )
    return index[name]


def _block(block: tuple[str, str], nodes: Sequence[str]) -> list[tuple[int, int]]:
    for modality in block:
        if modality not in MODALITIES:
            raise GraphError(
                f"{modality!r} is no modality", where="knowledge, forbidden_blocks", fix=f"Use one of {MODALITIES}"
            )
    sources, targets = ([i for i, name in enumerate(nodes) if name.startswith(m + ":")] for m in block)
    return [(i, j) for i in sources for j in targets if i != j]


def _tiers(tiers: tuple[tuple[str, ...], ...], index: dict[str, int]) -> dict[int, int]:
    tier_of: dict[int, int] = {}
    for rank, tier in enumerate(tiers):
        for name in tier:
            first = tier_of.setdefault(_number(name, index, "tiers"), rank)
            if first != rank:
                raise _contradiction(f"{name} is in tier {first + 1} and in tier {rank + 1}")
    return tier_of


def _refuse_cycles(required: BoolArray, nodes: Sequence[str]) -> None:
    import networkx as nx

    try:
        edges = nx.find_cycle(nx.from_numpy_array(required, create_using=nx.DiGraph))
    except nx.NetworkXNoCycle:
        return
    cycle = [nodes[i] for i, _ in (*edges, edges[0])]
    raise _contradiction(f"The required edges form a cycle: {' -> '.join(cycle)}")


def required_first(order: Sequence[int] | IntArray, required: BoolArray) -> IntArray:
    """The order, changed as little as needed for required parents to precede their children.

    Args:
        order: Each of p nodes once. Shape (p,).
        required: M[i, j]: i -> j must be in the graph. Shape (p, p).

    Raises:
        GraphError: If the required edges form a cycle.

    >>> required_first([0, 1, 2], np.array([[0, 0, 0], [0, 0, 0], [1, 0, 0]], bool))  # 2 -> 0
    array([1, 2, 0])
    """
    waiting = required.sum(axis=0)
    forward: list[int] = []
    left = list(order)
    while left:
        free = next((node for node in left if waiting[node] == 0), None)
        if free is None:
            raise GraphError("The required edges form a cycle", where="knowledge")
        left.remove(free)
        forward.append(free)
        waiting = waiting - required[free]
    return np.array(forward, np.int64)


def _contradiction(what: str) -> GraphError:
    return GraphError(what, where="knowledge contradicts itself", fix="Remove one of the two")


def orient_with_knowledge(cpdag: IntArray, knowledge: Knowledge) -> IntArray:
    """Direct the undirected edges that knowledge decides, and all that follow: an MPDAG.

    Args:
        cpdag: A[i, j] = 1 for i -> j, both ways for undirected. Shape (p, p). Of a DAG that honors the knowledge.
        knowledge: Masks over the same nodes.

    Returns:
        The maximally oriented graph of all DAGs in the class that honor the knowledge. Shape (p, p), int8.

    Raises:
        GraphError: If no DAG in the class honors the knowledge.

    References:
        Meek, Causal inference and causal explanation with background knowledge, UAI 1995.

    >>> chain = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.int8)
    >>> known = Knowledge(np.zeros((3, 3), bool), np.array([[0, 1, 0], [0, 0, 0], [0, 0, 0]], bool))
    >>> orient_with_knowledge(chain, known)
    array([[0, 1, 0],
           [0, 0, 1],
           [0, 0, 0]], dtype=int8)
    """
    graph = np.array(cpdag, np.int8)
    if knowledge.empty:
        return graph
    undirected = (graph & graph.T).astype(bool)
    against = (knowledge.forbidden | knowledge.required.T) & graph.astype(bool)
    if (against & (~undirected | against.T)).any():
        i, j = np.argwhere(against & (~undirected | against.T))[0]
        raise GraphError(f"The edge between nodes {i} and {j} cannot honor the knowledge", where="CPDAG")
    graph[against] = 0
    return meek_closure(graph)


def meek_closure(pdag: IntArray) -> IntArray:
    """Direct undirected edges by Meek's four rules until nothing changes. Shape (p, p), int8.

    An undirected a - b becomes a -> b if, for some c, d:
    1. c -> a with c and b not adjacent (else a new collider);
    2. a -> c -> b (else a cycle);
    3. a - c -> b and a - d -> b with c and d not adjacent;
    4. a - d, d -> c -> b, and d and b not adjacent, a and c adjacent.

    References:
        Meek, UAI 1995, figure 1.
    """
    graph = np.array(pdag, np.int8)
    while True:
        arrows = graph.astype(bool) & ~graph.T.astype(bool)
        lines = graph.astype(bool) & graph.T.astype(bool)
        if not lines.any():
            return graph
        forced = _rules_1_and_2(arrows, lines)
        if not forced.any():
            forced = _rules_3_and_4(arrows, lines)
        # Where both ways are forced no consistent graph exists; keep the line instead of losing the edge.
        forced &= ~forced.T
        if not forced.any():
            return graph
        graph[forced.T] = 0


def _rules_1_and_2(arrows: BoolArray, lines: BoolArray) -> BoolArray:
    """Which a - b become a -> b. Shape (p, p)."""
    adjacent = arrows | arrows.T | lines
    unshielded = (arrows.T.astype(np.float32) @ (~adjacent).astype(np.float32)) > 0
    shortcut = (arrows.astype(np.float32) @ arrows.astype(np.float32)) > 0
    found: BoolArray = lines & (unshielded | shortcut)
    return found


def _rules_3_and_4(arrows: BoolArray, lines: BoolArray) -> BoolArray:
    """Which a - b become a -> b. Shape (p, p)."""
    adjacent = arrows | arrows.T | lines
    forced = np.zeros_like(lines)
    for a, b in np.argwhere(lines):
        middle = np.flatnonzero(lines[a] & arrows[:, b])
        apart = ~adjacent[np.ix_(middle, middle)] & ~np.eye(len(middle), dtype=bool)
        far = lines[a] & ~adjacent[b]
        far[b] = False
        near = adjacent[a] & arrows[:, b]
        forced[a, b] = bool(apart.any()) or bool(arrows[np.ix_(far, near)].any())
    return forced
