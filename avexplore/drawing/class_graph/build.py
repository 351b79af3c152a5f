"""From a class graph, its stability and what is known about its classes to the picture of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from avexplore.analysis.graph_verdict import is_in_null, is_settled
from avexplore.artifacts import plain_name, split_node
from avexplore.config import KnowledgeConfig
from avexplore.drawing.class_graph.names import edge_id
from avexplore.drawing.class_graph.picture import Edge, Node, Picture, group_of

if TYPE_CHECKING:
    from avexplore.artifacts import BoolArray, ClassGraph, FloatArray, GraphStability, IntArray, SoftLabels
    from avexplore.drawing.class_graph.picture import Change
    from avexplore.graph.evidence.pair_probability import PairProbability

GHOST_FREQUENCY = 0.25
"""An edge that the graph lacks is offered as "only in bootstraps" from this frequency on."""
STRONGEST_PER_CLASS = 1.4
"""How many links per class a first view shows: more is a ball of wool."""
FIRST_FREQUENCY = 0.5
"""A first view shows what comes back in so many bootstraps."""

_CHANGES: dict[str, tuple[Change, str]] = {
    "same": ("kept", "in both graphs"),
    "directed": ("half", "without direction in the other graph"),
    "undirected": ("half", "with a direction in the other graph"),
    "reversed": ("reversed", "the other direction in the other graph"),
    "added": ("added", "not in the other graph"),
}
"""Of what `compare` finds of an edge: how the picture shows it, and what it says of it."""


def class_support(soft_labels: SoftLabels) -> IntArray:
    """Training clips annotated with each class; where annotations are unknown, those that the teacher gives it.

    Returns:
        One number per class node. Shape (2C,).
    """
    rows = soft_labels.rows("train")
    if not len(rows):
        rows = soft_labels.rows("all")
    count = len(soft_labels.classes)
    labels = soft_labels.hard_label[rows]
    if (labels >= 0).any():
        counted = np.bincount(labels[labels >= 0], minlength=count)
        return np.concatenate([counted, counted])
    tops = [np.argmax(values[rows], axis=1) for values in (soft_labels.audio, soft_labels.visual)]
    return np.concatenate([np.bincount(top, minlength=count) for top in tops])


def build_picture(
    graph: ClassGraph,
    stability: GraphStability | None = None,
    *,
    support: IntArray | None = None,
    rules: KnowledgeConfig | None = None,
    other: ClassGraph | None = None,
    compared: tuple[str, str] | None = None,
    universe: str = "",
    given: bool = True,
    probability: PairProbability | None = None,
    correlation: FloatArray | None = None,
    possible_causes: BoolArray | None = None,
) -> Picture:
    """The picture of one graph, or of one laid over another.

    Args:
        graph: What to draw.
        stability: Edge frequencies; without them, edges are ranked by their BIC gain.
        support: Clips per node, for its size. Shape (p,).
        rules: Required and forbidden edges and tiers.
        other: A graph over the same nodes to lay it over: colors by what differs, and adds what only that has.
        compared: Names of the two graphs, this one first.
        universe: What the node numbers refer to.
        given: Whether directions may be read without bootstraps, as in a planted or an imported graph; those of a
            search are not settled until its bootstraps agree on them.
        probability: How probable it is that two classes come together; edges that are less than probably true are
            marked as doubtful, unless nothing is known of them.
        correlation: Of the soft labels at hand; that of the bootstraps, or else the effects, without it. Shape (p, p).
        possible_causes: Behind which edges a hidden common cause is possible (`hidden_causes`). Shape (p, p).
    """
    rules = rules or KnowledgeConfig()
    if correlation is None:
        effect = np.where(graph.effect != 0, graph.effect, graph.effect.T)
        correlation = stability.correlation if stability is not None else effect.clip(-1, 1)
    speaks = correlation if probability is None else correlation * _likely(graph.nodes, probability)
    edges = [_weighed(edge, speaks) for edge in _learned(graph, stability, rules, given)]
    most = round(STRONGEST_PER_CLASS * len({split_node(name)[1] for name in graph.nodes}))
    if other is not None:
        edges = _compared(edges, graph, other, stability, speaks)
    edges = _marked(edges, most, graph.nodes)
    if other is None:
        edges += _ghosts(graph, stability, {edge.id for edge in edges})
        edges += _forbidden(graph, rules, {edge.id for edge in edges if edge.type == "learned"})
    if probability is not None:
        edges = _judged(edges, graph.nodes, probability)
    if possible_causes is not None:
        marked = possible_causes & graph.skeleton
        edges = [replace(edge, hidden_cause=bool(marked[edge.source, edge.target])) for edge in edges]
    count = sum(edge.type == "learned" for edge in edges)
    directed = sum(edge.type == "learned" and edge.directed and edge.settled for edge in edges)
    return Picture(
        universe=universe,
        nodes=tuple(_nodes(graph, support, rules)),
        edges=tuple(edges),
        measure="frequency" if stability is not None else "BIC gain",
        strongest=most,
        compared=compared,
        summary=f"Class graph of {len(graph.nodes)} nodes and {count} edges, {directed} with a settled direction.",
    )


def _nodes(graph: ClassGraph, support: IntArray | None, rules: KnowledgeConfig) -> list[Node]:
    most = float(support.max()) if support is not None and len(support) else 0.0
    degree = graph.skeleton.sum(axis=1)
    found = []
    for index, name in enumerate(graph.nodes):
        clips = int(support[index]) if support is not None else None
        size = 11.0 if clips is None or not most else 7.5 + 8.5 * np.sqrt(clips / most)
        tier = rules.tier_of(name)
        lines = [plain_name(name), f"{degree[index]} edge{'' if degree[index] == 1 else 's'}"]
        if clips is not None:
            lines[1] += f", {clips} clips"
        if tier:
            lines.append(f"tier {tier}")
        found.append(Node(name, float(size), tier, "\n".join(lines)))
    return found


def _learned(graph: ClassGraph, stability: GraphStability | None, rules: KnowledgeConfig, given: bool) -> list[Edge]:
    index = {name: i for i, name in enumerate(graph.nodes)}
    pairs = [(index[a], index[b], directed) for a, b, directed in graph.edges()]
    gains = np.array([max(graph.gain[i, j], graph.gain[j, i]) for i, j, _ in pairs])
    ranks = _ranks(gains)
    required = set(rules.required)
    found = []
    for (i, j, directed), gain, rank in zip(pairs, gains, ranks, strict=True):
        frequency = None if stability is None else float(stability.edge_frequency[i, j])
        demanded = (graph.nodes[i], graph.nodes[j]) in required
        settled = demanded or is_settled(stability, i, j, given=given)
        found.append(
            Edge(
                i,
                j,
                directed,
                frequency,
                rank,
                negative=bool((graph.effect[i, j] or graph.effect[j, i]) < 0),
                required=demanded or (graph.nodes[j], graph.nodes[i]) in required,
                title=_title(graph, stability, i, j, directed, settled, float(gain)),
                settled=settled,
                in_null=is_in_null(stability, i, j),
            )
        )
    return found


def _ranks(gains: FloatArray) -> list[float]:
    """Places from 1 for the largest gain towards 0; all 1 where gains are unknown."""
    if not len(gains) or not gains.any():
        return [1.0] * len(gains)
    place = np.empty(len(gains))
    place[np.argsort(-gains, kind="stable")] = np.arange(len(gains))
    return [float(value) for value in 1 - place / len(gains)]


def _title(
    graph: ClassGraph,
    stability: GraphStability | None,
    i: int,
    j: int,
    directed: bool,
    settled: bool,
    gain: float,
) -> str:
    names = [plain_name(graph.nodes[node]) for node in (i, j)]
    lines = [f"{names[0]} {'→' if directed and settled else '–'} {names[1]}"]
    if stability is not None and directed and not settled:
        both = [stability.orientation_frequency[pair] for pair in ((i, j), (j, i))]
        lines.append(f"direction not settled: → in {both[0]:.0%} of the bootstraps, ← in {both[1]:.0%}")
    if stability is not None:
        null = (
            f", and of graphs of shuffled data in {stability.null_frequency[i, j]:.0%}"
            if stability.null != "none"
            else ""
        )
        lines.append(f"in {stability.edge_frequency[i, j]:.0%} of the bootstraps{null}")
    effect = graph.effect[i, j] or graph.effect[j, i]
    if effect:
        lines.append(f"effect {effect:+.2f}, BIC gain {gain:,.0f}")
    return "\n".join(lines)


def _ghosts(graph: ClassGraph, stability: GraphStability | None, taken: set[str]) -> list[Edge]:
    if stability is None:
        return []
    often = np.triu(stability.edge_frequency >= GHOST_FREQUENCY, 1) & ~graph.skeleton
    found = []
    for i, j in np.argwhere(often):
        frequency = float(stability.edge_frequency[i, j])
        names = [plain_name(graph.nodes[node]) for node in (i, j)]
        title = f"{names[0]} – {names[1]}\nnot in this graph, but in {frequency:.0%} of the bootstraps"
        edge = Edge(int(i), int(j), False, frequency, type="ghost", title=title)
        if edge.id not in taken:
            found.append(edge)
    return found


def _forbidden(graph: ClassGraph, rules: KnowledgeConfig, taken: set[str]) -> list[Edge]:
    index = {name: i for i, name in enumerate(graph.nodes)}
    found: dict[str, Edge] = {}
    for source, target in rules.forbidden:
        if source not in index or target not in index:
            continue
        both = (target, source) in rules.forbidden
        sign = "–" if both else "→"
        title = f"forbidden: {plain_name(source)} {sign} {plain_name(target)}"
        edge = Edge(index[source], index[target], not both, type="forbidden", title=title)
        # One direction may be forbidden while the other is drawn: then the drawn edge says enough.
        if edge.id not in taken:
            found[edge.id] = edge
    return list(found.values())


def _likely(nodes: tuple[str, ...], probability: PairProbability) -> FloatArray:
    """How probable it is that the classes of two nodes come together; 1 where nothing is known of it. Shape (p, p)."""
    known = probability.of_nodes(nodes)
    likely: FloatArray = np.where(np.isfinite(known), known, 1.0)
    return likely


def _weighed(edge: Edge, speaks: FloatArray) -> Edge:
    share = 1.0 if edge.frequency is None else edge.frequency
    return replace(edge, evidence=float(share * speaks[edge.source, edge.target]))


def _marked(edges: list[Edge], most: int, nodes: tuple[str, ...]) -> list[Edge]:
    """Which edges a first view shows: the `most` with the highest evidence of each graph, and what the reader requires.

    Two graphs are measured alike: an edge of both may be among the strongest of either.
    """

    def first(of: list[Edge]) -> set[str]:
        ranked = sorted(of, key=lambda edge: (-edge.evidence, -(edge.frequency or 0.0), edge.id))
        return {edge.id for edge in ranked[:most]}

    fit = [
        edge
        for edge in edges
        if edge.evidence > 0
        and not edge.negative
        and (edge.frequency is None or edge.frequency >= FIRST_FREQUENCY)
        and split_node(nodes[edge.source])[1] != split_node(nodes[edge.target])[1]
    ]
    chosen = first([edge for edge in fit if edge.change != "removed"]) | first([e for e in fit if e.change != "added"])
    if not any(edge.change for edge in edges):
        chosen = first(fit)
    return [replace(edge, strong=edge.required or edge.id in chosen) for edge in edges]


def _compared(
    edges: list[Edge],
    graph: ClassGraph,
    other: ClassGraph,
    stability: GraphStability | None,
    speaks: FloatArray,
) -> list[Edge]:
    """Edges of two graphs, by what differs. Those of the other one alone are held to the same measures."""
    from avexplore.graph.algebra.comparison import compare

    index = {name: i for i, name in enumerate(graph.nodes)}
    changes = {edge_id(index[a], index[b]): kind for a, b, kind in compare(graph, other).edges}
    found = []
    for edge in edges:
        change, note = _CHANGES[changes.get(edge.id, "same")]
        found.append(replace(edge, change=change, title=f"{edge.title}\n{note}"))
    theirs = _learned(other, stability, KnowledgeConfig(), given=True)
    for edge in theirs:
        if changes[edge.id] == "removed":
            title = f"{edge.title}\nonly in the other graph"
            found.append(_weighed(replace(edge, change="removed", settled=True, title=title), speaks))
    return found


def _judged(edges: list[Edge], nodes: tuple[str, ...], probability: PairProbability) -> list[Edge]:
    of_nodes = probability.of_nodes(nodes)
    found = []
    for edge in edges:
        p = float(of_nodes[edge.source, edge.target])
        if edge.type == "learned" and np.isfinite(p):
            title = f"{edge.title}\nthe two classes come together with probability {p:.2f}"
            edge = replace(edge, doubtful=p < probability.probably_true, title=title)
        found.append(edge)
    return found


def first_threshold(picture: Picture) -> float:
    """Where the threshold stands until the reader moves it: at half of the bootstraps, at 0 while they are unknown."""
    return FIRST_FREQUENCY if picture.measure == "frequency" else 0.0


def shown(picture: Picture, threshold: float, hidden: Collection[str] = ()) -> list[Edge]:
    """The learned edges that reach a threshold and that no entry of the legend hides, as the picture shows them."""
    names = [node.name for node in picture.nodes]
    found = []
    for edge in picture.learned:
        value = edge.rank if edge.frequency is None else edge.frequency
        ends = names[edge.source], names[edge.target]
        traits = {
            f"edge-{group_of(*ends)}",
            *(f"node-{split_node(name)[0]}" for name in ends),
            "directed" if edge.directed and edge.settled else "undirected",
            f"change-{edge.change}",
            *(["negative"] if edge.negative else []),
            *(["null"] if edge.in_null else []),
            *(["doubtful"] if edge.doubtful else []),
            *([] if edge.strong or same_class(picture, edge) else ["weak"]),
            *(["same"] if same_class(picture, edge) else []),
            *(["rare"] if edge.frequency is not None and edge.frequency < 0.5 else []),
        }
        if not traits & set(hidden) and (value >= threshold - 1e-9 or edge.required):
            found.append(edge)
    return found


def same_class(picture: Picture, edge: Edge) -> bool:
    """Whether an edge links the two modalities of one class."""
    return split_node(picture.nodes[edge.source].name)[1] == split_node(picture.nodes[edge.target].name)[1]
