"""Named arrays in a file, whatever its container: what a header says, and what may be believed of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from avexplore.data.files.limits import Limits, readable_bytes
from avexplore.errors import DataError


@dataclass(frozen=True)
class Header:
    """What a file says of an array before it is read."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        return math.prod(self.shape) * self.dtype.itemsize


class ArrayFile(Protocol):
    """Named arrays in a file: headers are known, contents are read one by one."""

    headers: Mapping[str, Header]
    refused: Mapping[str, DataError]
    """Arrays that cannot be read, and why; asking for one raises that error, leaving it alone does not."""

    def where(self, name: str = "") -> str:
        """Where a message finds an array, or all of them: "labels in clips.npz"."""

    def read(self, name: str) -> NDArray[Any]:
        """The whole array."""

    def read_rows(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """Rows `start` to `stop` of an array of at least one dimension."""


def located(path: Path, name: str = "") -> str:
    """An array of a file in words.

    >>> located(Path("data/clips.npz"), "labels")
    'labels in clips.npz'
    """
    return f"{name} in {path.name}" if name else path.name


def shown(name: str, limits: Limits) -> str:
    """The name of an array as a message may hold it."""
    return "".join(c if c.isprintable() else "?" for c in name[: limits.name_characters])


def check_header(header: Header, *, where: str, limits: Limits) -> None:
    """Refuse types that are no plain numbers or strings, and absurd shapes.

    Raises:
        DataError: If the array could not be used by anything here.
    """
    kind = header.dtype.kind
    if kind not in "biufSU" or header.dtype.hasobject:
        raise DataError(
            f"Arrays of type {header.dtype} are not read",
            where=where,
            fix="Store numbers, booleans or fixed-length strings; Python objects are never loaded",
        )
    if len(header.shape) > 5 or any(size < 0 for size in header.shape):
        raise DataError(f"Shape {_readable_shape(header.shape)} makes no sense", where=where)
    if header.shape and header.shape[0] > limits.clips:
        rows = _readable_size(header.shape[0])
        raise DataError(f"{rows} rows are beyond the limit of {limits.clips:,}", where=where)
    if any(size > limits.columns for size in header.shape[1:]):
        shape = _readable_shape(header.shape)
        raise DataError(f"Shape {shape} is beyond the limit of {limits.columns:,} columns", where=where)
    if kind in "SU":
        if header.dtype.itemsize > 4 * limits.path_characters:
            raise DataError(f"Strings of {header.dtype.itemsize:,} bytes each are too long", where=where)
        if header.nbytes > limits.text_bytes:
            raise DataError(f"{readable_bytes(header.nbytes)} of strings are too many", where=where)


def _readable_size(size: int) -> str:
    # Python refuses to write out numbers of more than 4,300 digits.
    return f"{size:,}" if abs(size) < 10**18 else "more than 10^18"


def _readable_shape(shape: tuple[int, ...]) -> str:
    return f"({', '.join(_readable_size(size).replace(',', '') for size in shape[:8])}{',' * (len(shape) == 1)})"
