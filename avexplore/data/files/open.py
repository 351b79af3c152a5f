"""Opening files of arrays, whatever their container: told from the first bytes, never from the name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from avexplore.data.files.arrays import ArrayFile, Header
from avexplore.data.files.container import START, Container
from avexplore.data.files.fingerprint import check_file
from avexplore.data.files.hdf5 import HDF5
from avexplore.data.files.limits import DEFAULT_LIMITS, Limits
from avexplore.data.files.npy import NPY, NPZ
from avexplore.data.files.tables import TABLE
from avexplore.data.files.tfrecord import TFRECORD
from avexplore.errors import DataError

CONTAINERS: tuple[Container, ...] = (HDF5, NPZ, NPY, TFRECORD, TABLE)
"""All that is read, in the order in which a file is compared with them; the last one takes what is left."""

FEATURE_SUFFIXES = tuple(suffix for container in CONTAINERS for suffix in container.suffixes)
ARRAY_SUFFIXES = tuple(suffix for c in CONTAINERS if c.holds == "arrays" for suffix in c.suffixes)
"""Of files that can hold a data set, or soft labels, on their own."""

_STRANGERS = (
    (b"MATLAB 5.0", "This is a MATLAB file of an older format", "Save it with save(NAME, ..., '-v7.3')"),
    (b"PAR1", "This is a Parquet table", "Write its columns as arrays with numpy.savez"),
    (b"ARROW1", "This is an Arrow table", "Write its columns as arrays with numpy.savez"),
    (b"FEA1", "This is a Feather table", "Write its columns as arrays with numpy.savez"),
    (b"\x1f\x8b", "The file is compressed with gzip", "Unpack it first (gunzip)"),
    (b"BZh", "The file is compressed with bzip2", "Unpack it first (bunzip2)"),
    (b"\xfd7zXZ\x00", "The file is compressed with xz", "Unpack it first (unxz)"),
    (b"7z\xbc\xaf", "This is a 7z archive", "Unpack it first"),
    (b"Rar!", "This is a RAR archive", "Unpack it first"),
    (b"CDF", "This is a netCDF file of an older format", "Store it as netCDF-4, which is HDF5"),
    (b"RDX", "This is a workspace of R", "Write its matrices with rhdf5 or as npz (reticulate)"),
    *(
        (bytes([0x80, n]), "This is a pickle", "Store arrays with numpy.savez; Python objects are never loaded")
        for n in (2, 3, 4, 5)
    ),
)
"""How files begin that are not read, what they are, and what to do."""


def known_formats() -> str:
    """The containers of features in words.

    >>> known_formats()
    "HDF5 (also MATLAB's v7.3), npz, npy or YouTube-8M TFRecord"
    """
    titles = [container.title for container in CONTAINERS if container.holds != "table"]
    return f"{', '.join(titles[:-1])} or {titles[-1]}"


def sniff(path: Path, limits: Limits = DEFAULT_LIMITS) -> Container:
    """Tell the container of a file from its first bytes; a file that is none of the others is taken for a table.

    Raises:
        DataError: If there is no such file, it cannot be read, or it is of a known kind that is not read.
    """
    check_file(path, limits)
    try:
        with path.open("rb") as stream:
            start = stream.read(START)
    except OSError as error:
        raise DataError(f"The file cannot be read: {error.strerror or error}", where=path.name) from error
    for container in CONTAINERS[:-1]:
        # A length may begin like a stranger: only what is recognized by more than zeros comes before them.
        if container.holds != "records" and container.recognizes(start):
            return container
    for begin, what, fix in _STRANGERS:
        if start.startswith(begin) and not _is_text(start):
            raise DataError(what, where=path.name, fix=fix)
    return next(container for container in CONTAINERS[2:] if container.recognizes(start))


def _is_text(start: bytes) -> bool:
    """Whether bytes may be text: "CDF" and "PAR1" may begin a table, too."""
    return not any(byte < 9 for byte in start) and start.isascii() and not start.startswith(b"MATLAB 5.0")


_OWN_NAMES = ("train_order", "val_order", "test_order", "true_audio", "true_visual", "true_graph", "hard_label")
_ROLES = (
    *((name, (name,)) for name in _OWN_NAMES),
    ("audio", ("audio",)),
    ("visual", ("visual", "video", "image")),
    ("labels", ("label",)),
    ("split", ("split",)),
    ("classes", ("classes", "class_names")),
    ("clip_ids", ("clip_ids", "ids")),
    ("media", ("media",)),
)
"""What an array is, and the words in its file's name that say so; the first that fits counts."""


def role_of(path: Path) -> str:
    """What one of several array files holds, told from its name: "audio", "visual", "labels", "split", ...

    >>> role_of(Path("visual_feature.h5")), role_of(Path("train_order.h5"))
    ('visual', 'train_order')
    """
    stem = path.stem.lower()
    return next((role for role, words in _ROLES if any(word in stem for word in words)), "")


@contextmanager
def open_arrays(paths: Sequence[Path], limits: Limits = DEFAULT_LIMITS) -> Iterator[ArrayFile]:
    """The arrays of one npz or HDF5 file, or of several files that hold one array each.

    Raises:
        DataError: If a file cannot be used.
    """
    with ExitStack() as stack:
        if len(paths) == 1:
            path = paths[0]
            container = sniff(path, limits)
            if container.holds == "array":
                raise DataError(
                    f"One {container.title} file holds one array",
                    where=path.name,
                    fix="Give audio, visual and labels together",
                )
            if container.open is None:
                raise DataError("The format was not recognized", where=path.name, fix=f"Use {known_formats()} files")
            yield stack.enter_context(container.open(path, limits))
            return
        yield _Several([_one(path, stack, limits) for path in paths], limits)


def peek(path: Path, limits: Limits = DEFAULT_LIMITS) -> Mapping[str, Header]:
    """What the arrays of a file are called and how large they are; nothing of files that hold no named arrays.

    Raises:
        DataError: If the file cannot be read.
    """
    container = sniff(path, limits)
    if container.holds != "arrays" or container.open is None:
        return {}
    with container.open(path, limits) as file:
        return file.headers


def _one(path: Path, stack: ExitStack, limits: Limits) -> tuple[str, ArrayFile, str]:
    """Role, file, and the name of its only array."""
    role, container = role_of(path), sniff(path, limits)
    if not role:
        raise DataError(
            "It is not clear what this file holds",
            where=path.name,
            fix="Name the files audio, visual, labels (and split, classes, clip_ids)",
        )
    if container.open is None:
        raise DataError("Expected a file of arrays", where=path.name)
    file = stack.enter_context(container.open(path, limits))
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
        self.refused: Mapping[str, DataError] = {}

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
