"""Widgets for the fields of a config, with their ranges and explanations taken from the config itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import streamlit as st

from avexplore.config import Config, field_help

C = TypeVar("C", bound=Config)

LABELS = {
    "dim": "Embedding dimensions",
    "hidden": "Hidden units",
    "members": "Ensemble members",
    "alpha": "Alignment weight (alpha)",
    "weight": "LIR weight (lambda)",
    "posterior_links": "Links in the embedding",
    "linked": "Linked in the embedding",
    "tau": "Soft-label threshold (tau)",
    "start_epoch": "LIR starts at epoch",
    "ramp_epochs": "Ramp, in epochs",
    "top_k": "Edges kept per node (top-K)",
    "threshold": "Edge frequency at least",
    "same_class": "Add same-class pairs (identity)",
    "neighbors": "Neighbors of the anchor (k)",
    "co_occurrence": "Co-occurrence strength",
    "semantic_weight": "AV-SAL weight",
}


def label_of(parameter: str) -> str:
    """What a field is called on the pages, by its name or as `stage.field`.

    >>> label_of("regularizer.weight"), label_of("teacher.head")
    ('LIR weight (lambda)', 'Teacher: head')
    """
    stage, dot, name = parameter.rpartition(".")
    if name in LABELS:
        return LABELS[name]
    words = name.replace("_", " ")
    return f"{stage.capitalize()}: {words}" if dot else words.capitalize()


def edit(
    config: C,
    names: Sequence[str],
    *,
    key: str,
    columns: int = 3,
    bind: bool = False,
    options: Mapping[str, Sequence[str]] | None = None,
) -> C:
    """Show the named fields in a grid and return the config with what was chosen.

    `options` narrows the choices of a field to those that mean something here.

    Values that the config refuses stay on screen beside the reason, and the config comes back unchanged. With `bind`,
    what differs from `config` stands in the page's address.
    """
    hints = get_type_hints(type(config))
    explained = field_help(type(config))
    metadata = {f.name: f.metadata for f in fields(config)}
    chosen: dict[str, Any] = {}
    grid = st.columns(columns)
    for position, name in enumerate(names):
        with grid[position % columns]:
            label = label_of(name)
            value, hint = getattr(config, name), hints[name]
            if options and name in options:
                hint = Literal[tuple(options[name])]
                value = value if value in options[name] else options[name][0]
            chosen[name] = _widget(
                label,
                value,
                hint,
                metadata[name],
                {
                    "help": explained.get(name, ""),
                    "key": f"{key}.{name}",
                    "bind": "query-params" if bind else None,
                },
            )
    return config.replace(**chosen)


def _widget(label: str, value: Any, hint: Any, metadata: Any, further: dict[str, Any]) -> Any:
    if get_origin(hint) is Literal:
        options = list(get_args(hint))
        return st.selectbox(label, options, index=options.index(value), format_func=_spoken, **further)
    if hint is bool:
        return st.toggle(label, value, **further)
    low, high = metadata["low"], metadata["high"]
    if hint is int:
        return int(st.number_input(label, int(low), int(high), int(value), **further))
    # a tenth of the value's order of magnitude moves it noticeably, not wildly
    step = 10.0 ** (math.floor(math.log10(value)) - 1) if value > 0 else 0.01
    low = step if metadata["open_low"] else float(low)
    return float(st.number_input(label, low, float(high), float(value), step, "%g", **further))


def _spoken(option: str) -> str:
    return option.replace("-", " ").replace("_", " ")
