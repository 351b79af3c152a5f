"""Links from one page to another with everything set; a page that this installation lacks is not linked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from avexplore.artifacts import ClassGraph
from avexplore.drawing.class_graph.names import edge_id, node_id
from avexplore.ui import page_list
from avexplore.ui.shell import address


def to(page: str, label: str, query: Mapping[str, str | Sequence[str]]) -> None:
    """A link to a page with its widgets set by the address; run, settings and query go along."""
    info = page_list.named(page)
    if info is not None and info.is_here:
        whole = address.carried(query)
        st.page_link(f"pages/{page}.py", label=label, icon=":material/arrow_forward:", query_params=whole)


def edge_address(graph: ClassGraph, first: str, second: str) -> str:
    """How the class graph's address names the edge between two nodes, or the first node if they are not joined.

    >>> import numpy as np
    >>> chain = ClassGraph(("audio:A", "audio:B", "visual:A", "visual:B"), np.eye(4, k=1, dtype=np.int8))
    >>> edge_address(chain, "audio:B", "audio:A"), edge_address(chain, "audio:A", "visual:B")
    ('e0-1', 'n0')
    """
    i, j = graph.nodes.index(first), graph.nodes.index(second)
    there, back = graph.adjacency[i, j], graph.adjacency[j, i]
    return edge_id(i, j) if there or back else node_id(i)
