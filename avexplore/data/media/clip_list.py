"""Which clips there are: a folder of media files and a table of their labels.

The table is CSV. One row per clip, or one per clip and label: rows of the same clip add up.

| column | what it holds |
|---|---|
| `clip_id` (`clip`, `id`) | the clip's name; without it, that of its file (and the start of its segment) |
| `video` (`file`, `path`, `filename`) | its file in the folder; a sound or a picture may stand here as well |
| `sound` (`audio`), `picture` (`image`) | two files instead of one |
| `label` (`class`) | one class, as it is written |
| `labels` (`classes`) | several, parted by semicolons |
| `start`, `end` | the part of the file, in seconds or as minutes:seconds |
| `split` | train, validation or test |

Without a column of files, a clip's files are those that bear its name, whatever their ending: `dog.mp4`, or `dog.ogg`
and `dog.png`.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from avexplore.artifacts import SPLITS
from avexplore.data.files.limits import DEFAULT_LIMITS, readable_bytes
from avexplore.data.files.names import clean_name
from avexplore.data.layouts.columns import SPLIT_WORDS
from avexplore.data.media.manifest import kind_of
from avexplore.errors import DataError

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "clip_id": ("clip_id", "clip", "id"),
    "video": ("video", "file", "path", "filename"),
    "sound": ("sound", "audio"),
    "picture": ("picture", "image"),
    "label": ("label", "class", "label_name"),
    "labels": ("labels", "classes"),
    "start": ("start", "onset", "start_seconds"),
    "end": ("end", "offset", "end_seconds"),
    "split": ("split", "subset"),
}
_FIX = "Write a CSV table in UTF-8 with the columns file,label, or clip_id,labels; start, end and split may follow"
_LONGEST = 1e7
"""Seconds."""


@dataclass(frozen=True)
class Clip:
    """One clip as the table names it.

    Attributes:
        clip_id: Its name.
        sound, picture: Its files; the same one for a video. "" where there is none.
        start, end: Its part of them, in seconds; None for the file's own ends.
        labels: Its classes, without repeats, as first named.
        split: Of `SPLITS`; "" where the table does not say.
    """

    clip_id: str
    sound: str
    picture: str
    start: float | None = None
    end: float | None = None
    labels: tuple[str, ...] = ()
    split: str = ""


@dataclass
class ClipList:
    """All clips of a table, and the rows whose files are not there.

    Attributes:
        clips: In the order of the table.
        missing: Reason by clip id, of clips whose files are not in the folder.
    """

    clips: list[Clip] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


def read_clips(folder: Path, table: Path) -> ClipList:
    """The clips of a table, with their files in the folder.

    Args:
        folder: Where the files lie, in it or below it; links that lead out of it are not followed.
        table: The CSV table.

    Raises:
        DataError: If the table cannot be used; says in which line, and why.
    """
    if not folder.is_dir():
        raise DataError("There is no such folder", where=str(folder), fix="Name the folder that holds the media files")
    rows = list(_rows(table))
    if not rows:
        raise DataError("There are no clips", where=table.name, fix=_FIX)
    files = _Files(folder)
    found: dict[str, Clip] = {}
    result = ClipList()
    for line, row in rows:
        where = f"line {line} of {table.name}"
        clip, reason = _clip(row, files, where)
        known = found.get(clip.clip_id)
        if known is not None:
            clip = _together(known, clip, where)
        found[clip.clip_id] = clip
        if reason:
            result.missing[clip.clip_id] = reason
        if len(found) > DEFAULT_LIMITS.clips:
            raise DataError(f"More than {DEFAULT_LIMITS.clips:,} clips", where=table.name)
    result.clips = list(found.values())
    if len(result.missing) == len(result.clips):
        first = next(iter(result.missing.values()))
        raise DataError(
            f"None of the {len(result.clips):,} clips has a file in the folder; of the first: {first}",
            where=f"{table.name}, {folder.name}",
            fix="Check the folder, and the names in the table",
        )
    return result


def _rows(table: Path) -> Iterator[tuple[int, dict[str, str]]]:
    where = table.name
    try:
        if (size := table.stat().st_size) > DEFAULT_LIMITS.text_bytes:
            raise DataError(f"{readable_bytes(size)} are too large for a table", where=where)
        text = table.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError("The table is no text in UTF-8", where=where, fix=_FIX) from error
    except OSError as error:
        raise DataError(
            f"The table cannot be read: {error.strerror or error}", where=where, fix="Check the path"
        ) from error
    try:
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = [cell.strip().lower() for cell in next(lines, [])]
        place = {
            column: next((header.index(name) for name in names if name in header), -1)
            for column, names in _COLUMNS.items()
        }
        if place["label"] < 0 and place["labels"] < 0:
            raise DataError(_lacks("label", header), where=where, fix=_FIX)
        if all(place[column] < 0 for column in ("clip_id", "video", "sound")):
            raise DataError(_lacks("file", header), where=where, fix=_FIX)
        for row in lines:
            if any(cell.strip() for cell in row):
                yield (
                    lines.line_num,
                    {column: row[at].strip() if 0 <= at < len(row) else "" for column, at in place.items()},
                )
    except csv.Error as error:
        raise DataError(f"The table cannot be read: {error}", where=where, fix=_FIX) from error


def _lacks(column: str, header: Sequence[str]) -> str:
    found = ", ".join("".join(c for c in cell if c.isprintable())[:40] for cell in header[:8]) or "nothing"
    return f"There is no column {column!r} among {found}"


def _clip(row: Mapping[str, str], files: _Files, where: str) -> tuple[Clip, str]:
    start, end = (_seconds(row[name], name, where) for name in ("start", "end"))
    if end is not None and end <= (start or 0.0):
        raise DataError(f"The clip ends at {row['end']}, before it starts", where=where)
    named = row["video"] or row["sound"] or row["picture"]
    key = row["clip_id"] or (Path(named).stem + (f"_{start:g}" if start else ""))
    clip_id = clean_name(key, where=where)
    labels = [part for part in row["labels"].split(";") if part.strip()] + ([row["label"]] if row["label"] else [])
    if not labels:
        raise DataError(f"Clip {clip_id!r} has no label", where=where, fix="Give it one, or leave the row out")
    names = tuple(dict.fromkeys(clean_name(label, where=where) for label in labels))
    word = row["split"].lower()
    if word and word not in SPLIT_WORDS:
        raise DataError(f"Unknown split {row['split'][:40]!r}", where=where, fix=f"Write {', '.join(SPLITS)}")
    try:
        sound, picture = files.of(row, key)
        reason = ""
    except _NotThere as error:
        sound = picture = ""
        reason = str(error)
    return Clip(clip_id, sound, picture, start, end, names, SPLITS[SPLIT_WORDS[word]] if word else ""), reason


def _seconds(text: str, name: str, where: str) -> float | None:
    """Seconds of "12.5", "1:30" or "0:01:30.5"; None of nothing."""
    if not text:
        return None
    try:
        value = 0.0
        for part in text.split(":"):
            value = 60 * value + float(part)
    except ValueError:
        value = -1.0
    if not 0 <= value < _LONGEST:
        raise DataError(f"{text[:40]!r} is no time", where=f"{name}, {where}", fix="Write seconds, or minutes:seconds")
    return value


def _together(known: Clip, clip: Clip, where: str) -> Clip:
    """Two rows of the same clip: their labels add up, everything else must agree."""
    same = ("sound", "picture", "start", "end", "split")
    if any(getattr(known, name) != getattr(clip, name) for name in same):
        raise DataError(
            f"Clip {clip.clip_id!r} is listed twice, with other files, times or split",
            where=where,
            fix="Give each clip an id of its own in a column clip_id",
        )
    labels = tuple(dict.fromkeys((*known.labels, *clip.labels)))
    return Clip(clip.clip_id, clip.sound, clip.picture, clip.start, clip.end, labels, clip.split)


class _NotThere(Exception):
    """Why a clip has no files."""


class _Files:
    """The files of a folder, by path and by the name without its ending."""

    def __init__(self, folder: Path) -> None:
        self._root = folder.resolve()
        self._by_stem: dict[str, list[Path]] | None = None

    def of(self, row: Mapping[str, str], key: str) -> tuple[str, str]:
        """Sound and picture of a clip: the same file for a video."""
        if row["video"]:
            file = self._named(row["video"])
            sound = self._named(row["sound"]) if kind_of(file) == "picture" else file
            picture = self._named(row["picture"]) if kind_of(file) == "sound" else file
            return sound, picture
        if row["sound"] or row["picture"]:
            return self._named(row["sound"]), self._named(row["picture"])
        return self._by_name(key)

    def _named(self, text: str) -> str:
        if not text:
            return ""
        try:
            full = (self._root / text).resolve()
            if not full.is_relative_to(self._root):
                raise _NotThere(f"{text[:200]!r} leads out of the folder")
            if full.is_file():
                return str(full)
        except (OSError, ValueError, RuntimeError) as error:
            raise _NotThere(f"{text[:200]!r} cannot be looked up") from error
        if full.suffix == "":
            try:
                sound, picture = self._by_name(text)
                return sound or picture
            except _NotThere:
                pass
        raise _NotThere(f"there is no file {text[:200]!r}")

    def _by_name(self, key: str) -> tuple[str, str]:
        if self._by_stem is None:
            self._by_stem = {}
            for base, _, names in os.walk(self._root):
                for name in names:
                    path = Path(base, name)
                    if kind_of(name):
                        for stem in {path.stem, path.relative_to(self._root).with_suffix("").as_posix()}:
                            self._by_stem.setdefault(stem, []).append(path)
        found = [p for p in self._by_stem.get(key, []) if p.resolve().is_relative_to(self._root) and p.is_file()]
        kinds = ("video", "sound", "picture")
        videos, sounds, pictures = ([str(p) for p in found if kind_of(p.name) == kind] for kind in kinds)
        if len(videos) > 1 or (not videos and (len(sounds) > 1 or len(pictures) > 1)):
            raise _NotThere(f"several files are named {key[:200]!r}; say which in a column file")
        if not found:
            raise _NotThere(f"there is no file named {key[:200]!r}")
        if videos:
            return videos[0], videos[0]
        return (sounds[0] if sounds else ""), (pictures[0] if pictures else "")
