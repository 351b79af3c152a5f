"""docs/architecture.md tells of every room, and of none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import avexplore
from avexplore.folders import app_folder

PACKAGE = Path(avexplore.__file__).parent
TEXT = (app_folder() / "docs" / "architecture.md").read_text(encoding="utf-8")
TABLE = TEXT[TEXT.index("| room |") : TEXT.index("`lint-imports`")]
NAMED = set(re.findall(r"`(\w+)(?:/|\.py)`", TABLE))


def rooms(folder: Path) -> set[str]:
    return {found.parent.name for found in folder.glob("*/__init__.py")}


def test_every_room_of_the_package_is_told_of() -> None:
    modules = {file.stem for file in PACKAGE.glob("*.py") if not file.stem.startswith("__")}
    assert rooms(PACKAGE) | modules <= NAMED


@pytest.mark.parametrize("room", ["data", "graph", "ui"])
def test_every_room_within_a_room_is_told_of(room: str) -> None:
    line = next(line for line in TABLE.splitlines() if line.startswith(f"| `{room}/`"))
    assert rooms(PACKAGE / room) == set(re.findall(r"`(\w+)/`", line)) - {room}


def test_what_is_told_of_is_there() -> None:
    there = {file.stem for file in PACKAGE.rglob("*.py")} | {file.parent.name for file in PACKAGE.rglob("__init__.py")}
    assert there >= NAMED


def test_tests_mirror_the_source() -> None:
    """A folder of tests is a room of the package."""
    tests = Path(__file__).parent
    folders = {file.parent.relative_to(tests) for file in tests.rglob("test_*.py")} - {Path()}
    assert {str(folder) for folder in folders if not (PACKAGE / folder).is_dir()} == set()
