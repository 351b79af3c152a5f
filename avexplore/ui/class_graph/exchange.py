"""A class graph in and out of the app: files of other programs, and the Python that makes it again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avexplore.drawing.class_graph.names import parse_id
from avexplore.errors import GraphError
from avexplore.store.writing import writing

if TYPE_CHECKING:
    from avexplore.artifacts import ClassGraph
    from avexplore.config import Config

LARGEST_IMPORT = 5_000_000
"""Bytes; a graph of a thousand classes stays far below."""


def keep_import(folder: Path, name: str, content: bytes, nodes: tuple[str, ...] = ()) -> str:
    """Read an imported graph, keep it as JSON under its content's address, and return that address.

    Args:
        folder: Where imported graphs are kept.
        name: The file's name; its end tells the format.
        content: The file.
        nodes: Class nodes of the run; a file that names no others gets those that it leaves out.

    Raises:
        GraphError: If it is too large, or no graph in a known format.
        StoreError: If it cannot be kept.
    """
    from avexplore.graph.formats import read_graph, told_format, write_graph
    from avexplore.graph.formats.draft import decode

    if len(content) > LARGEST_IMPORT:
        raise GraphError("The file is too large for a class graph", where=name, fix="Import at most 5 MB")
    told = told_format(decode(content), Path(name).suffix)
    try:
        graph = read_graph(content, told, nodes=nodes)
    except GraphError:
        graph = read_graph(content, told)  # perhaps of other classes
    written = json.dumps({"name": Path(name).name, "graph": write_graph(graph, "json")})
    address = hashlib.sha256(written.encode()).hexdigest()[:16]
    with writing(folder):
        (folder / f"{address}.json").write_text(written, encoding="utf-8")
    return address


def kept_import(folder: Path, address: str) -> ClassGraph | None:
    """An imported graph by its address; None if there is none, or it is damaged."""
    from avexplore.graph.formats import read_graph

    if len(address) != 16 or not all(letter in "0123456789abcdef" for letter in address):
        return None
    path = folder / f"{address}.json"
    if not path.is_file():
        return None
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return dataclasses.replace(read_graph(kept["graph"], "json"), source=str(kept["name"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, GraphError):
        return None


def only(graph: ClassGraph, edges: Collection[str]) -> ClassGraph:
    """A graph with some of its edges, given by their ids in the picture; it has no score of its own."""
    kept = np.zeros(graph.adjacency.shape, bool)
    for i, j in map(parse_id, edges):
        kept[i, j] = kept[j, i] = True
    note = f"These are {len(edges)} of the graph's {int(np.triu(graph.skeleton, 1).sum())} edges."
    return dataclasses.replace(
        graph,
        adjacency=np.where(kept, graph.adjacency, 0).astype(graph.adjacency.dtype),
        effect=np.where(kept, graph.effect, 0.0),
        gain=np.where(kept, graph.gain, 0.0),
        score=float("nan"),
        warnings=(note, *graph.warnings),
    )


def to_python(config: Config, *, name: str = "graph") -> str:
    """Lines of Python that make a config's result again.

    >>> from avexplore.config import GraphConfig, SyntheticConfig, TeacherConfig
    >>> print(to_python(GraphConfig(TeacherConfig(SyntheticConfig(seed=3)), penalty_discount=4.0)))
    from avexplore.config import GraphConfig, SyntheticConfig, TeacherConfig
    from avexplore.workbench import Workbench
    <BLANKLINE>
    config = GraphConfig(
        soft_labels=TeacherConfig(
            data=SyntheticConfig(
                seed=3,
            ),
        ),
        penalty_discount=4.0,
    )
    graph = Workbench().get(config)
    """
    used: set[str] = set()
    body = _python_value(config, 0, used)
    return (
        f"from avexplore.config import {', '.join(sorted(used))}\n"
        "from avexplore.workbench import Workbench\n\n"
        f"config = {body}\n"
        f"{name} = Workbench().get(config)"
    )


def _python_value(value: Any, depth: int, used: set[str]) -> str:
    if not dataclasses.is_dataclass(value):
        return repr(value)
    used.add(type(value).__name__)
    lines = []
    for f in dataclasses.fields(value):
        content = getattr(value, f.name)
        if content != f.default or f.default is dataclasses.MISSING:
            lines.append(f"{'    ' * (depth + 1)}{f.name}={_python_value(content, depth + 1, used)},")
    if not lines:
        return f"{type(value).__name__}()"
    inner = "\n".join(lines)
    return f"{type(value).__name__}(\n{inner}\n{'    ' * depth})"
