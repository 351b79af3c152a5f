"""Arrays in npz and npy files, read without trust.

No pickle. Headers are read first; shape, type and size must agree with each other, with the bytes that are there and
with the limits, before an array is allocated.
"""

from __future__ import annotations

import ast
import io
import math
import re
import struct
import sys
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from avexplore.data.files.arrays import ArrayFile, Header, check_header, located, shown
from avexplore.data.files.container import Container
from avexplore.data.files.limits import DEFAULT_LIMITS, MEBIBYTE, Limits, readable_bytes
from avexplore.errors import DataError
from avexplore.large_arrays import empty

_MAGIC = b"\x93NUMPY"
_HEADER_BYTES = 10_000
_DTYPE = re.compile(r"[<>|=]?(?:[biuf]\d{1,2}|[SU]\d{1,7}|\?)")


@contextmanager
def open_npz(path: Path, limits: Limits = DEFAULT_LIMITS) -> Iterator[ArrayFile]:
    """The arrays of an npz file.

    Raises:
        DataError: If the file is no npz file, or holds an array that is refused.
    """
    with _zip_errors(path.name):
        with path.open("rb") as stream:
            check_directory(stream, where=path.name, limits=limits)
        archive = zipfile.ZipFile(path)
    with archive:
        file = _NpzFile(path, archive, limits)
        try:
            yield file
        finally:
            file.close()


def check_directory(stream: IO[bytes], *, where: str, limits: Limits = DEFAULT_LIMITS) -> None:
    """Refuse an archive with an endless list of contents, which `zipfile` would read as a whole.

    Raises:
        DataError: If the list is longer than `limits.directory_bytes`, or cannot be found.
    """
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - 65_557))  # 22 bytes and a comment
    tail = stream.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or end + 22 > len(tail):
        raise DataError("The file is no npz file, or it is damaged", where=where, fix="Store it again")
    entries, length = struct.unpack_from("<HI", tail, end + 10)
    if end >= 20 and tail[end - 20 : end - 16] == b"PK\x06\x07":
        # The larger record is where this locator says, or right before it: versions of zipfile differ in which they
        # believe, and an archive may hold two.
        locator = size - len(tail) + end - 20
        for place in (struct.unpack_from("<Q", tail, end - 12)[0], locator - 56):
            stream.seek(min(max(0, place), size))
            large = stream.read(56)
            if large[:4] == b"PK\x06\x06" and len(large) == 56:
                found = struct.unpack_from("<QQ", large, 32)
                entries, length = max(entries, found[0]), max(length, found[1])
    if entries > limits.entries or length > limits.directory_bytes:
        raise DataError(f"{entries:,} entries are beyond the limit of {limits.entries}", where=where)
    stream.seek(0)


class _NpzFile:
    def __init__(self, path: Path, archive: zipfile.ZipFile, limits: Limits) -> None:
        self.path, self._archive, self._limits = path, archive, limits
        self._open: tuple[str, IO[bytes]] | None = None
        entries = archive.infolist()
        if len(entries) > limits.entries:
            raise DataError(f"{len(entries):,} entries are beyond the limit of {limits.entries}", where=path.name)
        size = path.stat().st_size
        if sum(entry.compress_size for entry in entries) > size:
            raise DataError("Its entries claim more bytes than the file has", where=path.name, fix="Store it again")
        self._entries: dict[str, tuple[zipfile.ZipInfo, int, bool]] = {}
        headers: dict[str, Header] = {}
        refused: dict[str, DataError] = {}
        self.headers: Mapping[str, Header] = headers
        self.refused: Mapping[str, DataError] = refused
        for entry in entries:
            name = entry.filename.removesuffix(".npy")
            where = f"{shown(name, limits)} in {path.name}"
            if name in self.headers or name in self.refused:
                raise DataError("The array occurs twice", where=where)
            try:
                headers[name] = self._read_header(entry, name, where)
            except DataError as error:
                refused[name] = error
        total = sum(h.nbytes for h in self.headers.values())
        limits.check_bytes(total, where=path.name)
        limits.check_unpacked(total, size, where=path.name)

    def _read_header(self, entry: zipfile.ZipInfo, name: str, where: str) -> Header:
        if name == entry.filename:
            raise DataError("This is no npy array", where=where, fix="Store it with numpy.savez")
        if entry.flag_bits & 0x1:
            raise DataError("The array is encrypted", where=where, fix="Store it without a password")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError("Unknown compression", where=where, fix="Use numpy.savez or numpy.savez_compressed")
        self._limits.check_expansion(entry.file_size, entry.compress_size, where=where)
        with _zip_errors(where), self._archive.open(entry) as stream:
            header, start, fortran = _read_header(stream, where)
        check_header(header, where=where, limits=self._limits)
        if start + header.nbytes != entry.file_size:
            raise DataError(
                f"Its header tells of {readable_bytes(header.nbytes)}, but {readable_bytes(entry.file_size - start)} "
                "are there",
                where=where,
                fix="The file is damaged or was tampered with; store it again",
            )
        self._entries[name] = (entry, start, fortran)
        return header

    def where(self, name: str = "") -> str:
        return located(self.path, name)

    def read(self, name: str) -> NDArray[Any]:
        if name in self.refused:
            raise self.refused[name]
        entry, start, fortran = self._entries[name]
        where = self.where(name)
        with _zip_errors(where), self._archive.open(entry) as stream:
            stream.read(start)
            return _read_body(stream, self.headers[name], fortran, where)

    def read_rows(self, name: str, start: int, stop: int) -> NDArray[Any]:
        if name in self.refused:
            raise self.refused[name]
        header = self.headers[name]
        entry, offset, fortran = self._entries[name]
        if fortran:
            return self.read(name)[start:stop]
        where = self.where(name)
        row = header.nbytes // header.shape[0] if header.shape[0] else 0
        part = Header((min(stop, header.shape[0]) - start, *header.shape[1:]), header.dtype)
        with _zip_errors(where):
            if self._open is None or self._open[0] != name:
                self.close()
                self._open = (name, self._archive.open(entry))
            # Rows are asked for in order: going on in an open stream spares unpacking everything before them again.
            self._open[1].seek(offset + start * row)
            return _read_body(self._open[1], part, False, where)

    def close(self) -> None:
        """Close what reading rows left open."""
        if self._open is not None:
            self._open[1].close()
            self._open = None


@contextmanager
def open_npy(path: Path, name: str, limits: Limits = DEFAULT_LIMITS) -> Iterator[ArrayFile]:
    """One npy file as a file with one array called `name`.

    Raises:
        DataError: If the file is no npy file, or its array is refused.
    """
    with path.open("rb") as stream:
        yield _NpyFile(path, stream, name, limits)


class _NpyFile:
    def __init__(self, path: Path, stream: IO[bytes], name: str, limits: Limits) -> None:
        self.path, self._stream = path, stream
        header, self._start, self._fortran = _read_header(stream, path.name)
        check_header(header, where=path.name, limits=limits)
        limits.check_bytes(header.nbytes, where=path.name)
        there = path.stat().st_size - self._start
        if header.nbytes != there:
            raise DataError(
                f"Its header tells of {readable_bytes(header.nbytes)}, but {readable_bytes(there)} are there",
                where=path.name,
                fix="The file is damaged or was tampered with; store it again",
            )
        self.headers: Mapping[str, Header] = {name: header}
        self.refused: Mapping[str, DataError] = {}

    def where(self, name: str = "") -> str:
        return located(self.path, name)

    def read(self, name: str) -> NDArray[Any]:
        self._stream.seek(self._start)
        return _read_body(self._stream, self.headers[name], self._fortran, self.path.name)

    def read_rows(self, name: str, start: int, stop: int) -> NDArray[Any]:
        header = self.headers[name]
        if self._fortran:
            return self.read(name)[start:stop]
        row = header.nbytes // header.shape[0] if header.shape[0] else 0
        self._stream.seek(self._start + start * row)
        part = Header((min(stop, header.shape[0]) - start, *header.shape[1:]), header.dtype)
        return _read_body(self._stream, part, False, self.path.name)


def _read_header(stream: IO[bytes], where: str) -> tuple[Header, int, bool]:
    """Header, offset of the data, and whether it is stored column by column."""
    damaged = DataError("This is no npy array", where=where, fix="Store it with numpy.save or numpy.savez")
    start = stream.read(8)
    if len(start) < 8 or start[:6] != _MAGIC or start[6] not in (1, 2, 3):
        raise damaged
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(stream.read(width), "little")
    if length > _HEADER_BYTES:
        raise DataError(f"Its header of {readable_bytes(length)} is too long", where=where)
    raw = stream.read(length)
    if len(raw) < length:
        raise damaged
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = ast.literal_eval(raw.decode("latin1" if start[6] < 3 else "utf8").strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise damaged from error
    if not isinstance(content, dict) or set(content) != {"descr", "fortran_order", "shape"}:
        raise damaged
    shape, descr, fortran = content["shape"], content["descr"], content["fortran_order"]
    sizes_fit = isinstance(shape, tuple) and all(isinstance(s, int) and not isinstance(s, bool) for s in shape)
    if not sizes_fit or not isinstance(fortran, bool):
        raise damaged
    if not isinstance(descr, str) or not _DTYPE.fullmatch(descr):
        raise DataError(
            "Only arrays of plain numbers, booleans or fixed-length strings are read",
            where=where,
            fix="Convert the array first; Python objects and records are never loaded",
        )
    try:
        dtype = np.dtype(descr)
    except (TypeError, ValueError) as error:
        raise damaged from error
    return Header(shape, dtype), 8 + width + length, fortran


def _read_body(stream: IO[bytes], header: Header, fortran: bool, where: str) -> NDArray[Any]:
    try:
        flat = empty([math.prod(header.shape)], header.dtype)
    except (MemoryError, ValueError) as error:
        raise DataError(f"There is no memory for {readable_bytes(header.nbytes)}", where=where) from error
    if flat.nbytes:
        view = memoryview(flat.view(np.uint8))  # type: ignore[arg-type]
        done = 0
        while done < flat.nbytes:
            chunk = stream.read(min(4 * MEBIBYTE, flat.nbytes - done))
            if not chunk:
                raise DataError("The file ends in the middle of the array", where=where, fix="Copy it again")
            view[done : done + len(chunk)] = chunk
            done += len(chunk)
    if flat.dtype.kind == "b":
        flat = flat.view(np.uint8) != 0  # any other byte would be no valid bool
    if flat.dtype.kind == "U" and flat.size:
        # Beyond the last character of Unicode, NumPy's strings are undefined behavior.
        characters = flat.view(np.dtype(np.uint32).newbyteorder(flat.dtype.byteorder))
        if int(characters.max(initial=0)) > sys.maxunicode:
            raise DataError("Some strings are damaged", where=where, fix="Store the file again")
    array = flat.reshape(header.shape, order="F" if fortran else "C")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array


@contextmanager
def _zip_errors(where: str) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError("The file is no npz file, or it is damaged", where=where, fix="Store it again") from error
    except (OSError, ValueError, KeyError, IndexError, OverflowError, UnicodeError, MemoryError, TypeError) as error:
        raise DataError("The file is damaged", where=where, fix="Store it again") from error


def write_npz(arrays: Mapping[str, NDArray[Any]], *, compressed: bool = True) -> bytes:
    """The bytes of an npz file with these arrays."""
    out = io.BytesIO()
    save: Any = np.savez_compressed if compressed else np.savez
    save(out, **arrays)
    return out.getvalue()


def write_npy(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The bytes of an npy file with the only one of these arrays."""
    (values,) = arrays.values()
    out = io.BytesIO()
    np.save(out, values, allow_pickle=False)
    return out.getvalue()


def _open_named(path: Path, limits: Limits) -> AbstractContextManager[ArrayFile]:
    return open_npy(path, path.stem, limits)


NPZ = Container(
    name="npz",
    title="npz",
    suffixes=(".npz",),
    holds="arrays",
    recognizes=lambda start: start[:4] in (b"PK\x03\x04", b"PK\x05\x06"),
    open=open_npz,
    writers=(write_npz, partial(write_npz, compressed=False)),
)
NPY = Container(
    name="npy",
    title="npy",
    suffixes=(".npy",),
    holds="array",
    recognizes=lambda start: start[:6] == _MAGIC,
    open=_open_named,
    writers=(write_npy,),
)
