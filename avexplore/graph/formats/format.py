"""What a graph format says of itself: one record, from which everything that lists formats follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class GraphFormat:
    """A format that class graphs are read from, and perhaps written in.

    Attributes:
        name: Short and unique; its functions are in the module `NAME_text` beside this one.
        title: What people call it.
        suffixes: Ends of files that are read as it, the one that is written first.
        begins: Whether a text begins like one.
        is_written: Whether the app writes it.
        samples: Texts as other programs write them, from which a fuzzer starts.
        holds_shares: Whether it can say of each edge how often bootstraps found it; the others are read by programs
            that know edges only.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    begins: Callable[[str], bool]
    is_written: bool = True
    samples: tuple[str, ...] = ()
    holds_shares: bool = False

    @property
    def home(self) -> Any:
        """The module with `read(text) -> Draft` and, where it is written, `write(graph[, shares]) -> str`."""
        return import_module(f"avexplore.graph.formats.{self.name}_text")
