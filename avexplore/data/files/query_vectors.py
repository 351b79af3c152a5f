"""Feature vectors that somebody asks with: a small npy or npz file, read without trust."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from avexplore.artifacts import FloatArray, Modality
from avexplore.data.files.npy import check_directory
from avexplore.errors import DataError

MAX_BYTES = 32 * 2**20
MAX_VECTORS = 500
_LISTED = 5
"""So many arrays that were not read are named."""


@dataclass(frozen=True)
class Uploaded:
    """Vectors that somebody brought.

    Attributes:
        vectors: Shape (n, d), float32.
        said: What was read of the file and what was not, in a sentence or two.
    """

    vectors: FloatArray
    said: str


def read_vectors(name: str, content: bytes, modality: Modality) -> Uploaded:
    """Feature vectors from an uploaded .npy or .npz file.

    Args:
        name: The file's name, for messages and for its ending.
        content: What was uploaded; never unpickled.
        modality: Array to take from an .npz that holds both `audio` and `visual`.

    Returns:
        1 to `MAX_VECTORS` vectors, and what was read.

    Raises:
        DataError: If it is no such file, too large, or not finite numbers of a fitting shape.
    """
    kind = PurePosixPath(name).suffix.lower()
    fix = f"Upload .npy with one vector, or (n, d) with up to {MAX_VECTORS}; or .npz with the array `{modality}`"
    if len(content) > MAX_BYTES:
        raise DataError(f"The file is larger than {MAX_BYTES // 2**20} MB", where=name, fix="Upload fewer vectors")
    try:
        values, array, left_out = _from_npz(content, modality) if kind == ".npz" else (_array(content), "", [])
    except DataError:
        raise
    except Exception as error:
        # Whatever a hostile file makes the readers raise, the visitor gets one sentence.
        raise DataError("This is no array file that can be read safely", where=name, fix=fix) from error
    if values.dtype.kind not in "fiu":
        raise DataError(f"Expected numbers, got {values.dtype}", where=name, fix=fix)
    shape, dtype = values.shape, values.dtype
    if values.ndim == 1:
        values = values[None, :]
    if values.ndim != 2 or not values.size:
        raise DataError(f"Expected vectors, got shape {values.shape}", where=name, fix=fix)
    if len(values) > MAX_VECTORS:
        raise DataError(f"There are {len(values):,} vectors", where=name, fix=f"Upload at most {MAX_VECTORS}")
    with np.errstate(over="ignore"):
        vectors: FloatArray = values.astype(np.float32)
    if not np.isfinite(vectors).all():
        raise DataError("Some values are NaN, infinite or too large", where=name, fix="Remove or impute them")
    count = "one vector" if len(vectors) == 1 else f"{len(vectors):,} vectors, one per row,"
    said = (
        f"Read from {name}: {f'array {array}, ' if array else ''}{dtype} of shape {_words(shape)}, taken as {count} of "
    )
    said += f"{vectors.shape[1]:,} numbers."
    return Uploaded(vectors, said + (f" Not read: {', '.join(left_out)}." if left_out else ""))


def _words(shape: tuple[int, ...]) -> str:
    """A shape as people write it.

    >>> _words((3, 128)), _words((128,))
    ('3 x 128', '128')
    """
    return " x ".join(map(str, shape))


def _from_npz(content: bytes, modality: Modality) -> tuple[np.ndarray[Any, Any], str, list[str]]:
    """The array, its name, and what else is in the archive."""
    check_directory(io.BytesIO(content), where="npz")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {PurePosixPath(info.filename).stem: info for info in archive.infolist()}
        if modality not in members and len(members) != 1:
            found = ", ".join(sorted(members)[:5]) or "nothing"
            raise DataError(f"There is no array `{modality}`, only {found}", where="npz", fix="Name the array so")
        chosen = members.get(modality) or next(iter(members.values()))
        # A small archive can claim terabytes: its directory says so before anything is unpacked.
        if chosen.file_size > MAX_BYTES:
            raise DataError(
                "The unpacked array is too large", where="npz", fix=f"Keep it below {MAX_BYTES // 2**20} MB"
            )
        with archive.open(chosen) as member:
            values = _array(member.read(MAX_BYTES))
        name = PurePosixPath(chosen.filename).stem
        others = sorted(other for other in members if members[other] is not chosen)
        left_out = [f"{other}{_shape_of(archive, members[other])}" for other in others[:_LISTED]]
        return values, name, left_out + ([f"{len(others) - _LISTED} more"] if len(others) > _LISTED else [])


def _shape_of(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str:
    """The shape that an array's header claims, in brackets; "" where there is none to be read."""
    try:
        with archive.open(member) as found:
            version = np.lib.format.read_magic(found)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            return f" ({_words(read(found)[0])})"
    except Exception:  # whatever a hostile header makes the reader raise, its name says enough
        return ""


def _array(content: bytes) -> np.ndarray[Any, Any]:
    loaded = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    return np.asarray(loaded)
