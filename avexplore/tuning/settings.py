"""Working settings: what a visitor has changed of a stored run, as one value that an address can hold."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args, get_origin

from avexplore.analysis.run_differences import STAGES
from avexplore.config import (
    AffinityConfig,
    Config,
    GraphConfig,
    KnowledgeConfig,
    RegularizerConfig,
    StabilityConfig,
    StudentConfig,
    TeacherConfig,
    acts_at,
    label_of,
    override,
    upstream,
    value_in_words,
    within_sentence,
)
from avexplore.config.base import Acts, checked, types_of
from avexplore.errors import ConfigError

C = TypeVar("C", bound=Config)

LONGEST = 16_000
"""Characters of an address; rules on every pair of some dozen classes stay below."""
_WHERE = "settings"
_STAGES: tuple[type[Config], ...] = (
    GraphConfig,
    StabilityConfig,
    AffinityConfig,
    RegularizerConfig,
    KnowledgeConfig,
    StudentConfig,
    TeacherConfig,
)


def _parameters() -> dict[str, tuple[type[Config], dataclasses.Field[Any]]]:
    found = {}
    for cls in _STAGES:
        for f in dataclasses.fields(cls):
            kind = types_of(cls)[f.name]
            if not any(isinstance(k, type) and issubclass(k, Config) for k in (kind, *get_args(kind))):
                found[f"{cls.stage}.{f.name}"] = cls, f
    return found


PARAMETERS: Mapping[str, tuple[type[Config], dataclasses.Field[Any]]] = _parameters()
"""All that can be changed of a run, by `stage.field`: its config class and its field. Data stay what they are."""


@dataclass(frozen=True)
class WorkingSettings:
    """What differs from a stored run. Without changes it is false.

    Attributes:
        changes: Name (`stage.field`, a key of `PARAMETERS`) and value of each change. Given in any order, kept in the
            order of `PARAMETERS`.

    Raises:
        ConfigError: If there is no such parameter, or its value is out of range.

    >>> settings = WorkingSettings.of({"regularizer.posterior_links": 0.3, "graph.penalty_discount": 3})
    >>> settings.encode()
    'graph.penalty_discount-3*regularizer.posterior_links-0.3'
    >>> str(settings)
    '2 changes: penalty 3, link strength 0.3'
    >>> WorkingSettings.decode(settings.encode()) == settings
    True
    """

    changes: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        given: dict[str, Any] = {}
        for name, value in self.changes:
            if name not in PARAMETERS:
                raise ConfigError(f"There is no parameter {name[:80]!r}", where=_WHERE, fix="Leave it out")
            if name in given:
                raise ConfigError(f"{name} stands there twice", where=_WHERE, fix="Leave one out")
            given[name] = checked(*PARAMETERS[name], value)
        ordered = tuple((name, given[name]) for name in PARAMETERS if name in given)
        object.__setattr__(self, "changes", ordered)

    @classmethod
    def of(cls, changes: Mapping[str, Any]) -> WorkingSettings:
        """From values by name."""
        return cls(tuple(changes.items()))

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __len__(self) -> int:
        return len(self.changes)

    def __str__(self) -> str:
        if not self:
            return "no changes"
        return f"{len(self)} change{'' if len(self) == 1 else 's'}: {', '.join(self.words())}"

    def replace(self, **values: Any) -> WorkingSettings:
        """A copy with more changes, given as `stage__field=value`, or as `**{"stage.field": value}`."""
        named = {name.replace("__", ".", 1): value for name, value in values.items()}
        return self.of(dict(self.changes) | named)

    def without(self, *names: str) -> WorkingSettings:
        """A copy in which these parameters are as stored."""
        return WorkingSettings(tuple(change for change in self.changes if change[0] not in names))

    def acting(self, at: Acts) -> WorkingSettings:
        """Only the changes that act there: "reading" ones are answered from a stored student's outputs at once,
        "training" ones take a training.
        """
        return WorkingSettings(tuple(change for change in self.changes if parameter_acts(change[0]) == at))

    def apply(self, config: C) -> C:
        """The config with all changes.

        Args:
            config: A student with LIR, as a run's; of any other config, what it has of these parameters is changed.

        Raises:
            ConfigError: If the changes contradict each other, or the rest of the config.
        """
        present = {part.stage for part in upstream(config)}
        by_stage: dict[str, dict[str, Any]] = {}
        for name, value in self.changes:
            stage, _, field = name.partition(".")
            if stage in present:
                by_stage.setdefault(stage, {})[field] = value
        return override(config, by_stage, where=_WHERE)

    def words(self) -> list[str]:
        """Each change in plain words.

        >>> WorkingSettings.of({"knowledge.forbidden": [("audio:A", "audio:B")], "graph.transform": "logit"}).words()
        ['soft labels log-odds', 'one edge forbidden']
        """
        return [_in_words(name, value) for name, value in self.changes]

    def encode(self) -> str:
        """As text for an address, without characters that an address has to escape but `*`."""
        return "*".join(f"{name}-{_write(value)}" for name, value in self.changes)

    @classmethod
    def decode(cls, text: str) -> WorkingSettings:
        """Read what `encode` wrote.

        Raises:
            ConfigError: If the text is anything else.
        """
        if len(text) > LONGEST:
            raise ConfigError("They are too long to be read", where=_WHERE, fix="Start from the run as it is stored")
        changes = []
        for part in text.split("*") if text else ():
            name, dash, value = part.partition("-")
            if not dash or name not in PARAMETERS:
                raise ConfigError(f"There is no parameter {name[:80]!r}", where=_WHERE, fix="Leave it out")
            owner, f = PARAMETERS[name]
            try:
                changes.append((name, _read(value, types_of(owner)[f.name])))
            except ValueError as error:
                raise ConfigError(f"Cannot read {value[:40]!r}", where=name, fix="Leave it out") from error
        return cls(tuple(changes))


def difference(stored: Config, working: Config) -> WorkingSettings:
    """What was changed from one config to the other: applied to the first, it gives the second.

    Raises:
        ConfigError: If they differ in more than parameters: in their data, or in whether they have a graph.
    """
    ours, theirs = ({part.stage: part for part in upstream(config)} for config in (stored, working))
    changes = {}
    for name, (cls, f) in PARAMETERS.items():
        one, other = ours.get(cls.stage), theirs.get(cls.stage)
        if one is not None and other is not None and getattr(one, f.name) != getattr(other, f.name):
            changes[name] = getattr(other, f.name)
    found = WorkingSettings.of(changes)
    if found.apply(stored) != working:
        raise ConfigError("They differ in more than parameters", where=_WHERE, fix="Compare two runs of the same data")
    return found


def parameter_acts(name: str) -> Acts:
    """Where a parameter acts.

    >>> parameter_acts("graph.penalty_discount"), parameter_acts("regularizer.weight")
    ('reading', 'training')
    """
    cls, f = PARAMETERS[name]
    return acts_at(cls, f.name)


def parameter_label(name: str) -> str:
    """What a parameter is called where no form around it says what it belongs to.

    >>> parameter_label("regularizer.posterior_links"), parameter_label("teacher.epochs"), parameter_label("graph.seed")
    ('Link strength', 'Teacher: epochs', 'Class graph: seed')
    """
    if name not in PARAMETERS:  # of the data, which a sweep may vary
        stage, _, field = name.partition(".")
        return f"{stage.capitalize()}: {field.replace('_', ' ')}"
    cls, f = PARAMETERS[name]
    label = label_of(cls, f.name)
    alone = sum(label_of(other, g.name) == label for other, g in PARAMETERS.values()) == 1
    return label if alone and cls is not TeacherConfig else f"{STAGES[cls.stage]}: {within_sentence(label)}"


# --- words --------------------------------------------------------------------------------------------------------

_RULES: dict[str, tuple[str, str]] = {
    "knowledge.required": ("edge required", "edges required"),
    "knowledge.forbidden": ("edge forbidden", "edges forbidden"),
    "knowledge.tiers": ("tier", "tiers"),
    "knowledge.forbidden_blocks": ("block of edges forbidden", "blocks of edges forbidden"),
}


def _in_words(name: str, value: Any) -> str:
    if name in _RULES:
        one, many = _RULES[name]
        count = {0: "no", 1: "one"}.get(len(value), str(len(value)))
        return f"{count} {one if len(value) == 1 else many}"
    cls, f = PARAMETERS[name]
    return f"{within_sentence(parameter_label(name))} {value_in_words(cls, f.name, value)}"


# --- text of values -----------------------------------------------------------------------------------------------
# Of what an address takes as it is, `-` stands before an escaped byte, `_` ends a name, `.` ends a list of names.


def _write(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "none"
    if isinstance(value, (int, float)):
        return repr(value).removesuffix(".0").replace("e+", "e")
    if isinstance(value, str):
        return value
    return "".join("".join(f"{_escaped(member)}_" for member in group) + "." for group in value)


def _escaped(name: str) -> str:
    def escape(found: re.Match[str]) -> str:
        return "".join(f"-{byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass"))

    return re.sub("[^A-Za-z0-9]+", escape, name)


def _plain(text: str) -> str:
    def plain(found: re.Match[str]) -> str:
        return bytes.fromhex(found[0].replace("-", "")).decode("utf-8", "surrogatepass")

    read = re.sub("(?:-[0-9A-F]{2})+", plain, text)
    if _escaped(read) != text:
        raise ValueError("not as it is written")
    return read


def _groups(text: str) -> tuple[tuple[str, ...], ...]:
    groups = text.split(".")
    if groups.pop():
        raise ValueError("not as it is written")
    found = []
    for group in groups:
        members = group.split("_")
        if members.pop():
            raise ValueError("not as it is written")
        found.append(tuple(map(_plain, members)))
    return tuple(found)


def _read(text: str, kind: Any) -> Any:
    if get_origin(kind) is Literal:
        return text
    if get_origin(kind) is tuple:
        return _groups(text)
    if type(None) in get_args(kind):
        return None if text == "none" else _read(text, get_args(kind)[0])
    readers: dict[Any, Callable[[str], Any]] = {bool: {"on": True, "off": False}.__getitem__, int: int, float: float}
    try:
        return readers[kind](text)
    except KeyError as error:
        raise ValueError("neither on nor off") from error
