"""Scenes: views of a run that somebody keeps for a talk, as a list of addresses with titles."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from avexplore.errors import DataError
from avexplore.store.writing import writing

FORMAT = "avexplore scenes 1"
MOST, LONGEST_TITLE, LONGEST_ADDRESS = 100, 80, 16_000


def address_of(page: str, query: Sequence[tuple[str, str]]) -> str:
    """Path and query of a page, below the app's own address.

    >>> address_of("tune", [("run", "91599b14")])
    '/tune?run=91599b14'
    """
    return f"/{page}" + (f"?{urlencode(query)}" if query else "")


@dataclass(frozen=True)
class Scene:
    """A view with a title.

    Attributes:
        title: For the list, and for the talk.
        page: Name of the page.
        query: What stands in its address.

    Raises:
        DataError: If it is too long, or no page's name.

    >>> scene = Scene("Penalty 3", "class_graph", (("run", "91599b14947c"), ("set", "graph.penalty_discount-3")))
    >>> scene.address
    '/class_graph?run=91599b14947c&set=graph.penalty_discount-3'
    >>> Scene.of("Penalty 3", scene.address) == scene
    True
    """

    title: str
    page: str
    query: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch("[a-z_]{1,40}", self.page):
            raise DataError(f"{self.page[:40]!r} is no page", where="scene", fix="Keep the scene anew from the app")
        if not self.title.strip() or len(self.title) > LONGEST_TITLE or len(self.address) > LONGEST_ADDRESS:
            raise DataError(
                f"A scene has a title of 1 to {LONGEST_TITLE} letters, and an address of at most {LONGEST_ADDRESS:,}",
                where="scene",
            )

    @property
    def address(self) -> str:
        """Path and query, below the app's own address."""
        return address_of(self.page, self.query)

    @classmethod
    def of(cls, title: str, address: str) -> Scene:
        """From a title and what stands behind the app's own address.

        Raises:
            DataError: If that is none.
        """
        path, _, query = address.partition("?")
        return cls(title, path.lstrip("/"), tuple(parse_qsl(query, keep_blank_values=True, max_num_fields=200)))


def write_scenes(scenes: Sequence[Scene]) -> str:
    """Scenes as a file's text."""
    listed = [{"title": scene.title, "address": scene.address} for scene in scenes]
    return json.dumps({"format": FORMAT, "scenes": listed}, indent=2, ensure_ascii=False) + "\n"


def read_scenes(text: str) -> list[Scene]:
    """Read what `write_scenes` wrote.

    Raises:
        DataError: If it is anything else.
    """
    try:
        content: Any = json.loads(text)
        if content["format"] != FORMAT or len(content["scenes"]) > MOST:
            raise ValueError
        return [Scene.of(_text(one, "title"), _text(one, "address")) for one in content["scenes"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"This is no list of up to {MOST} scenes", where="scenes", fix="Export it from the app"
        ) from error


def _text(content: Mapping[str, Any], name: str) -> str:
    if not isinstance(content[name], str):
        raise TypeError
    found: str = content[name]
    return found


def scenes_of(folder: Path, run: str) -> list[Scene]:
    """The scenes that are kept with a run; [] for none, and for a file that is none.

    Args:
        folder: The data folder, or a visitor's.
        run: The run's key.
    """
    try:
        return read_scenes(_file(folder, run).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, DataError):
        return []


def keep_scenes(folder: Path, run: str, scenes: Sequence[Scene]) -> None:
    """Keep these scenes with a run, in place of the ones before.

    Raises:
        DataError: If they are too many.
        StoreError: If they cannot be written.
    """
    if len(scenes) > MOST:
        raise DataError(f"A run keeps at most {MOST} scenes", where="scenes", fix="Let some go first")
    file = _file(folder, run)
    with writing(folder):
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(f".{os.getpid()}")
        fresh.write_text(write_scenes(scenes), encoding="utf-8")
        fresh.replace(file)


def _file(folder: Path, run: str) -> Path:
    if not re.fullmatch("[0-9a-f]{1,64}", run):
        raise DataError("No run has this key", where="scenes")
    return folder / "scenes" / f"{run}.json"
