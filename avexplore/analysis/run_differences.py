"""What differs between two runs, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from avexplore.artifacts import Clips
from avexplore.config import Config, label_of, upstream, value_in_words

STAGES = {
    "synthetic": "Data",
    "features": "Data",
    "soft_labels": "Soft labels",
    "teacher": "Teacher",
    "graph": "Class graph",
    "knowledge": "Rules",
    "stability": "Stability",
    "affinity": "Weights (A-hat)",
    "regularizer": "LIR",
    "student": "Student",
}
"""What the parts of a run are called, in the order of the method."""


@dataclass(frozen=True)
class Difference:
    """A field that two configs have different values in; "–" for a config that lacks it."""

    part: str
    field: str
    first: str
    second: str


def differences(first: Config, second: Config) -> list[Difference]:
    """All that differs between two configs, in the order of the method. What lies beside the address is left out.

    >>> from avexplore.config import SyntheticConfig
    >>> from avexplore.config.presets import preset
    >>> one = preset("quick", SyntheticConfig())
    >>> for found in differences(one, one.replace(margin=0.3)): print(found)
    Difference(part='Student', field='Margin', first='0.2', second='0.3')
    """
    one, other = ({part.stage: part for part in upstream(config)} for config in (first, second))
    found = []
    for stage, name in STAGES.items():
        ours, theirs = one.get(stage), other.get(stage)
        for field in _names(ours or theirs):
            values = [_words(part, field) for part in (ours, theirs)]
            if values[0] != values[1]:
                found.append(Difference(name, label_of(type(ours or theirs), field), *values))  # type: ignore[arg-type]
    return found


def together(found: Iterable[Difference]) -> list[Difference]:
    """Differences in a field of one name and with the same two values, as one of all their parts: a seed of all stages.

    >>> together([Difference("Teacher", "Seed", "1", "0"), Difference("Student", "Seed", "1", "0")])
    [Difference(part='Teacher, Student', field='Seed', first='1', second='0')]
    """
    parts: dict[tuple[str, str, str], list[str]] = {}
    for one in found:
        parts.setdefault((one.field, one.first, one.second), []).append(one.part)
    return [Difference(", ".join(names), *rest) for rest, names in parts.items()]


def _names(part: Config | None) -> Iterator[str]:
    for f in fields(part) if part is not None else ():
        if f.metadata.get("address") is not False and not isinstance(getattr(part, f.name), Config):
            yield f.name


def _words(part: Config | None, field: str) -> str:
    if part is None:
        return "–"
    value: Any = getattr(part, field)
    if isinstance(value, Config):
        return "–"
    if isinstance(value, tuple):
        return ", ".join(" → ".join(item) if isinstance(item, tuple) else str(item) for item in value) or "none"
    return value_in_words(type(part), field, value)


def same_clips(first: Clips, second: Clips) -> bool:
    """Whether two data sets hold the same clips with the same annotations and splits: their answers can be paired."""
    return (
        first.clip_ids == second.clip_ids
        and first.classes == second.classes
        and np.array_equal(first.hard_label, second.hard_label)
        and np.array_equal(first.split, second.split)
    )
