"""What one pass of the class graph page is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from avexplore.ui import session

if TYPE_CHECKING:
    from avexplore.artifacts import ClassGraph, Clips, GraphStability, SoftLabels
    from avexplore.config import Config, KnowledgeConfig
    from avexplore.runs import Run
    from avexplore.ui.graph_controls import Settings
    from avexplore.ui.graph_subjects import Choice


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
    """Everything that one pass of the page is about; `others` are the graphs to compare with, by their key."""

    run: Run
    labels: SoftLabels
    clips: Clips | None
    settings: Settings
    rules: KnowledgeConfig
    nodes: tuple[str, ...]
    others: dict[str, Choice]
    shown: Shown


def at_hand(config: Config) -> Any:
    """The result of a config if it is there or quick to make, else None."""
    answer = session.workbench().ask(config, start=False)
    return getattr(answer, "artifact", None)
