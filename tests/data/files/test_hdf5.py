"""HDF5 layouts, and files that reach out of themselves or lie about what they hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from avexplore.data import feature_file, load_features
from avexplore.data.files.hdf5 import open_hdf5
from avexplore.data.files.hdf5_process import Hdf5File
from avexplore.errors import DataError

Build = Callable[[h5py.File], None]


def write(path: Path, content: dict[str, Any]) -> Path:
    with h5py.File(path, "w") as out:
        for name, values in content.items():
            out[name] = values
    return path


def layout_a(**changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    content: dict[str, Any] = {}
    for part, n in (("train", 30), ("test", 10)):
        content[f"audio_{part}"] = rng.normal(size=(n, 6)).astype(np.float32)
        content[f"visual_{part}"] = rng.normal(size=(n, 8))
        content[f"lab_{part}"] = np.arange(n) % 4
    return {k: v for k, v in (content | changes).items() if v is not None}


def layout_b(**changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    content = {
        "audio_feat": rng.normal(size=(40, 6)),
        "visual_feat": rng.normal(size=(40, 8)),
        "Label_ID": (np.arange(40) % 4).reshape(-1, 1),
        "Train_test": ["1"] * 30 + ["0"] * 10,
    }
    return {k: v for k, v in (content | changes).items() if v is not None}


def load(path: Path) -> Any:
    return load_features(feature_file(path))


@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float32])
def test_layout_a(tmp_path: Path, column: bool, dtype: Any) -> None:
    content = layout_a()
    for part in ("train", "test"):
        labels = content[f"lab_{part}"].astype(dtype)
        content[f"lab_{part}"] = labels[:, None] if column else labels
    features = load(write(tmp_path / "vegas_feature.h5", content))
    assert np.allclose(features.audio, np.r_[content["audio_train"], content["audio_test"]])
    assert np.array_equal(features.hard_label, np.r_[np.arange(30) % 4, np.arange(10) % 4])
    assert (features.split[30:] == 2).all()
    assert not (features.split[:30] == 2).any()
    assert features.classes == ("class_00", "class_01", "class_02", "class_03")


@pytest.mark.parametrize("key", ["Train_test", "Split"])
@pytest.mark.parametrize(
    "split",
    [
        ["1"] * 30 + ["0"] * 10,
        np.array([b"1"] * 30 + [b"0"] * 10),
        np.array([[b"1"]] * 30 + [[b"0"]] * 10),
        np.array([1] * 30 + [0] * 10),
        ["train"] * 30 + ["test"] * 10,
    ],
    ids=["variable", "fixed", "column", "numbers", "words"],
)
def test_layout_b(tmp_path: Path, key: str, split: Any) -> None:
    content = layout_b(Train_test=None) | {key: split}
    features = load(write(tmp_path / "b.h5", content))
    assert np.allclose(features.visual, content["visual_feat"], atol=1e-6)
    assert (features.split[30:] == 2).all()
    assert not (features.split[:30] == 2).any()


def test_compressed_and_half_precision_data_are_read(tmp_path: Path) -> None:
    content = layout_a(audio_train=None)
    values = np.random.default_rng(1).normal(size=(30, 6)).astype(np.float16)
    path = write(tmp_path / "a.h5", content)
    with h5py.File(path, "a") as out:
        out.create_dataset("audio_train", data=values, chunks=(7, 6), compression="gzip", shuffle=True, fletcher32=True)
    assert np.allclose(load(path).audio[:30], values)


def test_the_original_ave_release(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n, kinds = 56, 28
    audio = rng.normal(size=(n, 10, 16)).astype(np.float32)
    visual = rng.normal(size=(n, 10, 2, 2, 12)).astype(np.float32)
    labels = np.zeros((n, 10, kinds + 1), np.int64)
    labels[:, :, -1] = 1
    annotated = np.arange(n) % kinds
    for i, c in enumerate(annotated):
        labels[i, 3:7, -1] = 0
        labels[i, 3:7, c] = 1
    order = rng.permutation(n)
    train = np.r_[np.arange(kinds), order[order >= kinds][:8]]
    rest = np.setdiff1d(np.arange(n), train)
    paths = [
        write(tmp_path / f"{name}.h5", {key: values})
        for name, key, values in (
            ("audio_feature", "avadataset", audio),
            ("visual_feature", "avadataset", visual),
            ("labels", "avadataset", labels),
            ("train_order", "order", train),
            ("val_order", "order", rest[:5]),
            ("test_order", "order", rest[5:-1]),
        )
    ]
    features = load_features(feature_file(*paths))
    kept = np.setdiff1d(np.arange(n), rest[-1:])
    assert len(features.hard_label) == n - 1, "a clip of no split is left out"
    assert np.allclose(features.audio, audio[kept].mean(axis=1), atol=1e-6)
    assert np.allclose(features.visual, visual[kept].mean(axis=(1, 2, 3)), atol=1e-6)
    assert np.array_equal(features.hard_label, annotated[kept])
    assert features.classes[0] == "Church bell"
    assert features.classes[-1] == "Mandolin"
    assert features.true_labels is None, "one class per clip is its annotation, not the whole truth"
    assert (features.split == 1).sum() == 5
    assert (features.split == 2).sum() == len(rest) - 6


def test_overlapping_orders_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.zeros((40, 10, 4), np.int64)
    labels[np.arange(40), :, np.arange(40) % 4] = 1
    paths = [
        write(tmp_path / f"{name}.h5", {"x": values})
        for name, values in (
            ("audio", rng.normal(size=(40, 10, 6))),
            ("visual", rng.normal(size=(40, 10, 8))),
            ("labels", labels),
            ("train_order", np.arange(30)),
            ("test_order", np.arange(29, 40)),
        )
    ]
    with pytest.raises(DataError, match=r"listed twice \(test_order in test_order.h5\)"):
        load_features(feature_file(*paths))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (layout_a(lab_test=None), "lacks lab_test"),
        (layout_a(lab_train=np.arange(29) % 4), "29 rows where audio_train has 30"),
        (layout_a(visual_test=np.zeros((10, 9))), r"Training clips have shape \(8,\), test clips \(9,\)"),
        (layout_a(lab_train=np.full(30, 0.5)), "no whole numbers"),
        (layout_a(lab_test=np.arange(10) % 4 + 3), "has no training clip"),
        (layout_a(audio_train=np.full((30, 6), np.nan)), "NaN or infinite"),
        (layout_b(Train_test=["2"] * 40), "Unknown split"),
        (layout_b(Label_ID=np.arange(39) % 4), "39 labels for 40 clips"),
        (layout_b(audio_feat=np.zeros(40)), r"shape \(40,\)"),
        ({"other": np.zeros(3)}, "no known layout"),
        ({}, "no known layout"),
    ],
)
def test_broken_layouts_say_what_is_wrong(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(write(tmp_path / "x.h5", content))


def external_link(out: h5py.File) -> None:
    out["audio_train"] = h5py.ExternalLink("secret.h5", "/data")


def soft_link(out: h5py.File) -> None:
    out["audio_train"] = h5py.SoftLink("/visual_train")


def circular_link(out: h5py.File) -> None:
    out["audio_train"] = h5py.SoftLink("/audio_train")


def external_storage(out: h5py.File) -> None:
    out.create_dataset("audio_train", (30, 6), "f4", external=[("/etc/passwd", 0, 720)])


def virtual_dataset(out: h5py.File) -> None:
    layout = h5py.VirtualLayout((30, 6), "f8")
    layout[:] = h5py.VirtualSource("secret.h5", "data", (30, 6))
    out.create_virtual_dataset("audio_train", layout)


def object_references(out: h5py.File) -> None:
    values = np.array([out.ref] * 30, dtype=h5py.ref_dtype)
    out.create_dataset("audio_train", data=values, dtype=h5py.ref_dtype)


def ragged_rows(out: h5py.File) -> None:
    out.create_dataset("audio_train", (30,), dtype=h5py.vlen_dtype(np.float32))


def records(out: h5py.File) -> None:
    out["audio_train"] = np.zeros(30, dtype=[("a", "f4"), ("b", "i4")])


def never_written(out: h5py.File) -> None:
    out.create_dataset("audio_train", (4_000_000, 60_000), "f4", chunks=(100, 100))


def zeros_by_the_gigabyte(out: h5py.File) -> None:
    data = out.create_dataset("audio_train", (3_000_000, 1000), "f4", chunks=(1000, 1000), compression="gzip")
    data[:1000] = 0


def a_chunk_of_gigabytes(out: h5py.File) -> None:
    out.create_dataset("audio_train", (30, 6), "f8", chunks=(100_000, 6000), maxshape=(None, None))


def absurd_shape(out: h5py.File) -> None:
    out.create_dataset("audio_train", (2**40, 2**20), "f8", chunks=(10, 10))


def many_entries(out: h5py.File) -> None:
    for i in range(300):
        out[f"x{i}"] = np.zeros(1)


def unknown_filter(out: h5py.File) -> None:
    space = h5py.h5s.create_simple((30, 6))
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((10, 6))
    plist.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)
    h5py.h5d.create(out.id, b"audio_train", h5py.h5t.NATIVE_DOUBLE, space, plist)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (external_link, "Links are not followed"),
        (soft_link, "Links are not followed"),
        (circular_link, "Links are not followed"),
        (external_storage, "lie in other files"),
        (virtual_dataset, "lie in other files"),
        (object_references, "objects or references"),
        (ragged_rows, "objects or references"),
        (records, "are not read"),
        (never_written, "were never written|never written|compression bomb"),
        (zeros_by_the_gigabyte, "compression bomb"),
        (a_chunk_of_gigabytes, "chunks"),
        (absurd_shape, "beyond the limit"),
        (many_entries, "beyond the limit of 256"),
        (unknown_filter, "filter 32015"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_files_that_reach_out_or_lie_are_refused(tmp_path: Path, build: Build, message: str) -> None:
    write(tmp_path / "secret.h5", {"data": np.random.default_rng(0).normal(size=(30, 6))})
    path = write(tmp_path / "x.h5", layout_a(audio_train=None))
    with h5py.File(path, "a") as out:
        build(out)
    with pytest.raises(DataError, match=message), open_hdf5(path) as file:
        file.read("audio_train")
    with pytest.raises(DataError, match=message):
        load(path)


def test_a_plain_empty_array_is_no_crash(tmp_path: Path) -> None:
    path = write(tmp_path / "x.h5", layout_a(audio_train=h5py.Empty("f4")))
    with pytest.raises(DataError, match="audio_train"):
        load(path)


def test_groups_beside_the_arrays_are_left_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "x.h5", layout_a())
    with h5py.File(path, "a") as out:
        out.create_group("meta")["inner"] = h5py.ExternalLink("secret.h5", "/data")
    load(path)


@pytest.mark.parametrize("cut", [10, 600, 2000, -1])
def test_truncated_files_are_refused(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path / "x.h5", layout_a())
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError):
        load(path)


def test_a_reader_that_dies_is_an_error_and_no_crash(tmp_path: Path) -> None:
    path = write(tmp_path / "x.h5", layout_a())
    with open_hdf5(path) as file:
        file._process.kill()  # type: ignore[attr-defined]
        with pytest.raises(DataError, match="crashed"):
            file.read("audio_train")


def test_both_sides_of_the_process_agree(tmp_path: Path) -> None:
    path = write(tmp_path / "x.h5", layout_b())
    inner = Hdf5File(path)
    with open_hdf5(path) as outer:
        assert outer.headers == inner.headers
        for name in outer.headers:
            assert np.array_equal(outer.read(name), inner.read(name))
        assert np.array_equal(outer.read_rows("audio_feat", 5, 9), inner.read_rows("audio_feat", 5, 9))
    inner.close()
