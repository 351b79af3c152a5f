"""A manifest of media files names what lies in the given folders, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avexplore.data.media.manifest import MediaEntry, inside, read_media_manifest, to_json
from avexplore.errors import AvexploreError, DataError


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    for name in ("first", "second", "outside"):
        (tmp_path / name).mkdir()
    for name in ("first/a.mp4", "second/b.WAV", "second/b.png", "outside/secret.mp4"):
        (tmp_path / name).write_bytes(b"0")
    return [tmp_path / "first", tmp_path / "second"]


def test_csv_and_json_say_the_same(folders: list[Path]) -> None:
    expected = {
        "one": MediaEntry(video=str(folders[0] / "a.mp4")),
        "two": MediaEntry(sound=str(folders[1] / "b.WAV"), thumbnail=str(folders[1] / "b.png")),
        "three": MediaEntry(),
    }
    table = f"thumbnail,clip_id,path\n,one,a.mp4\nb.png,two,{folders[1] / 'b.WAV'}\n\n,three,\n"
    assert read_media_manifest("m.csv", table.encode("utf-8-sig"), folders) == expected
    mixed = {"one": "a.mp4", "two": {"path": "b.WAV", "thumbnail": "b.png"}, "three": None}
    assert read_media_manifest("m.json", json.dumps(mixed).encode(), folders) == expected
    listed = [
        {"clip_id": "one", "file": "a.mp4"},
        {"id": "two", "path": "b.WAV", "thumbnail": "b.png"},
        {"id": "three"},
    ]
    assert read_media_manifest("m.JSON", json.dumps(listed).encode(), folders) == expected
    assert read_media_manifest("m.json", to_json(expected).encode(), folders) == expected


@pytest.mark.parametrize(
    "path", ["../outside/secret.mp4", "{root}/outside/secret.mp4", "link.mp4", "folder/secret.mp4"]
)
def test_paths_that_lead_out_are_refused(path: str, folders: list[Path], tmp_path: Path) -> None:
    (folders[0] / "link.mp4").symlink_to(tmp_path / "outside/secret.mp4")
    (folders[0] / "link.png").symlink_to(tmp_path / "outside/secret.mp4")
    (folders[0] / "folder").symlink_to(tmp_path / "outside")
    path = path.format(root=tmp_path)
    for content in ({"one": path}, {"one": {"path": "a.mp4", "thumbnail": path.replace("mp4", "png")}}):
        with pytest.raises(DataError, match="leads out"):
            read_media_manifest("m.json", json.dumps(content).encode(), [folders[0]])


def test_a_file_that_becomes_a_link_later_is_no_longer_inside(folders: list[Path], tmp_path: Path) -> None:
    film = folders[0] / "a.mp4"
    assert inside(str(film), folders)
    film.unlink()
    film.symlink_to(tmp_path / "outside/secret.mp4")
    assert not inside(str(film), folders)
    assert not inside("a\0b.mp4", folders)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("m.csv", b"clip_id,path\none,a.mp4\none,a.mp4\n", "twice"),
        ("m.json", b'{"one": "a.mp4", "one": "a.mp4"}', "twice"),
        ("m.csv", b"clip_id,path\none,/etc/passwd\n", "another kind"),
        ("m.csv", b"clip_id,path\none\n", "lacks a clip id or a path"),
        ("m.csv", b"clip,label\none,1\n", "not both there"),
        ("m.csv", b"clip_id,path\n,a.mp4\n", "name is empty"),
        ("m.csv", b"clip_id,path\n", "no clips"),
        ("m.csv", b"\xff\xfe\x00", "cannot be read"),
        ("m.json", b"[1, 2", "cannot be read"),
        ("m.json", b'"text"', "cannot be read"),
        ("m.json", b"[" * 100_000, "cannot be read"),
        ("m.json", b'{"one": {"path": "a.mp4", "start": ' + b"9" * 5000 + b"}}", "cannot be read"),
        ("m.csv", b"clip_id,path,start\none,a.mp4," + b"9" * 5000, "no number of seconds"),
        ("m.json", b'{"one": 3}', "no text"),
        ("m.json", b'{"one": {"path": ["a.mp4"]}}', "no text"),
        ("m.json", json.dumps({"one": "a\n.mp4"}).encode(), "control characters"),
        ("m.json", json.dumps({"one": "x" * 5000 + ".mp4"}).encode(), "too long"),
    ],
)
def test_a_bad_manifest_gets_a_sentence(name: str, content: bytes, said: str, folders: list[Path]) -> None:
    with pytest.raises(DataError, match=said):
        read_media_manifest(name, content, folders)


def test_a_folder_is_looked_up_once_for_all_files_in_it(folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = []
    resolve = Path.resolve
    monkeypatch.setattr(Path, "resolve", lambda path: looked_up.append(path) or resolve(path))
    rows = "".join(f"clip {k},part {k % 3}/{k}.mp4\n" for k in range(3000))
    found = read_media_manifest("m.csv", f"clip_id,path\n{rows}".encode(), folders[:1])
    assert len(found) == 3000
    assert len(looked_up) < 10


def test_without_folders_nothing_is_read(folders: list[Path]) -> None:
    with pytest.raises(DataError, match="No folder may be read") as refused:
        read_media_manifest("m.json", b"{}", [])
    assert "--folder" in str(refused.value)


@given(
    name=st.sampled_from(["m.csv", "m.json"]), content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode)
)
def test_no_content_does_worse_than_be_refused(name: str, content: bytes) -> None:
    try:
        found = read_media_manifest(name, content, [Path("/nowhere/at/all")])
    except AvexploreError:
        return
    for entry in found.values():
        assert entry.path == "" or entry.path.startswith("/nowhere/at/all/")
