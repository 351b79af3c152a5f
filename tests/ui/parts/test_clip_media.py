"""Which of a manifest's files a page shows, and how."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from PIL import Image

from avexplore.analysis.loaded_run import LoadedRun
from avexplore.artifacts import Clips
from avexplore.data.media.manifest import MediaEntry
from avexplore.folders import NAMED, name_folder
from avexplore.ui.parts import clip_media
from avexplore.workbench import media_files


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder, and a folder of media files that is named."""
    st.cache_resource.clear()
    monkeypatch.setenv("AVEXPLORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(NAMED, str(tmp_path / "named"))
    for name in ("named/a.mp4", "named/b.wav", "elsewhere/c.mp4"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"0")
    Image.new("RGB", (300, 100), "red").save(tmp_path / "named" / "p.jpg")
    yield tmp_path
    st.cache_resource.clear()


def attached(home: Path, clips: Clips, **files: Any) -> Clips:
    """Clips of which the first has these files."""
    entry = MediaEntry(**{k: str(home / v) if isinstance(v, str) else v for k, v in files.items()})
    media_files.attach(home / "home", clips, "m.csv", {clips.clip_ids[0]: entry})
    return clips


def test_a_video_goes_before_its_sound_and_keeps_its_segment(home: Path, loaded: LoadedRun) -> None:
    clips = attached(home, loaded.clips, video="named/a.mp4", sound="named/b.wav", thumbnail="named/p.jpg", start=3.5)
    media = clip_media.of(clips, 0)
    assert media is not None
    assert (media.path.name, media.kind, media.start, media.end) == ("a.mp4", "video", 3.5, None)
    assert media.thumbnail == home / "named" / "p.jpg"
    assert clip_media.of(clips, 1) is None
    shown = clip_media.thumbnails(clips, [1, 0])
    assert shown is not None
    assert shown[0] == ""
    assert shown[1].startswith("data:image/jpeg;base64,")


def test_files_outside_the_named_folders_are_not_shown_until_these_are_named(home: Path, loaded: LoadedRun) -> None:
    clips = attached(home, loaded.clips, video="elsewhere/c.mp4")
    assert clip_media.of(clips, 0) is None
    assert clip_media.thumbnails(clips, [0]) is None
    name_folder(home / "elsewhere")
    assert clip_media.of(clips, 0) is not None


def test_a_pair_shows_its_picture_beside_its_sound(home: Path, loaded: LoadedRun) -> None:
    media = clip_media.of(attached(home, loaded.clips, sound="named/b.wav", picture="named/p.jpg"), 0)
    assert media is not None
    assert (media.kind, media.path.name) == ("sound", "b.wav")
    assert media.thumbnail == home / "named" / "p.jpg"


def test_what_was_attached_by_an_earlier_version_is_read(home: Path, loaded: LoadedRun) -> None:
    place = media_files.file_of(home / "home", loaded.clips)
    place.parent.mkdir(parents=True)
    place.write_text(f'{{"{loaded.clips.clip_ids[0]}": {{"path": "{home}/named/a.mp4", "thumbnail": ""}}}}')
    media = clip_media.of(loaded.clips, 0)
    assert media is not None
    assert (media.kind, media.path.name) == ("video", "a.mp4")


def test_other_clips_of_the_same_number_have_files_of_their_own(home: Path, loaded: LoadedRun) -> None:
    clips = attached(home, loaded.clips, video="named/a.mp4")
    renamed = replace(clips, clip_ids=tuple(f"other {name}" for name in clips.clip_ids))
    assert clip_media.of(renamed, 0) is None
