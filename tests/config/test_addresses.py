"""Addresses last: what an earlier version stored is found by this one."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from avexplore.config import Config, SyntheticConfig, from_json, within
from avexplore.config.presets import preset
from avexplore.folders import app_folder

GOLDEN: dict[str, str] = json.loads(Path(__file__).with_name("golden_addresses.json").read_text("utf-8"))
"""Addresses of the version of November 2026. They may only grow in number: see `Config.format_version` and `since`."""


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_addresses_hold(name: str) -> None:
    assert named(name).address == GOLDEN[name]


def named(name: str) -> Config:
    """The config behind `preset/part/part`."""
    first, *parts = name.split("/")
    config: Any = preset(first, SyntheticConfig())
    for part in parts:
        config = getattr(config, part)
    assert isinstance(config, Config)
    return config


def shipped() -> list[Path]:
    return sorted((app_folder() / "models").glob("*/*/manifest.json"))


@pytest.mark.parametrize("manifest", shipped(), ids=lambda path: f"{path.parts[-3]}/{path.parts[-2][:8]}")
def test_every_shipped_result_lies_at_the_address_of_its_config(manifest: Path) -> None:
    config = from_json(json.loads(manifest.read_text("utf-8"))["config"])
    assert config.address == manifest.parent.name


@dataclass(frozen=True)
class Before(Config):
    stage: ClassVar[str] = ""
    seed: int = 0


@dataclass(frozen=True)
class After(Config):
    stage: ClassVar[str] = ""
    seed: int = 0
    strength: float = within(0.0, 1.0, 0.5, since="9.9")


def test_a_later_field_leaves_the_address_alone_while_it_has_its_default() -> None:
    assert After(3).address == Before(3).address
    assert After(3, 0.25).address != Before(3).address
    assert After(3, 0.5).address == After(3).address


def test_a_later_field_is_still_written_and_read() -> None:
    assert After(3).to_json()["strength"] == 0.5


def test_whatever_joined_later_has_a_default() -> None:
    def kinds(kind: type[Config]) -> list[type[Config]]:
        return [kind, *(below for sub in kind.__subclasses__() for below in kinds(sub))]

    for kind in kinds(Config):
        for field in dataclasses.fields(kind):
            if field.metadata.get("since"):
                assert field.default is not dataclasses.MISSING, f"{kind.__name__}.{field.name}"
