"""The process that touches HDF5 files: answers one JSON request per line.

`python -m avexplore.data.files.hdf5_process FILE LIMITS`, the limits as JSON

`{"list": true}` -> `{"arrays": [[name, shape, type], ...], "refused": [[name, what, where, fix], ...]}`;
`{"read": name, "start": i, "stop": j}` ->
`{"bytes": n}` and n raw bytes; `{"error": [what, where, fix]}` where that cannot be done.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from avexplore.apart import bound
from avexplore.data.files.arrays import Header, check_header, located, shown
from avexplore.data.files.limits import DEFAULT_LIMITS, GIBIBYTE, MEBIBYTE, Limits, readable_bytes
from avexplore.errors import DataError

_FILTERS = {
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_LZF,
    h5py.h5z.FILTER_NBIT,
    h5py.h5z.FILTER_SCALEOFFSET,
}
_DEEPEST = 3
"""Groups within groups."""
_MATLAB_INTERNALS = ("#refs#", "#subsystem#")
_CHUNK = 256 * MEBIBYTE
_MEMORY = 3 * GIBIBYTE
_CPU_SECONDS = 3600

# What h5py raises on damaged files.
FAILURES = (
    OSError,
    RuntimeError,
    KeyError,
    ValueError,
    TypeError,
    OverflowError,
    IndexError,
    MemoryError,
    UnicodeError,
)


class Hdf5File:
    """The arrays of an open HDF5 file, in this process; those in groups are called "group/name".

    What MATLAB wrote (v7.3) comes as MATLAB shows it: it stores column by column, so HDF5 sees the axes reversed.
    """

    def __init__(self, path: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        self.path, self._limits = path, limits
        try:
            self._file = h5py.File(path, "r", rdcc_nbytes=_CHUNK, rdcc_nslots=1009)
        except FAILURES as error:
            raise DataError(
                "The file is no HDF5 file, or it is damaged", where=path.name, fix="Copy it again"
            ) from error
        self._strings: dict[str, NDArray[Any]] = {}
        self._matlab: set[str] = set()
        self.headers: dict[str, Header] = {}
        self.refused: dict[str, DataError] = {}
        try:
            self._list(self._file, "", 0)
        except FAILURES as error:
            self._file.close()
            if isinstance(error, DataError):
                raise
            raise DataError("The file is damaged", where=path.name, fix="Copy or store it again") from error

    def where(self, name: str = "") -> str:
        """Where a message finds an array, or all of them."""
        return located(self.path, name)

    def _list(self, group: h5py.Group, prefix: str, depth: int) -> None:
        count = len(group) + len(self.headers) + len(self.refused)
        if count > self._limits.entries:
            error = DataError(f"{count:,} entries are beyond the limit of {self._limits.entries}", where=self.path.name)
            if depth == 0:
                raise error
            self.refused[prefix.rstrip("/")] = error
            return
        for inner in group:
            if not isinstance(inner, str):  # h5py hands over names that are no UTF-8 as bytes
                raise DataError("The name of an array is no text", where=self.path.name, fix="Store the file again")
            if inner in _MATLAB_INTERNALS and depth == 0:
                continue
            name = prefix + inner
            where = f"{shown(name, self._limits)} in {self.path.name}"
            try:
                self._entry(group, inner, name, where, depth)
            except DataError as error:
                self.refused[name] = error

    def _entry(self, group: h5py.Group, inner: str, name: str, where: str, depth: int) -> None:
        link = group.get(inner, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise DataError(
                "Links are not followed", where=where, fix="Copy the linked data into the file (h5repack, h5copy)"
            )
        kind = group.get(inner, getclass=True)
        if kind is h5py.Dataset:
            self.headers[name] = self._header(name, group[inner], where)
        elif kind is h5py.Group:
            if "pandas_type" in group[inner].attrs:
                fix = "Write `frame.to_numpy()` with numpy.savez, as audio, visual and labels"
                raise DataError("This is a table that pandas wrote (to_hdf)", where=where, fix=fix)
            if depth >= _DEEPEST:
                raise DataError("Groups are nested too deeply", where=where, fix="Store arrays at the top level")
            self._list(group[inner], f"{name}/", depth + 1)

    def _header(self, name: str, data: h5py.Dataset, where: str) -> Header:
        plist = data.id.get_create_plist()
        if plist.get_layout() == h5py.h5d.VIRTUAL or plist.get_external_count() > 0:
            raise DataError(
                "Its values lie in other files", where=where, fix="Copy them into the file; other files are not opened"
            )
        filters = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
        if unknown := [f for f in filters if f not in _FILTERS]:
            raise DataError(f"Unknown compression filter {unknown[0]}", where=where, fix="Store it with gzip or none")
        if data.shape is None:
            return Header((0,), np.dtype(np.float32))
        shape = tuple(int(size) for size in data.shape)
        if data.chunks is not None:
            chunk = math.prod(int(c) for c in data.chunks) * data.id.get_type().get_size()
            if chunk > _CHUNK:
                raise DataError(f"Its chunks of {readable_bytes(chunk)} are too large", where=where, fix="Rechunk it")
        if data.dtype.hasobject:
            return self._variable_strings(name, data, shape, where)
        header = Header(shape, data.dtype.newbyteorder("="))
        if "MATLAB_class" in data.attrs:
            return self._of_matlab(name, data, header, where)
        check_header(header, where=where, limits=self._limits)
        self._limits.check_expansion(header.nbytes, data.id.get_storage_size(), where=where)
        return header

    def _variable_strings(self, name: str, data: h5py.Dataset, shape: tuple[int, ...], where: str) -> Header:
        """Strings of variable length, brought to one length. Any other Python object is refused."""
        if h5py.check_string_dtype(data.dtype) is None:
            raise DataError(
                "Arrays of objects or references are not read", where=where, fix="Store numbers or plain strings"
            )
        size = math.prod(shape)
        check_header(Header(shape, np.dtype("S8")), where=where, limits=self._limits)
        self._limits.check_expansion(16 * size, data.id.get_storage_size(), where=where)
        items = [bytes(item) for item in np.asarray(data[()], dtype=object).reshape(-1)]
        longest = max(map(len, items), default=1)
        if longest > self._limits.path_characters or longest * size > self._limits.text_bytes:
            raise DataError(f"Strings of up to {longest:,} bytes are too long", where=where)
        self._strings[name] = np.array(items, dtype=f"S{max(1, longest)}").reshape(shape)
        return Header(shape, self._strings[name].dtype)

    def _of_matlab(self, name: str, data: h5py.Dataset, stored: Header, where: str) -> Header:
        """What the array is in MATLAB: with its axes in MATLAB's order; texts row by row, logicals as booleans."""
        kind = data.attrs["MATLAB_class"]
        kind = kind.decode("latin1") if isinstance(kind, bytes) else str(kind)
        if "MATLAB_empty" in data.attrs:
            return Header((0,), np.dtype(np.float32))
        header = Header(stored.shape[::-1], np.dtype(bool) if kind == "logical" else stored.dtype)
        check_header(header, where=where, limits=self._limits)
        self._limits.check_expansion(header.nbytes, data.id.get_storage_size(), where=where)
        self._matlab.add(name)
        if kind != "char":
            return header
        if len(header.shape) != 2 or header.dtype.kind != "u":
            raise DataError("Its texts have an unknown form", where=where, fix="Save a matrix of characters")
        codes = np.asarray(data[()]).T
        texts = ["".join(map(chr, row)).rstrip() for row in codes.tolist()]
        self._strings[name] = np.array([text.encode("utf-8", "replace") for text in texts], dtype=bytes)
        return Header(self._strings[name].shape, self._strings[name].dtype)

    def read(self, name: str) -> NDArray[Any]:
        """The whole array."""
        return self._read(name, None)

    def read_rows(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """Rows `start` to `stop`."""
        return self._read(name, slice(start, stop))

    def _read(self, name: str, rows: slice | None) -> NDArray[Any]:
        where = f"{shown(name, self._limits)} in {self.path.name}"
        if name in self.refused:
            raise self.refused[name]
        try:
            if name in self._strings:
                return self._strings[name] if rows is None else self._strings[name][rows]
            data = self._file[name]
            if data.shape is None:
                return np.zeros(0, np.float32)
            if name in self._matlab:
                values = np.asarray(data[() if rows is None else (..., rows)]).T
            else:
                values = np.asarray(data[() if rows is None else rows])
            return values.astype(self.headers[name].dtype, copy=False)
        except FAILURES as error:
            raise DataError("The array is damaged", where=where, fix="Copy or store the file again") from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def serve(path: Path, limits: Limits) -> None:
    """Answer requests on standard input until it ends."""
    out = sys.stdout.buffer
    file: Hdf5File | None = None
    for line in sys.stdin.buffer:
        request = json.loads(line)
        payload: memoryview | bytes = b""
        answer: dict[str, Any]
        try:
            if file is None:
                file = Hdf5File(path, limits)
            if "list" in request:
                answer = {
                    "arrays": [[n, list(h.shape), h.dtype.str] for n, h in file.headers.items()],
                    "refused": [[n, e.what, e.where, e.fix] for n, e in file.refused.items()],
                }
            else:
                name = request["read"]
                whole = "start" not in request
                values = file.read(name) if whole else file.read_rows(name, request["start"], request["stop"])
                payload = np.ascontiguousarray(values).tobytes()
                answer = {"bytes": len(payload)}
        except DataError as error:
            answer, payload = {"error": [error.what, error.where, error.fix]}, b""
        out.write(json.dumps(answer).encode() + b"\n")
        out.write(payload)
        out.flush()


if __name__ == "__main__":
    bound(AS=_MEMORY, CPU=_CPU_SECONDS, CORE=0)
    serve(Path(sys.argv[1]), Limits(**json.loads(sys.argv[2])))
