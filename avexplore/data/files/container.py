"""What a reader says of itself: one record per container, from which everything that lists containers follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from avexplore.data.files.arrays import ArrayFile
from avexplore.data.files.limits import Limits

START = 4096
"""Bytes from which a container is recognized."""

Write = Callable[[Mapping[str, NDArray[Any]]], bytes]


@dataclass(frozen=True)
class Container:
    """One kind of file that can hold clips.

    Attributes:
        name: Short and unique.
        title: What people call it.
        suffixes: Usual ends of its files' names, the most usual first; uploads admit them.
        holds: Named arrays, one array, one record per clip, or a table beside arrays.
        recognizes: Whether a file begins like one, from its first `START` bytes.
        open: The arrays of a file as context manager, bounded by the limits; None where layouts read it themselves.
        writers: Ways in which programs write such a file, the usual one first: tests and fuzzing start from them.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    holds: Literal["arrays", "array", "records", "table"]
    recognizes: Callable[[bytes], bool]
    open: Callable[[Path, Limits], AbstractContextManager[ArrayFile]] | None
    writers: tuple[Write, ...]
