"""Class graphs as objects of other libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from avexplore.artifacts import ClassGraph, GraphStability, split_node

if TYPE_CHECKING:
    import networkx as nx


def to_networkx(graph: ClassGraph, stability: GraphStability | None = None) -> nx.DiGraph:
    """A class graph in networkx: an undirected edge is an arc each way, and says so.

    Args:
        graph: The graph.
        stability: Its edge frequencies, if known.

    Returns:
        Nodes with `modality` and `name`; arcs with `directed`, and where known `effect`, `gain`, `edge_frequency` and
        `direction_frequency`.

    >>> import numpy as np
    >>> found = to_networkx(ClassGraph(("audio:A", "visual:A"), np.array([[0, 1], [0, 0]], np.int8)))
    >>> list(found.edges(data="directed"))
    [('audio:A', 'visual:A', True)]
    """
    import networkx as nx

    made = nx.DiGraph()
    for node in graph.nodes:
        modality, name = split_node(node)
        made.add_node(node, modality=modality, name=name)
    place = {name: k for k, name in enumerate(graph.nodes)}
    for source, target, directed in graph.edges():
        i, j = place[source], place[target]
        known: dict[str, Any] = {"directed": directed}
        if graph.effect.size:
            known |= {
                "effect": float(graph.effect[i, j] or graph.effect[j, i]),
                "gain": float(graph.gain[i, j] or graph.gain[j, i]),
            }
        for one, other, (a, b) in ((source, target, (i, j)), (target, source, (j, i)))[: 1 if directed else 2]:
            if stability is not None:
                known |= {
                    "edge_frequency": float(stability.edge_frequency[a, b]),
                    "direction_frequency": float(stability.orientation_frequency[a, b]),
                }
            made.add_edge(one, other, **known)
    return made


def to_causal_learn(graph: ClassGraph) -> Any:
    """A class graph as causal-learn's GeneralGraph, for its tools and drawings.

    >>> import numpy as np
    >>> found = to_causal_learn(ClassGraph(("audio:A", "visual:A"), np.array([[0, 1], [0, 0]], np.int8)))
    >>> print(found.get_graph_edges()[0])
    audio:A --> visual:A
    """
    from causallearn.graph.Edge import Edge
    from causallearn.graph.Endpoint import Endpoint
    from causallearn.graph.GeneralGraph import GeneralGraph
    from causallearn.graph.GraphNode import GraphNode

    nodes = {name: GraphNode(name) for name in graph.nodes}
    made = GeneralGraph(list(nodes.values()))
    for source, target, directed in graph.edges():
        head = Endpoint.ARROW if directed else Endpoint.TAIL
        made.add_edge(Edge(nodes[source], nodes[target], Endpoint.TAIL, head))
    return made
