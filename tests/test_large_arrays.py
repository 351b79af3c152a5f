from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avexplore import large_arrays
from avexplore.data import Standardizer, feature_file, load_features
from avexplore.data.files.hdf5 import write_hdf5
from avexplore.data.files.npy import write_npz
from avexplore.large_arrays import blocks, empty, filled, not_finite, summed, taken
from avexplore.workbench.recent_results import bytes_in_memory


@pytest.fixture
def _in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_arrays, "LARGE", 0)
    monkeypatch.setattr(large_arrays, "BLOCK", 500)


def mapped(values: Any) -> bool:
    return values.nbytes > 64 >= bytes_in_memory(values)


def test_a_large_array_lies_in_a_file_without_a_name(avexplore_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_arrays, "LARGE", 800)
    assert not mapped(empty((100,), np.float64))
    values = empty((101,), np.float64)
    assert mapped(values)
    values[:] = np.arange(101)
    np.testing.assert_array_equal(values, np.arange(101))
    assert list((avexplore_home / "scratch").iterdir()) == []


@pytest.mark.usefixtures("_in_files")
def test_without_room_on_disk_it_lies_in_memory(
    avexplore_home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (avexplore_home / "scratch").touch()
    assert not mapped(empty((100,), np.float64))
    assert "no room" in caplog.text

    (avexplore_home / "scratch").unlink()
    if hasattr(os, "posix_fallocate"):

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "posix_fallocate", full)
        assert not mapped(empty((100,), np.float64))


@pytest.mark.usefixtures("_in_files")
def test_where_files_cannot_take_their_room_at_once_zeros_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    monkeypatch.setattr(large_arrays, "MEBIBYTE", 300)
    values = empty((100,), np.float64)
    assert mapped(values)
    assert not values.any()


@pytest.mark.usefixtures("_in_files")
def test_what_is_done_block_by_block_is_what_numpy_does_at_once() -> None:
    rng = np.random.default_rng(0)
    values, rows = rng.normal(size=(90, 7)), rng.permutation(90)[:61]
    assert len(list(blocks(61, 8 * 7))) > 5
    np.testing.assert_array_equal(taken(values, rows), values[rows])
    np.testing.assert_array_equal(taken(values, rows, np.float32), values[rows].astype(np.float32))
    np.testing.assert_array_equal(taken(values, rows[:0]), values[:0])
    total = summed(values, rows, lambda block: block.T @ block)
    np.testing.assert_allclose(total, values[rows].T @ values[rows], rtol=1e-12)
    halves = filled(blocks(90, 56), 90, lambda part: [values[part, :3], values[part, 3:]])
    np.testing.assert_array_equal(np.concatenate(halves, axis=1), values)
    assert [half.shape for half in filled(blocks(0, 56), 0, lambda part: [values[part]])] == [(0, 7)]
    scaling = Standardizer.fit(values, rows)
    np.testing.assert_allclose(scaling.mean, values[rows].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(scaling.scale, values[rows].std(axis=0), rtol=1e-6)


@pytest.mark.usefixtures("_in_files")
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_counted_and_the_first_is_located(bad: float) -> None:
    values = np.zeros((90, 7), np.float32)
    assert not_finite(values) == (0, ())
    values[70, 3] = values[70, 5] = values[88, 0] = bad
    assert not_finite(values) == (3, (70, 3))
    assert not_finite(np.full((90, 7), np.finfo(np.float32).max)) == (0, ())
    assert not_finite(np.full((90, 7), np.finfo(np.float64).max)) == (0, ())  # their sum is not


def stored(folder: Path, kind: str) -> list[Path]:
    """Sixty clips of four classes, float64 where the kind says so; one is a copy, and is left out of training."""
    rng = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {
        name: rng.normal(size=(60, width)).astype(np.float64 if kind == "double" else np.float32)
        for name, width in (("audio", 6), ("visual", 8))
    } | {"labels": np.arange(60) % 4, "split": np.array(["train"] * 40 + ["test"] * 20)}
    for name in ("audio", "visual"):
        arrays[name][50] = arrays[name][10]
    if kind in ("npz", "compressed", "hdf5"):
        as_bytes = write_hdf5(arrays) if kind == "hdf5" else write_npz(arrays, compressed=kind == "compressed")
        (folder / "clips").write_bytes(as_bytes)
        return [folder / "clips"]
    if kind == "seconds":
        arrays["visual"] = np.repeat(arrays["visual"][:, None], 3, axis=1)
    if kind == "columns":
        arrays["visual"] = np.asfortranarray(arrays["visual"])
    if kind == "big-endian":
        arrays["audio"] = arrays["audio"].astype(">f4")
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)
    return [folder / f"{name}.npy" for name in arrays]


@pytest.mark.parametrize("kind", ["npy", "npz", "compressed", "hdf5", "seconds", "columns", "double", "big-endian"])
def test_features_of_files_are_the_same_in_files_as_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    paths = stored(tmp_path, kind)
    config = feature_file(*paths)
    known = load_features(config)
    assert not mapped(known.audio)
    monkeypatch.setattr(large_arrays, "LARGE", 0)
    monkeypatch.setattr(large_arrays, "BLOCK", 500)
    features = load_features(config)
    for path in paths:  # what becomes of the user's files does not matter any more
        path.write_bytes(b"")
    for name in ("audio", "visual"):
        values = getattr(features, name)
        assert mapped(values)
        assert values.dtype == np.float32
        assert values.flags.c_contiguous
        assert values.tobytes() == getattr(known, name).tobytes()
    assert features.clip_ids == known.clip_ids
    assert features.notes == known.notes
    assert len(features.clip_ids) == 59
