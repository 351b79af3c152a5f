"""Arrays in HDF5 files, read without trust."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avexplore.data.arrays import ArrayFile
from avexplore.data.limits import DEFAULT_LIMITS, Limits
from avexplore.errors import DataError


@contextmanager
def open_hdf5(path: Path, limits: Limits = DEFAULT_LIMITS) -> Iterator[ArrayFile]:
    """The arrays of an HDF5 file."""
    if path:
        raise DataError("HDF5 files are not read yet", where=path.name)
    yield
