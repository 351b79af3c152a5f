"""Reading TFRecord files of tf.Example without TensorFlow: framing, checksums, and the few messages that occur.

A TFRecord file is a row of records: length (8 bytes, little endian), masked CRC32C of the length, the data, masked
CRC32C of the data. The data is a tf.Example in Protocol Buffers' wire format: a map from feature names to lists of
bytes, floats or integers.

References:
    tensorflow.org/tutorials/load_data/tfrecord; protobuf.dev/programming-guides/encoding; RFC 3720, appendix B.4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avexplore.artifacts import FloatArray, IntArray
from avexplore.data.files.container import Container
from avexplore.data.files.fingerprint import check_file
from avexplore.data.files.limits import DEFAULT_LIMITS, MEBIBYTE, Limits, readable_bytes
from avexplore.errors import DataError

_SHARD = 2048 * MEBIBYTE

Feature = list[bytes] | FloatArray | IntArray
"""Values of one feature: bytes as they are, floats as float32, integers as int64."""


def crc32c(blocks: Sequence[bytes | memoryview]) -> NDArray[np.uint32]:
    """CRC-32C (Castagnoli) of each block. Shape (number of blocks,).

    >>> hex(crc32c([b"123456789"])[0])
    '0xe3069283'
    """
    from avexplore.data.files.checksum import TABLES, checksums

    stops = np.cumsum([len(block) for block in blocks], dtype=np.int64)
    content = np.frombuffer(b"".join(blocks), np.uint8)
    found: NDArray[np.uint32] = checksums(content, np.r_[0, stops[:-1]].astype(np.int64)[: len(stops)], stops, TABLES)
    return found


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
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"The file cannot be read: {error.strerror or error}", where=where) from error
    from avexplore.data.files.checksum import TABLES, checksums, frames

    content = np.frombuffer(raw, np.uint8)
    starts, stops, reached = frames(content, limits.clips + 1)
    if len(starts) > limits.clips:
        raise DataError(f"More than {limits.clips:,} records", where=where)
    wrong = np.zeros(len(starts), bool)
    for first, last in ((starts - 12, starts - 4), (starts, stops)):
        places = last[:, None] + np.arange(4)
        stored = np.ascontiguousarray(content[places]).view("<u4").reshape(-1)
        wrong |= masked(checksums(content, first, last, TABLES)) != stored
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        raise DataError("The checksum does not fit the data", where=f"record {place} of {where}", fix=_AGAIN)
    if reached < len(raw):
        # The length's own checksum tells a damaged length from a truncated file.
        head = raw[reached : reached + 12]
        sound = len(head) < 12 or int(masked(crc32c([head[:8]]))[0]) == int.from_bytes(head[8:], "little")
        what = "The file ends within a record" if sound else "This is no TFRecord file, or it is damaged"
        raise DataError(what, where=f"record {len(starts)} of {where}", fix=_AGAIN)
    view = memoryview(raw)
    return [view[start:stop] for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)]


_AGAIN = "Download the file again"


def parse_example(record: memoryview, *, where: str) -> dict[str, Feature]:
    """The features of a tf.Example, by name. Where a name repeats, the last one counts, as Protocol Buffers define.

    Raises:
        DataError: If the bytes are no tf.Example.
    """
    try:
        found: dict[str, Feature] = {}
        for features in _items(record):
            for entry in _items(features):
                pair = {number: content for number, kind, content in _fields(entry) if kind == 2}
                name, value = (pair.get(number, memoryview(b"")) for number in (1, 2))
                found[bytes(name[:200]).decode("utf-8", "replace")] = _feature(value)
        return found
    except (ValueError, IndexError, struct.error) as error:
        raise DataError("The record is no tf.Example", where=where, fix=_AGAIN) from error


def _items(message: memoryview) -> Iterator[memoryview]:
    """What a message holds under number 1, as bytes or messages: a tf.Example, its map and its lists know no other."""
    return (content for number, kind, content in _fields(message) if number == 1 and kind == 2)


def _feature(message: memoryview) -> Feature:
    result: Feature = []
    for number, kind, content in _fields(message):
        if kind != 2:
            continue
        if number == 1:
            result = [bytes(item) for item in _items(content)]
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


def frame(records: Sequence[bytes]) -> bytes:
    """The bytes of a TFRecord file with these records."""
    lengths = [struct.pack("<Q", len(record)) for record in records]
    sums = [masked(crc32c(blocks)) for blocks in (lengths, records)]
    rows = zip(lengths, sums[0].tolist(), records, sums[1].tolist(), strict=True)
    return b"".join(n + struct.pack("<I", a) + record + struct.pack("<I", b) for n, a, record, b in rows)


def encode_example(features: Mapping[str, Feature]) -> bytes:
    """The bytes of a tf.Example.

    >>> parse_example(memoryview(encode_example({"labels": np.array([3, 7])})), where="here")["labels"]
    array([3, 7])
    """
    entries = []
    for name, values in features.items():
        if isinstance(values, list):
            feature = _field(1, b"".join(_field(1, item) for item in values))
        elif values.dtype.kind == "f":
            feature = _field(2, _field(1, values.astype("<f4").tobytes()))
        else:
            feature = _field(3, _field(1, b"".join(_encoded(int(value) & (2**64 - 1)) for value in values)))
        entries.append(_field(1, _field(1, name.encode()) + _field(2, feature)))
    return _field(1, b"".join(entries))


def _field(number: int, content: bytes) -> bytes:
    return _encoded(number << 3 | 2) + _encoded(len(content)) + content


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def write_clips(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Clips as a shard of YouTube-8M: `audio`, `visual`, and `labels` (n,) or (n, C)."""
    records = []
    for i, labels in enumerate(arrays["labels"]):
        present = np.flatnonzero(labels) if np.ndim(labels) else np.array([labels])
        features: dict[str, Feature] = {
            "video_id": [b"v%03d" % i],
            "labels": present.astype(np.int64),
            "mean_audio": arrays["audio"][i].astype(np.float32),
            "mean_rgb": arrays["visual"][i].astype(np.float32),
        }
        records.append(encode_example(features))
    return frame(records)


TFRECORD = Container(
    name="tfrecord",
    title="YouTube-8M TFRecord",
    suffixes=(".tfrecord",),
    holds="records",
    # It starts with a 64-bit length, whose upper half is zero, which no text holds, not even in UTF-16.
    recognizes=lambda start: start[4:8] == bytes(4),
    open=None,
    writers=(write_clips,),
)
