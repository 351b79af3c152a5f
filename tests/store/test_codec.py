from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from avexplore.artifacts import Artifact, ClassGraph, Clips, History, SoftLabels, TrainedTeacher
from avexplore.errors import AvexploreError, StoreError
from avexplore.store.codec import Packing, pack, unpack


@dataclass(frozen=True)
class Anything(Artifact):
    value: Any = None
    array: Any = None
    named: Mapping[str, Any] = field(default_factory=dict)


def through(artifact: Artifact, folder: Path, packing: Packing | None = None) -> Any:
    folder.mkdir(exist_ok=True)
    tree, files = pack(artifact, folder, packing)
    assert {path.name for path in folder.iterdir()} == set(files)
    return unpack(json.loads(json.dumps(tree, allow_nan=False)), folder, files)


def same(left: Any, right: Any) -> bool:
    if isinstance(left, Artifact):
        return type(left) is type(right) and all(
            same(getattr(left, f.name), getattr(right, f.name)) for f in fields(left)
        )
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
    if isinstance(left, Mapping):
        return list(left) == list(right) and all(same(left[k], right[k]) for k in left)
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and (left == right or (left != left and right != right))


def teacher(clips: int = 6) -> TrainedTeacher:
    rng = np.random.default_rng(0)
    labels = SoftLabels(
        rng.normal(size=(clips, 2)).astype(np.float32),
        rng.normal(size=(clips, 2)).astype(np.float32),
        "logits",
        ("Zug / train", "<b>Katze</b>"),
        np.zeros(clips, int),
        np.zeros(clips, int),
    )
    weights = {"0.b": rng.normal(size=3).astype(np.float32), "0.a": np.array(7), "../../x": np.zeros((0, 4), bool)}
    return TrainedTeacher(labels, weights, History({"loss": np.array([1.0, np.nan])}), {}, {"auc": float("nan")})


@pytest.mark.parametrize("compact", [False, True])
def test_every_value_of_a_nested_artifact_comes_back(tmp_path: Path, compact: bool) -> None:
    original = teacher()
    assert same(original, through(original, tmp_path / "x", Packing(compact=compact)))


@pytest.mark.parametrize("compact", [False, True])
def test_defaults_none_and_empty_arrays_come_back(tmp_path: Path, compact: bool) -> None:
    graph = ClassGraph(("audio:A", "visual:A"), np.zeros((2, 2), np.int8))
    clips = Clips(hard_label=np.array([0, 1]), classes=("A", "B"), split=np.array([0, 2]), clip_ids=("a", "ü"))
    for original in (graph, clips):
        assert same(original, through(original, tmp_path / type(original).__name__, Packing(compact=compact)))


arrays = hnp.arrays(
    st.one_of(hnp.floating_dtypes(endianness="="), hnp.integer_dtypes(endianness="="), hnp.boolean_dtypes()),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
plain = st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(), st.text(max_size=20))
values = st.recursive(plain | arrays, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=6)


@given(value=values, array=arrays, named=st.dictionaries(st.text(max_size=8), arrays | plain, max_size=3))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_an_artifact_may_hold_comes_back(
    tmp_path_factory: pytest.TempPathFactory, value: Any, array: Any, named: Any
) -> None:
    original = Anything(value, array, named)
    assert same(original, through(original, tmp_path_factory.mktemp("codec")))


def test_large_arrays_are_mapped_and_nothing_can_be_written_to(tmp_path: Path) -> None:
    found = through(Anything(array=np.zeros(300_000), named={"w": np.ones(3)}), tmp_path)
    assert isinstance(found.array.base, np.memmap) or isinstance(found.array.base.base, np.memmap)
    for values_ in (found.array, found.named["w"]):
        with pytest.raises(ValueError, match="read-only"):
            values_[0] = 1


def test_halved_arrays_come_back_in_their_own_type_and_nearly_the_same(tmp_path: Path) -> None:
    original = teacher(400)
    kept = through(original, tmp_path / "a", Packing(compact=True))
    halved = through(original, tmp_path / "b", Packing(compact=True, halved=("soft_labels", "weights")))
    assert halved.soft_labels.audio.dtype == halved.weights["0.b"].dtype == np.float32
    np.testing.assert_allclose(halved.soft_labels.audio, kept.soft_labels.audio, rtol=1e-3)
    assert not np.array_equal(halved.soft_labels.audio, kept.soft_labels.audio)
    assert same(halved.history, original.history), "what is not named stays exact"
    assert (tmp_path / "b" / "arrays.npz").stat().st_size < 0.75 * (tmp_path / "a" / "arrays.npz").stat().st_size


def test_the_same_artifact_gives_the_same_bytes(tmp_path: Path) -> None:
    for packing in (Packing(), Packing(compact=True)):
        first, second = tmp_path / f"1{packing.compact}", tmp_path / f"2{packing.compact}"
        first.mkdir(), second.mkdir()
        assert pack(teacher(), first, packing) == pack(teacher(), second, packing)


def test_what_cannot_be_read_back_safely_is_not_written(tmp_path: Path) -> None:
    for bad in (np.array([object()]), np.array([(1, 2)], dtype="i4,i4"), object(), {1: 2}, {"a": np.array(["x"])}):
        with pytest.raises(StoreError):
            pack(Anything(bad), tmp_path)


def test_only_files_of_the_entry_and_known_types_are_read(tmp_path: Path) -> None:
    outside = tmp_path / "outside.npy"
    np.save(outside, np.zeros(3))
    inside = tmp_path / "inside"
    inside.mkdir()
    for tree in (
        {"$array": "../outside.npy", "dtype": "<f8"},
        {"$arrays": "../outside.npy", "names": [], "dtypes": {}},
        {"$type": "Popen", "fields": {}},
        {"$type": "Anything", "fields": {"surprise": 1}},
        {"$type": "SoftLabels", "fields": {}},
    ):
        with pytest.raises(AvexploreError):
            unpack(tree, inside, ["a.npy"])
