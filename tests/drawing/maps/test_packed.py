"""What goes to the browser can be read back."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

from avexplore.artifacts import Projection
from avexplore.drawing.maps import facets, packed
from avexplore.drawing.maps.class_groups import ClassGroups
from avexplore.drawing.maps.facets import Entry, Facet


def unpack(content: bytes) -> tuple[dict[str, Any], np.ndarray, list[np.ndarray]]:
    (length,) = struct.unpack_from("<I", content)
    head = json.loads(content[4 : 4 + length])
    m, at, parts = head["clips"], 4 + length, []
    kinds = [("<u2" if f["wide"] else "u1", m if f["per"] == "clip" else 2 * m) for f in head["facets"]]
    for dtype, count in (("<u4", m), ("<f4", 8 * m), *kinds):
        parts.append(np.frombuffer(content, dtype, count, at))
        at += parts[-1].nbytes
    assert at == len(content)
    assert parts[0].tolist() == [3 * i for i in range(m)]  # `projection`'s rows
    return head, parts[1].reshape(-1, 4), parts[2:]


def projection(m: int, seed: int = 0) -> Projection:
    rng = np.random.default_rng(seed)
    before, after = rng.normal(size=(2, 2 * m, 2)).astype(np.float32)
    metrics = {"trustworthiness_before": 0.9, "trustworthiness_after": 0.8}
    return Projection(before, after, np.arange(m) * 3, metrics, rng.random(2 * m).astype(np.float32))


def facets_of(shown: Projection, names: tuple[str, ...], shift: int = 0) -> list[Facet]:
    m = len(shown.rows)
    labels = (np.arange(m) + shift) % len(names)
    groups = ClassGroups(np.zeros(len(names), int), ("all",))
    drift = facets.by_steps("drift", "Neighbors lost", shown.drift, (0.5,))
    return [facets.by_group(labels, groups), facets.by_class(labels, names, groups), facets.by_modality(m), drift]


@pytest.mark.parametrize("m", [1, 2, 7])
def test_packed_maps_read_back_bit_by_bit(m: int) -> None:
    shown = projection(m)
    names = ("Bus", "</script><b>✓", "Cat")
    found = facets_of(shown, names)
    said = [f"dog barks {i} ü" for i in range(m)]
    at = np.array([[0, 1, 2, 3], [np.nan] * 4, [4, 5, 6, 7]])
    content = packed.content(shown, found, names=at, said=said)
    head, xy, codes = unpack(packed.pack(content, picked=0, filters={"class": (1, 2)}, camera=(2, 0, 1)))
    assert np.array_equal(xy, np.hstack([shown.before, shown.after]))
    for facet, code in zip(found, codes, strict=True):
        assert code.tolist() == np.asarray(facet.code).tolist()
    assert head["said"] == said
    assert [entry["name"] for entry in head["facets"][1]["entries"]] == list(names)
    assert head["names"] == [[0, 0, 1, 2, 3], [2, 4, 5, 6, 7]]
    assert head["filter"] == {"class": [1, 2]}
    assert head["camera"] == [2, 0, 1]
    assert head["color"] == "group"


def test_more_than_256_entries_take_two_bytes() -> None:
    m = 600
    wide = Facet("class", "Class", tuple(Entry(str(k), ("#000000", "#ffffff")) for k in range(300)), np.arange(m) % 300)
    head, _, (code,) = unpack(packed.pack(packed.content(projection(m), [wide], names=np.zeros((300, 4)))))
    assert head["facets"][0]["wide"]
    assert code.tolist() == (np.arange(m) % 300).tolist()


def test_20000_clips_take_a_megabyte_not_ten() -> None:
    m = 20_000
    shown = projection(m)
    found = facets_of(shown, tuple(f"class {i}" for i in range(28)))
    assert len(packed.pack(packed.content(shown, found, names=np.zeros((28, 4)), said=[""] * m))) < 1_000_000


def test_a_new_map_and_new_facets_are_recognized_apart() -> None:
    def keys(seed: int, shift: int) -> tuple[str, str, str]:
        shown = projection(4, seed)
        flat = Projection(shown.before, shown.after, shown.rows, shown.metrics, np.zeros(8))
        content = packed.content(flat, facets_of(flat, ("A", "B", "C"), shift), names=np.zeros((3, 4)))
        head = unpack(packed.pack(content))[0]
        return head["geometry"], head["facetsKey"], head["rows"]

    assert keys(0, 0) == keys(0, 0)
    assert keys(0, 0)[0] != keys(1, 0)[0]
    assert keys(0, 0)[1] == keys(1, 0)[1]
    assert keys(0, 0)[1] != keys(0, 1)[1]
    assert keys(0, 0)[2] == keys(1, 1)[2]
