"""What one pass of the class graph page is about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from avexplore.ui.parts.job_progress import cached_or_quick

if TYPE_CHECKING:
    from avexplore.analysis.pair_evidence import PairEvidence
    from avexplore.artifacts import Affinity, ClassGraph, Clips, Embeddings, GraphStability, SoftLabels
    from avexplore.config import GraphConfig, KnowledgeConfig
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
    """The graph on screen and all that is known around it; what is unknown is None.

    Attributes:
        run: The run that is looked at.
        labels: The soft labels that the graph was learned from.
        clips: Labels and names of the clips.
        settings: What the controls say.
        others: The graphs to compare with, by their key.
        shown: The graph, and the one that it is compared with.
        pairs: What is known of pairs of classes without any graph.
        teacher: What gave the soft labels, with its calibration where it has one.
        visible: Ids of the edges that threshold and legend leave in the picture; known once it is drawn.
    """

    run: Run
    labels: SoftLabels
    clips: Clips | None
    settings: Settings
    others: dict[str, Choice]
    shown: Shown
    pairs: PairEvidence
    teacher: Any = None
    visible: frozenset[str] = frozenset()

    @property
    def graph(self) -> ClassGraph:
        """The graph on screen."""
        return self.shown.graph

    @property
    def stability(self) -> GraphStability | None:
        """Its edge frequencies."""
        return self.shown.stability

    @property
    def nodes(self) -> tuple[str, ...]:
        """The 2C class nodes."""
        return self.labels.nodes

    @property
    def rules(self) -> KnowledgeConfig:
        """The reader's rules."""
        return self.settings.graph.knowledge

    @property
    def config(self) -> GraphConfig | None:
        """How the graph was searched; None for a graph from elsewhere."""
        return self.settings.graph if self.shown.is_own else None

    @cached_property
    def affinity(self) -> Affinity | None:
        """LIR's weights; None without bootstraps, and for those that the true labels give."""
        from avexplore.graph.affinity import build_affinity

        config = self.settings.affinity
        if self.stability is None or config.source in ("true-graph", "true-pairs"):
            return None
        return build_affinity(config, self.stability, soft_labels=self.labels)

    def embeddings(self) -> tuple[Embeddings, Embeddings] | None:
        """The embeddings without and with LIR, where both are there."""
        if self.run.student is None:
            return None
        before, after = cached_or_quick(self.run.student.twin), cached_or_quick(self.run.student)
        return None if before is None or after is None else (before.embeddings, after.embeddings)
