"""Archives that lie: each is made by hand, and must be refused before it is unpacked."""

from __future__ import annotations

import io
import pickle
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avexplore.data import feature_file, load_features
from avexplore.data.files.limits import Limits
from avexplore.data.files.npy import open_npy, open_npz
from avexplore.errors import DataError


def npy_bytes(header: str, body: bytes = b"", version: int = 1) -> bytes:
    raw = header.encode()
    raw += b" " * (-(len(raw) + 11) % 64) + b"\n"
    length = struct.pack("<H", len(raw)) if version == 1 else struct.pack("<I", len(raw))
    return b"\x93NUMPY" + bytes([version, 0]) + length + raw + body


def archive(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as out:
        for name, content in entries.items():
            out.writestr(name, content)
    return path


def plain(shape: str = "(4,)", descr: str = "'<f4'", fortran: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"


def open_all(path: Path, limits: Limits | None = None) -> dict[str, np.ndarray]:
    with open_npz(path, limits or Limits()) as file:
        arrays = [name for name in file.refused if not name.endswith(".txt")]
        return {name: file.read(name) for name in (*file.headers, *arrays)}


LYING_HEADERS: list[tuple[str, bytes]] = [
    ("more than there is", npy_bytes(plain("(1000000,)"), b"\0" * 16)),
    ("less than there is", npy_bytes(plain("(2,)"), b"\0" * 16)),
    ("a shape of 10^30", npy_bytes(plain(f"({10**30},)"))),
    ("sizes that multiply beyond 64 bits", npy_bytes(plain(f"({2**33}, {2**33}, 2)"))),
    ("a negative size", npy_bytes(plain("(-4,)"), b"\0" * 16)),
    ("negative sizes with a positive product", npy_bytes(plain("(-2, -2)"), b"\0" * 16)),
    ("a shape that is no tuple", npy_bytes(plain("4"), b"\0" * 16)),
    ("a shape of floats", npy_bytes(plain("(4.0,)"), b"\0" * 16)),
    ("a shape of booleans", npy_bytes(plain("(True,)"), b"\0" * 4)),
    ("Python objects", npy_bytes(plain(descr="'|O'"), pickle.dumps([1]))),
    ("a record type", npy_bytes(plain(descr="[('a', '<f4')]"), b"\0" * 16)),
    ("a type by expression", npy_bytes(plain(descr="'<f4,<f4'"), b"\0" * 32)),
    ("a void type", npy_bytes(plain(descr="'|V4'"), b"\0" * 16)),
    ("a date type", npy_bytes(plain(descr="'<M8[s]'"), b"\0" * 32)),
    ("a type that does not exist", npy_bytes(plain(descr="'<f3'"), b"\0" * 12)),
    ("no dictionary", npy_bytes("[1, 2]")),
    ("a call", npy_bytes("__import__('os').system('true')")),
    ("a missing key", npy_bytes("{'descr': '<f4', 'shape': (4,)}")),
    ("a deeply nested header", npy_bytes("(" * 3000 + ")" * 3000)),
    ("an unknown version", npy_bytes(plain(), b"\0" * 16, version=9)),
    ("a long header", npy_bytes(plain() + " " * 60_000, b"\0" * 16)),
    ("a header that ends early", npy_bytes(plain())[:40]),
    ("nothing", b""),
    ("strings of a megabyte each", npy_bytes(plain("(4,)", "'<U1000000'"))),
    ("six dimensions", npy_bytes(plain("(1, 1, 1, 1, 1, 1)"), b"\0" * 4)),
    ("too many columns", npy_bytes(plain("(1, 100000)"), b"\0" * 400_000)),
]


@pytest.mark.parametrize("content", [c for _, c in LYING_HEADERS], ids=[n for n, _ in LYING_HEADERS])
def test_lying_headers_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError):
        open_all(archive(tmp_path / "x.npz", {"audio.npy": content}))
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(DataError), open_npy(tmp_path / "x.npy", "audio") as file:
        file.read("audio")


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    values = np.array([Trap(), None], dtype=object)
    np.savez(tmp_path / "x.npz", audio=values, visual=values, labels=values)
    with pytest.raises(DataError, match="Python objects"):
        load_features(feature_file(tmp_path / "x.npz"))
    assert not (tmp_path / "sprung").exists()


def test_a_compression_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """200 MB of zeros in 200 kB, of a size that its header admits."""
    raw = io.BytesIO()
    np.lib.format.write_array_header_1_0(raw, {"descr": "<f4", "fortran_order": False, "shape": (50_000, 1000)})
    body = b"\0" * 200_000_000
    path = archive(tmp_path / "bomb.npz", {"audio.npy": raw.getvalue() + body})
    del body
    limits = Limits(expansion=500)
    tracemalloc.start()
    with pytest.raises(DataError, match="compression bomb"):
        open_all(path, limits)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_arrays_beyond_the_memory_limit_are_refused_unread(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.ones((600, 1000)), b=np.ones((600, 1000)))
    with pytest.raises(DataError, match="limit is"):
        open_all(tmp_path / "x.npz", Limits(array_bytes=8_000_000))


def test_an_entry_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    """The directory says 128 bytes, the stream holds far more."""
    content = npy_bytes(plain("(4096,)"), b"\0" * 16384)
    path = archive(tmp_path / "x.npz", {"audio.npy": content})
    raw = bytearray(path.read_bytes())
    at = raw.rindex(b"PK\x01\x02")
    struct.pack_into("<I", raw, at + 24, 144)
    path.write_bytes(raw)
    with pytest.raises(DataError):
        open_all(path)


def test_a_wrong_checksum_is_noticed(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.npz", {"audio.npy": npy_bytes(plain("(64,)"), bytes(256))}, zipfile.ZIP_STORED)
    raw = bytearray(path.read_bytes())
    raw[200] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DataError, match="damaged"):
        open_all(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression_is_refused(tmp_path: Path, method: int) -> None:
    path = archive(tmp_path / "x.npz", {"audio.npy": npy_bytes(plain(), bytes(16))}, method)
    with pytest.raises(DataError, match="Unknown compression"):
        open_all(path)


def test_a_thousand_arrays_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.npz", {f"a{i}.npy": npy_bytes(plain(), bytes(16)) for i in range(1000)})
    with pytest.raises(DataError, match="beyond the limit of 256"):
        open_all(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_array_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as out:
        for _ in range(2):
            out.writestr("audio.npy", npy_bytes(plain(), bytes(16)))
    with pytest.raises(DataError, match="twice"):
        open_all(tmp_path / "x.npz")


def test_names_that_are_paths_stay_names(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.npz", {"../../audio.npy": npy_bytes(plain(), bytes(16)), "readme.txt": b"hello"})
    assert list(open_all(path)) == ["../../audio"]


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9, 0.999])
def test_truncated_files_are_refused(tmp_path: Path, cut: float) -> None:
    np.savez_compressed(tmp_path / "x.npz", audio=np.random.default_rng(0).random((50, 20)))
    raw = (tmp_path / "x.npz").read_bytes()
    (tmp_path / "x.npz").write_bytes(raw[: int(len(raw) * cut)])
    with pytest.raises(DataError):
        open_all(tmp_path / "x.npz")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2", "<i8", "|u1", "|b1", "<U7", "|S5"])
def test_what_numpy_writes_is_read(tmp_path: Path, dtype: str, order: Any) -> None:
    values = np.asarray(np.arange(24).reshape(2, 3, 4) % 2, order=order).astype(dtype)
    np.savez_compressed(tmp_path / "x.npz", a=values)
    np.save(tmp_path / "a.npy", values)
    assert np.array_equal(open_all(tmp_path / "x.npz")["a"], values)
    with open_npy(tmp_path / "a.npy", "a") as file:
        assert np.array_equal(file.read("a"), values)
        assert np.array_equal(file.read_rows("a", 1, 5), values[1:])
    with open_npz(tmp_path / "x.npz") as file:
        assert np.array_equal(file.read_rows("a", 1, 2), values[1:])
        assert file.read("a").dtype.isnative


def test_rows_are_read_in_any_order(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((200, 30))
    np.savez_compressed(tmp_path / "x.npz", a=values, b=-values)
    with open_npz(tmp_path / "x.npz") as file:
        for name, start, stop in (("a", 0, 50), ("a", 50, 120), ("b", 10, 20), ("a", 5, 9), ("a", 190, 400)):
            expected = values[start:stop] * (1 if name == "a" else -1)
            assert np.array_equal(file.read_rows(name, start, stop), expected)
