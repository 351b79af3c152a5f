"""Graphs kept for comparison, as text in an address: how each differs from the graph that its run was made with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from avexplore.config import GraphConfig, TeacherConfig, value_in_words
from avexplore.errors import AvexploreError, ConfigError
from avexplore.ui.class_graph.state import rules as rules_of

SEARCH_FIELDS = tuple(f.name for f in fields(GraphConfig) if f.name not in ("soft_labels", "knowledge"))
TEACHER_FIELDS = ("epochs", "seed")
"""What may differ in the teacher."""
MOST = 12
"""So many graphs can be kept at once; an address has an end."""

Kept = Mapping[str, tuple[str, GraphConfig]]
"""Name and config of each kept graph, by its key."""


def key_of(config: GraphConfig) -> str:
    """The key of a kept graph."""
    return f"pin-{config.address[:8]}"


def named(configs: Sequence[GraphConfig], base: GraphConfig) -> dict[str, tuple[str, GraphConfig]]:
    """Graphs to keep, with what each is called."""
    return {key_of(config): (f"pinned: {describe(config, base)}", config) for config in configs}


def describe(config: GraphConfig, base: GraphConfig) -> str:
    """What tells a graph from others of its run.

    >>> from avexplore.config import SyntheticConfig
    >>> base = GraphConfig(TeacherConfig(SyntheticConfig()))
    >>> describe(base.replace(soft_labels=base.soft_labels.replace(epochs=10), seed=3), base)
    'teacher of 10 epochs, c = 2, seed 3'
    """
    found = []
    ours, theirs = config.soft_labels, base.soft_labels
    if isinstance(ours, TeacherConfig) and isinstance(theirs, TeacherConfig):
        found += [f"teacher of {ours.epochs} epochs"] * (ours.epochs != theirs.epochs)
        found += [f"teacher's seed {ours.seed}"] * (ours.seed != theirs.seed)
    found.append(f"c = {config.penalty_discount:g}")
    for name in SEARCH_FIELDS:
        value = getattr(config, name)
        if name != "penalty_discount" and value != getattr(base, name):
            words = value_in_words(GraphConfig, name, value)
            found.append(f"{name} {words}" if isinstance(value, (int, float)) else words)
    count = len(config.knowledge.required) + len(config.knowledge.forbidden) + sum(map(len, config.knowledge.tiers))
    found += [f"{count} rule{'' if count == 1 else 's'}"] * bool(count)
    return ", ".join(found)


def write(kept: Kept, base: GraphConfig, nodes: Sequence[str]) -> str:
    """All kept graphs as text.

    >>> from avexplore.config import SyntheticConfig
    >>> base = GraphConfig(TeacherConfig(SyntheticConfig()))
    >>> write({"a": ("", base.replace(seed=3)), "b": ("", base)}, base, ())
    'seed.3!as-it-is'
    """
    return "!".join(_write_one(config, base, nodes) for _, config in kept.values())


def _write_one(config: GraphConfig, base: GraphConfig, nodes: Sequence[str]) -> str:
    parts = [
        f"{name}.{getattr(config, name)}" for name in SEARCH_FIELDS if getattr(config, name) != getattr(base, name)
    ]
    if isinstance(config.soft_labels, TeacherConfig) and isinstance(base.soft_labels, TeacherConfig):
        parts += [
            f"teacher-{name}.{getattr(config.soft_labels, name)}"
            for name in TEACHER_FIELDS
            if getattr(config.soft_labels, name) != getattr(base.soft_labels, name)
        ]
    if config.knowledge != base.knowledge:
        parts.append(f"rules.{rules_of.encode(config.knowledge, nodes)}")
    return "~".join(parts) or "as-it-is"


def read(text: str, base: GraphConfig, nodes: Sequence[str]) -> dict[str, tuple[str, GraphConfig]]:
    """Read what `write` wrote; graphs that make no sense here are left out."""
    found = (_read_one(part, base, nodes) for part in text.split("!")[:MOST] if text)
    return named([config for config in found if config is not None], base)


def _read_one(text: str, base: GraphConfig, nodes: Sequence[str]) -> GraphConfig | None:
    pairs = dict(part.split(".", 1) for part in text.split("~") if "." in part)
    try:
        changes: dict[str, Any] = {
            name: type(getattr(base, name))(pairs[name]) for name in SEARCH_FIELDS if name in pairs
        }
        of_teacher = {name: int(pairs[f"teacher-{name}"]) for name in TEACHER_FIELDS if f"teacher-{name}" in pairs}
        if of_teacher and isinstance(base.soft_labels, TeacherConfig):
            changes["soft_labels"] = base.soft_labels.replace(**of_teacher)
        if "rules" in pairs:
            changes["knowledge"] = rules_of.decode(pairs["rules"], nodes)
        return base.replace(**changes)
    except (ValueError, AvexploreError):
        return None


def numbers(text: str) -> list[int]:
    """Whole numbers as people type them.

    Raises:
        ConfigError: If there is anything else.

    >>> numbers("10, 20 30;40"), numbers(" ")
    ([10, 20, 30, 40], [])
    """
    found = re.split(r"[,;\s]+", text.strip()) if text.strip() else []
    for part in found:
        if not re.fullmatch(r"[0-9]{1,9}", part):
            raise ConfigError(f"{part[:20]!r} is no whole number", where="other teachers", fix="Write, say, 10, 20, 30")
    return [int(part) for part in found]


def of_teachers(config: GraphConfig, epochs: Sequence[int], seeds: Sequence[int]) -> list[GraphConfig]:
    """The same search on the soft labels of other teachers: every epoch with every seed; none given keeps its own.

    Raises:
        ConfigError: If an epoch or seed is out of range.
    """
    teacher = config.soft_labels
    if not isinstance(teacher, TeacherConfig):
        return []
    return [
        config.replace(soft_labels=teacher.replace(epochs=epoch, seed=seed))
        for epoch in (epochs or [teacher.epochs])
        for seed in (seeds or [teacher.seed])
    ]
