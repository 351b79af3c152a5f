"""Which media files the clips of a data set have: kept beside the results, by the clips' names, and no part of any.

So a file may move, or a manifest be corrected, without anything being trained anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from avexplore.artifacts import Clips
from avexplore.data.media.manifest import MediaEntry, kind_of, read_media_manifest, to_json
from avexplore.errors import DataError
from avexplore.folders import readable_folders
from avexplore.store.writing import writing


@dataclass(frozen=True)
class Attached:
    """What a manifest brought.

    Attributes:
        manifest: Its name.
        clips: How many of the clips it names files for.
        gone: How many of those have a file that is not there.
        first_gone: Such a file; "" if there is none.
    """

    manifest: str
    clips: int
    gone: int
    first_gone: str = ""

    def sentence(self, total: int) -> str:
        """In words, of so many clips.

        >>> Attached("m.csv", 9, 2, "/a/b.mp4").sentence(10)
        'm.csv names media files for 9 of 10 clips; 2 of them are not there, the first is /a/b.mp4.'
        """
        words = f"{self.manifest} names media files for {self.clips:,} of {total:,} clips"
        if self.gone:
            words += f"; {self.gone:,} of them are not there, the first is {self.first_gone}"
        return f"{words}."


def attach_manifest(root: Path, clips: Clips, path: Path) -> Attached:
    """Take a manifest on this machine for these clips.

    Raises:
        DataError: As `read_media_manifest` does, or if it names none of these clips.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"The manifest cannot be read: {error.strerror}", where=path.name) from error
    folders = readable_folders()
    beside = [path.absolute().parent, *(folders or ())]
    entries = read_media_manifest(path.name, content, beside, within=folders, anywhere=folders is None)
    return attach(root, clips, path.name, entries)


def attach(root: Path, clips: Clips, name: str, entries: Mapping[str, MediaEntry]) -> Attached:
    """Keep these entries for clips of these names, instead of what was kept before.

    Args:
        root: Data folder.
        clips: The clips.
        name: What the manifest is called.
        entries: By clip id; those of other clips are left out.

    Raises:
        DataError: If none of the clips is named.
        StoreError: If it cannot be kept.
    """
    known = set(clips.clip_ids)
    kept = {clip: entry for clip, entry in entries.items() if clip in known and entry.files}
    if not kept:
        raise DataError(
            "It names none of this run's clips", where=name, fix=f"The first clip here is {clips.clip_ids[0]!r}"
        )
    target = file_of(root, clips)
    with writing(root):
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_suffix(".part")
        fresh.write_text(to_json(kept), encoding="utf-8")
        fresh.replace(target)
    gone = [path for entry in kept.values() for path in _gone(entry)[:1]]
    return Attached(name, len(kept), len(gone), gone[0] if gone else "")


def _gone(entry: MediaEntry) -> list[str]:
    return [path for path in entry.files if not Path(path).is_file()]


def attached(root: Path, clips: Clips) -> Mapping[str, MediaEntry]:
    """The entries kept for clips of these names, by clip id. Each path is to be checked again before it is opened."""
    path = file_of(root, clips)
    try:
        return _read(str(path), path.stat().st_mtime_ns)
    except OSError:
        return {}


def forget(root: Path, clips: Clips) -> None:
    """Keep nothing for clips of these names.

    Raises:
        StoreError: If what is kept cannot be removed.
    """
    with writing(root):
        file_of(root, clips).unlink(missing_ok=True)


def file_of(root: Path, clips: Clips) -> Path:
    """Where the entries for clips of these names are kept."""
    return root / "media" / f"{_names_key(clips.clip_ids)}.json"


@lru_cache(maxsize=8)
def _names_key(clip_ids: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(clip_ids).encode("utf-8", "replace")).hexdigest()[:32]


@lru_cache(maxsize=4)
def _read(path: str, changed: int) -> Mapping[str, MediaEntry]:
    # Checked when it was taken.
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        return {clip: _entry(fields) for clip, fields in content.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _entry(fields: Mapping[str, object]) -> MediaEntry:
    known = dict(fields)
    # Until there were several files per clip.
    path = str(known.pop("path", "") or "")
    if path and (kind := kind_of(path)) is not None:
        known.setdefault(kind, path)
    return MediaEntry(**known)  # type: ignore[arg-type]
