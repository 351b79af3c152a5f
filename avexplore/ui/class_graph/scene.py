"""What one pass of the class graph page is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from avexplore.ui.shell import session

if TYPE_CHECKING:
    from collections.abc import Callable

    from avexplore.analysis.pair_evidence import PairEvidence
    from avexplore.artifacts import Affinity, ClassGraph, Clips, Embeddings, GraphStability, SoftLabels
    from avexplore.config import Config, GraphConfig, KnowledgeConfig
    from avexplore.ui.class_graph.graph_choices import Choice
    from avexplore.ui.class_graph.state.settings import Settings
    from avexplore.workbench.runs import Run


@dataclass(frozen=True)
class Shown:
    """The graph that is drawn, and the one that it is laid over.

    Attributes:
        graph: What is drawn.
        stability: Its edge frequencies; None while they are unknown, and for graphs from elsewhere.
        is_own: Whether the controls made it.
        name: What to call it.
        other, other_name: The graph that it is compared with, if any.
    """

    graph: ClassGraph
    stability: GraphStability | None
    is_own: bool
    name: str
    other: ClassGraph | None = None
    other_name: str = ""


@dataclass(frozen=True)
class Scene:
    """Everything that one pass of the page is about.

    Attributes:
        others: The graphs to compare with, by their key.
        pairs: What is known of pairs of classes without any graph.
    """

    run: Run
    labels: SoftLabels
    clips: Clips | None
    settings: Settings
    rules: KnowledgeConfig
    nodes: tuple[str, ...]
    others: dict[str, Choice]
    shown: Shown
    pairs: PairEvidence


def cached_or_quick(config: Config) -> Any:
    """The result of a config if it is there or quick to make, else None."""
    answer = session.workbench().ask(config, start=False)
    return getattr(answer, "artifact", None)


@dataclass(frozen=True)
class Subject:
    """The graph on screen and all that is known around it; what is unknown is None.

    Attributes:
        shown: The graph, and the one it is compared with.
        labels: The soft labels that it was learned from.
        clips: Labels and names of the clips.
        pairs: What is known of pairs of classes without any graph.
        visible: Ids of the edges that threshold and legend leave in the picture.
        affinity: LIR's weights.
        config: How the graph was searched; None for a graph from elsewhere.
        embeddings: Fetches the embeddings without and with LIR, or None.
        teacher: What gave the soft labels, with its calibration where it has one.
    """

    shown: Shown
    labels: SoftLabels
    clips: Clips | None
    pairs: PairEvidence
    visible: frozenset[str] = frozenset()
    affinity: Affinity | None = None
    config: GraphConfig | None = None
    embeddings: Callable[[], tuple[Embeddings, Embeddings] | None] = lambda: None
    teacher: Any = None

    @property
    def graph(self) -> ClassGraph:
        """The graph on screen."""
        return self.shown.graph

    @property
    def stability(self) -> GraphStability | None:
        """Its edge frequencies."""
        return self.shown.stability
