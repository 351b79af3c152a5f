"""The settings of search and stability that the class graph page holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from avexplore.config import AffinityConfig, GraphConfig, KnowledgeConfig, StabilityConfig
from avexplore.graph.search.engines import ENGINES

NAMES = {
    **{engine.name: engine.label for engine in ENGINES.values()},
    "bic": "BIC (Gaussian)",
    "bdeu": "BDeu (discretized)",
    "kernel": "kernel (small data only)",
    "raw": "as they are",
    "logit": "log-odds",
    "clr": "centered log-ratio",
    "ilr": "isometric log-ratio",
    "drop-one": "one class left out",
    "rank": "normal ranks",
    "class-centered": "minus class means",
    "single": "one start",
    "polished": "one start, polished",
    "perturbed": "perturbations that keep parents",
    "restarts": "restarts",
    "iterated": "perturbations, parents grown anew",
    "train": "training clips",
    "all": "all clips (test too)",
    "none": "none",
    "within-class": "shuffled within class",
    "decoupled": "modalities decoupled",
    "one-hot": "one-hot labels",
}


SEARCH_FIELDS = ("engine", "score", "transform", "penalty_discount", "depth", "strategy", "iterations", "rows", "seed")


STABILITY_FIELDS = ("bootstraps", "null", "null_bootstraps", "seeds")


@dataclass(frozen=True)
class Settings:
    """What the controls ask for."""

    graph: GraphConfig
    stability: StabilityConfig
    affinity: AffinityConfig


def key_of(field: str) -> str:
    """Session key and query parameter of a control.

    >>> key_of("penalty_discount")
    'g_penalty_discount'
    """
    return f"g_{field}"


def defaults(run: Any) -> Settings:
    """What a run was made with; the defaults of the configs for bare soft labels."""
    regularizer = run.student.regularizer if run.student is not None else None
    if regularizer is not None:
        affinity = regularizer.affinity
    else:
        affinity = AffinityConfig(StabilityConfig(GraphConfig(run.soft_labels)))
    return Settings(affinity.stability.graph, affinity.stability, affinity)


def values(settings: Settings) -> dict[str, Any]:
    """The settings as values of the controls, by session key."""
    found = {key_of(name): getattr(settings.graph, name) for name in SEARCH_FIELDS}
    found |= {key_of(name): getattr(settings.stability, name) for name in STABILITY_FIELDS}
    return found | {key_of("top_k"): settings.affinity.top_k}


def current(base: Settings, rules: KnowledgeConfig) -> Settings:
    """What the controls ask for now, on top of what the run was made with."""
    state = st.session_state

    def chosen(names: tuple[str, ...]) -> dict[str, Any]:
        return {name: state[key_of(name)] for name in names if key_of(name) in state}

    graph = base.graph.replace(**chosen(SEARCH_FIELDS), knowledge=rules)
    stability = base.stability.replace(graph=graph, **chosen(STABILITY_FIELDS))
    return Settings(graph, stability, base.affinity.replace(stability=stability, **chosen(("top_k",))))
