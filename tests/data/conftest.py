"""Small valid data sets in every format, from which tests make broken ones."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    """Forty clips of four classes, ten of them test clips."""
    rng = np.random.default_rng(0)
    return {
        "audio": rng.normal(size=(40, 6)).astype(np.float32),
        "visual": rng.normal(size=(40, 8)).astype(np.float32),
        "labels": np.arange(40) % 4,
        "classes": np.array(["Bus", "Cat", "Dog", "Bell"]),
        "split": np.array(["train"] * 30 + ["test"] * 10),
    }


@pytest.fixture
def npz(tmp_path: Path, arrays: dict[str, np.ndarray]) -> Callable[..., Path]:
    """Write the arrays as npz, with changes; None leaves an array out."""

    def write(**changes: Any) -> Path:
        content = {k: v for k, v in (arrays | changes).items() if v is not None}
        np.savez_compressed(tmp_path / "clips.npz", **content)
        return tmp_path / "clips.npz"

    return write


def varint(value: int) -> bytes:
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def example(features: dict[str, Any], *, packed: bool = True) -> bytes:
    """A tf.Example by hand, the oracle of the reader."""
    entries = b""
    for name, values in features.items():
        if isinstance(values, bytes):
            feature = field(1, field(1, values))
        elif np.asarray(values).dtype.kind == "f":
            raw = np.asarray(values, "<f4")
            inner = field(1, raw.tobytes()) if packed else b"".join(b"\x0d" + v.tobytes() for v in raw)
            feature = field(2, inner)
        else:
            numbers = [int(v) & (2**64 - 1) for v in np.asarray(values).reshape(-1)]
            inner = (
                field(1, b"".join(map(varint, numbers))) if packed else b"".join(b"\x08" + varint(v) for v in numbers)
            )
            feature = field(3, inner)
        entries += field(1, field(1, name.encode()) + field(2, feature))
    return field(1, entries)


def slow_crc32c(data: bytes) -> int:
    """Bit by bit, from the definition."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def slow_mask(crc: int) -> int:
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def frame(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    crcs = (struct.pack("<I", slow_mask(slow_crc32c(part))) for part in (length, data))
    return length + next(crcs) + data + next(crcs)


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    """Sixty videos of four classes, each with one or two labels."""
    rng = np.random.default_rng(1)
    records = []
    for i in range(60):
        labels = [10 + i % 4] + ([10 + (i + 1) % 4] if i % 3 == 0 else [])
        records.append(
            frame(
                example(
                    {
                        "video_id": f"v{i:03d}".encode(),
                        "labels": np.array(labels),
                        "mean_rgb": rng.normal(size=8).astype(np.float32),
                        "mean_audio": rng.normal(size=4).astype(np.float32),
                    }
                )
            )
        )
    path = tmp_path / "train00.tfrecord"
    path.write_bytes(b"".join(records))
    return path
