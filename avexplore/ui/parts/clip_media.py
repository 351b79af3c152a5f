"""Clips' videos, sounds and pictures: which files they have, one player, thumbnails, and the manifest that names them.

`play(clips, clip)` is all that a page needs. Files come from the data set itself, or from a manifest: the one that came
with the features, or one that somebody uploads for clips of these names. Only files in the folders named at start, and
those that avexplore made itself, are served.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import streamlit as st

from avexplore.apart import apart
from avexplore.artifacts import Clips
from avexplore.data.media.manifest import PICTURES, Kind, MediaEntry, inside, kind_of, read_media_manifest
from avexplore.folders import NAMED, may_read
from avexplore.ui.parts import player
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.parts.told import Telling, told
from avexplore.ui.shell import session
from avexplore.workbench import media_files

_MANIFEST_BYTES = 64 * 2**20
_THUMBNAIL = (224, 144)
_LARGE = (640, 360)
_LISTED = 120
"""Rows of a list that get a picture: each is sent to the browser."""


@dataclass(frozen=True)
class Media:
    """What can be shown of one clip.

    Attributes:
        path: Its file.
        kind: What that is.
        thumbnail: A small picture of it; None for none.
        sound_picture: A small picture of its sound; None for none.
        start, end: Its part of the file, in seconds; None for the file's own ends.
    """

    path: Path
    kind: Kind
    thumbnail: Path | None = None
    sound_picture: Path | None = None
    start: float | None = None
    end: float | None = None


def named_folders() -> tuple[Path, ...]:
    """The folders named at start."""
    return tuple(Path(name).expanduser() for name in os.environ.get(NAMED, "").split(os.pathsep) if name)


def _root() -> Path:
    return Path(session.server_workbench().store.root)


def _attached(clips: Clips) -> Mapping[str, MediaEntry]:
    """What the visitor's own manifest names, else the one that everybody sees."""
    own = media_files.attached(session.own_folder(), clips)
    return own or media_files.attached(_root(), clips)


def _servable() -> tuple[Path, ...]:
    """Where files that a manifest names are served from."""
    return (*named_folders(), _root() / "features")


def of(clips: Clips, clip: int) -> Media | None:
    """A clip's file, if there is one now that can be shown; a manifest goes before what the data set says."""
    entry = _attached(clips).get(clips.clip_ids[clip])
    if entry is None:
        path = Path(clips.media[clip]) if clips.media and clips.media[clip] else None
        if path is None or not (may_read(path) and path.is_file()) or (kind := kind_of(str(path))) is None:
            return None
        return Media(path, kind, path if kind == "picture" and path.suffix.lower() in PICTURES else None)
    video, sound, picture, thumbnail, heard = (
        Path(p) if p and inside(p, _servable()) and Path(p).is_file() else None
        for p in (entry.video, entry.sound, entry.picture, entry.thumbnail, entry.sound_picture)
    )
    shown = video or sound or picture or thumbnail
    if shown is None or (kind := kind_of(str(shown))) is None:
        return None
    if shown == sound:
        kind = "sound"
    small = thumbnail or (picture if picture is not None and picture.suffix.lower() in PICTURES else None) or heard
    return Media(shown, kind, small, heard, entry.start, entry.end)


def play(clips: Clips, clip: int, *, key: str = "") -> bool:
    """Show the clip's video, sound or picture if it has a file; False if not.

    Args:
        clips: The clips.
        clip: Which of them.
        key: Tells the page's players of the same clip apart.
    """
    media = of(clips, clip)
    if media is None:
        return False
    still = media.path if media.path.suffix.lower() in PICTURES else media.thumbnail
    small = thumbnail(still, _LARGE) if still is not None else ""
    if small and media.kind != "video":
        st.image(small, alt=f"Picture of {clips.clip_ids[clip]}")
    if media.kind != "picture":
        poster = small if media.kind == "video" else ""
        player.draw(media.path, media.kind, key=f"{clip}{key}", start=media.start, end=media.end, poster=poster)
        if media.sound_picture not in (None, media.thumbnail):
            assert media.sound_picture is not None
            if heard := thumbnail(media.sound_picture, (640, 96)):
                with st.container(width=320):  # no wider than what it stands in
                    st.image(heard, width="stretch", alt="Spectrum", caption="Its sound: low to high, over time")
    elif not small:
        st.caption(f"`{_plain(media.path.name)}` is not shown here. Pictures are PNG, JPEG or WebP")
    return True


def thumbnail(path: Path, size: tuple[int, int] = _THUMBNAIL) -> str:
    """A picture file, made small, as a `data:` address; "" if it is no picture that can be read."""
    try:
        status = path.stat()
        return _shrunk(str(path), status.st_mtime_ns, status.st_size, size)
    except OSError:
        return ""


def thumbnails(clips: Clips | None, rows: Sequence[int]) -> list[str] | None:
    """Small pictures for the first rows of a list, as `data:` addresses; None if no clip has one."""
    if clips is None:
        return None
    found = [media.thumbnail if (media := of(clips, row)) else None for row in rows[:_LISTED]]
    if not any(found):
        return None
    shown = [thumbnail(path, (120, 80)) if path is not None else "" for path in found]
    return shown + [""] * (len(rows) - len(shown))


@lru_cache(maxsize=2000)
def _shrunk(path: str, changed: int, length: int, size: tuple[int, int]) -> str:
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as picture:
            if picture.width * picture.height > 50_000_000:
                return ""
            picture.draft("RGB", (2 * size[0], 2 * size[1]))
            small = picture.convert("RGB")
            small.thumbnail(size)
            out = io.BytesIO()
            small.save(out, "JPEG", quality=80)
    except Exception:  # whatever a hostile picture makes a decoder raise, it is no picture then
        return ""
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()


# --- manifests ----------------------------------------------------------------------------------------------------


def attach(clips: Clips, name: str, content: bytes) -> media_files.Attached:
    """Take an uploaded manifest for these clips: from now on, on every page.

    Raises:
        DataError: As `read_media_manifest` does, or if it names none of these clips.
    """
    entries = apart(read_media_manifest, name, content, named_folders())
    return media_files.attach(session.own_folder(), clips, name, entries)


def box(clips: Clips) -> None:
    """A small button behind which a manifest can be given or taken back; not where visitors share the app."""
    if session.has_company() or session.workbench().read_only:
        return
    with st.popover("Media files"):
        entries = media_files.attached(_root(), clips)
        if entries:
            st.caption(_told(clips, entries))
        named = named_folders()
        if not named:
            st.caption(
                "To play clips here, name the folder that holds their files when you start the app: "
                "`avexplore app --folder FOLDER`. Then give a manifest here."
            )
            return
        uploaded = st.file_uploader(
            "Manifest", type=["csv", "json"], key="media-manifest", max_upload_size=_MANIFEST_BYTES // 2**20,
            help="CSV with the columns clip_id and path (or video, sound, picture), and, if you like, thumbnail, start "
            "and end; or JSON: {clip id: path}. Paths may be relative to the folders named at start, and must lie "
            "inside one of them.",
        )  # fmt: skip
        if uploaded is not None:
            with Telling():
                found = attach(clips, uploaded.name, uploaded.getvalue())
                st.success(as_markdown(found.sentence(len(clips.clip_ids))))
        if entries:
            forget = (media_files.forget, _root(), clips)
            st.button("Forget the manifest", type="tertiary", on_click=told, args=forget)
        st.caption("Folders: " + ", ".join(f"`{folder.name}`" for folder in named))


def _told(clips: Clips, entries: Mapping[str, MediaEntry]) -> str:
    """What is known of the clips' files, and what keeps them from being shown."""
    paths = [path for clip in clips.clip_ids if (entry := entries.get(clip)) and (path := entry.path)]
    words = f"A manifest names files for {len(entries):,} of {len(clips.clip_ids):,} clips."
    # Looking at some tells: a folder that is not named hides all its files.
    sample = paths[:: max(1, len(paths) // 200)]
    hidden = [path for path in sample if not inside(path, _servable())]
    gone = [path for path in sample if path not in hidden and not Path(path).is_file()]
    if hidden:
        words += (
            " Some lie outside the folders named at start: "
            f"`avexplore app --folder {_plain(str(Path(hidden[0]).parent))}` shows them."
        )
    if gone:
        words += f" {len(gone):,} of {len(sample):,} looked at are not there, such as `{_plain(Path(gone[0]).name)}`."
    return words


def _plain(text: str) -> str:
    """Text that stays within the code that it stands in."""
    return text.replace("`", "'")
