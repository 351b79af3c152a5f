from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from avexplore.data.limits import Limits
from avexplore.data.places import inside, keep_upload
from avexplore.errors import DataError


def test_inside_and_outside(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.npz").touch()
    (tmp_path / "data" / "link").symlink_to("/etc")
    assert inside(tmp_path / "data" / "a.npz", [tmp_path / "data"]).name == "a.npz"
    for path in ("../other.npz", "link/passwd", "/etc/passwd", "a\0b"):
        with pytest.raises(DataError):
            inside(tmp_path / "data" / path, [tmp_path / "data"])


@pytest.mark.parametrize(
    "name", ["../../etc/cron.d/x.npz", "..\\x.npz", "<script>.npz", "=cmd().npz", "con", ".", "a\0.npz"]
)
def test_an_upload_is_stored_under_its_contents(tmp_path: Path, name: str) -> None:
    path = keep_upload(io.BytesIO(b"hello"), name, tmp_path / "uploads")
    assert path.parent == tmp_path / "uploads"
    assert path.stem == hashlib.sha256(b"hello").hexdigest()[:32]
    assert [p.name for p in (tmp_path / "uploads").iterdir()] == [path.name]


def test_the_kind_of_array_stays_in_the_name(tmp_path: Path) -> None:
    assert keep_upload(io.BytesIO(b"x"), "My Audio Features.NPY", tmp_path).name.endswith("-audio.npy")


def test_an_upload_that_is_too_large_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Uploads may have"):
        keep_upload(io.BytesIO(b"x" * 100), "a.npz", tmp_path, Limits(file_bytes=50))
    assert not list(tmp_path.iterdir())
