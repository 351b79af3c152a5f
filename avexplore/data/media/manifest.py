"""Where clips' media files lie, from a manifest that is not trusted: CSV or JSON, clip id -> file and thumbnail."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avexplore.data.files.limits import DEFAULT_LIMITS, Limits
from avexplore.data.files.names import clean_name
from avexplore.errors import DataError

VIDEOS = (".mp4", ".webm", ".mov", ".m4v", ".ogv")
SOUNDS = (".wav", ".mp3", ".ogg", ".flac", ".m4a", ".aac", ".opus")
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
_FIX = "Use CSV with the columns clip_id,path[,thumbnail], or JSON as {clip id: path} or {clip id: {path, thumbnail}}"


@dataclass(frozen=True)
class MediaEntry:
    """One clip's files: a video, a sound or a picture, and perhaps a thumbnail; links followed, "" for none."""

    path: str
    thumbnail: str = ""


def read_media_manifest(
    name: str, content: bytes, folders: Sequence[Path], limits: Limits = DEFAULT_LIMITS
) -> dict[str, MediaEntry]:
    """The entries of a manifest, each path inside one of the folders.

    Args:
        name: The file's name, for messages and for its ending (.csv or .json).
        content: Its bytes.
        folders: Where media may lie. A relative path is looked for in each, in turn.
        limits: On names, paths and entries.

    Returns:
        By clip id.

    Raises:
        DataError: If it cannot be read, a clip is listed twice, a file is of no kind that a browser plays, or a path
            leads out of the folders, also by a link.
    """
    if not folders:
        raise DataError(
            "No folder may be read for media", where=name, fix="Start the app with `avexplore app --folder FOLDER`"
        )
    roots = [folder.resolve() for folder in folders]
    found: dict[str, MediaEntry] = {}
    try:
        text = content.decode("utf-8-sig")
        rows = _from_json(text) if name.lower().endswith(".json") else _from_csv(text, name)
        for line, clip, path, thumbnail in rows:
            where = f"{line} of {name}"
            key = clean_name(clip, where=where, limits=limits)
            if key in found:
                raise DataError(f"Clip {key!r} is listed twice", where=where)
            found[key] = MediaEntry(
                _inside(path, roots, (*VIDEOS, *SOUNDS, *PICTURES), where, limits),
                _inside(thumbnail, roots, PICTURES, where, limits),
            )
            if len(found) > limits.clips:
                raise DataError(f"More than {limits.clips:,} clips", where=name)
    except (UnicodeDecodeError, csv.Error, json.JSONDecodeError, RecursionError) as error:
        raise DataError("The manifest cannot be read", where=name, fix=_FIX) from error
    if not found:
        raise DataError("There are no clips", where=name, fix=_FIX)
    return found


_Row = tuple[str, Any, Any, Any]


def _from_csv(text: str, name: str) -> Iterator[_Row]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = [cell.strip().lower() for cell in next(rows, [])]
    clip, path = (next((header.index(n) for n in names if n in header), -1) for names in (_CLIP, _PATH))
    if clip < 0 or path < 0:
        raise DataError("The columns clip_id and path are not both there", where=name, fix=_FIX)
    thumbnail = header.index("thumbnail") if "thumbnail" in header else -1
    for line, row in enumerate(rows, 2):
        if row:
            if len(row) <= max(clip, path):
                raise DataError(f"Line {line} lacks a clip id or a path", where=name, fix=_FIX)
            picture = row[thumbnail] if 0 <= thumbnail < len(row) else ""
            yield f"line {line}", row[clip], row[path], picture


_CLIP, _PATH = ("clip_id", "clip", "id"), ("path", "file")


def _from_json(text: str) -> Iterator[_Row]:
    loaded = json.loads(text, object_pairs_hook=_pairs)
    entries: Iterable[tuple[str, Any, Any]]
    if isinstance(loaded, _Object):
        entries = ((f"entry {i}", clip, entry) for i, (clip, entry) in enumerate(loaded.pairs, 1))
    elif isinstance(loaded, list):
        entries = ((f"entry {i}", None, entry) for i, entry in enumerate(loaded, 1))
    else:
        raise json.JSONDecodeError("no object", text[:1], 0)
    for where, clip, entry in entries:
        fields = dict(entry.pairs) if isinstance(entry, _Object) else {"path": entry}
        own = clip if clip is not None else next((fields[n] for n in _CLIP if n in fields), "")
        yield where, own, next((fields[n] for n in _PATH if n in fields), ""), fields.get("thumbnail", "")


@dataclass(frozen=True)
class _Object:
    """A JSON object with its keys as they stand, also those that stand there twice."""

    pairs: list[tuple[str, Any]]


def _pairs(pairs: list[tuple[str, Any]]) -> _Object:
    return _Object(pairs)


def _inside(text: Any, roots: Sequence[Path], kinds: Sequence[str], where: str, limits: Limits) -> str:
    """The true place of a file that a manifest names."""
    if text is None or text == "":
        return ""
    if not isinstance(text, str):
        raise DataError("A path is no text", where=where, fix=_FIX)
    text = text.strip()
    if len(text) > limits.path_characters or not text.isprintable():
        raise DataError("The path is too long or holds control characters", where=where)
    if not text.lower().endswith(tuple(kinds)):
        raise DataError(f"{Path(text).name[:80]!r} is of another kind", where=where, fix=f"Use {', '.join(kinds)}")
    try:
        places = [(root / text).resolve() for root in roots]
        within = [place for place in places if any(place.is_relative_to(root) for root in roots)]
        if within:
            return str(next((place for place in within if place.is_file()), within[0]))
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError("The path cannot be looked up", where=where) from error
    raise DataError(
        "The path leads out of the folders that media may lie in",
        where=where,
        fix="Start the app with `avexplore app --folder FOLDER`, or put the files there",
    )


def inside(path: str, folders: Sequence[Path]) -> bool:
    """Whether a file lies in one of the folders now, links followed."""
    try:
        true = Path(path).resolve()
        return any(true.is_relative_to(folder.resolve()) for folder in folders)
    except (OSError, ValueError, RuntimeError):
        return False


def to_json(entries: Mapping[str, MediaEntry]) -> str:
    """As `read_media_manifest` reads it again."""
    return json.dumps({clip: {"path": e.path, "thumbnail": e.thumbnail} for clip, e in entries.items()})
