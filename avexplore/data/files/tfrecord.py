"""Reading TFRecord files of tf.Example without TensorFlow: framing, checksums, and the few messages that occur.

A TFRecord file is a row of records: length (8 bytes, little endian), masked CRC32C of the length, the data, masked
CRC32C of the data. The data is a tf.Example in Protocol Buffers' wire format: a map from feature names to lists of
bytes, floats or integers.

References:
    tensorflow.org/tutorials/load_data/tfrecord; protobuf.dev/programming-guides/encoding; RFC 3720, appendix B.4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avexplore.artifacts import FloatArray, IntArray
from avexplore.data.files.fingerprint import check_file
from avexplore.data.files.limits import DEFAULT_LIMITS, MEBIBYTE, Limits, readable_bytes
from avexplore.errors import DataError

_LONGEST_RECORD = 64 * MEBIBYTE
_SHARD = 2048 * MEBIBYTE

Feature = list[bytes] | FloatArray | IntArray
"""Values of one feature: bytes as they are, floats as float32, integers as int64."""


def crc32c(blocks: Sequence[bytes | memoryview]) -> NDArray[np.uint32]:
    """CRC-32C (Castagnoli) of each block.

    All blocks advance together, so that the loop runs over the bytes of the longest one, not over all bytes. Blocks
    are aligned at their ends: leading zeros leave a state of zero unchanged, and the initial state of all ones equals
    flipping the first four bytes.

    Returns:
        Shape (number of blocks,), uint32.

    >>> hex(crc32c([b"123456789"])[0])
    '0xe3069283'
    """
    lengths = np.array([len(block) for block in blocks], np.int64)
    width = max(4, int(lengths.max(initial=0)))
    width += -width % 8
    # Memory of the aligned blocks is bounded by handling them in groups.
    group = max(1, 32 * MEBIBYTE // width)
    parts = [_crc32c_group(blocks[i : i + group], width) for i in range(0, len(blocks), group)]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint32)


def _crc32c_group(blocks: Sequence[bytes | memoryview], width: int) -> NDArray[np.uint32]:
    aligned = np.zeros((len(blocks), width), np.uint8)
    state = np.zeros(len(blocks), np.uint32)
    table = _table()
    for i, block in enumerate(blocks):
        if len(block) >= 4:
            aligned[i, width - len(block) :] = np.frombuffer(block, np.uint8)
            aligned[i, width - len(block) : width - len(block) + 4] ^= 0xFF
        else:
            crc = 0xFFFFFFFF
            for byte in bytes(block):
                crc = int(table[0, (crc ^ byte) & 0xFF]) ^ (crc >> 8)
            state[i] = crc
    short = np.array([len(block) < 4 for block in blocks])
    rolled: NDArray[Any] = np.zeros(len(blocks), np.uint32)
    words = np.ascontiguousarray(aligned.reshape(len(blocks), -1, 8).transpose(1, 2, 0))
    for chunk in words:
        # Eight bytes at once ("slicing by 8"): the state enters the first four of them.
        mixed: NDArray[Any] = (
            table[7, (rolled & 0xFF) ^ chunk[0]]
            ^ table[6, ((rolled >> 8) & 0xFF) ^ chunk[1]]
            ^ table[5, ((rolled >> 16) & 0xFF) ^ chunk[2]]
            ^ table[4, (rolled >> 24) ^ chunk[3]]
            ^ table[3, chunk[4]]
            ^ table[2, chunk[5]]
            ^ table[1, chunk[6]]
            ^ table[0, chunk[7]]
        )
        rolled = mixed
    result: NDArray[np.uint32] = np.where(short, state, rolled) ^ np.uint32(0xFFFFFFFF)
    return result


@cache
def _table() -> NDArray[np.uint32]:
    """Row k: effect of a byte that k further bytes follow. Shape (8, 256)."""
    table = np.zeros((8, 256), np.uint32)
    value: NDArray[Any] = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        value = (value >> 1) ^ np.where(value & 1, np.uint32(0x82F63B78), np.uint32(0))
    table[0] = value
    for k in range(1, 8):
        table[k] = table[0, table[k - 1] & 0xFF] ^ (table[k - 1] >> 8)
    table.setflags(write=False)
    return table


def masked(crc: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The form in which TFRecord stores checksums.

    >>> hex(masked(np.array([0xE3069283], np.uint32))[0])
    '0xc78ab0e5'
    """
    return (((crc >> 15) | (crc << 17)) + np.uint32(0xA282EAD8)).astype(np.uint32)


def read_records(path: Path, limits: Limits = DEFAULT_LIMITS) -> list[memoryview]:
    """The records of a file, with all checksums verified.

    Raises:
        DataError: If a length or checksum is wrong, or the file ends within a record.
    """
    size = check_file(path, limits)
    where = path.name
    if size > _SHARD:
        raise DataError(f"A shard of {readable_bytes(size)} is too large", where=where, fix="Use smaller shards")
    try:
        content = memoryview(path.read_bytes())
    except OSError as error:
        raise DataError(f"The file cannot be read: {error.strerror or error}", where=where) from error
    lengths: list[memoryview] = []
    records: list[memoryview] = []
    stored: list[tuple[int, int]] = []
    at = 0
    while at < len(content):
        if at + 12 > len(content):
            raise DataError("The file ends within a record", where=f"record {len(records)} of {where}", fix=_AGAIN)
        length, length_crc = struct.unpack_from("<QI", content, at)
        end = at + 12 + length
        if length > _LONGEST_RECORD or end + 4 > len(content):
            # The length's own checksum tells a damaged length from a truncated file.
            sound = int(masked(crc32c([content[at : at + 8]]))[0]) == length_crc
            what = "The file ends within a record" if sound else "This is no TFRecord file, or it is damaged"
            raise DataError(what, where=f"record {len(records)} of {where}", fix=_AGAIN)
        lengths.append(content[at : at + 8])
        records.append(content[at + 12 : end])
        stored.append((length_crc, struct.unpack_from("<I", content, end)[0]))
        at = end + 4
        if len(records) > limits.clips:
            raise DataError(f"More than {limits.clips:,} records", where=where)
    expected = np.array(stored, np.uint32).reshape(-1, 2)
    for column, blocks in enumerate((lengths, records)):
        wrong = np.flatnonzero(masked(crc32c(blocks)) != expected[:, column])
        if len(wrong):
            raise DataError("The checksum does not fit the data", where=f"record {wrong[0]} of {where}", fix=_AGAIN)
    return records


_AGAIN = "Download the file again"


def parse_example(record: memoryview, *, where: str) -> dict[str, Feature]:
    """The features of a tf.Example, by name. Where a name repeats, the last one counts, as Protocol Buffers define.

    Raises:
        DataError: If the bytes are no tf.Example.
    """
    try:
        found: dict[str, Feature] = {}
        for number, kind, features in _fields(record):
            if number != 1 or kind != 2:
                continue
            for number_, kind_, entry in _fields(features):
                if number_ != 1 or kind_ != 2:
                    continue
                name, value = "", memoryview(b"")
                for key, kind__, content in _fields(entry):
                    if key == 1 and kind__ == 2:
                        name = bytes(content[:200]).decode("utf-8", "replace")
                    elif key == 2 and kind__ == 2:
                        value = content
                found[name] = _feature(value)
        return found
    except (ValueError, IndexError, struct.error) as error:
        raise DataError("The record is no tf.Example", where=where, fix=_AGAIN) from error


def _feature(message: memoryview) -> Feature:
    result: Feature = []
    for number, kind, content in _fields(message):
        if kind != 2:
            continue
        if number == 1:
            result = [bytes(item) for n, k, item in _fields(content) if n == 1 and k == 2]
        elif number == 2:
            pieces = [np.frombuffer(item, "<f4") for n, k, item in _fields(content) if n == 1 and k in (2, 5)]
            result = np.concatenate(pieces).astype(np.float32) if pieces else np.zeros(0, np.float32)
        elif number == 3:
            numbers: list[int] = []
            for n, k, item in _fields(content):
                if n == 1 and k == 2:
                    numbers.extend(_varints(item))
                elif n == 1 and k == 0:
                    numbers.append(_varint(item, 0)[0])
            result = np.array(numbers, np.uint64).astype(np.int64)
    return result


def _fields(message: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Field number, wire type and content of each field; a varint's content is its own bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            start = at
            _, at = _varint(message, at)
            yield number, kind, message[start:at]
            continue
        if kind == 2:
            length, at = _varint(message, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError("unknown wire type")
        if length > len(message) - at or number == 0:
            raise ValueError("field runs over the end")
        yield number, kind, message[at : at + length]
        at += length


def _varints(message: memoryview) -> Iterator[int]:
    at = 0
    while at < len(message):
        value, at = _varint(message, at)
        yield value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
        if shift > 63:
            raise ValueError("number of more than ten bytes")
