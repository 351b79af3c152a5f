"""Class-dependency graphs: search, certainty, comparison, weights and file formats. Never imports torch.

The names below are loaded on first use, since some of them bring compiled code with them:

>>> from avexplore.graph import learn_class_graph, measure_stability, build_affinity, compare
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avexplore.graph.affinity import build_affinity
    from avexplore.graph.algebra.comparison import Comparison, compare, edge_frequency, shd
    from avexplore.graph.algebra.equivalence import as_cpdag, as_dag, markov_equivalent
    from avexplore.graph.algebra.separation import d_separated, directed_paths, neighborhood, within_hops
    from avexplore.graph.exchange import to_causal_learn, to_networkx
    from avexplore.graph.formats import read_graph, write_graph
    from avexplore.graph.knowledge import knowledge_masks
    from avexplore.graph.learn import learn_class_graph
    from avexplore.graph.stability.consensus import consensus_graph, consensus_of_graphs
    from avexplore.graph.stability.stability import measure_stability, stability_selection
    from avexplore.graph.truth import compare_with_truth, true_co_occurrence

_HOMES = {
    "build_affinity": "affinity",
    "Comparison": "algebra.comparison",
    "compare": "algebra.comparison",
    "edge_frequency": "algebra.comparison",
    "shd": "algebra.comparison",
    "to_causal_learn": "exchange",
    "to_networkx": "exchange",
    "read_graph": "formats",
    "write_graph": "formats",
    "as_cpdag": "algebra.equivalence",
    "as_dag": "algebra.equivalence",
    "markov_equivalent": "algebra.equivalence",
    "knowledge_masks": "knowledge",
    "learn_class_graph": "learn",
    "d_separated": "algebra.separation",
    "directed_paths": "algebra.separation",
    "neighborhood": "algebra.separation",
    "within_hops": "algebra.separation",
    "consensus_graph": "stability.consensus",
    "consensus_of_graphs": "stability.consensus",
    "measure_stability": "stability.stability",
    "stability_selection": "stability.stability",
    "compare_with_truth": "truth",
    "true_co_occurrence": "truth",
}

__all__ = [
    "Comparison",
    "as_cpdag",
    "as_dag",
    "build_affinity",
    "compare",
    "compare_with_truth",
    "consensus_graph",
    "consensus_of_graphs",
    "d_separated",
    "directed_paths",
    "edge_frequency",
    "knowledge_masks",
    "learn_class_graph",
    "markov_equivalent",
    "measure_stability",
    "neighborhood",
    "read_graph",
    "shd",
    "stability_selection",
    "to_causal_learn",
    "to_networkx",
    "true_co_occurrence",
    "within_hops",
    "write_graph",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
