"""Arrays in HDF5 files, read without trust.

The HDF5 library follows links to other files, loads filter plug-ins, and is known to crash on damaged files. So links,
virtual data sets, external storage and unknown filters are refused before anything is read, and the reading itself
happens in a process of its own with bounded memory and time: whatever a file does to it, the app only sees an error.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from avexplore.apart import Child
from avexplore.data.files.arrays import ArrayFile, Header, check_header, located, shown
from avexplore.data.files.container import Container
from avexplore.data.files.limits import DEFAULT_LIMITS, MEBIBYTE, Limits, readable_bytes
from avexplore.errors import DataError
from avexplore.large_arrays import empty

_SLAB = 32 * MEBIBYTE
_PATIENCE = {"list": 20.0, "read": 60.0}
"""Seconds that one answer of the reading process may take: damaged files can send the library round in circles."""


@contextmanager
def open_hdf5(path: Path, limits: Limits = DEFAULT_LIMITS) -> Iterator[ArrayFile]:
    """The arrays of an HDF5 file; those in groups are called "group/name".

    Raises:
        DataError: If the file is damaged, or holds links, external or virtual data, or absurd sizes.
    """
    process = Child(
        f"{__package__}.hdf5_process",
        str(path.absolute()),
        json.dumps(asdict(limits)),
        # No filter plug-ins; and files may lie in folders where nothing can be locked.
        HDF5_PLUGIN_PRELOAD="::",
        HDF5_USE_FILE_LOCKING="FALSE",
    )
    try:
        yield _RemoteFile(path, process, limits)
    finally:
        process.end()


class _RemoteFile:
    """The parent's side: asks the reading process, and believes nothing that it says about sizes."""

    def __init__(self, path: Path, process: Child, limits: Limits) -> None:
        self.path, self._process, self._limits = path, process, limits
        answer = self._ask({"list": True})
        headers: dict[str, Header] = {}
        refused = {name: DataError(what, where=where, fix=fix) for name, what, where, fix in answer["refused"]}
        for name, shape, descr in answer["arrays"]:
            header = Header(tuple(int(s) for s in shape), np.dtype(descr))
            try:
                check_header(header, where=f"{shown(name, limits)} in {path.name}", limits=limits)
            except DataError as error:
                refused[name] = error
                continue
            headers[name] = header
        self.headers: Mapping[str, Header] = headers
        self.refused: Mapping[str, DataError] = refused
        limits.check_unpacked(sum(h.nbytes for h in headers.values()), path.stat().st_size, where=path.name)

    def where(self, name: str = "") -> str:
        return located(self.path, name)

    def read(self, name: str) -> NDArray[Any]:
        if name in self.refused:
            raise self.refused[name]
        header = self.headers[name]
        self._limits.check_bytes(header.nbytes, where=self.where(name))
        return self._fetch(name, header, None)

    def read_rows(self, name: str, start: int, stop: int) -> NDArray[Any]:
        if name in self.refused:
            raise self.refused[name]
        header = self.headers[name]
        rows = max(0, min(stop, header.shape[0]) - start)
        return self._fetch(name, Header((rows, *header.shape[1:]), header.dtype), start)

    def _fetch(self, name: str, header: Header, start: int | None) -> NDArray[Any]:
        try:
            flat = empty([math.prod(header.shape)], header.dtype)
        except (MemoryError, ValueError) as error:
            raise DataError(f"There is no memory for {readable_bytes(header.nbytes)}", where=self.path.name) from error
        rows = header.shape[0] if header.shape else 1
        if not flat.nbytes:
            return flat.reshape(header.shape)
        view = memoryview(flat.view(np.uint8))  # type: ignore[arg-type]
        row_bytes = header.nbytes // rows
        step = max(1, _SLAB // row_bytes)
        for first in range(0, rows, step):
            last = min(rows, first + step)
            want = (last - first) * row_bytes
            request: dict[str, Any] = {"read": name}
            if header.shape:
                request |= {"start": (start or 0) + first, "stop": (start or 0) + last}
            self._ask(request, view[first * row_bytes : first * row_bytes + want])
        if flat.dtype.kind == "b":
            flat = flat.view(np.uint8) != 0
        return flat.reshape(header.shape)

    def _ask(self, request: dict[str, Any], into: memoryview | None = None) -> Any:
        try:
            with self._process.patient(_PATIENCE["list" if "list" in request else "read"]) as answers:
                self._process.ask(request)
                answer = json.loads(answers.readline(64 * MEBIBYTE))
                if "error" in answer:
                    what, where, fix = answer["error"]
                    raise DataError(str(what), where=str(where), fix=str(fix))
                if into is not None:
                    if answer.get("bytes") != len(into):
                        raise DataError("The array changed while it was read", where=self.path.name)
                    _fill(answers, into)
                return answer
        except (OSError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(
                "The file cannot be read: the HDF5 library crashed, ran out of memory or out of time on it",
                where=self.path.name,
                fix="The file is damaged or was tampered with; copy or store it again",
            ) from error


def _fill(stream: IO[bytes], view: memoryview) -> None:
    done = 0
    while done < len(view):
        got = stream.readinto(view[done:])  # type: ignore[attr-defined]
        if not got:
            raise OSError("the reading process ended")
        done += got


def write_hdf5(
    arrays: Mapping[str, NDArray[Any]],
    *,
    version: str = "earliest",
    compression: str | None = None,
    matlab: bool = False,
) -> bytes:
    """The bytes of an HDF5 file with these arrays; with `matlab` as its v7.3 files hold numbers."""
    import h5py

    memory = io.BytesIO()
    with h5py.File(memory, "w", libver=version) as out:
        for name, values in arrays.items():
            values = np.char.encode(values, "utf-8") if values.dtype.kind == "U" else values
            if matlab and values.dtype.kind not in "SU":
                columns = values.reshape(-1, 1) if values.ndim < 2 else values
                out.create_dataset(name, data=columns.T).attrs["MATLAB_class"] = np.bytes_(b"double")
            elif not matlab:
                packed = {"compression": compression, "chunks": True} if compression and values.ndim > 1 else {}
                out.create_dataset(name, data=values, **packed)
    return memory.getvalue()


def _write_in_groups(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    return write_hdf5({f"clips/{name}": values for name, values in arrays.items()})


HDF5 = Container(
    name="hdf5",
    title="HDF5 (also MATLAB's v7.3)",
    suffixes=(".h5", ".hdf5", ".mat"),
    holds="arrays",
    # It may begin after a user block of 512, 1024, 2048 ... bytes.
    recognizes=lambda start: any(start[at : at + 8] == b"\x89HDF\r\n\x1a\n" for at in (0, 512, 1024, 2048)),
    open=open_hdf5,
    writers=(
        write_hdf5,
        partial(write_hdf5, version="latest", compression="gzip"),
        partial(write_hdf5, compression="lzf"),
        partial(write_hdf5, matlab=True),
        _write_in_groups,
    ),
)
