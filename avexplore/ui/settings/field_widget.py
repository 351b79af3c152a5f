"""One widget for a field of a config, as the field's type, range, steps and words ask for it.

All forms are made of it: a field that joins a config is in all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal, TypeVar, get_args, get_origin

import streamlit as st

from avexplore.config import Config, label_of, value_in_words
from avexplore.config.base import types_of
from avexplore.graph.search.engines import ENGINES
from avexplore.tuning.settings import PARAMETERS
from avexplore.ui.settings import driven, working
from avexplore.ui.shell import session

C = TypeVar("C", bound=Config)
_WORDS = {"graph.engine": {engine.name: engine.label for engine in ENGINES.values()}}
"""Words of values that a record elsewhere has."""
LARGEST = 2**53 - 1
"""A browser's whole numbers end here."""


def is_editable(owner: type[Config], name: str) -> bool:
    """Whether a field has a widget: it is a choice, a switch or a number."""
    kind = types_of(owner)[name]
    limits = owner.__dataclass_fields__[name].metadata
    return get_origin(kind) is Literal or kind is bool or "low" in limits


def editable(owner: type[Config], *without: str) -> list[str]:
    """The fields of a config that have widgets, in their order, but for some."""
    return [f.name for f in fields(owner) if f.name not in without and is_editable(owner, f.name)]


def field_widget(
    owner: type[Config],
    name: str,
    value: Any,
    *,
    key: str,
    is_driven: bool = False,
    on_change: Callable[..., None] | None = None,
    args: Sequence[Any] = (),
    bind: bool = False,
    options: Sequence[str] = (),
) -> Any:
    """Draw the widget of a field and return what it says.

    Args:
        owner: The config's class.
        name: The field's name.
        value: What the widget starts with.
        key: Its key in the session.
        is_driven: Whether the session has the value already (see `driven.key`), so that the widget starts with none.
        on_change: Called when the visitor has changed it, with `args`.
        args: For `on_change`.
        bind: Whether what differs from `value` stands in the address.
        options: Of a choice, those that mean something here; all if none are given.
    """
    kind, metadata = types_of(owner)[name], owner.__dataclass_fields__[name].metadata
    further: dict[str, Any] = {
        "help": metadata["help"],
        "key": key,
        "on_change": on_change,
        "args": tuple(args),
        "bind": "query-params" if bind else None,
    }
    label = label_of(owner, name)

    def start(**given: Any) -> dict[str, Any]:
        return further if is_driven else further | given

    def words(option: Any) -> str:
        return _WORDS.get(f"{owner.stage}.{name}", {}).get(option) or value_in_words(owner, name, option)

    if get_origin(kind) is Literal:
        choices = [choice for choice in get_args(kind) if not options or choice in options or choice == value]
        return st.selectbox(label, choices, format_func=words, **start(index=choices.index(value)))
    if kind is bool:
        return st.toggle(label, **start(value=value))
    if metadata.get("steps"):
        steps = sorted({*metadata["steps"], value})
        return st.select_slider(label, steps, format_func=words, **start(value=value))
    low, high = metadata["low"], metadata["high"]
    if type(None) in get_args(kind):
        found = st.number_input(label, int(low), int(high), step=1, placeholder="all", **start(value=value))
        return None if found is None else int(found)
    if kind is int:
        return int(st.number_input(label, int(low), min(int(high), LARGEST), step=1, **start(value=value)))
    # a tenth of the value's order of magnitude moves it noticeably, not wildly
    step = 10.0 ** (math.floor(math.log10(value)) - 1) if value > 0 else 0.01
    least = min(step, value) if metadata["open_low"] else float(low)
    return float(st.number_input(label, least, float(high), step=step, format="%g", **start(value=value)))


def form(
    config: C,
    names: Sequence[str] = (),
    *,
    key: str,
    bind: bool = False,
    options: Mapping[str, Sequence[str]] | None = None,
) -> C:
    """Widgets for a config's fields, in three columns, and the config with what was chosen.

    Args:
        config: What they start with.
        names: The fields; all that have widgets if none are named.
        key: Begins the widgets' keys.
        bind: As for `field_widget`.
        options: As for `field_widget`, by field.

    Raises:
        ConfigError: If the values contradict each other.
    """
    owner = type(config)
    cells = st.columns(3)
    chosen = {}
    for place, name in enumerate(names or editable(owner)):
        with cells[place % 3]:
            chosen[name] = field_widget(
                owner,
                name,
                getattr(config, name),
                key=f"{key}.{name}",
                bind=bind,
                options=(options or {}).get(name, ()),
            )
    return config.replace(**chosen)


def parameters(owner: type[Config], *without: str) -> list[str]:
    """The parameters of a config that have widgets, as `stage.field`, but for some."""
    names = [f"{owner.stage}.{name}" for name in editable(owner)]
    return [name for name in names if name not in without]


def grid(names: Sequence[str], columns: int = 2) -> None:
    """Widgets for parameters of the run that is looked at."""
    cells = st.columns(columns)
    for place, name in enumerate(names):
        with cells[place % columns]:
            setting(name)


def setting(parameter: str) -> Any:
    """The widget of a parameter of the run that is looked at: it shows and changes the working settings.

    Args:
        parameter: As `stage.field`, a key of `PARAMETERS`.
    """
    owner, f = PARAMETERS[parameter]
    parts = working.parts(session.current_run())
    value = getattr(parts[owner.stage], f.name)
    key = driven.key(f"set.{parameter}", value)
    return field_widget(owner, f.name, value, key=key, is_driven=True, on_change=_take, args=(parameter, key))


def _take(parameter: str, key: str) -> None:
    if driven.is_said(f"set.{parameter}", key):
        working.change({parameter: st.session_state[key]})
