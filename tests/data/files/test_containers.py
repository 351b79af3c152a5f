"""What every container of the registry promises: the list in `avexplore.data.files.open` is all that is named here."""

from __future__ import annotations

import io
import struct
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avexplore.data import feature_file, load_features
from avexplore.data.files.container import Container, Write
from avexplore.data.files.limits import Limits
from avexplore.data.files.npy import open_npz
from avexplore.data.files.open import CONTAINERS, FEATURE_SUFFIXES, known_formats, open_arrays, sniff
from avexplore.data.files.tfrecord import crc32c, frame, read_records
from avexplore.errors import DataError

OF_ARRAYS = [container for container in CONTAINERS if container.holds == "arrays"]
WAYS = [
    pytest.param(container, write, id=f"{container.name}-{i}")
    for container in OF_ARRAYS
    for i, write in enumerate(container.writers)
]


def clips(n: int = 40) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "audio": rng.normal(size=(n, 6)).astype(np.float32),
        "visual": rng.normal(size=(n, 8)).astype(np.float32),
        "labels": np.arange(n) % 4,
    }


def put(folder: Path, container: Container, content: bytes) -> Path:
    path = folder / f"clips{container.suffixes[0]}"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda c: c.name)
def test_a_container_recognizes_its_own_files_and_no_others(container: Container) -> None:
    for other in CONTAINERS:
        if other.holds == "table":
            continue  # a table is whatever is left
        arrays = clips() if other.holds != "array" else {"audio": clips()["audio"]}
        for write in other.writers:
            recognized = container.recognizes(write(arrays)[:4096])
            assert recognized == (container is other or container.holds == "table")


def test_what_lists_formats_follows_the_registry() -> None:
    assert len({container.name for container in CONTAINERS}) == len(CONTAINERS)
    assert all(container.title in known_formats() for container in CONTAINERS[:-1])
    assert all(suffix in FEATURE_SUFFIXES for container in CONTAINERS for suffix in container.suffixes)
    assert ".mat" in FEATURE_SUFFIXES


@pytest.mark.parametrize(("container", "write"), WAYS)
class TestWaysOfWriting:
    def test_what_is_written_is_read(self, tmp_path: Path, container: Container, write: Write) -> None:
        features = load_features(feature_file(put(tmp_path, container, write(clips()))))
        for name in ("audio", "visual"):
            assert np.array_equal(getattr(features, name), clips()[name])
        assert np.array_equal(features.hard_label, clips()["labels"])
        assert features.reading["not_read"] == ()

    def test_any_number_type(self, tmp_path: Path, container: Container, write: Write) -> None:
        values = 100 * np.random.default_rng(1).random((40, 6))
        arrays = clips() | {dtype: values.astype(dtype) for dtype in (">f8", ">f4", "<f2", "<i2", "|u1")}
        with open_arrays((put(tmp_path, container, write(arrays)),)) as file:
            for name in file.headers:
                expected = arrays[name.rpartition("/")[2]]
                assert np.array_equal(file.read(name).reshape(expected.shape), expected)
                assert file.read(name).dtype.isnative

    def test_more_arrays_than_are_used_are_named(self, tmp_path: Path, container: Container, write: Write) -> None:
        arrays = clips() | {"loss": np.zeros(3), "späße": np.ones((2, 2))}
        features = load_features(feature_file(put(tmp_path, container, write(arrays))))
        assert [name.rpartition("/")[2] for name in features.reading["not_read"]] == ["loss", "späße"]
        assert "späße" in " ".join(features.notes)

    def test_rows_are_the_rows(self, tmp_path: Path, container: Container, write: Write) -> None:
        with open_arrays((put(tmp_path, container, write(clips())),)) as file:
            name = next(name for name in file.headers if name.endswith("audio"))
            assert np.array_equal(file.read_rows(name, 3, 9), clips()["audio"][3:9])
            assert np.array_equal(file.read(name), clips()["audio"])
            assert file.headers[name].shape == (40, 6)

    @pytest.mark.parametrize("share", [0.5, 0.999])
    def test_truncated(self, tmp_path: Path, container: Container, write: Write, share: float) -> None:
        content = write(clips())
        with pytest.raises(DataError) as error:
            feature_file(put(tmp_path, container, content[: int(share * len(content))]))
        assert error.value.where


@pytest.mark.parametrize("container", OF_ARRAYS, ids=lambda container: container.name)
class TestReadersOfArrays:
    def test_no_arrays(self, tmp_path: Path, container: Container) -> None:
        with pytest.raises(DataError, match="known layout: nothing"):
            feature_file(put(tmp_path, container, container.writers[0]({})))

    def test_arrays_of_the_wrong_kind(self, tmp_path: Path, container: Container) -> None:
        path = put(tmp_path, container, container.writers[0](clips() | {"labels": np.full(40, 0.5)}))
        with pytest.raises(DataError, match=r"whole numbers|no whole"):
            load_features(feature_file(path))

    def test_limits_hold_before_anything_is_read(self, tmp_path: Path, container: Container) -> None:
        path = put(tmp_path, container, container.writers[0](clips()))
        small = (Limits(file_bytes=100), Limits(entries=2), Limits(clips=10), Limits(columns=5), Limits(array_bytes=50))
        for limits in small:
            with pytest.raises(DataError):
                load_features(feature_file(path, limits=limits), limits=limits)
        load_features(feature_file(path, limits=Limits(file_bytes=100_000, entries=3, clips=40, columns=8)))

    def test_a_text_of_its_name_is_not_recognized(self, tmp_path: Path, container: Container) -> None:
        for content in (b"some words\n", b"\0\1\2\3" * 30):
            with pytest.raises(DataError, match="not recognized"):
                feature_file(put(tmp_path, container, content))

    def test_nothing_at_all(self, tmp_path: Path, container: Container) -> None:
        with pytest.raises(DataError, match="empty"):
            feature_file(put(tmp_path, container, b""))


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (b"MATLAB 5.0 MAT-file, Platform: GLNXA64" + bytes(90), "-v7.3"),
        (b"PAR1\x15\x04\x15\x10", "Parquet"),
        (b"ARROW1\0\0", "Arrow"),
        (b"FEA1\1\0\0\0", "Feather"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\3", "gunzip"),
        (b"\xfd7zXZ\0\0\4", "unxz"),
        (b"BZh9\1AY&SY\0", "bunzip2"),
        (b"\x80\4\x95\x10\0\0\0\0\0\0\0", "pickle"),
        (b"CDF\1\0\0\0\0", "netCDF-4"),
        (b"RDX3\nX\n\0\0", "workspace of R"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "7z"),
        (b"Rar!\x1a\7\0", "RAR"),
    ],
)
def test_what_is_known_but_not_read_is_named(tmp_path: Path, start: bytes, message: str) -> None:
    (tmp_path / "clips.bin").write_bytes(start + bytes(50))
    with pytest.raises(DataError, match=message):
        feature_file(tmp_path / "clips.bin")


def test_an_archive_of_something_else_is_described(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.npz", "w") as out:
        out.writestr("archive/data.pkl", b"\x80\2}q\0.")
    with pytest.raises(DataError, match=r"archive/data\.pkl"):
        feature_file(tmp_path / "model.npz")


class TestHostile:
    @pytest.mark.parametrize("digits", [20, 4000, 9000])
    @pytest.mark.parametrize("ending", ["npz", "npy"])
    def test_a_shape_of_thousands_of_digits(self, tmp_path: Path, digits: int, ending: str) -> None:
        number = "0x" + "f" * digits
        raw = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({number}, 2), }}".encode()
        content = b"\x93NUMPY\1\0" + struct.pack("<H", len(raw)) + raw
        if ending == "npz":
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w") as archive:
                for name in ("audio", "visual", "labels"):
                    archive.writestr(f"{name}.npy", content)
            content = out.getvalue()
        paths = [tmp_path / f"{name}.{ending}" for name in ("audio", "visual", "labels")][: 3 if ending == "npy" else 1]
        for path in paths:
            path.write_bytes(content)
        with pytest.raises(DataError, match=r"rows are beyond|no npy array|columns"):
            load_features(feature_file(*paths))

    def test_a_megabyte_that_would_take_a_gigabyte(self, tmp_path: Path) -> None:
        """Each array keeps below what DEFLATE can reach; together they are far beyond what features compress to."""
        raw = io.BytesIO()
        np.lib.format.write_array_header_1_0(raw, {"descr": "<f4", "fortran_order": False, "shape": (50_000, 500)})
        with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as out:
            for name in ("audio", "visual"):
                with out.open(f"{name}.npy", "w") as stream:
                    stream.write(raw.getvalue() + bytes(100_000_000))
            labels = io.BytesIO()
            np.save(labels, np.arange(50_000) % 7)
            out.writestr("labels.npy", labels.getvalue())
        assert (tmp_path / "bomb.npz").stat().st_size < 1_000_000
        with pytest.raises(DataError, match="compression bomb"):
            feature_file(tmp_path / "bomb.npz")

    def test_an_archive_of_endless_contents_is_refused_unread(self, tmp_path: Path) -> None:
        """The directory of 900,000 entries is neither parsed nor held, whatever number the end of the file admits."""
        entry = (
            struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0) + b"a.npy"
        )
        directory = entry * 900_000
        for claimed in (3, 0xFFFF):
            end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, claimed, claimed, len(directory), 4, 0)
            (tmp_path / "x.npz").write_bytes(b"PK\3\4" + directory + end)
            began = time.thread_time()
            with pytest.raises(DataError, match="beyond the limit of 256"):
                feature_file(tmp_path / "x.npz")
            assert time.thread_time() - began < 1

    def test_many_entries_in_a_large_archive(self, tmp_path: Path) -> None:
        """The same where the numbers stand in the larger record that archives of more than 65,535 entries have."""
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as out:
            for i in range(70_000):
                out.writestr(f"{i}", b"")
        with pytest.raises(DataError, match="70,000 entries"):
            feature_file(tmp_path / "x.npz")

    def test_checksums_take_time_for_bytes_only(self, tmp_path: Path) -> None:
        """One long record among many short ones costs no more than the same bytes cut evenly."""
        rng = np.random.default_rng(0)
        content = rng.bytes(4 << 20)
        small = [content[i : i + 1000] for i in range(0, len(content), 1000)]
        mixed = [content[: 2 << 20], *(content[i : i + 100] for i in range(2 << 20, len(content), 100))]
        crc32c([b"compile"])
        times = []
        for blocks in (small, mixed, small, mixed):
            began = time.thread_time()
            crc32c(blocks)
            times.append(time.thread_time() - began)
        assert min(times[1::2]) < 10 * min(times[::2]) + 0.1

    def test_records_of_any_mix_of_sizes_are_read(self, tmp_path: Path) -> None:
        records = [b"", b"a", bytes(2_000_000), *([b"xyz" * 30] * 1000), b""]
        (tmp_path / "x.tfrecord").write_bytes(frame(records))
        assert [bytes(record) for record in read_records(tmp_path / "x.tfrecord")] == records
        (tmp_path / "many.tfrecord").write_bytes(frame([b""]) * 300_000)
        began = time.thread_time()
        assert len(read_records(tmp_path / "many.tfrecord")) == 300_000
        assert time.thread_time() - began < 5
        with pytest.raises(DataError, match="More than 1,000 records"):
            read_records(tmp_path / "many.tfrecord", Limits(clips=1000))


def test_a_user_block_before_hdf5_is_skipped(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "x.h5", "w", userblock_size=2048) as out:
        for name, values in clips().items():
            out[name] = values
    assert sniff(tmp_path / "x.h5").name == "hdf5"
    assert load_features(feature_file(tmp_path / "x.h5")).audio.shape == (40, 6)


def test_one_array_per_file_in_any_container(tmp_path: Path) -> None:
    kinds: Any = [c for c in CONTAINERS if c.holds in ("array", "arrays")]
    paths = []
    for name, container in zip(clips(), kinds, strict=True):
        paths.append(tmp_path / f"my_{name}{container.suffixes[0]}")
        paths[-1].write_bytes(container.writers[0]({name: clips()[name]}))
    assert np.array_equal(load_features(feature_file(*paths)).visual, clips()["visual"])


def test_a_file_of_one_array_is_found_beside_what_cannot_be_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "audio.npz", audio=clips()["audio"], meta=np.array([{}], dtype=object))
    with open_npz(tmp_path / "audio.npz") as file:
        assert list(file.headers) == ["audio"]
        assert list(file.refused) == ["meta"]
        with pytest.raises(DataError, match="Python objects"):
            file.read("meta")


def test_a_new_record_is_all_that_a_new_container_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that is npz behind eight bytes of its own."""
    import dataclasses

    from avexplore.data.files import open as containers
    from avexplore.data.files.npy import NPZ

    def open_it(path: Path, limits: Limits) -> Any:
        inner = path.with_suffix(".inner")
        inner.write_bytes(path.read_bytes()[8:])
        return open_npz(inner, limits)

    mine = dataclasses.replace(
        NPZ,
        name="mine",
        title="My own",
        suffixes=(".mine",),
        recognizes=lambda start: start.startswith(b"MY OWN 1"),
        open=open_it,
        writers=(lambda arrays: b"MY OWN 1" + NPZ.writers[0](arrays),),
    )
    monkeypatch.setattr(containers, "CONTAINERS", (mine, *CONTAINERS))
    assert known_formats().startswith("My own, ")
    assert np.array_equal(
        load_features(feature_file(put(tmp_path, mine, mine.writers[0](clips())))).audio, clips()["audio"]
    )
