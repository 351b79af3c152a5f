"""The settings of search, stability and weights, as the class graph page uses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from avexplore.config import AffinityConfig, Config, GraphConfig, StabilityConfig, upstream
from avexplore.ui.settings import working

if TYPE_CHECKING:
    from avexplore.workbench.runs import Run


@dataclass(frozen=True)
class Settings:
    """What the graph on the page is made with."""

    graph: GraphConfig
    stability: StabilityConfig
    affinity: AffinityConfig


def stored(run: Run) -> Settings:
    """What a run was made with; the defaults of the configs for bare soft labels."""
    return _of(working.base(run))


def current(run: Run) -> Settings:
    """What it would be made with the visitor's settings."""
    return _of(working.config(run))


def _of(config: Config) -> Settings:
    affinity = next(part for part in upstream(config) if isinstance(part, AffinityConfig))
    return Settings(affinity.stability.graph, affinity.stability, affinity)
