"""Clips' videos, sounds and pictures: which files they have, one player, thumbnails, and the manifest that names them.

`play(clips, clip)` is all that a page needs. Files come from the data set itself, or from a manifest that somebody
uploads for clips of these names; what a manifest names is served from the folders named at start only.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import streamlit as st

from avexplore.artifacts import Clips
from avexplore.data.media.manifest import PICTURES, SOUNDS, VIDEOS, MediaEntry, inside, read_media_manifest, to_json
from avexplore.errors import AvexploreError
from avexplore.folders import NAMED, may_read
from avexplore.ui.shell import session

_MANIFEST_BYTES = 64 * 2**20
_THUMBNAIL = (112, 72)

Kind = Literal["video", "sound", "picture"]


@dataclass(frozen=True)
class Media:
    """What can be shown of one clip.

    Attributes:
        path: Its file.
        kind: What that is.
        thumbnail: A small picture of it; None for none.
    """

    path: Path
    kind: Kind
    thumbnail: Path | None = None


def named_folders() -> tuple[Path, ...]:
    """The folders named at start."""
    return tuple(Path(name).expanduser() for name in os.environ.get(NAMED, "").split(os.pathsep) if name)


def of(clips: Clips, clip: int) -> Media | None:
    """A clip's file, if there is one now that a browser shows; a manifest goes before what the data set says."""
    entry = _manifest(clips).get(clips.clip_ids[clip])
    if entry is not None:
        allowed = [Path(p) if p and inside(p, named_folders()) else None for p in (entry.path, entry.thumbnail)]
        path, thumbnail = (p if p is not None and p.is_file() else None for p in allowed)
    else:
        path = Path(clips.media[clip]) if clips.media and clips.media[clip] else None
        thumbnail = None
        path = path if path is not None and may_read(path) and path.is_file() else None
    kind = _kind(path or thumbnail)
    if kind is None:
        return None
    shown = path or thumbnail
    assert shown is not None
    return Media(shown, kind, thumbnail or (shown if kind == "picture" else None))


def _kind(path: Path | None) -> Kind | None:
    suffix = path.suffix.lower() if path is not None else ""
    return "video" if suffix in VIDEOS else "sound" if suffix in SOUNDS else "picture" if suffix in PICTURES else None


def play(clips: Clips, clip: int) -> bool:
    """Show the clip's video, sound or picture if it has a file; False if not."""
    media = of(clips, clip)
    if media is None:
        return False
    if media.kind == "video":
        st.video(media.path)
    elif media.kind == "sound":
        if media.thumbnail is not None and (picture := thumbnail(media.thumbnail, (640, 360))):
            st.image(picture)
        st.audio(media.path)
    elif picture := thumbnail(media.path, (640, 360)):
        st.image(picture)
    return True


def thumbnail(path: Path, size: tuple[int, int] = _THUMBNAIL) -> str:
    """A picture file, made small, as a `data:` address; "" if it is no picture that can be read."""
    try:
        status = path.stat()
        return _shrunk(str(path), status.st_mtime_ns, status.st_size, size)
    except OSError:
        return ""


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


@lru_cache(maxsize=8)
def _names_key(clip_ids: tuple[str, ...]) -> str:
    return hashlib.sha256("\n".join(clip_ids).encode("utf-8", "replace")).hexdigest()[:32]


def _file(clips: Clips) -> Path:
    """Where the manifest for clips of these names is kept."""
    return Path(session.workbench().store.root) / "media" / f"{_names_key(clips.clip_ids)}.json"


def _manifest(clips: Clips) -> Mapping[str, MediaEntry]:
    path = _file(clips)
    try:
        return _read(str(path), path.stat().st_mtime_ns)
    except OSError:
        return {}


@lru_cache(maxsize=4)
def _read(path: str, changed: int) -> Mapping[str, MediaEntry]:
    # Checked when it was taken; each path is checked again before it is opened.
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        return {clip: MediaEntry(str(e["path"]), str(e["thumbnail"])) for clip, e in content.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def attach(clips: Clips, name: str, content: bytes) -> tuple[int, int]:
    """Take a manifest for these clips: from now on, on every page.

    Returns:
        How many of the clips it names, and how many of those files are not there.

    Raises:
        DataError: As `read_media_manifest` does, or if it names none of these clips.
    """
    from avexplore.errors import DataError

    entries = read_media_manifest(name, content, named_folders())
    known = set(clips.clip_ids)
    kept = {clip: entry for clip, entry in entries.items() if clip in known and (entry.path or entry.thumbnail)}
    if not kept:
        raise DataError(
            "It names none of this run's clips", where=name, fix=f"The first clip here is {clips.clip_ids[0]!r}"
        )
    target = _file(clips)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".part")
    fresh.write_text(to_json(kept), encoding="utf-8")
    fresh.replace(target)
    gone = sum(not Path(entry.path or entry.thumbnail).is_file() for entry in kept.values())
    return len(kept), gone


def box(clips: Clips) -> None:
    """A small button behind which a manifest can be given or taken back; not where visitors share the app."""
    if os.environ.get("AVEXPLORE_SHARED") == "1" or session.workbench().read_only:
        return
    with st.popover("Media files"):
        named = named_folders()
        if not named:
            st.caption(
                "To play clips here, name the folder that holds their files when you start the app: "
                "`avexplore app --folder FOLDER`. Then give a manifest here."
            )
            return
        count = len(_manifest(clips))
        if count:
            st.caption(f"A manifest names files for {count:,} of {len(clips.clip_ids):,} clips.")
        uploaded = st.file_uploader(
            "Manifest", type=["csv", "json"], key="media-manifest", max_upload_size=_MANIFEST_BYTES // 2**20,
            help="CSV with the columns clip_id,path and, if you like, thumbnail; or JSON: {clip id: path}. Paths may "
            "be relative to the folders named at start, and must lie inside one of them.",
        )  # fmt: skip
        if uploaded is not None:
            try:
                found, gone = attach(clips, uploaded.name, uploaded.getvalue())
                st.success(f"Files for {found:,} clips" + (f"; {gone:,} of them are not there" if gone else ""))
            except AvexploreError as error:
                st.error(str(error))
        if count and st.button("Forget the manifest", type="tertiary"):
            _file(clips).unlink(missing_ok=True)
            st.rerun()
        st.caption("Folders: " + ", ".join(f"`{folder.name}`" for folder in named))
