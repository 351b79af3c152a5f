from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from avexplore.errors import StoreError
from avexplore.store.weights_file import read_weights, weights_to_bytes


def weights() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    return {
        "b": rng.normal(size=(3, 5)).astype(np.float32),
        "a": np.asfortranarray(rng.normal(size=(4, 2))),
        "flag": np.array([True, False, True]),
        "steps": np.array(12),
        "none": np.zeros((0, 3), np.float16),
    }


def file_of(header: bytes | dict[str, Any], body: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + body


def test_agrees_with_the_library_both_ways(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(weights_to_bytes(weights()))
    ours, theirs = read_weights(path), load_file(path)
    assert set(ours) == set(theirs) == set(weights())
    for name, expected in weights().items():
        for found in (ours[name], theirs[name]):
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x01\x00",
        file_of(b"{}", length=2**63),
        file_of(b"[]"),
        file_of(b"{" * 5000),
        file_of(b"\xff\xfe"),
        file_of({"a": ENTRY}, b"\0" * 4),
        file_of({"a": ENTRY}, b"\0" * 9),
        file_of({"a": ENTRY | {"dtype": "O"}}, b"\0" * 8),
        file_of({"a": ENTRY | {"shape": [2**40, 2**40]}}, b"\0" * 8),
        file_of({"a": ENTRY | {"shape": [-2]}}, b"\0" * 8),
        file_of({"a": ENTRY | {"shape": [True, 2]}}, b"\0" * 8),
        file_of({"a": ENTRY | {"data_offsets": [8, 0]}}, b"\0" * 8),
        file_of({"a": ENTRY | {"data_offsets": [0]}}, b"\0" * 8),
        file_of({"a": ENTRY | {"data_offsets": [-8, 0]}}, b"\0" * 8),
        file_of({"a": 3}, b""),
        file_of({"a": ENTRY | {"dtype": []}}, b"\0" * 8),
        file_of({"a": ENTRY | {"dtype": {"F32": 1}}}, b"\0" * 8),
        file_of({"a": ENTRY | {"shape": [0, 2**47, 2**47], "data_offsets": [0, 0]}}, b""),
        file_of({"a": ENTRY | {"shape": [int("9" * 4000)]}}, b"\0" * 8),
        file_of({"a": ENTRY, "b": ENTRY}, b"\0" * 8),
    ],
)
def test_malformed_files_are_refused_with_a_reason(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(StoreError):
        read_weights(path)


@given(data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_is_refused_or_reads_as_arrays(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(weights_to_bytes(weights()))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    path = tmp_path_factory.mktemp("fuzz") / "w.safetensors"
    path.write_bytes(content[: cut or None])
    try:
        found = read_weights(path)
    except StoreError:
        return
    assert sum(values.nbytes for values in found.values()) <= len(content)
