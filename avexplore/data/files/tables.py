"""A table beside the features: the names of numbered classes, as CSV or one a line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from avexplore.data.files.container import Container
from avexplore.data.files.fingerprint import check_file
from avexplore.data.files.limits import DEFAULT_LIMITS, Limits, readable_bytes
from avexplore.data.files.names import clean_name
from avexplore.errors import DataError


@dataclass(frozen=True)
class ClassNames:
    """Names by class number, from columns `label_id,label_name` (or `index,name`), or from the lines of a text."""

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


_CLASS_COLUMNS = (("label_id", "label_name"), ("index", "name"), ("index", "display_name"), ("label_id", "name"))


def read_text(path: Path, limits: Limits = DEFAULT_LIMITS) -> str:
    """The text of a table.

    Raises:
        DataError: If the file is too large for one, or no text in UTF-8.
    """
    size = check_file(path, limits)
    if size > limits.text_bytes:
        raise DataError(f"{readable_bytes(size)} are too large for a table", where=path.name)
    return _utf8(path)


def columns(text: str, *, where: str) -> tuple[str, ...]:
    """The names in the first line of a table, in lower case.

    Raises:
        DataError: If it cannot be read.
    """
    try:
        return tuple(cell.strip().lower() for cell in next(csv.reader(io.StringIO(text, newline=""), strict=True), []))
    except csv.Error as error:
        raise DataError(f"The table cannot be read: {error}", where=where) from error


def names_classes(header: Sequence[str]) -> bool:
    """Whether a table with these columns names classes."""
    return any(set(wanted) <= set(header) for wanted in _CLASS_COLUMNS)


def read_class_names(path: Path, limits: Limits = DEFAULT_LIMITS) -> ClassNames:
    """Read a table of class names; a text file (.txt) holds one name a line, that of class 0 first.

    Raises:
        DataError: If the columns are others, or an entry makes no sense.
    """
    where = path.name
    text = read_text(path, limits)
    if is_list(path):
        lines = ([str(number), line] for number, line in enumerate(text.strip().splitlines()))
        return _class_names(lines, 0, 1, where, limits)
    header = columns(text, where=where)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        next(rows, None)
        for wanted in _CLASS_COLUMNS:
            if set(wanted) <= set(header):
                return _class_names(rows, header.index(wanted[0]), header.index(wanted[1]), where, limits)
    except csv.Error as error:
        raise DataError(f"The table cannot be read: {error}", where=where) from error
    found = ", ".join("".join(c for c in cell if c.isprintable())[:40] for cell in header[:8])
    raise DataError(
        f"The columns {found!r} are of no known table",
        where=where,
        fix="Use label_id,label_name for class names, or clip_id,path for media files",
    )


def is_list(path: Path) -> bool:
    """Whether a table is a plain list of class names."""
    return path.suffix.lower() == ".txt"


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
        fix="Use CSV in UTF-8 for tables, or one of the known formats for features",
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


def _write_names(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    out = io.StringIO(newline="")
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("label_id", "label_name"))
    rows.writerows(enumerate(arrays["classes"].tolist()))
    return out.getvalue().encode()


def _write_media(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    ids = arrays["clip_ids"].tolist()
    return "".join(["clip_id,path\n", *(f"{name},clips/{name}.mp4\n" for name in ids)]).encode()


TABLE = Container(
    name="tables",
    title="CSV",
    suffixes=(".csv", ".txt"),
    holds="table",
    recognizes=lambda start: True,
    open=None,
    writers=(_write_names, _write_media),
)
