"""One frozen dataclass per stage; upstream configs nest, and the whole has an address.

The address of a result is the SHA-256 of (stage, format version, canonical JSON of the fields). What changes
a result is a field (seed, penalty, engine); what does not (device, workers, where a file lies) is not.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, ClassVar, Literal, Self, Union, get_args, get_origin, get_type_hints

from avexplore.errors import ConfigError

C = typing.TypeVar("C", bound="Config")

_REGISTRY: dict[str, type[Config]] = {}


Acts = Literal["reading", "training"]
"""Where a field acts: on how the outputs of a trained student are read, or only by training anew."""


def setting(
    default: Any = dataclasses.MISSING,
    *,
    help: str = "",
    label: str = "",
    acts: Acts | Literal[""] = "",
    since: str = "",
    **metadata: Any,
) -> Any:
    """A field of a config.

    Args:
        default: Its value where nothing is said.
        help: One sentence; user interfaces show it.
        label: What user interfaces call it; the field's name in words if nothing is said.
        acts: Where it acts; as the config's other fields do if nothing is said.
        since: The first version with this field, if it joined its config later. It stays out of the address while it
            has its default, so that results from before keep theirs: the default has to mean what was done then.
        metadata: What else is known of it: `choices` says what its values are called, `steps` lists readable values,
            for a slider.
    """
    known = {"help": help, "label": label, "acts": acts, "since": since}
    return field(default=default, metadata={**known, **metadata})


def within(low: float, high: float, default: Any, *, open_low: bool = False, **metadata: Any) -> Any:
    """A number in [low, high], or (low, high] with `open_low`. User interfaces read the range from here."""
    return setting(default, low=low, high=high, open_low=open_low, **metadata)


def location(default: Any) -> Any:
    """A field that says where something lies, not what it is: it does not enter the address."""
    return field(default=default, metadata={"help": "", "address": False}, compare=False)


@dataclass(frozen=True)
class Config:
    """Base of every config: checks its fields at birth and knows its address."""

    stage: ClassVar[str] = ""
    format_version: ClassVar[int] = 1
    uses: ClassVar[tuple[str, ...]] = ()
    """Stages whose results it is made from although their configs are not among its fields."""
    acts: ClassVar[Acts] = "training"
    """Where its fields act, unless they say otherwise."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.stage:
            _REGISTRY[cls.stage] = cls

    def __post_init__(self) -> None:
        for f in fields(self):
            object.__setattr__(self, f.name, checked(type(self), f, getattr(self, f.name)))
        self._check()

    def _check(self) -> None:
        """Refuse what single fields cannot show. Overridden where fields depend on each other."""

    def to_json(self, *, address_only: bool = False) -> dict[str, Any]:
        """The config as JSON values, with the stage name at each level; `address_only` leaves out what is
        beside the address: locations, and fields that joined later and have their default.
        """
        content = {
            f.name: _encode(getattr(self, f.name), address_only)
            for f in fields(self)
            if not (address_only and self._is_beside_the_address(f))
        }
        return {"stage": self.stage, **content}

    def _is_beside_the_address(self, f: dataclasses.Field[Any]) -> bool:
        is_as_before = bool(f.metadata.get("since")) and getattr(self, f.name) == f.default
        return f.metadata.get("address") is False or is_as_before

    @cached_property
    def address(self) -> str:
        """64 hexadecimal digits; equal configs have equal addresses."""
        payload = {"version": self.versions(), "config": self.to_json(address_only=True)}
        text = json.dumps(payload, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def versions(self) -> dict[str, int]:
        """Format versions of this stage and all upstream stages: raising one recomputes everything below it."""
        found = {self.stage: self.format_version}
        # Only above 1: addresses are older than `uses`, and what lies at them stays valid.
        found |= {stage: version for stage in self.uses if (version := _REGISTRY[stage].format_version) > 1}
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Config):
                found |= value.versions()
        return found

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed (and checked again)."""
        return dataclasses.replace(self, **changes)


def from_json(content: Mapping[str, Any]) -> Config:
    """Read a config that `to_json` wrote.

    Raises:
        ConfigError: If the stage or a field is unknown, missing or out of range.
    """
    known_stage = isinstance(content, Mapping) and isinstance(content.get("stage"), str)
    if not known_stage or content["stage"] not in _REGISTRY:
        stage = content.get("stage") if isinstance(content, Mapping) else type(content).__name__
        raise ConfigError(f"Unknown stage {stage!r}", where="config", fix=f"Use one of {', '.join(sorted(_REGISTRY))}")
    cls = _REGISTRY[content["stage"]]
    known = {f.name for f in fields(cls)}
    if unknown := set(content) - known - {"stage"}:
        raise ConfigError(
            f"Unknown field {sorted(unknown)[0]!r}", where=cls.stage, fix=f"Known: {', '.join(sorted(known))}"
        )
    values = {name: _decode(value) for name, value in content.items() if name != "stage"}
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(str(error), where=cls.stage) from error


def _encode(value: Any, address_only: bool) -> Any:
    if isinstance(value, Config):
        return value.to_json(address_only=address_only)
    if isinstance(value, tuple):
        return [_encode(item, address_only) for item in value]
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, Mapping):
        return from_json(value)
    if isinstance(value, list):
        return tuple(_decode(item) for item in value)
    return value


def types_of(cls: type[Config]) -> dict[str, Any]:
    """The type of each field, resolved."""
    if "_resolved_hints" not in cls.__dict__:
        cls._resolved_hints = get_type_hints(cls)  # type: ignore[attr-defined]
    return cls._resolved_hints  # type: ignore[attr-defined, no-any-return]


def checked(cls: type[Config], f: dataclasses.Field[Any], value: Any) -> Any:
    """A value for a field, in the field's type.

    Raises:
        ConfigError: If it has another type or is out of range.
    """
    where = f"{cls.stage or cls.__name__}.{f.name}"
    if isinstance(value, int) and abs(value) >= 10**300:  # Python refuses to write out what is longer
        raise ConfigError("The number is out of any range", where=where, fix="Use a smaller one")
    value = _typed(value, types_of(cls)[f.name], where)
    low, high = f.metadata.get("low"), f.metadata.get("high")
    if low is not None and value is not None:
        below = value <= low if f.metadata["open_low"] else value < low
        if below or value > high:
            bracket = "(" if f.metadata["open_low"] else "["
            raise ConfigError(f"{value} is out of range", where=where, fix=f"Use a value in {bracket}{low}, {high}]")
    return value


def _typed(value: Any, hint: Any, where: str) -> Any:
    origin = get_origin(hint)
    if origin is Literal:
        if value not in get_args(hint):
            raise ConfigError(
                f"{value!r} is not a choice", where=where, fix=f"Use one of {', '.join(map(str, get_args(hint)))}"
            )
        return value
    if origin in (Union, types.UnionType):
        for option in get_args(hint):
            if option is type(None):
                if value is None:
                    return None
            elif isinstance(option, type) and isinstance(value, option) and not isinstance(value, bool):
                return _typed(value, option, where)
        options = [o for o in get_args(hint) if o is not type(None)]
        return _typed(value, options[0], where)
    if origin is tuple:
        if not isinstance(value, (tuple, list)):
            raise ConfigError(f"Expected a list, got {value!r}", where=where)
        inner = get_args(hint)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_typed(item, inner[0], where) for item in value)
        if len(inner) != len(value):
            raise ConfigError(f"Expected {len(inner)} items, got {len(value)}", where=where)
        return tuple(_typed(item, kind, where) for item, kind in zip(value, inner, strict=True))
    if hint is bool:
        if not isinstance(value, bool):
            raise ConfigError(f"Expected true or false, got {value!r}", where=where)
        return value
    if hint is int:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not _is_whole(value):
            raise ConfigError(f"Expected a whole number, got {value!r}", where=where)
        return int(value)
    if hint is float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not _is_finite(value):
            raise ConfigError(f"Expected a finite number, got {value!r}", where=where)
        return float(value) + 0.0  # -0.0 equals 0.0, and equal configs have equal addresses
    if isinstance(hint, type) and not isinstance(value, hint):
        raise ConfigError(f"Expected {hint.__name__}, got {type(value).__name__}", where=where)
    return value


def _is_whole(value: float) -> bool:
    return isinstance(value, int) or value.is_integer()


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond the largest float
        return False


def label_of(cls: type[Config], name: str) -> str:
    """What user interfaces call a field.

    >>> from avexplore.config import GraphConfig
    >>> label_of(GraphConfig, "penalty_discount"), label_of(GraphConfig, "depth")
    ('Penalty', 'Depth')
    """
    f = cls.__dataclass_fields__[name]
    return f.metadata.get("label") or name.replace("_", " ").capitalize()


def within_sentence(name: str) -> str:
    """A name without its capital, if it starts with a word.

    >>> within_sentence("Plain correlation"), within_sentence("LIR weight"), within_sentence("CCA")
    ('plain correlation', 'LIR weight', 'CCA')
    """
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


def value_in_words(cls: type[Config], name: str, value: Any) -> str:
    """What user interfaces call a value of a field.

    >>> from avexplore.config import AffinityConfig, GraphConfig
    >>> value_in_words(GraphConfig, "transform", "logit"), value_in_words(GraphConfig, "penalty_discount", 3.0)
    ('log-odds', '3')
    >>> value_in_words(AffinityConfig, "directed", True), value_in_words(AffinityConfig, "source", "true-graph")
    ('on', 'true graph')
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "all"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str):
        named: Mapping[str, str] = cls.__dataclass_fields__[name].metadata.get("choices", {})
        return named.get(value, value.replace("-", " ").replace("_", " "))
    return str(value)


def acts_at(cls: type[Config], name: str) -> Acts:
    """Where a field acts.

    >>> from avexplore.config import RegularizerConfig
    >>> acts_at(RegularizerConfig, "weight"), acts_at(RegularizerConfig, "posterior_links")
    ('training', 'reading')
    """
    return cls.__dataclass_fields__[name].metadata.get("acts") or cls.acts


def upstream(config: Config) -> typing.Iterator[Config]:
    """The config and everything upstream of it, this one first."""
    yield config
    for f in fields(config):
        value = getattr(config, f.name)
        if isinstance(value, Config):
            yield from upstream(value)


def override(config: C, changes: Mapping[str, Mapping[str, Any]], *, where: str = "--set") -> C:
    """A copy with fields changed by stage name, wherever the stage stands in the config.

    Args:
        config: What is copied.
        changes: By stage, by field.
        where: What a message names as the place of a mistake.

    Raises:
        ConfigError: If a stage is not part of the config, or a field not part of the stage.

    >>> from avexplore.config import SyntheticConfig, TeacherConfig
    >>> changed = override(TeacherConfig(SyntheticConfig()), {"synthetic": {"clips": 100}, "teacher": {"epochs": 2}})
    >>> changed.data.clips, changed.epochs
    (100, 2)
    """
    stages = {part.stage: type(part) for part in upstream(config)}
    for stage, values in changes.items():
        if stage not in stages:
            raise ConfigError(f"No stage {stage!r} here", where=where, fix=f"Use one of {', '.join(sorted(stages))}")
        known = {f.name for f in fields(stages[stage])}
        if unknown := set(values) - known:
            raise ConfigError(
                f"No field {sorted(unknown)[0]!r}", where=stage, fix=f"Use one of {', '.join(sorted(known))}"
            )
    return _overridden(config, changes)


def _overridden(config: C, changes: Mapping[str, Mapping[str, Any]]) -> C:
    values = {f.name: getattr(config, f.name) for f in fields(config)}
    values = {name: _overridden(v, changes) if isinstance(v, Config) else v for name, v in values.items()}
    return type(config)(**(values | dict(changes.get(config.stage, {}))))
