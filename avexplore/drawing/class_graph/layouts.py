"""Where the class nodes stand. Computed once from all candidate edges, so that no slider ever moves a node.

Every layout takes candidate weights W (p, p), W[i, j] >= 0 for an edge from i to j (both ways for one without
direction), and returns positions in picture units: x to the right, y downwards, neighbors some 100 units apart.
"""

from __future__ import annotations

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray
from avexplore.drawing.class_graph.names import LayoutName
from avexplore.graph.layout.stress import majorized

GAP_X, GAP_Y = 104.0, 92.0
"""Distance of neighbors: room for a name of a dozen letters, and for two lines of it."""
ASPECT = 1.45
"""Width over height that a picture should fill."""


def arrange(name: LayoutName, weights: FloatArray, tiers: IntArray | None = None) -> FloatArray:
    """Positions of p nodes. Shape (p, 2).

    Args:
        name: Which layout.
        weights: Candidate weights. Shape (p, p).
        tiers: Per node, which tier it was put into from 1, or 0 for none; only `layered` looks. Shape (p,).
    """
    if len(weights) == 0:
        return np.zeros((0, 2))
    if name == "layered":
        return layered(weights, tiers)
    return spring(weights) if name == "spring" else circular(weights)


def trophic_levels(weights: FloatArray) -> FloatArray:
    """Heights h that make every edge climb by one level as nearly as the cycles allow. Shape (p,).

    Minimizes sum_ij W_ij (h_j - h_i - 1)^2; an edge present both ways pulls its ends to one height.

    References:
        MacKay, Johnson, Sansom, How directed is a directed network? Royal Society Open Science 7 (2020) 201138.

    >>> trophic_levels(np.array([[0., 1, 0], [0, 0, 1], [0, 0, 0]])).round(3)
    array([0., 1., 2.])
    """
    inward, outward = weights.sum(axis=0), weights.sum(axis=1)
    laplacian = np.diag(inward + outward) - weights - weights.T
    # The ridge picks one answer where parts of the graph are not connected.
    ridge = 1e-9 * max(1.0, float(inward.max()))
    levels: FloatArray = np.linalg.solve(laplacian + ridge * np.eye(len(weights)), inward - outward)
    levels -= levels.min()
    return levels


def layered(weights: FloatArray, tiers: IntArray | None = None) -> FloatArray:
    """Sources on top: rows by trophic level (or by tier), few crossings. Shape (p, 2)."""
    p = len(weights)
    levels = trophic_levels(weights)
    row_count = max(1, round(np.sqrt(p * GAP_X / (ASPECT * GAP_Y))))
    if tiers is not None and tiers.any():
        levels = levels / (levels.max() + 1.0) + np.where(tiers > 0, tiers, _tier_nearby(weights, tiers))
        rows = _rows_by_tier(np.floor(levels).astype(int), levels, row_count, p)
    else:
        rows = [np.sort(part) for part in np.array_split(np.argsort(levels, kind="stable"), row_count)]
    return _place_rows(rows, weights, keep_rows=bool(tiers is not None and tiers.any()))


def _tier_nearby(weights: FloatArray, tiers: IntArray) -> IntArray:
    """Tier that nodes without one lean to: the weighted mean of their neighbors'. Shape (p,)."""
    both = (weights + weights.T) * (tiers > 0)
    total = both.sum(axis=1)
    mean = np.divide(both @ tiers, total, out=np.full(len(tiers), float(tiers[tiers > 0].mean())), where=total > 0)
    nearest: IntArray = np.rint(mean).astype(int)
    return nearest


def _rows_by_tier(tier: IntArray, levels: FloatArray, row_count: int, p: int) -> list[IntArray]:
    """Each tier as one or more rows of at most about p / row_count nodes."""
    most = max(4, int(np.ceil(p / row_count)) + 1)
    rows: list[IntArray] = []
    for value in np.unique(tier):
        members = np.flatnonzero(tier == value)
        members = members[np.argsort(levels[members], kind="stable")]
        rows += [np.sort(part) for part in np.array_split(members, int(np.ceil(len(members) / most)))]
    return rows


def _place_rows(rows: list[IntArray], weights: FloatArray, *, keep_rows: bool) -> FloatArray:
    """Evenly spaced rows, filled so that linked nodes stand near each other and arrows point down. Shape (p, 2)."""
    both = weights + weights.T
    widest = max(len(row) for row in rows)
    slots = []
    for index, row in enumerate(rows):
        gap = min(GAP_X * (widest - 1) / max(len(row) - 1, 1), 1.35 * GAP_X)
        x = (np.arange(len(row)) - (len(row) - 1) / 2) * gap
        # Half a step between rows keeps vertical lines off the nodes between them; within a row, neighbors stand at
        # slightly different heights, so that their names do not touch.
        x += GAP_X / 4 * (1 if index % 2 else -1) * (len(row) == widest or (widest - len(row)) % 2 == 0)
        y = index * GAP_Y + np.where(np.arange(len(row)) % 2 == 0, -GAP_Y / 9, GAP_Y / 9)
        slots.append(np.column_stack([x, y]))
    position = np.zeros((len(weights), 2))
    order = [row.copy() for row in rows]
    for row, place in zip(order, slots, strict=True):
        position[row] = place
    for sweep in range(24):
        for index in range(len(rows)) if sweep % 2 == 0 else reversed(range(len(rows))):
            row = order[index]
            pull = both[row].copy()
            pull[:, row] *= 0.25
            total = pull.sum(axis=1)
            wanted = np.divide(pull @ position[:, 0], total, out=position[row, 0].copy(), where=total > 0)
            # A little inertia keeps the sweeps from swinging between two orders.
            ranked = row[np.argsort(0.8 * wanted + 0.2 * position[row, 0], kind="stable")]
            order[index] = ranked
            position[ranked] = slots[index]
    if len(weights) <= 150:
        row_of = np.zeros(len(weights), int)
        for index, row in enumerate(order):
            row_of[row] = index
        _exchange(position, both, np.clip(weights - weights.T, 0, None), row_of if keep_rows else None)
    return position


UPWARD = 0.7
"""What an arrow that points up by one unit costs, in units of length."""


def _exchange(position: FloatArray, both: FloatArray, arrows: FloatArray, row_of: IntArray | None) -> None:
    """Exchange places as long as that shortens edges or turns arrows down, in place; within rows if `row_of` is given.

    Minimizes sum of weight x length, plus `UPWARD` x weight x rise over the arrows.
    """
    p = len(position)

    def cost(node: int) -> float:
        step = position - position[node]
        rise = arrows[node] @ np.clip(-step[:, 1], 0, None) + arrows[:, node] @ np.clip(step[:, 1], 0, None)
        return float(both[node] @ np.hypot(step[:, 0], step[:, 1]) + UPWARD * rise)

    for _ in range(15):
        improved = False
        for i in range(p):
            for j in range(i + 1, p):
                if row_of is not None and row_of[i] != row_of[j]:
                    continue
                before = cost(i) + cost(j)
                position[[i, j]] = position[[j, i]]
                if cost(i) + cost(j) < before - 1e-6:
                    improved = True
                else:
                    position[[i, j]] = position[[j, i]]
        if not improved:
            return


def spring(weights: FloatArray) -> FloatArray:
    """Linked nodes near each other: stress of shortest ways up to 300 nodes, forces above. Shape (p, 2)."""
    p = len(weights)
    both = weights + weights.T
    position = _by_forces(both) if p > 300 else _by_stress(both)
    extent = np.ptp(position, axis=0)
    if extent[1] > extent[0]:
        position = position[:, ::-1].copy()
    position -= position.mean(axis=0)
    area = p * GAP_X * GAP_Y * 0.65
    spread = np.maximum(position.std(axis=0), 1e-9)
    position *= np.sqrt(area / 12) / spread * np.array([np.sqrt(ASPECT), 1 / np.sqrt(ASPECT)])
    return _push_apart(position, rounds=80 if p <= 300 else 12)


def _by_stress(both: FloatArray) -> FloatArray:
    """Distances in the plane like the shortest ways in the graph. Shape (p, 2)."""
    from scipy.sparse.csgraph import shortest_path

    share = both / max(float(both.max()), 1e-12)
    length = np.where(share > 0, 1.6 - 0.6 * share, 0.0)
    goal = shortest_path(length, directed=False)
    # What is not connected stands aside, but not in the next county.
    linked = goal[np.isfinite(goal) & (goal > 0)]
    far = float(np.quantile(linked, 0.75)) if len(linked) else 1.0
    goal = np.where(np.isfinite(goal), goal, far)
    np.fill_diagonal(goal, 1.0)
    return majorized(goal, np.arange(len(both)), rounds=200)


def _by_forces(both: FloatArray) -> FloatArray:
    import networkx as nx

    graph = nx.from_numpy_array(both)
    found = nx.spring_layout(graph, seed=0, iterations=40)
    return np.array([found[node] for node in range(len(both))])


def _push_apart(position: FloatArray, rounds: int) -> FloatArray:
    """Move nodes until their boxes (a sign with its name) no longer overlap, or nearly so. Shape (p, 2)."""
    box = np.array([GAP_X * 1.1, GAP_Y * 0.78])
    position = position.copy()
    for _ in range(rounds):
        step = position[:, None] - position[None]
        overlap = box - np.abs(step)
        clash: BoolArray = np.all(overlap > 0, axis=2)
        np.fill_diagonal(clash, False)
        if not clash.any():
            break
        along_x = overlap[..., 0] / box[0] < overlap[..., 1] / box[1]
        sign = np.where(step >= 0, 1.0, -1.0)
        # Equal positions: the later node gives way downwards.
        index = np.arange(len(position))
        sign[(step == 0) & (index[:, None] < index[None])[..., None]] = -1.0
        push = np.stack([np.where(along_x, overlap[..., 0], 0), np.where(along_x, 0, overlap[..., 1])], axis=2)
        position += 0.3 * (sign * push * clash[..., None]).sum(axis=1)
    return position


def circular(weights: FloatArray) -> FloatArray:
    """Audio on the left half, visual on the right, a class at the same height on both. Shape (p, 2).

    Nodes are taken to come in the order of `SoftLabels.nodes`; an odd number of them goes around one circle.
    """
    p = len(weights)
    both = weights + weights.T
    if p % 2:
        order = _ring_order(both)
        angle = 2 * np.pi * np.arange(p) / p - np.pi / 2
        radius = max(GAP_Y * 2.2, p * 34.0 / (2 * np.pi))
        position = np.zeros((p, 2))
        position[order] = radius * np.column_stack([1.15 * np.cos(angle), np.sin(angle)])
        return position
    half = p // 2
    pairs = both[:half, :half] + both[half:, half:] + both[:half, half:] + both[half:, :half]
    order = _line_order(pairs)
    # Even steps in height keep the names apart near the poles; the gap in the middle tells the halves apart.
    height = 2 * (np.arange(half) + 0.5) / half - 1
    radius = max(GAP_Y * 2.2, half * 17.0)
    x, y = radius * (0.85 * np.sqrt(1 - height**2) + 0.35), radius * height
    position = np.zeros((p, 2))
    position[order] = np.column_stack([-x, y])
    position[order + half] = np.column_stack([x, y])
    return position


def _line_order(both: FloatArray) -> IntArray:
    """Order on a line with linked nodes near each other: Fiedler vector, then exchanges. Shape (p,)."""
    p = len(both)
    clean = both - np.diag(np.diagonal(both))
    _, vectors = np.linalg.eigh(np.diag(clean.sum(axis=1)) - clean + 1e-6 * np.ones((p, p)))
    fiedler = vectors[:, 1] if p > 1 else np.zeros(p)
    # Eigenvectors have no sign of their own: the first node decides.
    fiedler = fiedler * (-1.0 if fiedler[0] > 0 else 1.0)
    order = np.argsort(fiedler.round(9), kind="stable")
    if p > 100:
        return order
    place = np.empty(p)
    place[order] = np.arange(p)
    for _ in range(20):
        improved = False
        for a in range(p):
            for b in range(a + 1, p):
                i, j = order[a], order[b]
                before = clean[i] @ np.abs(place - a) + clean[j] @ np.abs(place - b)
                place[i], place[j] = b, a
                if clean[i] @ np.abs(place - b) + clean[j] @ np.abs(place - a) < before - 1e-9:
                    order[a], order[b] = j, i
                    improved = True
                else:
                    place[i], place[j] = a, b
        if not improved:
            break
    return order


def _ring_order(both: FloatArray) -> IntArray:
    order = _line_order(both)
    folded: IntArray = np.concatenate([order[::2], order[1::2][::-1]])
    return folded


def bends(name: LayoutName, position: FloatArray, edges: list[tuple[int, int]]) -> list[float]:
    """Curvature of each edge, signed as vis-network's roundness: > 0 curves clockwise. One number per edge.

    Circular: towards the middle. Layered: edges along a row or past several rows swing aside, the others nearly
    straight. Spring: a slight curve.
    """
    found = []
    center = position.mean(axis=0) if len(position) else np.zeros(2)
    for source, target in edges:
        step = position[target] - position[source]
        left = np.array([step[1], -step[0]])
        middle = (position[source] + position[target]) / 2
        if name == "circular":
            size = 0.32 if np.hypot(*step) > 3 * GAP_Y else 0.45
            found.append(size if left @ (center - middle) > 0 else -size)
        elif name == "layered":
            rows = abs(step[1]) / GAP_Y
            outward = 1.0 if left @ (middle - center) >= 0 else -1.0
            upward = 1.0 if left[1] <= 0 else -1.0
            if rows < 0.5:
                found.append(0.34 * upward if abs(step[0]) > 1.3 * GAP_X else 0.18 * upward)
            else:
                found.append(0.06 * outward if rows < 1.5 else 0.2 * outward)
        else:
            found.append(0.12)
    return found
