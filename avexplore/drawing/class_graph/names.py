"""Names of what a picture holds: nodes, edges, layouts."""

from __future__ import annotations

from typing import Literal, get_args


def node_id(index: int) -> str:
    """Stable id of a node: its place in the node order, never its name.

    >>> node_id(3)
    'n3'
    """
    return f"n{index}"


def edge_id(i: int, j: int) -> str:
    """Stable id of the pair i, j whatever its direction.

    >>> edge_id(7, 3)
    'e3-7'
    """
    return f"e{min(i, j)}-{max(i, j)}"


def parse_id(text: str) -> tuple[int, ...]:
    """Node indices that an id names: one for a node, two for an edge, none for anything else.

    >>> parse_id("n3"), parse_id("e3-7"), parse_id("e3-"), parse_id("")
    ((3,), (3, 7), (), ())
    """
    kind, parts = text[:1], text[1:].split("-")
    if not all(part.isascii() and part.isdigit() for part in parts) or (kind, len(parts)) not in (("n", 1), ("e", 2)):
        return ()
    return tuple(int(part) for part in parts)


LayoutName = Literal["classes", "layered", "spring", "circular"]
"""How the picture is arranged: one sign per class in groups, or one per class and modality."""


LAYOUTS: tuple[LayoutName, ...] = get_args(LayoutName)
