"""Which graphs there are to look at and to compare: learned here, pinned, of another run, imported, planted, true."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avexplore.artifacts import ClassGraph, class_nodes
from avexplore.errors import AvexploreError
from avexplore.graph.truth import training_co_occurrence
from avexplore.ui.class_graph.exchange import kept_import

if TYPE_CHECKING:
    from avexplore.artifacts import Clips, SoftLabels
    from avexplore.config import Config, GraphConfig


@dataclass(frozen=True)
class Choice:
    """A graph by name.

    Attributes:
        label: What to call it.
        load: Fetches it, or None if it is not computed yet.
        config: What computes it; None if it needs no computing.
        is_truth: Whether it is what is known rather than what was inferred.
        is_summary: Whether it sums up other graphs.
    """

    label: str
    load: Callable[[], ClassGraph | None]
    config: Config | None = None
    is_truth: bool = False
    is_summary: bool = False


def choices(
    *,
    clips: Clips | None,
    imports: Path,
    import_addresses: Sequence[str],
    pinned: Mapping[str, tuple[str, GraphConfig]],
    other_runs: Mapping[str, tuple[str, Config]],
    get: Callable[[Config], Any],
    summaries: Mapping[str, tuple[str, Callable[[], ClassGraph | None]]] | None = None,
) -> dict[str, Choice]:
    """Graphs beside the one that the controls make, by the key that stands in the address; no two share a label.

    Args:
        clips: For the planted graph and for true co-occurrence, where known.
        imports: Folder of imported graphs.
        import_addresses: Which of them were imported.
        pinned: Graphs that the reader kept, by key: name and config.
        other_runs: Graphs of other runs, by key: name and config.
        get: Fetches the result of a config, or None.
        summaries: Graphs that sum up others, by key: name, and what fetches it, or None.
    """
    found: dict[str, Choice] = {}
    if clips is not None and clips.true_graph is not None:
        planted = ClassGraph(class_nodes(clips.classes), clips.true_graph.astype(np.int8), source="planted")
        found["planted"] = Choice("the planted graph", lambda: planted, is_truth=True)
    if clips is not None and clips.true_labels is not None:
        found["true"] = Choice("true co-occurrence (hidden labels)", lambda: co_occurrence_graph(clips), is_truth=True)
    for key, (name, load) in (summaries or {}).items():
        found[key] = Choice(name, load, is_summary=True)
    for address in import_addresses:
        imported = kept_import(imports, address)
        if imported is not None:
            found[f"import-{address}"] = Choice(f"imported: {imported.source or 'graph'}", lambda it=imported: it)  # type: ignore[misc]
    for key, (name, config) in {**pinned, **other_runs}.items():
        found[key] = Choice(name, lambda config=config: get(config), config)  # type: ignore[misc]
    return _distinct(found)


def _distinct(found: dict[str, Choice]) -> dict[str, Choice]:
    """The address holds labels, so each must be the only one of its kind."""
    labels = [choice.label for choice in found.values()]
    return {
        key: choice if labels.count(choice.label) == 1 else replace(choice, label=f"{choice.label} ({key[-6:]})")
        for key, choice in found.items()
    }


def co_occurrence_graph(clips: Clips) -> ClassGraph:
    """Undirected links between classes that truly come together in the training clips, in any modality."""
    present = training_co_occurrence(clips) > 0
    return ClassGraph(class_nodes(clips.classes), (present | present.T).astype(np.int8), source="hidden labels")


def measured(graph: ClassGraph, soft_labels: SoftLabels, config: GraphConfig) -> ClassGraph:
    """A graph that came without effects, with those that its edges have on these soft labels: what is hidden of our
    graph because its effect is negative is then hidden of that one, too. The graph as it is where none can be had."""
    from avexplore.graph.learn import with_effects

    if graph.effect.any():
        return graph
    try:
        return with_effects(graph, soft_labels, config)
    except AvexploreError:
        return graph


def fits(graph: ClassGraph, nodes: tuple[str, ...]) -> bool:
    """Whether a graph is over the same nodes, in any order."""
    return set(graph.nodes) == set(nodes)


def reordered(graph: ClassGraph, nodes: tuple[str, ...]) -> ClassGraph:
    """The same graph with its nodes in another order, so that positions and ids stay what they are."""
    if graph.nodes == nodes:
        return graph
    place = {name: index for index, name in enumerate(graph.nodes)}
    order = np.array([place[name] for name in nodes])
    grid = np.ix_(order, order)
    return ClassGraph(
        nodes,
        graph.adjacency[grid],
        score=graph.score,
        effect=graph.effect[grid],
        gain=graph.gain[grid],
        samples=graph.samples,
        warnings=graph.warnings,
        source=graph.source,
    )
