"""Where clips' media files lie, from a manifest that is not trusted: CSV or JSON, by clip id."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from avexplore.data.files.limits import DEFAULT_LIMITS
from avexplore.data.files.names import clean_name
from avexplore.errors import DataError

VIDEOS = (".mp4", ".webm", ".mov", ".m4v", ".ogv")
SOUNDS = (".wav", ".mp3", ".ogg", ".oga", ".flac", ".m4a", ".aac", ".opus")
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
OTHER_VIDEOS = (".mkv", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".flv", ".wmv", ".asf", ".3gp", ".dv", ".nut")
OTHER_SOUNDS = (".aif", ".aiff", ".au", ".caf", ".amr", ".ac3", ".wma", ".mka", ".w64")
OTHER_PICTURES = (".bmp", ".gif", ".tif", ".tiff")
"""What is decoded, but played by few browsers or none."""
_FILES: Mapping[str, tuple[str, ...]] = {
    "video": (*VIDEOS, *OTHER_VIDEOS),
    "sound": (*SOUNDS, *OTHER_SOUNDS, *VIDEOS, *OTHER_VIDEOS),
    "picture": (*PICTURES, *OTHER_PICTURES),
    "thumbnail": PICTURES,
    "sound_picture": PICTURES,
}
_ANY_FILE = tuple(dict.fromkeys(kind for kinds in _FILES.values() for kind in kinds))
COLUMNS = ("clip_id", *_FILES, "start", "end")
_NAMES = {"clip_id": ("clip_id", "clip", "id"), "path": ("path", "file")}
_FIX = (
    "Use CSV with the columns clip_id and path (or video, sound, picture), if you like thumbnail, sound_picture, start "
    "and end; or JSON as {clip id: path} or {clip id: {video: path, ...}}"
)

Kind = Literal["video", "sound", "picture"]


@dataclass(frozen=True)
class MediaEntry:
    """One clip's files, links followed; "" for none.

    Attributes:
        video, sound, picture: What can be played or looked at.
        thumbnail: A small picture of it.
        sound_picture: A small picture of its sound.
        start, end: The clip's part of the files, in seconds; None for their own ends.
    """

    video: str = ""
    sound: str = ""
    picture: str = ""
    thumbnail: str = ""
    sound_picture: str = ""
    start: float | None = None
    end: float | None = None

    @property
    def path(self) -> str:
        """The file that says most: the video, else the sound, else the picture."""
        return self.video or self.sound or self.picture

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that is named."""
        return tuple(filter(None, (self.video, self.sound, self.picture, self.thumbnail, self.sound_picture)))


def kind_of(path: str) -> Kind | None:
    """What a file is by its ending; None of an unknown one.

    >>> kind_of("a/b.MKV"), kind_of("b.ogg"), kind_of("b.txt")
    ('video', 'sound', None)
    """
    text = path.lower()
    if text.endswith(_FILES["video"]):
        return "video"
    if text.endswith((*SOUNDS, *OTHER_SOUNDS)):
        return "sound"
    return "picture" if text.endswith(_FILES["picture"]) else None


def read_media_manifest(
    name: str,
    content: bytes,
    folders: Sequence[Path],
    *,
    within: Sequence[Path] | None = None,
    anywhere: bool = False,
) -> dict[str, MediaEntry]:
    """The entries of a manifest, each path inside one of the folders.

    Args:
        name: The file's name, for messages and for its ending (.csv or .json).
        content: Its bytes.
        folders: A relative path is looked for in each, in turn.
        within: Where media may lie; None for the same folders.
        anywhere: Media may lie anywhere, as for who types a path in a terminal.

    Returns:
        By clip id.

    Raises:
        DataError: If it cannot be read, a clip is listed twice, a file is of no known kind, or a path leads out of the
            folders, also by a link.
    """
    if not folders:
        raise DataError(
            "No folder may be read for media", where=name, fix="Start the app with `avexplore app --folder FOLDER`"
        )
    places = _Places(
        [folder.resolve() for folder in folders],
        None if anywhere else [folder.resolve() for folder in (folders if within is None else within)],
    )
    found: dict[str, MediaEntry] = {}
    try:
        text = content.decode("utf-8-sig")
        rows = _from_json(text) if name.lower().endswith(".json") else _from_csv(text, name)
        for line, row in rows:
            where = f"{line} of {name}"
            key = clean_name(row.get("clip_id", ""), where=where)
            if key in found:
                raise DataError(f"Clip {key!r} is listed twice", where=where)
            found[key] = _entry(row, places, where)
            if len(found) > DEFAULT_LIMITS.clips:
                raise DataError(f"More than {DEFAULT_LIMITS.clips:,} clips", where=name)
    except DataError:
        raise
    except (ValueError, csv.Error, RecursionError) as error:  # a number may have more digits than Python converts
        raise DataError("The manifest cannot be read", where=name, fix=_FIX) from error
    if not found:
        raise DataError("There are no clips", where=name, fix=_FIX)
    return found


_Row = Mapping[str, Any]


def _from_csv(text: str, name: str) -> Iterator[tuple[str, _Row]]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = [cell.strip().lower() for cell in next(rows, [])]
    if "\0" in text:
        raise csv.Error("zero bytes")
    if not is_manifest(header):
        raise DataError("The columns clip_id and path are not both there", where=name, fix=_FIX)
    place = {column: _place(header, column) for column in ("path", *COLUMNS)}
    needed = min(at for column in ("path", "video", "sound", "picture") if (at := place[column]) >= 0)
    for line, row in enumerate(rows, 2):
        if row:
            if len(row) <= max(place["clip_id"], needed):
                raise DataError(f"Line {line} lacks a clip id or a path", where=name, fix=_FIX)
            yield f"line {line}", {column: row[at] for column, at in place.items() if 0 <= at < len(row)}


def _place(header: Sequence[str], column: str) -> int:
    return next((header.index(name) for name in _NAMES.get(column, (column,)) if name in header), -1)


def is_manifest(header: Sequence[str]) -> bool:
    """Whether the columns of a table are those of a manifest."""
    return _place(header, "clip_id") >= 0 and any(
        _place(header, column) >= 0 for column in ("path", "video", "sound", "picture")
    )


def _from_json(text: str) -> Iterator[tuple[str, _Row]]:
    loaded = json.loads(text, object_pairs_hook=_Object)
    entries: Iterable[tuple[str, Any, Any]]
    if isinstance(loaded, _Object):
        entries = ((f"entry {i}", clip, entry) for i, (clip, entry) in enumerate(loaded.pairs, 1))
    elif isinstance(loaded, list):
        entries = ((f"entry {i}", None, entry) for i, entry in enumerate(loaded, 1))
    else:
        raise json.JSONDecodeError("no object", text[:1], 0)
    for where, clip, entry in entries:
        fields = dict(entry.pairs) if isinstance(entry, _Object) else {"path": entry}
        row = {
            column: fields[name]
            for column in ("path", *COLUMNS)
            for name in _NAMES.get(column, (column,))
            if name in fields
        }
        yield where, row if clip is None else row | {"clip_id": clip}


@dataclass(frozen=True)
class _Object:
    """A JSON object with its keys as they stand, also those that stand there twice."""

    pairs: list[tuple[str, Any]]


@dataclass(frozen=True)
class _Places:
    roots: Sequence[Path]
    within: Sequence[Path] | None
    folders: dict[Path, Path] = field(default_factory=dict)
    """True places of those that were looked up."""

    def true(self, text: Any, kinds: Sequence[str], where: str) -> str:
        """The true place of a file that a manifest names."""
        if text is None or text == "":
            return ""
        if not isinstance(text, str):
            raise DataError("A path is no text", where=where, fix=_FIX)
        text = text.strip()
        if len(text) > DEFAULT_LIMITS.path_characters or not text.isprintable():
            raise DataError("The path is too long or holds control characters", where=where)
        if not text:
            return ""
        if not text.lower().endswith(tuple(kinds)):
            raise DataError(f"{Path(text).name[:80]!r} is of another kind", where=where, fix=f"Use {', '.join(kinds)}")
        try:
            places = [self._place(root / text) for root in self.roots]
            allowed = [p for p in places if self.within is None or any(p.is_relative_to(root) for root in self.within)]
            if allowed:
                return str(next((place for place in allowed if place.is_file()), allowed[0]))
        except (OSError, ValueError, RuntimeError) as error:
            raise DataError("The path cannot be looked up", where=where) from error
        raise DataError(
            "The path leads out of the folders that media may lie in",
            where=where,
            fix="Start the app with `avexplore app --folder FOLDER`, or put the files there",
        )

    def _place(self, path: Path) -> Path:
        """A file's path, links followed; a folder's is looked up once for the thousands of files that it may hold."""
        folder = self.folders.get(path.parent)
        if folder is None:
            folder = self.folders[path.parent] = path.parent.resolve()
        place = folder / path.name
        return place.resolve() if place.is_symlink() else place


def _entry(row: _Row, places: _Places, where: str) -> MediaEntry:
    files = {column: places.true(row.get(column), kinds, where) for column, kinds in _FILES.items()}
    if row.get("path"):
        path = places.true(row["path"], _ANY_FILE, where)
        kind = kind_of(path)
        if kind is not None and not files[kind]:
            files[kind] = path
    start, end = (_seconds(row.get(column), column, where) for column in ("start", "end"))
    if end is not None and end <= (start or 0.0):
        raise DataError("The clip ends before it starts", where=where)
    return MediaEntry(**files, start=start, end=end)


def _seconds(value: Any, column: str, where: str) -> float | None:
    if value is None or value == "":
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not 0 <= seconds < 1e7:
        raise DataError(f"{str(value)[:40]!r} is no number of seconds", where=f"{column}, {where}")
    return seconds


def inside(path: str, folders: Sequence[Path]) -> bool:
    """Whether a file lies in one of the folders now, links followed."""
    try:
        true = Path(path).resolve()
        return any(true.is_relative_to(folder.resolve()) for folder in folders)
    except (OSError, ValueError, RuntimeError):
        return False


def to_json(entries: Mapping[str, MediaEntry]) -> str:
    """As `read_media_manifest` reads it again."""
    return json.dumps(
        {clip: {k: v for k, v in asdict(e).items() if v not in ("", None)} for clip, e in entries.items()}
    )


def to_csv(entries: Mapping[str, MediaEntry], folder: Path) -> str:
    """As `read_media_manifest` reads it again, with paths relative to a folder where the files lie in or near it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    used = [column for column in COLUMNS[1:] if any(getattr(e, column) not in ("", None) for e in entries.values())]
    writer.writerow(["clip_id", *used])
    base = folder.resolve()
    for clip, entry in entries.items():
        cells = []
        for column in used:
            value = getattr(entry, column)
            if column in _FILES and value:
                path = Path(value)
                value = path.relative_to(base).as_posix() if path.is_relative_to(base) else value
            cells.append("" if value is None else f"{value:g}" if isinstance(value, float) else value)
        writer.writerow([clip, *cells])
    return out.getvalue()
