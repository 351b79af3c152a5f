"""Anybody's result tables, paired by the queries or seeds that their rows name."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avexplore.artifacts import ExperimentReport
from avexplore.data.files.tables import read_text
from avexplore.errors import DataError

ID_COLUMNS = ("seed", "fold", "run", "query", "query_id", "qid", "clip", "clip_id", "id")
"""Columns that say what a row is about, unless others are named."""
_MISSING = ("", "nan", "na", "n/a", "null", "none", "-")
Table = Mapping[str, Sequence[Any]]
"""Values by column: a pandas DataFrame is one, and so is what `read_table` returns."""


@dataclass(frozen=True)
class PairedFigures:
    """Figures of several arms, row by row of the same things.

    Attributes:
        report: One arm per table and one metric per measure; its `seeds` number the rows.
        ids: What each row is about. Length S.
        on: The columns that say it.
        left_out: Columns that were not compared, with the reason, in sentences.
    """

    report: ExperimentReport
    ids: tuple[str, ...]
    on: tuple[str, ...]
    left_out: tuple[str, ...]


def read_table(path: Path) -> dict[str, list[str]]:
    """The columns of a CSV file with a header; separated by commas, semicolons or tabs.

    Raises:
        DataError: If it is no such table.
    """
    if not path.is_file():
        raise DataError("There is no such file", where=str(path))
    text = read_text(path)
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True) if row]
    except csv.Error as error:
        raise DataError(f"The table cannot be read: {error}", where=path.name) from error
    if len(rows) < 2:
        raise DataError("There are no rows below a header", where=path.name)
    header = [name.strip() for name in rows[0]]
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise DataError(f"The column {twice!r} is there twice", where=path.name)
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            raise DataError(f"Row {number} has {len(row)} cells, the header {len(header)}", where=path.name)
    return {name: [row[i].strip() for row in rows[1:]] for i, name in enumerate(header)}


def split_table(table: Table, by: str, *, where: str = "table") -> dict[str, dict[str, list[Any]]]:
    """A table that holds all arms as one table per arm, in the order in which they appear.

    Args:
        table: Values by column.
        by: The column that names the arm.
        where: What a message names.

    Raises:
        DataError: If there is no such column.

    >>> split_table({"arm": ["a", "b"], "seed": [0, 0], "map": [0.5, 0.6]}, "arm")
    {'a': {'seed': [0], 'map': [0.5]}, 'b': {'seed': [0], 'map': [0.6]}}
    """
    if by not in table:
        raise DataError(f"There is no column {by!r}", where=where, fix=f"It has {', '.join(map(str, table))}")
    arms = list(map(_plain, table[by]))
    columns = {name: list(table[name]) for name in table if name != by}
    return {
        arm: {name: [v for v, a in zip(values, arms, strict=True) if a == arm] for name, values in columns.items()}
        for arm in dict.fromkeys(arms)
    }


def pair_tables(
    tables: Mapping[str, Table], *, on: Sequence[str] = (), measures: Sequence[str] = (), average: bool = False
) -> PairedFigures:
    """Tables of figures, one per arm, paired by what their rows are about.

    Args:
        tables: By arm; at least two. Every column that holds a number is a measure.
        on: Columns that together name a row; those of `ID_COLUMNS` that all tables have if left out.
        measures: Which to compare; those that all tables have if left out.
        average: Take the mean of rows of the same name, such as all queries of a seed; they are refused otherwise.

    Raises:
        DataError: If rows do not pair, a column is missing, or a figure is no finite number.

    >>> a, b = {"seed": [0, 1], "map": [0.5, 0.6]}, {"seed": [1, 0], "map": [0.7, 0.6]}
    >>> pair_tables({"a": a, "b": b}).report.values[:, :, 0]
    array([[0.5, 0.6], [0.6, 0.7]])
    """
    if len(tables) < 2:
        raise DataError(
            "There is one table",
            where="compare",
            fix="Name at least two files, or the column that names the arms of one with --by",
        )
    on = tuple(on) or tuple(name for name in ID_COLUMNS if all(name in table for table in tables.values()))
    if not on:
        raise DataError(
            "No column that all tables have says what a row is about",
            where="compare",
            fix=f"Name it with --on, or call it {', '.join(ID_COLUMNS)}",
        )
    for arm, table in tables.items():
        for name in (*on, *measures):
            if name not in table:
                raise DataError(f"There is no column {name!r}", where=arm, fix=f"It has {', '.join(map(str, table))}")
        lengths = {len(table[name]) for name in table}
        if len(lengths) > 1 or not all(lengths):
            raise DataError(f"Columns have {sorted(lengths)} rows", where=arm, fix="Give every column the same number")
    names, left_out = _measures(tables, on, measures)
    rows = {arm: _by_id(table, on, names, arm, average) for arm, table in tables.items()}
    first, *others = rows
    for other in others:
        _same_ids(first, rows[first], other, rows[other])
    values = np.array([[rows[arm][key] for key in rows[first]] for arm in rows])
    if not measures:
        constant = [i for i in range(len(names)) if (values[:, :, i] == values[:1, :, i]).all()]
        if len(constant) < len(names):
            left_out += [f"{names[i]}: the same in every table" for i in constant]
            values = np.delete(values, constant, axis=2)
            names = [name for i, name in enumerate(names) if i not in constant]
    ids = tuple(" ".join(key) for key in rows[first])
    report = ExperimentReport(tuple(rows), np.arange(len(ids)), tuple(names), values)
    return PairedFigures(report, ids, on, tuple(left_out))


def _measures(tables: Mapping[str, Table], on: Sequence[str], wanted: Sequence[str]) -> tuple[list[str], list[str]]:
    """The measures that all tables have, and why other columns are none."""
    if wanted:
        return list(dict.fromkeys(wanted)), []
    columns = list(dict.fromkeys(str(name) for table in tables.values() for name in table))
    names, left_out = [], []
    for name in (name for name in columns if name not in on):
        lacking = [arm for arm, table in tables.items() if name not in table]
        if lacking:
            left_out.append(f"{name}: not in {', '.join(lacking)}")
        elif not any(_number(cell) is not None for table in tables.values() for cell in table[name]):
            left_out.append(f"{name}: holds no numbers")
        else:
            names.append(name)
    if not names:
        raise DataError(
            "No measure is in all tables" + (f" ({'; '.join(left_out)})" if left_out else ""),
            where="compare",
            fix="Give the same measure the same column name everywhere",
        )
    return names, left_out


def _number(cell: Any) -> float | None:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return None


def _by_id(
    table: Table, on: Sequence[str], names: Sequence[str], arm: str, average: bool
) -> dict[tuple[str, ...], list[float]]:
    """Figures by row name, in the order of the table."""
    found: dict[tuple[str, ...], list[list[float]]] = {}
    for key, cells in zip(_rows(table, on), _rows(table, names), strict=True):
        named = tuple(map(_plain, key))
        if "" in named:
            raise DataError(f"A row has no {on[named.index('')]}", where=arm, fix="Name what each row is about")
        found.setdefault(named, []).append([_figure(cell, arm, named, n) for cell, n in zip(cells, names, strict=True)])
    again = next((key for key, rows in found.items() if len(rows) > 1), None)
    if again is not None and not average:
        raise DataError(
            f"{len(found[again])} rows are about {_told(on, again)}",
            where=arm,
            fix="Name further columns with --on, or take their mean with --average",
        )
    return {key: [float(np.mean(column)) for column in zip(*rows, strict=True)] for key, rows in found.items()}


def _rows(table: Table, columns: Sequence[str]) -> Iterable[tuple[Any, ...]]:
    return zip(*(list(table[name]) for name in columns), strict=True)


def _plain(cell: Any) -> str:
    """An id as text; a whole number that a program wrote as a float is that number.

    >>> _plain(3.0), _plain("003")
    ('3', '003')
    """
    return str(int(cell)) if isinstance(cell, (float, np.floating)) and float(cell).is_integer() else str(cell)


def _figure(cell: Any, arm: str, key: tuple[str, ...], name: str) -> float:
    value = _number(cell)
    if value is not None and math.isfinite(value):
        return value
    missing = cell is None or (value is not None and math.isnan(value)) or str(cell).strip().lower() in _MISSING
    raise DataError(
        f"{name} of {' '.join(key)} is {'missing' if missing else repr(str(cell))[:40]}",
        where=arm,
        fix="Remove that row from all tables, or name the measures to compare with --measure",
    )


def _told(on: Sequence[str], key: tuple[str, ...]) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(on, key, strict=True))


def _same_ids(first: str, ours: Mapping[Any, Any], other: str, theirs: Mapping[Any, Any]) -> None:
    for here, there, have, lack in ((first, other, ours, theirs), (other, first, theirs, ours)):
        alone = [" ".join(key) for key in have if key not in lack]
        if alone:
            some = ", ".join(repr(name) for name in alone[:3]) + (" ..." if len(alone) > 3 else "")
            raise DataError(
                f"{len(alone)} of {len(have)} rows of {here} are not in {there}: {some}",
                where="compare",
                fix="Only figures of the same queries or seeds can be paired: keep those that all tables have",
            )
