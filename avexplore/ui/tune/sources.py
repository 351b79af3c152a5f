"""Where links come from, as switches: the class graph or a control in its place, all on one scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from avexplore.config import StudentConfig


@dataclass(frozen=True)
class Source:
    """One switch.

    Attributes:
        label: On it.
        help: What it links.
        changes: Working settings that it sets; what it does not name goes back to the stored run's.
    """

    label: str
    help: str
    changes: Mapping[str, Any]


SOURCES: Mapping[str, Source] = {
    "none": Source("None", "No links: the network's own posteriors", {"affinity.source": "identity"}),
    "random": Source("Random", "The graph's links between classes drawn at random", {"affinity.source": "random"}),
    "correlation": Source(
        "Correlation", "The strongest correlations of soft labels", {"affinity.source": "correlation"}
    ),
    "lasso": Source("Graphical lasso", "The strongest partial correlations", {"affinity.source": "graphical-lasso"}),
    "conditional": Source(
        "Conditional means", "Where one class makes another likelier, one way", {"affinity.source": "conditional-means"}
    ),
    "popularity": Source(
        "Popularity",
        "Every class brings the common ones: no information on pairs",
        {"regularizer.linked": "popularity"},
    ),
    "pairs": Source(
        "All positive pairs",
        "Every pair of classes that the teacher associates, no graph",
        {"regularizer.linked": "every-pair"},
    ),
    "graph": Source("Class graph", "The inferred class graph's links", {"affinity.source": "graph"}),
}
"""In the order in which they tell the story: nothing, chance, plain statistics, the graph."""


def chosen(config: StudentConfig) -> str:
    """The switch that settings correspond to; "" if they are none of them."""
    lir = config.regularizer
    assert lir is not None
    of_graph = lir.linked == "graph"
    name, value = ("affinity.source", lir.affinity.source) if of_graph else ("regularizer.linked", lir.linked)
    return next((key for key, source in SOURCES.items() if source.changes.get(name) == value), "")


def changes(name: str) -> dict[str, Any]:
    """What a switch changes."""
    return {"affinity.source": "graph", "regularizer.linked": "graph"} | dict(SOURCES[name].changes)
