"""Reading single columns of a file of arrays: features averaged over time, label and split columns, strings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from avexplore.artifacts import SPLITS, FloatArray, IntArray
from avexplore.data.files.arrays import Header
from avexplore.data.files.limits import DEFAULT_LIMITS, MEBIBYTE, Limits
from avexplore.data.layouts.source import Source
from avexplore.data.splits import TEST, TRAIN, VALIDATION
from avexplore.errors import DataError
from avexplore.large_arrays import empty

SPLIT_WORDS = {
    "train": TRAIN,
    "training": TRAIN,
    "validation": VALIDATION,
    "validate": VALIDATION,
    "valid": VALIDATION,
    "val": VALIDATION,
    "test": TEST,
    "testing": TEST,
}
_INDICES = {str(index): index for index in range(len(SPLITS))}
_FLAGS = {"1": TRAIN, "0": TEST}
_IN_WORDS = f"the words {', '.join(SPLITS)}"
_SLAB = 64 * MEBIBYTE
USUAL_WIDTHS = frozenset({64, 128, 256, 384, 512, 527, 640, 768, 1024, 1280, 1536, 2048, 3072, 4096})
"""Of embeddings that pretrained networks give."""


def features(file: Source, name: str, limits: Limits = DEFAULT_LIMITS) -> FloatArray:
    """Features averaged over all axes but that of the clips and that of the features. Shape (n, d), floating point.

    Read slab by slab, so that an array with a time axis never lies in memory as a whole.
    """
    header = file.headers[name]
    where = file.where(name)
    if header.dtype.kind not in "fiu":
        raise DataError(f"Expected numbers, got {header.dtype}", where=where, fix="Store the features as float32")
    if len(header.shape) < 2 or 0 in header.shape:
        raise DataError(
            f"Expected one row of features per clip, got shape {header.shape}",
            where=where,
            fix="Store (clips, features), or (clips, seconds, features) to be averaged",
        )
    if len(header.shape) == 2:
        limits.check_bytes(header.nbytes, where=where)
        return file.read(name)
    kept = feature_axis(header.shape, where)
    averaged = tuple(axis for axis in range(1, len(header.shape)) if axis != kept)
    n, d = header.shape[0], header.shape[kept]
    sizes = " and ".join(f"{axis} (of {header.shape[axis]})" for axis in averaged)
    plural = "axes" if len(averaged) > 1 else "axis"
    file.say(
        f"{name}: shape {header.shape} averaged over {plural} {sizes}, counted from 0; axis {kept} holds the features",
        **{f"{name}_averaged_axes": averaged},
    )
    limits.check_bytes(n * d * 4, where=where)
    means: FloatArray = empty((n, d), np.float32)
    rows = max(1, _SLAB // max(1, header.nbytes // n))
    for start in range(0, n, rows):
        slab = file.read_rows(name, start, start + rows)
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is located later
            means[start : start + rows] = slab.mean(axis=averaged, dtype=np.float64)
    return means


def feature_axis(shape: tuple[int, ...], where: str) -> int:
    """The axis that is kept; the others, but the first, are averaged over.

    It is the last one, as in (clips, seconds, features) and (clips, seconds, rows, columns, features), unless the last
    two are equal, as in (clips, channels, rows, columns): then those are rows and columns, and the largest other one
    is kept; or unless the last one is no usual width of an embedding and exactly one other is.

    Raises:
        DataError: If all axes are alike, so that nothing tells them apart.

    >>> feature_axis((40, 10, 128), "x"), feature_axis((40, 10, 7, 7, 512), "x"), feature_axis((40, 512, 7, 7), "x")
    (2, 4, 1)
    >>> feature_axis((40, 1024, 10), "x"), feature_axis((40, 10, 512, 7, 7), "x"), feature_axis((40, 10, 6), "x")
    (1, 2, 2)
    """
    last = len(shape) - 1
    if last < 2:
        return last
    inner = list(range(1, last + 1))
    if len(inner) > 2 and len({shape[axis] for axis in inner}) == 1:
        raise DataError(
            f"Nothing tells features from time and space in shape {shape}",
            where=where,
            fix="Average them yourself, and store (clips, features)",
        )
    if len(inner) > 2 and shape[last] == shape[last - 1]:
        return max(inner[:-2], key=lambda axis: shape[axis])
    usual = [axis for axis in inner if shape[axis] in USUAL_WIDTHS]
    if last not in usual and len(usual) == 1 and shape[usual[0]] > shape[last]:
        return usual[0]
    return last


def column(file: Source, name: str, *, squeeze: bool = False) -> NDArray:
    """A vector; with `squeeze` also from shape (n, 1)."""
    header: Header = file.headers[name]
    shape = header.shape
    if squeeze and len(shape) == 2 and name.lower().startswith("lab") and min(shape) > 1:
        return file.read(name)
    fits = len(shape) == 1 or (squeeze and len(shape) == 2 and 1 in shape)
    if not fits:
        raise DataError(f"Expected one entry per clip, got shape {shape}", where=file.where(name))
    return file.read(name).reshape(-1)


def texts(file: Source, name: str) -> list[str]:
    """The strings of an array, as they are stored.

    Raises:
        DataError: If the array holds something else, or bytes that are no text.
    """
    return strings(file.read(name), where=file.where(name))


def strings(values: NDArray, where: str) -> list[str]:
    """The entries of an array of fixed-length strings, as Python strings."""
    if values.dtype.kind not in "SU" or values.ndim > 1:
        raise DataError(f"Expected a list of strings, got {values.dtype} of shape {values.shape}", where=where)
    try:
        flat = values.reshape(-1).tolist()
        return [item.decode("utf-8", "replace") if isinstance(item, bytes) else item for item in flat]
    except (ValueError, UnicodeError) as error:
        raise DataError("Some strings are damaged", where=where, fix="Store them again") from error


def split_indices(values: NDArray, where: str) -> IntArray:
    """Index into `SPLITS` per clip, from the words "train", "validation" and "test", or from those indices.

    Indices are taken only where a 2 is among them. 0 and 1 alone are refused: some files count train, test, others
    flag the training clips with 1, and a guess would train on the test clips.

    Args:
        values: One entry per clip. Shape (n,).
        where: For messages.

    Raises:
        DataError: If an entry is unknown or the entries could be read in two ways.

    >>> split_indices(np.array(["train", "test"]), "split"), split_indices(np.array([0, 2]), "split")
    (array([0, 2], dtype=int8), array([0, 2], dtype=int8))
    """
    fix = f"Write {_IN_WORDS}; as numbers 0, 1 and 2 in this order, with 2 for test"
    entries, place = _entries(values, where)
    if entries and set(entries) <= {"0", "1"}:
        raise DataError("0 and 1 alone do not say which of them are the training clips", where=where, fix=fix)
    return _looked_up(entries, SPLIT_WORDS | _INDICES if "2" in entries else SPLIT_WORDS, where, fix)[place]


def train_test_indices(values: NDArray, where: str) -> IntArray:
    """Index into `SPLITS` per clip of a file whose layout says that 1 is train and 0 is test; words are read as well.

    >>> train_test_indices(np.array([b"1", b"0"]), "Train_test")
    array([0, 2], dtype=int8)
    """
    entries, place = _entries(values, where)
    return _looked_up(entries, SPLIT_WORDS | _FLAGS, where, f"Write 1 for train and 0 for test, or {_IN_WORDS}")[place]


def _entries(values: NDArray, where: str) -> tuple[list[str], IntArray]:
    """The different entries of a column as text, and which of them each clip has."""
    different, place = np.unique(values.reshape(-1), return_inverse=True)
    if different.dtype.kind in "SU":
        return [text.strip().lower() for text in strings(different, where)], place
    return [f"{number:g}" for number in different.astype(np.float64)], place


def _looked_up(entries: list[str], known: Mapping[str, int], where: str, fix: str) -> IntArray:
    if unknown := [text for text in entries if text not in known]:
        raise DataError(f"Unknown split {unknown[0][:40]!r}", where=where, fix=fix)
    return np.array([known[text] for text in entries], np.int8)
