"""How the graph is searched, as widgets: every one explains itself in a sentence and stands in the address."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any, get_args, get_type_hints

import streamlit as st

from avexplore.config import Config, GraphConfig, field_help
from avexplore.ui.class_graph.state.settings import NAMES, Settings, key_of

PENALTIES = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 16.0)
"""Even steps on a logarithmic scale, nearly, and readable numbers."""


def _help(config: Config, field: str) -> str:
    kind: Any = type(config)
    return field_help(kind)[field]


def draw_penalty(base: GraphConfig) -> None:
    """The penalty discount, in steps that are even on a logarithmic scale."""
    options = sorted({*PENALTIES, base.penalty_discount})
    st.select_slider(
        "Penalty discount",
        options,
        value=base.penalty_discount,
        key=key_of("penalty_discount"),
        format_func=lambda value: f"{value:g}",
        help="How much better a further edge must fit to be kept: higher means fewer edges. "
        + field_help(GraphConfig)["penalty_discount"],
        bind="query-params",
        persist_state="session",
    )


def draw_choice(config: Config, field: str, label: str) -> None:
    """A selectbox over the choices that a config's field allows."""
    options = list(get_args(_hints(type(config))[field]))  # type: ignore[arg-type]
    st.selectbox(
        label,
        options,
        index=options.index(getattr(config, field)),
        key=key_of(field),
        format_func=lambda value: NAMES.get(value, value),
        help=_help(config, field),
        bind="query-params",
        persist_state="session",
    )


def draw_number(config: Config, field: str, label: str, *, highest: int | None = None, step: int = 1) -> None:
    """A whole number in the range that a config's field allows."""
    limits: Any = next(f for f in fields(config) if f.name == field).metadata
    st.number_input(
        label,
        min_value=int(limits["low"]),
        max_value=min(int(limits["high"]), highest or int(limits["high"])),
        value=int(getattr(config, field)),
        step=step,
        key=key_of(field),
        help=_help(config, field),
        bind="query-params",
        persist_state="session",
    )


def draw_search(base: Settings) -> None:
    """Everything else about the search."""
    draw_choice(base.graph, "engine", "Engine")
    draw_choice(base.graph, "strategy", "Strategy")
    left, right = st.columns(2)
    with left:
        draw_number(base.graph, "iterations", "Restarts or perturbations", highest=5000, step=50)
        draw_number(base.graph, "seed", "Seed")
    with right:
        draw_number(base.graph, "depth", "Depth")
        draw_choice(base.graph, "rows", "Clips")
    draw_choice(base.graph, "score", "Score")


def draw_stability(base: Settings) -> None:
    """How often the search is repeated, and against what."""
    left, right = st.columns(2)
    with left:
        draw_number(base.stability, "bootstraps", "Bootstraps", highest=2000, step=50)
        draw_number(base.stability, "seeds", "Search seeds", highest=200)
    with right:
        draw_number(base.stability, "null_bootstraps", "Null resamples", highest=2000, step=50)
        draw_number(base.affinity, "top_k", "Top K per class", highest=100)
    draw_choice(base.stability, "null", "Null model")


@cache
def _hints(kind: type) -> dict[str, Any]:
    """The types of a config's fields: looked up once, not for each widget at each step of a slider."""
    return get_type_hints(kind)
