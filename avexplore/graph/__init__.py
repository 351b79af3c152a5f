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
    "affinity": {"build_affinity"},
    "algebra.comparison": {"Comparison", "compare", "edge_frequency", "shd"},
    "algebra.equivalence": {"as_cpdag", "as_dag", "markov_equivalent"},
    "algebra.separation": {"d_separated", "directed_paths", "neighborhood", "within_hops"},
    "exchange": {"to_causal_learn", "to_networkx"},
    "formats": {"read_graph", "write_graph"},
    "knowledge": {"knowledge_masks"},
    "learn": {"learn_class_graph"},
    "stability.consensus": {"consensus_graph", "consensus_of_graphs"},
    "stability.stability": {"measure_stability", "stability_selection"},
    "truth": {"compare_with_truth", "true_co_occurrence"},
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
    home = next((home for home, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
