"""The authors' form: one row per edge, columns Cause and Effect, nodes `audio_X` and `visual_X`."""

from __future__ import annotations

import csv
import io

from avexplore.artifacts import ClassGraph
from avexplore.errors import GraphError
from avexplore.graph.formats.draft import Draft, short
from avexplore.graph.formats.shares import Shares

_SOURCES, _TARGETS, _KINDS = ("cause", "source", "from"), ("effect", "target", "to"), ("type", "edge", "kind")
_UNDIRECTED = ("undirected", "---", "--", "-")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs cells that begin like this."""


def read(content: str) -> Draft:
    """Read Cause, Effect rows; other columns than Type are ignored.

    Raises:
        GraphError: If a column is missing or a row is broken; the message names its line.

    >>> read("Cause,Effect,Type\\naudio_A,visual_A,undirected\\n").finish().edges()
    [('audio:A', 'visual:A', False)]
    """
    draft = Draft()
    rows = csv.reader(io.StringIO(content, newline=""), strict=True)
    columns: tuple[int, int, int | None] | None = None
    try:
        for row in rows:
            if not row or not any(cell.strip() for cell in row):
                continue
            if columns is None:
                columns = _columns(row)
                continue
            _read_row(draft, row, columns, rows.line_num)
    except csv.Error as error:
        raise GraphError(f"Not a CSV table: {error}", where=f"line {rows.line_num}") from None
    if columns is None:
        raise GraphError("The table is empty", where="CSV", fix="Expected the columns Cause and Effect")
    return draft


def _columns(header: list[str]) -> tuple[int, int, int | None]:
    names = [cell.strip().lower() for cell in header]

    def find(wanted: tuple[str, ...]) -> int | None:
        return next((names.index(name) for name in wanted if name in names), None)

    source, target = find(_SOURCES), find(_TARGETS)
    if source is None or target is None:
        seen = ", ".join(short(cell) for cell in header[:6])
        raise GraphError("The columns Cause and Effect are missing", where=f"header {seen}", fix="Name them so")
    return source, target, find(_KINDS)


def _read_row(draft: Draft, row: list[str], columns: tuple[int, int, int | None], line: int) -> None:
    source, target, kind = columns
    if len(row) <= max(source, target):
        raise GraphError(f"Expected at least {max(source, target) + 1} cells, got {len(row)}", where=f"line {line}")
    directed = not (kind is not None and kind < len(row) and row[kind].strip().lower() in _UNDIRECTED)
    try:
        draft.add_edge(_unguarded(row[source]), _unguarded(row[target]), directed)
    except GraphError as error:
        raise GraphError(error.what, where=f"line {line}, {error.where}", fix=error.fix) from None


def write(graph: ClassGraph, shares: Shares | None = None) -> str:
    """One row per edge; isolated nodes have no row.

    >>> import numpy as np
    >>> print(write(ClassGraph(("audio:A", "visual:A"), np.array([[0, 1], [0, 0]], np.int8))))
    Cause,Effect,Type
    audio_A,visual_A,directed
    <BLANKLINE>
    """
    made = io.StringIO()
    # A lone carriage return ends a line for readers, but does not make the writer quote.
    returns = any("\r" in name for name in graph.nodes)
    rows = csv.writer(made, lineterminator="\n", quoting=csv.QUOTE_ALL if returns else csv.QUOTE_MINIMAL)
    shares = shares or Shares(graph, None)
    rows.writerow(["Cause", "Effect", "Type", *(name.capitalize() for name in shares.names)])
    for source, target, directed in graph.edges():
        kind = "directed" if directed else "undirected"
        known = shares.of(source, target)
        ends = [_guarded(_authors_name(end)) for end in (source, target)]
        rows.writerow([*ends, kind, *(known.get(name, "") for name in shares.names)])
    return made.getvalue()


def _authors_name(node: str) -> str:
    modality, colon, rest = node.partition(":")
    return f"{modality}_{rest}" if colon else node


def _guarded(cell: str) -> str:
    """Text that a spreadsheet shows instead of running."""
    return "'" + cell if cell.startswith(_FORMULA) else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
