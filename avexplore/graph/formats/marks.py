"""What an edge's mark means, the same for every format: a class graph holds arrows and plain lines, nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from avexplore.errors import GraphError

End = Literal["tail", "arrow", "circle"]
Meaning = Literal["forward", "backward", "undirected", "none"]

_WORDS = {
    "directed": "-->",
    "undirected": "---",
    "bidirected": "<->",
    "mutual": "---",  # Gephi's word for arrows in both directions
    "": "-->",
}
_MARK = re.compile(r"(<|o|\*|@)?([-=]{1,3})(>|o|\*|@)?")
_ENDS: dict[str | None, End] = {
    None: "tail",
    "<": "arrow",
    ">": "arrow",
    "o": "circle",
    "@": "circle",
    "*": "circle",
}
_SHAPES: dict[str, End] = {
    **dict.fromkeys(("none", "tail", "nil", "null"), "tail"),
    **dict.fromkeys(("circle", "odot", "dot", "white_circle", "transparent_circle", "star"), "circle"),
}


def is_mark(text: str) -> bool:
    """Whether a text is an edge mark: "-->", "<--", "---", "<->", "o->", "...", "undirected" and the like.

    >>> is_mark("o->"), is_mark("Undirected"), is_mark("strong")
    (True, True, False)
    """
    plain = text.strip().lower()
    return plain in _WORDS or plain in ("...", "..") or bool(_MARK.fullmatch(plain))


def stated_mark(values: Mapping[str, Any]) -> str:
    """The first edge mark among the named values of an edge in a file, "" without one.

    >>> stated_mark({"type": "strong", "interaction": "<--"})
    '<--'
    """
    found = (values.get(key) for key in ("mark", "edge_type", "type", "interaction"))
    return next((text.strip() for text in found if isinstance(text, str) and text.strip() and is_mark(text)), "")


def meaning(mark: str, *, where: str) -> Meaning:
    """Which way an edge with a mark points.

    Raises:
        GraphError: If a class graph cannot hold it (a circle, or arrowheads at both ends), or it is no mark.

    >>> meaning("<--", where="line 3"), meaning("undirected", where="line 3"), meaning("...", where="line 3")
    ('backward', 'undirected', 'none')
    """
    plain = mark.strip().lower()
    if plain in ("...", ".."):
        return "none"
    match = _MARK.fullmatch(_WORDS.get(plain, plain))
    if match is None:
        raise GraphError(f"{mark[:40]!r} is no edge mark", where=where, fix="Use -->, <-- or ---")
    return of_ends(_ENDS[match[1]], _ENDS[match[3]], where=where, shown=mark.strip())


def of_ends(source: End, target: End, *, where: str, shown: str = "") -> Meaning:
    """Which way an edge with these ends points, seen from its source.

    Raises:
        GraphError: If a class graph cannot hold it.
    """
    if "circle" in (source, target) or (source == target == "arrow"):
        what = "an arrowhead at both ends" if source == target == "arrow" else "a circle at an end"
        raise GraphError(
            f"{shown or 'An edge'} has {what}: that is no edge of a CPDAG",
            where=where,
            fix="A class graph holds -->, <-- and ---; turn a PAG or a mixed graph into a CPDAG first",
        )
    if source == target:
        return "undirected"
    return "forward" if target == "arrow" else "backward"


def shape_end(shape: str) -> End:
    """The end that a drawn arrowhead stands for: Graphviz', yEd's and Tetrad's names of shapes.

    >>> shape_end("normal"), shape_end("none"), shape_end("odot"), shape_end("ARROW")
    ('arrow', 'tail', 'circle', 'arrow')
    """
    return _SHAPES.get(shape.strip().lower(), "arrow")
