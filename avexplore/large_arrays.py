"""Arrays beyond memory: the values of a large one lie in a file of the data folder, which is mapped.

The file has no name: it is gone with the array, also after a crash, and nobody else can change it. Its pages leave
memory when the system needs them. So arrays of users' files are copied into such files and not mapped where they lie: a
file that is cut short while it is mapped would end the process.
"""

from __future__ import annotations

import logging
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from avexplore.folders import home

MEBIBYTE = 1 << 20
LARGE = 64 * MEBIBYTE
"""Bytes from which an array lies in a file."""
BLOCK = 256 * MEBIBYTE
"""Bytes that are worked on at once."""
_log = logging.getLogger(__name__)


def empty(shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
    """As `numpy.empty`, in a file where it is large; in memory all the same where there is no room on disk.

    Raises:
        MemoryError: If there is none in memory, either.
    """
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    if size > LARGE:
        try:
            return _mapped(tuple(shape), kind, size)
        except (OSError, OverflowError) as error:
            _log.warning("%d MiB go to memory, since there is no room in %s: %s", size // MEBIBYTE, home(), error)
    return np.empty(shape, kind)


def _mapped(shape: tuple[int, ...], kind: np.dtype[Any], size: int) -> NDArray[Any]:
    folder = home() / "scratch"
    home().mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        _reserve(file, size)
        return np.asarray(np.memmap(file, kind, "r+", shape=shape))


def _reserve(file: IO[bytes], size: int) -> None:
    """Take the room on disk now: writing to a map of a full disk would end the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    zeros = bytes(MEBIBYTE)
    for start in range(0, size, MEBIBYTE):
        file.write(zeros[: size - start])
    file.flush()


def blocks(rows: int, row_bytes: int) -> Iterator[slice]:
    """Rows in order, `BLOCK` bytes at a time; of no rows one empty block, which tells widths.

    >>> [len(range(10)[part]) for part in blocks(10, BLOCK // 4)]
    [4, 4, 2]
    """
    step = max(1, BLOCK // max(1, row_bytes))
    return (slice(start, min(rows, start + step)) for start in range(0, max(1, rows), step))


def filled(parts: Iterator[slice], rows: int, make: Callable[[slice], Sequence[NDArray[Any]]]) -> list[NDArray[Any]]:
    """Arrays of many rows from what `make` gives for some rows after the others.

    >>> filled(blocks(3, 1), 3, lambda part: [np.arange(3)[part] ** 2])
    [array([0, 1, 4])]
    """
    found: list[NDArray[Any]] = []
    for part in parts:
        made = make(part)
        found = found or [empty((rows, *some.shape[1:]), some.dtype) for some in made]
        for whole, some in zip(found, made, strict=True):
            whole[part] = some
    return found


def taken(values: NDArray[Any], rows: NDArray[np.integer[Any]], dtype: DTypeLike | None = None) -> NDArray[Any]:
    """`values[rows]` of a matrix, perhaps as another type.

    >>> taken(np.eye(2), np.array([1]))
    array([[0., 1.]])
    """
    found = empty((len(rows), *values.shape[1:]), dtype or values.dtype)
    for part in blocks(len(rows), values.itemsize * values[:1].size):
        found[part] = values[rows[part]]
    return found


def summed(
    values: NDArray[Any], rows: NDArray[np.integer[Any]], of: Callable[[NDArray[Any]], NDArray[Any]]
) -> NDArray[Any]:
    """Sum over blocks of rows of what `of` gives for a block; of one block that itself, to the bit.

    Args:
        values: Shape (n, d), of at most 8 bytes each.
        rows: Which of them.
        of: Takes some rows, in a new array.

    >>> summed(np.eye(2), np.array([0, 1]), lambda block: block.sum(axis=0))
    array([1., 1.])
    """
    return reduce(np.add, (of(values[rows[part]]) for part in blocks(len(rows), 8 * values.shape[1])))


def not_finite(values: NDArray[Any]) -> tuple[int, tuple[int, ...]]:
    """How many values are NaN or infinite, and where the first of them is; () if none is.

    >>> not_finite(np.array([[0.0, 1.0], [np.nan, np.inf]]))
    (2, (1, 0))
    """
    # A sum is not finite if any addend is not: one pass, no temporary of the array's size.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(values.sum(dtype=np.float64)):
            return 0, ()
    count, first = 0, ()
    for part in blocks(len(values), values.itemsize * values[:1].size):
        bad = ~np.isfinite(values[part])
        if not count and bad.any():
            row, *rest = map(int, np.unravel_index(int(bad.argmax()), bad.shape))
            first = (part.start + row, *rest)
        count += int(np.count_nonzero(bad))
    return count, first
