"""Opening files of arrays, whatever their format: told from the first bytes, never from the name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from avexplore.data.files.fingerprint import check_file
from avexplore.data.files.limits import DEFAULT_LIMITS, Limits
from avexplore.data.files.npy import ArrayFile, Header, open_npy, open_npz
from avexplore.errors import DataError

Format = Literal["npz", "npy", "hdf5", "csv", "tfrecord"]

_HDF5 = b"\x89HDF\r\n\x1a\n"


def sniff(path: Path, limits: Limits = DEFAULT_LIMITS) -> Format:
    """Tell the format of a file from its first bytes; a file that is none of the others is taken for TFRecord or CSV.

    Raises:
        DataError: If there is no such file, or it cannot be read.
    """
    check_file(path, limits)
    try:
        with path.open("rb") as stream:
            start = stream.read(64)
            if start[:8] != _HDF5 and start[:2] != b"PK":
                # HDF5 may begin after a user block of 512, 1024, 2048 ... bytes.
                for offset in (512, 1024, 2048):
                    stream.seek(offset)
                    if stream.read(8) == _HDF5:
                        return "hdf5"
    except OSError as error:
        raise DataError(f"The file cannot be read: {error.strerror or error}", where=path.name) from error
    if start[:8] == _HDF5:
        return "hdf5"
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return "npz"
    if start[:6] == b"\x93NUMPY":
        return "npy"
    # A TFRecord starts with a 64-bit length: its upper half is zero, which no text holds, not even in UTF-16.
    return "tfrecord" if start[4:8] == bytes(4) else "csv"


def role_of(path: Path) -> str:
    """What one of several array files holds, told from its name: "audio", "visual", "labels", "split", ...

    >>> role_of(Path("visual_feature.h5")), role_of(Path("train_order.h5"))
    ('visual', 'train_order')
    """
    stem = path.stem.lower()
    for role in ("train_order", "val_order", "test_order", "true_audio", "true_visual", "true_graph", "hard_label"):
        if role in stem:
            return role
    for role, words in (
        ("audio", ("audio",)),
        ("visual", ("visual", "video", "image")),
        ("labels", ("label",)),
        ("split", ("split",)),
        ("classes", ("classes", "class_names")),
        ("clip_ids", ("clip_ids", "ids")),
        ("media", ("media",)),
    ):
        if any(word in stem for word in words):
            return role
    return ""


@contextmanager
def open_arrays(paths: Sequence[Path], limits: Limits = DEFAULT_LIMITS) -> Iterator[ArrayFile]:
    """The arrays of one npz or HDF5 file, or of several files that hold one array each.

    Raises:
        DataError: If a file cannot be used.
    """
    with ExitStack() as stack:
        if len(paths) == 1:
            path = paths[0]
            kind = sniff(path, limits)
            if kind == "npz":
                yield stack.enter_context(open_npz(path, limits))
                return
            if kind == "hdf5":
                from avexplore.data.files.hdf5 import open_hdf5

                yield stack.enter_context(open_hdf5(path, limits))
                return
            if kind == "npy":
                raise DataError(
                    "One npy file holds one array", where=path.name, fix="Give audio, visual and labels together"
                )
            raise DataError(
                "The format was not recognized", where=path.name, fix="Use npz, npy, HDF5 or YouTube-8M TFRecord files"
            )
        yield _Several([_one(path, stack, limits) for path in paths], limits)


def peek(path: Path, limits: Limits = DEFAULT_LIMITS) -> Mapping[str, Header]:
    """What the arrays of an npz file are called and how large they are; nothing of other files.

    Raises:
        DataError: If the file cannot be read.
    """
    if sniff(path, limits) != "npz":
        return {}
    with open_npz(path, limits) as file:
        return file.headers


def _one(path: Path, stack: ExitStack, limits: Limits) -> tuple[str, ArrayFile, str]:
    """Role, file, and the name of its only array."""
    role, kind = role_of(path), sniff(path, limits)
    if not role:
        raise DataError(
            "It is not clear what this file holds",
            where=path.name,
            fix="Name the files audio, visual, labels (and split, classes, clip_ids)",
        )
    if kind == "npy":
        return role, stack.enter_context(open_npy(path, role, limits)), role
    if kind == "hdf5":
        from avexplore.data.files.hdf5 import open_hdf5

        file = stack.enter_context(open_hdf5(path, limits))
    elif kind == "npz":
        file = stack.enter_context(open_npz(path, limits))
    else:
        raise DataError("Expected an npy or HDF5 file", where=path.name)
    if len(file.headers) != 1:
        raise DataError(f"Expected one array, found {len(file.headers)}", where=path.name, fix="Give this file alone")
    return role, file, next(iter(file.headers))


class _Several:
    """Several files of one array each, as one file of named arrays."""

    def __init__(self, parts: list[tuple[str, ArrayFile, str]], limits: Limits) -> None:
        self._parts: dict[str, tuple[ArrayFile, str]] = {}
        for role, file, name in parts:
            if role in self._parts:
                raise DataError(f"Two files seem to hold {role!r}", where=file.where(), fix="Name them differently")
            self._parts[role] = (file, name)
        self.headers: Mapping[str, Header] = {role: file.headers[name] for role, (file, name) in self._parts.items()}

    def where(self, name: str = "") -> str:
        if not name:
            return ", ".join(file.where() for file, _ in self._parts.values())
        return f"{name} in {self._parts[name][0].where()}"

    def read(self, name: str) -> NDArray[Any]:
        file, inner = self._parts[name]
        return file.read(inner)

    def read_rows(self, name: str, start: int, stop: int) -> NDArray[Any]:
        file, inner = self._parts[name]
        return file.read_rows(inner, start, stop)
