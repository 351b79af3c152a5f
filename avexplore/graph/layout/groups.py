"""Groups of classes that come together, and what to call them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from avexplore.artifacts import FloatArray, IntArray
from avexplore.graph.layout.name_boxes import text_width

RESOLUTION, OF_FEW = 2.0, 1.0
"""Louvain's, of many classes and of few: at 1, vehicles, food and nature of the shipped run are one group of 11
classes, at 2 they are three; at 2, a few classes fall apart into single ones."""
FEW = 16
LARGEST, MOST_NAMED = 14, 16
"""A named group of more classes is laid out in parts; so many groups can be told apart by name and color."""


def strongest(weights: FloatArray, per_class: float) -> FloatArray:
    """The strongest `per_class` pairs per class of all, the rest zero. Shape (C, C)."""
    values = np.sort(np.triu(weights, 1)[np.triu(weights, 1) > 0])[::-1]
    keep = round(per_class * len(weights))
    if len(values) <= keep:
        return weights
    found: FloatArray = np.where(weights >= values[keep - 1], weights, 0.0)
    return found


def communities(weights: FloatArray) -> tuple[IntArray, IntArray]:
    """Louvain's communities in two levels, each the best of several seeds; deterministic.

    Args:
        weights: Class by class, symmetric, >= 0. Shape (C, C).

    Returns:
        Per class, its named group, at most `MOST_NAMED` of them, the largest first; and its part of it, of about
        `LARGEST` classes at most. -1 for classes linked to nothing. Two of shape (C,).
    """
    named, part = np.full(len(weights), -1), np.full(len(weights), -1)
    linked = np.flatnonzero(weights.sum(axis=1) > 0)
    if not len(linked):
        return named, part
    tops = _louvain(weights, linked)
    while len(tops) > MOST_NAMED:  # the smallest joins whom it is linked with most, or the next smallest
        tops.sort(key=lambda members: (-len(members), members[0]))
        small = tops.pop()
        ties = [float(weights[np.ix_(small, members)].sum()) / len(members) for members in tops]
        to = int(np.argmax(ties)) if max(ties) > 0 else len(tops) - 1
        tops[to] = np.sort(np.concatenate([tops[to], small]))
    tops.sort(key=lambda members: (-len(members), members[0]))
    number = 0
    for top, members in enumerate(tops):
        named[members] = top
        for some in _louvain(weights, members) if len(members) > LARGEST else [members]:
            part[some] = number
            number += 1
    return named, part


def _louvain(weights: FloatArray, members: IntArray) -> list[IntArray]:
    import networkx as nx

    graph = nx.from_numpy_array(weights[np.ix_(members, members)])
    resolution = RESOLUTION if len(weights) > FEW else OF_FEW
    best: list[IntArray] = []
    highest = -np.inf
    for seed in range(10 if len(members) <= 100 else 4):
        parts = nx.community.louvain_communities(graph, seed=seed, resolution=resolution)
        reached = round(nx.community.modularity(graph, parts, resolution=resolution), 9)
        if reached > highest:
            highest, best = reached, [members[sorted(part)] for part in parts]
    return best


def group_name(names: Sequence[str], weights: FloatArray, members: IntArray, width: float = np.inf) -> str:
    """The classes that the others of a group hang on, as many as fit, and how many more there are.

    Args:
        names: Of all classes.
        weights: Class by class. Shape (C, C).
        members: Which classes form the group.
        width: Room for it, over the size of its letters.

    >>> group_name(["Car", "Racing", "Train"], np.array([[0, 2, 0], [2, 0, 1], [0, 1, 0.0]]), np.arange(3))
    'Racing, Car, Train'
    """
    inside = weights[np.ix_(members, members)].sum(axis=1)
    ranked = [str(names[c]).split(",")[0] for c in members[np.argsort(-inside, kind="stable")]]
    for count in range(3 if len(ranked) == 3 else min(2, len(ranked)), 0, -1):
        said = ", ".join(ranked[:count]) + (f" +{len(ranked) - count}" if len(ranked) > count else "")
        if text_width(said) <= width:
            return said
    said = ranked[0]
    while len(said) > 4 and text_width(said + "…") > width:
        said = said[:-1].rstrip()
    return said if said == ranked[0] and text_width(said) <= width else said + "…"
