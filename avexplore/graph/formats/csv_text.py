"""Tables: one row per edge, as the authors have it (columns Cause and Effect), strengths, or an adjacency matrix."""

from __future__ import annotations

import csv
import io
import math

from avexplore.artifacts import ClassGraph
from avexplore.errors import GraphError
from avexplore.graph.formats.draft import Draft, short
from avexplore.graph.formats.marks import is_mark, meaning
from avexplore.graph.formats.matrix import from_matrix
from avexplore.graph.formats.shares import NAMES, Shares, stated

_SOURCES, _TARGETS = ("cause", "source", "from", "node1", "parent"), ("effect", "target", "to", "node2", "child")
_KINDS = ("type", "edge", "kind", "mark", "edge_type", "interaction")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs cells that begin like this."""


def read(content: str) -> Draft:
    """Read one of three tables: edges (Cause, Effect, perhaps Type), strengths as bnlearn's `boot.strength` lists them,
    or an adjacency matrix with the names of the nodes in its first row and column.

    Of strengths, pairs found in more than half of the bootstraps are edges, and point the way that more than half of
    those say, as bnlearn's `averaged.network` has it. In a matrix, an entry other than 0 is an edge from row to column.

    Raises:
        GraphError: If it is none of them, or a row is broken; the message names its line.

    >>> read("Cause,Effect,Type\\naudio_A,visual_A,undirected\\n").finish().edges()
    [('audio:A', 'visual:A', False)]
    """
    rows = _rows(content)
    if not rows:
        raise GraphError("The table is empty", where="CSV", fix="Expected the columns Cause and Effect")
    header = [cell.strip().lower() for cell in rows[0][1]]
    place = {name: header.index(name) for name in header}
    source, target = (next((place[n] for n in wanted if n in place), None) for wanted in (_SOURCES, _TARGETS))
    if source is None or target is None:
        if _is_matrix(rows):
            return _read_matrix(rows)
        if all(math.isfinite(_number(cell)) for _, row in rows for cell in row):
            fix = "Put the nodes' names into the first row and the first column"
            raise GraphError("A matrix of numbers alone does not say which nodes they link", where="CSV", fix=fix)
        seen = ", ".join(short(cell) for cell in rows[0][1][:6])
        raise GraphError("The columns Cause and Effect are missing", where=f"header {seen}", fix="Name them so")
    if {"strength", "direction"} <= set(header):
        return _read_strengths(rows[1:], source, target, place["strength"], place["direction"])
    return _read_edges(rows[1:], source, target, place)


def _rows(content: str) -> list[tuple[int, list[str]]]:
    """Rows that are not blank, with their lines. Where the first line holds no comma, a semicolon or tab separates."""
    first = next((line for line in content.splitlines() if line.strip()), "")
    separator = next((sign for sign in (",", ";", "\t") if sign in first), ",")
    reader = csv.reader(io.StringIO(content, newline=""), strict=True, delimiter=separator)
    try:
        return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise GraphError(f"Not a CSV table: {error}", where=f"line {reader.line_num}") from None


def _read_edges(rows: list[tuple[int, list[str]]], source: int, target: int, place: dict[str, int]) -> Draft:
    draft = Draft()
    marked = next((place[name] for name in _KINDS if name in place), None)
    known = {name: place[name] for name in NAMES if name in place}
    if marked is not None and rows and not any(is_mark(_cell(row, marked)) for _, row in rows):
        draft.warnings.append("The column of types holds no edge marks, so all edges count as directed.")
        marked = None
    for line, row in rows:
        if len(row) <= max(source, target):
            raise GraphError(f"Expected at least {max(source, target) + 1} cells, got {len(row)}", where=f"line {line}")
        ends = _unguarded(row[source]), _unguarded(row[target])
        try:
            mark = meaning(_cell(row, marked) if marked is not None else "", where="Type")
            draft.add_marked(*ends, mark, stated({name: _cell(row, at) for name, at in known.items()}))
        except GraphError as error:
            raise GraphError(error.what, where=f"line {line}, {error.where}", fix=error.fix) from None
    return draft


def _cell(row: list[str], at: int) -> str:
    return row[at].strip() if at < len(row) else ""


def _read_strengths(rows: list[tuple[int, list[str]]], source: int, target: int, share: int, way: int) -> Draft:
    draft = Draft()
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for line, row in rows:
        values = [_number(_cell(row, at)) for at in (share, way)]
        if len(row) <= max(source, target) or not all(0 <= value <= 1 for value in values):
            raise GraphError("Expected two nodes, and strength and direction in [0, 1]", where=f"line {line}")
        ends = draft.list_node(_unguarded(row[source])), draft.list_node(_unguarded(row[target]))
        found[ends] = (values[0], values[1])
    for (one, two), (strength, direction) in found.items():
        back = found.get((two, one), (strength, 1 - direction))[1]
        if strength <= 0.5 or direction < back or (direction == back and (two, one) in found and one > two):
            continue
        shares = {"bootstraps": strength, "direction": strength * direction}
        draft.add_marked(one, two, "forward" if direction > 0.5 else "undirected", shares)
    draft.warnings.append(
        f"Of {len(found)} rows of strengths, pairs found in more than half of the bootstraps are edges; a direction "
        "that just over half of them have is drawn as an arrow, as bnlearn does."
    )
    return draft


def _is_matrix(rows: list[tuple[int, list[str]]]) -> bool:
    names = [cell.strip() for cell in rows[0][1][1:]]
    return len(names) > 1 and [row[0].strip() for _, row in rows[1:]] == names


def _read_matrix(rows: list[tuple[int, list[str]]]) -> Draft:
    names = [_unguarded(cell.strip()) for cell in rows[0][1][1:]]
    values = []
    for line, row in rows[1:]:
        numbers = [_number(_cell(row, at)) for at in range(1, len(names) + 1)]
        if len(row) != len(names) + 1 or not all(map(math.isfinite, numbers)):
            raise GraphError(f"Expected {len(names)} numbers after the name", where=f"line {line}")
        values.append(numbers)
    return from_matrix(names, values)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


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
        ends = [_guarded(end.replace(":", "_", 1)) for end in (source, target)]
        rows.writerow([*ends, kind, *(known.get(name, "") for name in shares.names)])
    return made.getvalue()


def _guarded(cell: str) -> str:
    """Text that a spreadsheet shows instead of running."""
    return "'" + cell if cell.startswith(_FORMULA) else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
