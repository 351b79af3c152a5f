"""Reading single columns of a file of arrays: features averaged over time, label and split columns, strings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from avexplore.artifacts import SPLITS, FloatArray, IntArray
from avexplore.data.arrays import ArrayFile, Header
from avexplore.data.limits import DEFAULT_LIMITS, MEBIBYTE, Limits
from avexplore.data.splits import TEST, TRAIN, VALIDATION
from avexplore.errors import DataError

_SPLIT_WORDS = {
    "train": TRAIN,
    "training": TRAIN,
    "1": TRAIN,
    "validation": VALIDATION,
    "valid": VALIDATION,
    "val": VALIDATION,
    "test": TEST,
    "testing": TEST,
    "0": TEST,
}
_SLAB = 64 * MEBIBYTE


def features(file: ArrayFile, name: str, limits: Limits = DEFAULT_LIMITS) -> FloatArray:
    """Features averaged over all axes but the first and the last. Shape (n, d), floating point.

    Read slab by slab, so that an array with a time axis never lies in memory as a whole.
    """
    header = file.headers[name]
    where = f"{name} in {file.path.name}"
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
    n, d = header.shape[0], header.shape[-1]
    limits.check_bytes(n * d * 4, where=where)
    means = np.empty((n, d), np.float32)
    rows = max(1, _SLAB // max(1, header.nbytes // n))
    for start in range(0, n, rows):
        slab = file.read_rows(name, start, start + rows)
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is located later
            means[start : start + rows] = slab.mean(axis=tuple(range(1, slab.ndim - 1)), dtype=np.float64)
    return means


def column(file: ArrayFile, name: str, *, squeeze: bool = False) -> NDArray:
    """A vector; with `squeeze` also from shape (n, 1)."""
    header: Header = file.headers[name]
    shape = header.shape
    if squeeze and len(shape) == 2 and name.lower().startswith("lab") and shape[1] > 1:
        return file.read(name)
    fits = len(shape) == 1 or (squeeze and len(shape) == 2 and shape[1] == 1)
    if not fits:
        raise DataError(f"Expected one entry per clip, got shape {shape}", where=f"{name} in {file.path.name}")
    return file.read(name).reshape(-1)


def texts(file: ArrayFile, name: str) -> list[str]:
    """The strings of an array, as they are stored.

    Raises:
        DataError: If the array holds something else, or bytes that are no text.
    """
    return strings(file.read(name), where=f"{name} in {file.path.name}")


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
    """Index into `SPLITS` per clip, from words ("train", "test", ...), from "1" = train and "0" = test, or from 0/1.

    Numbers mean what the strings mean, except where 2 occurs: then they are indices into train, validation, test.
    """
    where = f"split in {where}"
    fix = f"Use the words {', '.join(SPLITS)}, or 1 for train and 0 for test"
    if values.dtype.kind in "SU":
        raw = [text.strip().lower() for text in strings(values, where)]
        known: Mapping[str, int] = _SPLIT_WORDS
        if unknown := [text for text in raw if text not in known]:
            raise DataError(f"Unknown split {unknown[0][:40]!r}", where=where, fix=fix)
        return np.array([known[text] for text in raw], np.int8)
    if values.dtype.kind not in "biuf" or not np.isin(values, (0, 1, 2)).all():
        raise DataError("Unknown split", where=where, fix=fix)
    whole = values.astype(np.int8)
    if (whole == 2).any():
        return whole
    return np.where(whole == 1, TRAIN, TEST).astype(np.int8)
