"""What goes to the browser can be read back."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

from avexplore.artifacts import Projection
from avexplore.drawing.maps import packed
from avexplore.drawing.maps.colors import by_class


def unpack(content: bytes) -> tuple[dict[str, Any], np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    (length,) = struct.unpack_from("<I", content)
    head = json.loads(content[4 : 4 + length])
    m, at, parts = head["clips"], 4 + length, []
    for dtype, count in (("<f4", 8 * m), ("<f4", 2 * m), ("<u2", 2 * m), ("<u2", m)):
        parts.append(np.frombuffer(content, dtype, count, at))
        at += parts[-1].nbytes
    assert at == len(content)
    return head, parts[0].reshape(-1, 4), parts[1], parts[2], parts[3]


def projection(m: int, seed: int = 0) -> Projection:
    rng = np.random.default_rng(seed)
    before, after = rng.normal(size=(2, 2 * m, 2)).astype(np.float32)
    metrics = {"trustworthiness_before": 0.9, "trustworthiness_after": 0.8}
    return Projection(before, after, np.arange(m) * 3, metrics, rng.random(2 * m).astype(np.float32))


@pytest.mark.parametrize("m", [1, 2, 7])
def test_packed_maps_read_back_bit_by_bit(m: int) -> None:
    shown = projection(m)
    names = ("Bus", "</script><b>✓", "Cat")
    labels = np.arange(m) % 3
    paint = by_class(labels, names, np.asarray(shown.drift))
    ids = [f"clip {i} ü" for i in range(m)]
    content = packed.pack(shown, paint, labels=labels.tolist(), classes=names, ids=ids, picked=0)
    head, xy, value, code, label = unpack(content)
    assert np.array_equal(xy, np.hstack([shown.before, shown.after]))
    assert np.array_equal(value, shown.drift)
    assert code.tolist() == [*labels, *labels]
    assert label.tolist() == labels.tolist()
    assert head["ids"] == ids
    assert [entry["name"] for entry in head["legend"]] == list(names)
    assert len(content) % 2 == 0


def test_20000_clips_take_a_megabyte_not_ten() -> None:
    m = 20_000
    shown = projection(m)
    labels = np.arange(m) % 28
    paint = by_class(labels, tuple(f"class {i}" for i in range(28)), np.asarray(shown.drift))
    content = packed.pack(shown, paint, labels=labels.tolist(), classes=(), ids=[""] * m)
    assert len(content) < 1_200_000


def test_a_new_map_and_a_new_coloring_are_recognized_apart() -> None:
    def keys(seed: int, shift: int) -> tuple[str, str, str]:
        shown = projection(4, seed)
        labels = (np.arange(4) + shift) % 3
        paint = by_class(labels, ("A", "B", "C"), np.zeros(8))
        head = unpack(packed.pack(shown, paint, labels=labels.tolist(), classes=(), ids=()))[0]
        return head["geometry"], head["paint"], head["rows"]

    assert keys(0, 0) == keys(0, 0)
    assert keys(0, 0)[0] != keys(1, 0)[0]
    assert keys(0, 0)[1] == keys(1, 0)[1]
    assert keys(0, 0)[1] != keys(0, 1)[1]
    assert keys(0, 0)[2] == keys(1, 1)[2]
