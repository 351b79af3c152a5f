"""Weights as safetensors: named arrays, no code, checked before a byte of them is used."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avexplore.errors import StoreError

_KINDS = {
    "BOOL": np.bool_,
    "U8": np.uint8,
    "I8": np.int8,
    "I16": np.int16,
    "U16": np.uint16,
    "F16": np.float16,
    "I32": np.int32,
    "U32": np.uint32,
    "F32": np.float32,
    "I64": np.int64,
    "U64": np.uint64,
    "F64": np.float64,
}
_LONGEST_HEADER = 16 * 2**20


def weights_to_bytes(weights: Mapping[str, NDArray[Any]]) -> bytes:
    """Serialize named arrays as safetensors, the same bytes for the same arrays.

    Raises:
        StoreError: If an array holds anything but numbers or truth values.

    >>> from pathlib import Path; import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "weights.safetensors"
    >>> _ = path.write_bytes(weights_to_bytes({"0.bias": np.zeros(3, np.float32)}))
    >>> read_weights(path)["0.bias"]
    array([0., 0., 0.], dtype=float32)
    """
    from safetensors.numpy import save

    known = set(map(np.dtype, _KINDS.values()))
    for name, values in weights.items():
        if np.asarray(values).dtype not in known:
            raise StoreError(f"Arrays of {np.asarray(values).dtype} cannot be stored as weights", where=name)
    # The library writes the memory as it lies, so the layout has to be row by row.
    return save({name: np.ascontiguousarray(values).reshape(np.shape(values)) for name, values in weights.items()})


def read_weights(path: Path) -> dict[str, NDArray[Any]]:
    """Read a safetensors file, memory-mapped and read-only.

    Every length is checked against the size of the file first, so that a lying header can neither reach outside
    the file nor ask for memory.

    Raises:
        StoreError: If the file is not a sound safetensors file.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(size - 8, _LONGEST_HEADER):
                raise StoreError("The header is longer than the file", where=path.name)
            header = json.loads(file.read(length))
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"Not a safetensors file: {error}", where=path.name) from error
    start = 8 + length
    if not isinstance(header, dict):
        raise StoreError("The header is not a table", where=path.name)
    header.pop("__metadata__", None)
    body = np.memmap(path, np.uint8, "r", start) if size > start else np.zeros(0, np.uint8)
    found: dict[str, NDArray[Any]] = {}
    covered = 0
    for name, entry in header.items():
        kind, shape, low, high = _entry(entry, f"{path.name}, {name[:80]}")
        if not low <= high <= len(body) or math.prod(shape) * kind.itemsize != high - low:
            raise StoreError("Shape, type and position do not agree", where=f"{path.name}, {name[:80]}")
        covered += high - low
        try:
            found[name] = np.asarray(body[low:high]).view(kind).reshape(shape)
        except (ValueError, OverflowError) as error:  # sizes beyond NumPy's, with a zero among them
            raise StoreError("The shape makes no sense", where=f"{path.name}, {name[:80]}") from error
        found[name].setflags(write=False)
    if covered != len(body):
        raise StoreError("Arrays overlap or leave gaps", where=path.name)
    return found


def _entry(entry: Any, where: str) -> tuple[np.dtype[Any], tuple[int, ...], int, int]:
    if not isinstance(entry, dict) or not isinstance(entry.get("dtype"), str) or entry["dtype"] not in _KINDS:
        raise StoreError("Unknown element type", where=where)
    shape, span = entry.get("shape"), entry.get("data_offsets")
    for numbers in (shape, span):
        if not isinstance(numbers, list) or not all(type(n) is int and 0 <= n < 2**48 for n in numbers):
            raise StoreError("Shape or position is not a list of sizes", where=where)
    if not isinstance(shape, list) or not isinstance(span, list) or len(span) != 2 or len(shape) > 16:
        raise StoreError("Shape or position is malformed", where=where)
    return np.dtype(_KINDS[entry["dtype"]]), tuple(shape), span[0], span[1]
