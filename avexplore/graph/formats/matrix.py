"""Adjacency matrices: rows point to columns, as bnlearn, gCastle and networkx have it, or causal-learn's marks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from avexplore.errors import GraphError
from avexplore.graph.formats.draft import MOST_NODES, Draft, short
from avexplore.graph.formats.marks import End, of_ends

_ENDS: dict[int, End] = {-1: "tail", 1: "arrow", 2: "circle"}


def from_matrix(names: Sequence[str], values: Sequence[Sequence[float]]) -> Draft:
    """The graph of an adjacency matrix.

    An entry other than 0 at row i, column j is an edge i -> j; both ways it is undirected. Entries of -1 beside 1 are
    causal-learn's: the one at row i, column j is the mark at i's end, -1 a tail and 1 an arrowhead. Other numbers
    than 0 and 1 are kept as effects.

    Raises:
        GraphError: If it is not square, a node points to itself, or a mark is none of a class graph.

    >>> from_matrix(["audio:A", "audio:B"], [[0, 1], [0, 0]]).finish().edges()
    [('audio:A', 'audio:B', True)]
    >>> from_matrix(["audio:A", "audio:B"], [[0, -1], [1, 0]]).finish().edges()
    [('audio:A', 'audio:B', True)]
    """
    if len(names) > MOST_NODES:
        raise GraphError(f"There are more than {MOST_NODES:,} nodes", where="graph file", fix="Keep fewer classes")
    matrix = np.asarray(values, float)
    if matrix.shape != (len(names), len(names)):
        raise GraphError(f"Expected {len(names)} rows and columns, got shape {matrix.shape}", where="adjacency matrix")
    if np.diagonal(matrix).any():
        node = names[int(np.flatnonzero(np.diagonal(matrix))[0])]
        raise GraphError("A node depends on itself", where=f"adjacency matrix, {short(node)}", fix="Empty the diagonal")
    draft = Draft()
    for name in names:
        draft.list_node(name)
    is_symmetric = bool(((matrix != 0) == (matrix.T != 0)).all())
    if is_symmetric and (matrix < 0).any() and np.isin(matrix, (-1, 0, 1, 2)).all():
        for i, j in np.argwhere(np.triu(matrix)):
            ends = (_ENDS[int(matrix[i, j])], _ENDS[int(matrix[j, i])])
            draft.add_marked(names[i], names[j], of_ends(*ends, where=f"{names[i]} and {names[j]}"))
        draft.warnings.append("Read as causal-learn's matrix of marks: -1 a tail, 1 an arrowhead.")
        return draft
    plain = bool(np.isin(matrix, (0, 1)).all())
    for i, j in np.argwhere(matrix):
        draft.add_edge(names[i], names[j], effect=0.0 if plain else float(matrix[i, j]))
    draft.warnings.append("Read as an adjacency matrix whose rows point to its columns; if not so, transpose it.")
    return draft
