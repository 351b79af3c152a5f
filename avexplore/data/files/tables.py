"""CSV files beside the features: names of numbered classes, and where each clip's media file lies."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from avexplore.data.files.fingerprint import check_file
from avexplore.data.files.limits import DEFAULT_LIMITS, Limits, readable_bytes
from avexplore.data.files.names import clean_name
from avexplore.errors import DataError


@dataclass(frozen=True)
class ClassNames:
    """Names by class number, from columns `label_id,label_name` (or `index,name`)."""

    names: Mapping[int, str]

    def in_order(self, *, where: str) -> tuple[str, ...]:
        """The names of classes 0, 1, 2 ... without a gap.

        Raises:
            DataError: If a number is missing.
        """
        for i in range(len(self.names)):
            if i not in self.names:
                raise DataError(f"There is no name for class {i}", where=where, fix="Number the classes from 0")
        return tuple(self.names[i] for i in range(len(self.names)))


@dataclass(frozen=True)
class MediaManifest:
    """Media file by clip id, from columns `clip_id,path`; the files lie in the manifest's folder or below it."""

    paths: Mapping[str, str]


_CLASS_COLUMNS = (("label_id", "label_name"), ("index", "name"), ("index", "display_name"), ("label_id", "name"))
_MEDIA_COLUMNS = (("clip_id", "path"),)


def read_table(path: Path, limits: Limits = DEFAULT_LIMITS) -> ClassNames | MediaManifest:
    """Read one of the two kinds of table; its first line says which.

    Raises:
        DataError: If the columns are of neither kind, or an entry makes no sense.
    """
    size = check_file(path, limits)
    where = path.name
    if size > limits.text_bytes:
        raise DataError(f"{readable_bytes(size)} are too large for a table", where=where)
    try:
        text = _utf8(path)
        rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = tuple(cell.strip().lower() for cell in next(rows, []))
        for wanted in _CLASS_COLUMNS:
            if set(wanted) <= set(header):
                return _class_names(rows, header.index(wanted[0]), header.index(wanted[1]), where, limits)
        for wanted in _MEDIA_COLUMNS:
            if set(wanted) <= set(header):
                return _media(rows, header.index(wanted[0]), header.index(wanted[1]), path, limits)
    except csv.Error as error:
        raise DataError(f"The table cannot be read: {error}", where=where) from error
    found = ", ".join("".join(c for c in cell if c.isprintable())[:40] for cell in header[:8])
    raise DataError(
        f"The columns {found!r} are of no known table",
        where=where,
        fix="Use label_id,label_name for class names, or clip_id,path for media files",
    )


def _utf8(path: Path) -> str:
    content = path.read_bytes()
    try:
        # Every second byte of most text in UTF-16 is zero, which is valid UTF-8.
        if b"\0" not in content:
            return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    raise DataError(
        "The file is no data set and no text in UTF-8",
        where=path.name,
        fix="Use npz, npy, HDF5 or TFRecord for features, and CSV in UTF-8 for tables",
    )


def _class_names(rows: Iterator[list[str]], number: int, name: int, where: str, limits: Limits) -> ClassNames:
    names: dict[int, str] = {}
    for line, row in enumerate(rows, 2):
        if not row:
            continue
        if len(row) <= max(number, name) or not row[number].strip().isascii() or not row[number].strip().isdigit():
            raise DataError(f"Line {line} does not hold a class number and a name", where=where)
        index = int(row[number].strip()[:10])
        if index in names:
            raise DataError(f"Class {index} is named twice, again in line {line}", where=where)
        if not row[name].strip():
            continue  # YouTube-8M leaves some of its classes unnamed.
        names[index] = clean_name(row[name], where=f"line {line} of {where}", limits=limits)
        if len(names) > limits.columns:
            raise DataError(f"More than {limits.columns:,} classes", where=where)
    if not names:
        raise DataError("There are no class names", where=where)
    # YouTube-8M names some of its classes alike; the later ones carry their number.
    first: dict[str, int] = {}
    for index, text in names.items():
        if first.setdefault(text, index) != index:
            names[index] = f"{text} (class {index})"
    return ClassNames(names)


def _media(rows: Iterator[list[str]], clip: int, file: int, path: Path, limits: Limits) -> MediaManifest:
    paths: dict[str, str] = {}
    where = path.name
    for line, row in enumerate(rows, 2):
        if not row:
            continue
        if len(row) <= max(clip, file):
            raise DataError(f"Line {line} lacks a clip id or a path", where=where)
        key = clean_name(row[clip], where=f"line {line} of {where}", limits=limits)
        text = row[file].strip()
        if len(text) > limits.path_characters or not text.isprintable():
            raise DataError("The path is too long or holds control characters", where=f"line {line} of {where}")
        if key in paths:
            raise DataError(f"Clip {key!r} is listed twice, again in line {line}", where=where)
        paths[key] = str(_below(path.parent, text, f"line {line} of {where}")) if text else ""
        if len(paths) > limits.clips:
            raise DataError(f"More than {limits.clips:,} clips", where=where)
    if not paths:
        raise DataError("There are no clips", where=where)
    return MediaManifest(paths)


def _below(folder: Path, text: str, where: str) -> Path:
    """A manifest must not make the app show files from elsewhere on the machine."""
    base = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow links of the folder itself
    full = Path(os.path.abspath(base / text))  # noqa: PTH100
    if not full.is_relative_to(base):
        raise DataError(
            "The path leads out of the manifest's folder", where=where, fix="Put the manifest beside the media files"
        )
    return full
