"""Small files that would take a hundred times their size: each is refused in a sentence, with little memory."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measures as Linux does")

READ = r"""
import re, resource, sys
from pathlib import Path
from avexplore.errors import AvexploreError
from avexplore.workbench import brought_files

try:
    print(brought_files.look_at([sys.argv[1]], "auto", None)[1])
except AvexploreError as error:
    print(f"Refused: {error}")
# What getrusage says of this process itself counts the one that started it.
own = int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1])
print(max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) // 1024)
"""


def npy(name: str, shape: tuple[int, ...], descr: str = "<f4", values: bytes = b"\0") -> tuple[str, bytes]:
    """An array that repeats some bytes."""
    raw = io.BytesIO()
    np.lib.format.write_array_header_1_0(raw, {"descr": descr, "fortran_order": False, "shape": shape})
    size = int(np.prod(shape)) * np.dtype(descr).itemsize
    return f"{name}.npy", raw.getvalue() + (values * (size // len(values) + 1))[:size]


def npz(path: Path, *entries: tuple[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)


def both(*shape: int, descr: str = "|u1") -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    return npy("audio", shape, descr), npy("visual", shape, descr)


def one_large_array(path: Path) -> None:
    npz(path, npy("audio", (2000, 50_000)), npy("visual", (2000, 16)), npy("labels", (2000,), "<i8"))


def many_arrays(path: Path) -> None:
    npz(path, *(npy(f"x{k}", (400, 1000)) for k in range(250)))


def an_archive_in_an_archive(path: Path) -> None:
    npz(path, *both(1000, 1000))
    npz(path, ("audio.npz", path.read_bytes()))


def clips_without_bytes(path: Path) -> None:
    npz(path, *both(5_000_000, 1), npy("labels", (5_000_000,), "|u1", b"\0\1"))


def a_wide_matrix_of_labels(path: Path) -> None:
    npz(path, *both(1000, 4), npy("labels", (1000, 60_000), "|u1"))


def a_wide_matrix_of_what_is_heard(path: Path) -> None:
    npz(path, *both(1000, 4), npy("labels", (1000,), "|u1", b"\0\1"), npy("true_audio", (1000, 60_000), "|u1"))


def long_names(path: Path) -> None:
    npz(
        path,
        *both(60_000, 4),
        npy("labels", (60_000,), "|u1", b"\0\1"),
        npy("clip_ids", (60_000,), "<U200", b"a\0\0\0"),
    )


def packed_hdf5(path: Path) -> None:
    with h5py.File(path, "w") as out:
        for name in ("audio", "visual"):
            out.create_dataset(name, data=np.zeros((4000, 10_000), "f4"), chunks=(1000, 1000), compression="gzip")
        out["labels"] = np.arange(4000) % 2


def entries(count: int, *, another_list: bool) -> Callable[[Path], None]:
    """An archive with a long list of contents; or with a short one, too, which only some programs read."""

    def write(path: Path) -> None:
        listed = b"".join(
            b"PK\1\2" + struct.pack("<6H3I5H2I", 20, 20, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0) + b"%07d" % number
            for number in range(count)
        )

        def record(of: int, length: int) -> bytes:
            return b"PK\6\6" + struct.pack("<Q2H2I4Q", 44, 45, 45, 0, 0, of, of, length, start)

        first = b"PK\3\4" + struct.pack("<5H3I2H", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"a"
        start = len(first) + 56 * another_list
        body = first + (record(1, 53) if another_list else b"") + listed
        where = len(first) if another_list else len(body)
        body += record(count, len(listed)) + b"PK\6\7" + struct.pack("<IQI", 0, where, 1)
        path.write_bytes(body + b"PK\5\6" + struct.pack("<4H2IH", 0, 0, 1, 1, 53, start, 0))

    write.__name__ = "two_lists_of_contents" if another_list else "a_list_of_contents"
    return write


BOMBS: list[tuple[Callable[[Path], None], str]] = [
    (one_large_array, "compression bomb"),
    (many_arrays, "compression bomb"),
    (an_archive_in_an_archive, "no known layout"),
    (clips_without_bytes, "claim to hold 5,000,000 clips"),
    (a_wide_matrix_of_labels, "No clip carries"),
    (a_wide_matrix_of_what_is_heard, "Expected 0 and 1"),
    (long_names, "occurs more than once"),
    (packed_hdf5, "compression bomb"),
    (entries(900_000, another_list=False), "900,000 entries are beyond"),
    (entries(900_000, another_list=True), "900,000 entries are beyond"),
]


@pytest.mark.parametrize(("write", "said"), BOMBS, ids=[write.__name__ for write, _ in BOMBS])
def test_a_small_file_takes_little_memory(write: Callable[[Path], None], said: str, tmp_path: Path) -> None:
    path = tmp_path / "small.npz"
    write(path)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told, peak = done.stdout.splitlines()
    assert told.startswith("Refused: ")
    assert said in told
    assert int(peak) < 350, "MiB, of which Python and its libraries take some 100"


def test_the_command_and_the_page_refuse_it_in_the_same_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "small.npz"
    one_large_array(path)
    command = [sys.executable, "-m", "avexplore", "run", str(path), "--json"]
    surroundings = os.environ | {"AVEXPLORE_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1
    assert "compression bomb" in done.stderr
    assert "Traceback" not in done.stderr

    monkeypatch.setenv("AVEXPLORE_MODELS", str(tmp_path / "none"))
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    at.query_params["training.source"] = "My features"
    at.switch_page("pages/training.py").run()
    at.file_uploader(key="training.files").set_value([(path.name, path.read_bytes(), "application/zip")]).run()
    assert not at.exception
    (error,) = at.error
    assert "compression bomb" in error.value
