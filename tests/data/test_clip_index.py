"""A file of features is made again from shards that hold its clips among others, to the byte or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from avexplore.data.clip_index import find, write_features, write_index
from avexplore.data.files.tfrecord import write_clips
from avexplore.errors import DataError

Npz = Callable[..., Path]
Arrays = dict[str, np.ndarray]


@pytest.fixture
def features(npz: Npz, arrays: Arrays) -> Path:
    return npz(audio=arrays["audio"].astype(np.float16), visual=arrays["visual"].astype(np.float16))


@pytest.fixture
def index(features: Path, tmp_path: Path) -> Path:
    assert write_index(features, tmp_path / "index.npz")
    return tmp_path / "index.npz"


@pytest.fixture
def shards(arrays: Arrays, tmp_path: Path) -> list[Path]:
    """Three files with the clips, in another order, among ten times as many others."""
    rng = np.random.default_rng(1)
    paths = []
    for i, rows in enumerate(np.array_split(rng.permutation(40), 3)):
        both = {name: np.r_[arrays[name][rows], 5 * rng.normal(size=(133, arrays[name].shape[1]))] for name in FEATURES}
        mixed = rng.permutation(len(rows) + 133)
        content = {name: values[mixed] for name, values in both.items()} | {"labels": np.zeros(len(mixed), int)}
        paths.append(tmp_path / f"shard{i}.tfrecord")
        paths[-1].write_bytes(write_clips(content))
    return paths


FEATURES = ("audio", "visual")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_same_bytes_come_back(features: Path, index: Path, shards: list[Path], tmp_path: Path) -> None:
    found = find(index, shards)
    assert found.missing == 0
    assert found.by_file == {"shard0.tfrecord": 14, "shard1.tfrecord": 13, "shard2.tfrecord": 13}
    write_features(index, found, sha256(features), tmp_path / "again.npz")
    assert sha256(tmp_path / "again.npz") == sha256(features)


def test_no_features_are_in_an_index(index: Path, features: Path) -> None:
    with np.load(index) as file:
        assert [file[name].shape for name in FEATURES] == [(0, 6), (0, 8)]


def test_missing_clips_are_counted_and_nothing_is_written(index: Path, shards: list[Path], tmp_path: Path) -> None:
    found = find(index, shards[:2])
    with pytest.raises(DataError, match="13 of 40 clips"):
        write_features(index, found, "0" * 64, tmp_path / "again.npz")
    assert not (tmp_path / "again.npz").exists()


def test_another_file_is_not_written_under_this_one_s_name(index: Path, shards: list[Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="other bytes"):
        write_features(index, find(index, shards), "0" * 64, tmp_path / "again.npz")
    assert not (tmp_path / "again.npz").exists()


def test_clips_with_the_same_features_are_all_found(npz: Npz, arrays: Arrays, tmp_path: Path) -> None:
    twice = {name: arrays[name][[0, 1, 0]] for name in (*FEATURES, "labels", "split")}
    assert write_index(npz(**twice), tmp_path / "index.npz")
    shard = tmp_path / "shard.tfrecord"
    shard.write_bytes(write_clips({name: arrays[name][:2] for name in (*FEATURES, "labels")}))
    found = find(tmp_path / "index.npz", [shard])
    assert (found.missing, found.by_file) == (0, {"shard.tfrecord": 3})


def test_shards_of_other_widths_are_refused(index: Path, arrays: Arrays, tmp_path: Path) -> None:
    shard = tmp_path / "shard.tfrecord"
    shard.write_bytes(write_clips({name: arrays[name] for name in ("labels", "visual")} | {"audio": np.ones((40, 5))}))
    with pytest.raises(DataError, match="5 values instead of 6"):
        find(index, [shard])


def test_what_cannot_be_made_again_has_no_index(npz: Npz, tmp_path: Path) -> None:
    path = npz()
    with np.load(path) as file:
        np.savez(path, **file)  # not compressed: another file would come back
    assert not write_index(path, tmp_path / "index.npz")
    path.write_bytes(b"no archive")
    assert not write_index(path, tmp_path / "index.npz")
    assert not (tmp_path / "index.npz").exists()
