"""CRC-32C, compiled: linear in bytes, whatever the lengths of the blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


def _tables() -> NDArray[np.uint32]:
    """Row k: effect of a byte that k further bytes follow. Shape (8, 256)."""
    table = np.zeros((8, 256), np.uint32)
    value: NDArray[Any] = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        value = (value >> 1) ^ np.where(value & 1, np.uint32(0x82F63B78), np.uint32(0)).astype(np.uint32)
    table[0] = value
    for k in range(1, 8):
        table[k] = table[0, table[k - 1] & 0xFF] ^ (table[k - 1] >> 8)
    return table


TABLES = _tables()


@njit(cache=True, nogil=True)
def checksums(content, starts, stops, tables):  # type: ignore[no-untyped-def]
    """CRC-32C (Castagnoli) of each block `content[start:stop]`, eight bytes at a time ("slicing by 8").

    Args:
        content: Shape (bytes,), uint8.
        starts, stops: Shape (blocks,), int64, within the content.
        tables: `TABLES`.

    Returns:
        Shape (blocks,), uint32.

    References:
        RFC 3720, appendix B.4; Kounavis and Berry, A Systematic Approach to Building High Performance, Software-based,
        CRC Generators, ISCC 2005.
    """
    found = np.empty(len(starts), np.uint32)
    low = np.uint32(0xFF)
    for block in range(len(starts)):
        state = np.uint32(0xFFFFFFFF)
        at = starts[block]
        stop = stops[block]
        while stop - at >= 8:
            state = (
                tables[7, (state & low) ^ content[at]]
                ^ tables[6, ((state >> np.uint32(8)) & low) ^ content[at + 1]]
                ^ tables[5, ((state >> np.uint32(16)) & low) ^ content[at + 2]]
                ^ tables[4, (state >> np.uint32(24)) ^ content[at + 3]]
                ^ tables[3, content[at + 4]]
                ^ tables[2, content[at + 5]]
                ^ tables[1, content[at + 6]]
                ^ tables[0, content[at + 7]]
            )
            at += 8
        while at < stop:
            state = tables[0, (state & low) ^ content[at]] ^ (state >> np.uint32(8))
            at += 1
        found[block] = state ^ np.uint32(0xFFFFFFFF)
    return found


@njit(cache=True, nogil=True)
def frames(content, most):  # type: ignore[no-untyped-def]
    """Where the records of a TFRecord file begin and end, as its lengths say.

    Args:
        content: Shape (bytes,), uint8.
        most: Records to look for.

    Returns:
        Starts and stops of the records' data, int64, and where the next frame begins: the end of the content, unless
        a length leads beyond it or there are more than `most` records.
    """
    starts = np.empty(16, np.int64)
    stops = np.empty(16, np.int64)
    count = 0
    at = 0
    size = len(content)
    while at + 16 <= size and count < most:
        length: Any = np.int64(0)
        for k in range(8):
            length |= np.int64(content[at + k]) << np.int64(8 * k)
        if length < 0 or length > size - at - 16:
            break
        if count == len(starts):
            starts = np.concatenate((starts, np.empty(count, np.int64)))
            stops = np.concatenate((stops, np.empty(count, np.int64)))
        starts[count] = at + 12
        stops[count] = at + 12 + length
        at += 16 + length
        count += 1
    return starts[:count], stops[:count], at
