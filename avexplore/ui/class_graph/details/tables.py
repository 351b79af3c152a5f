"""The same graph as a table of edges and as a matrix, both linked to the picture."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from avexplore.artifacts import plain_name, split_node
from avexplore.drawing.class_graph.build import same_class, shown
from avexplore.drawing.class_graph.names import edge_id
from avexplore.drawing.class_graph.picture import group_of
from avexplore.graph.algebra.hidden_causes import hidden_causes
from avexplore.ui.parts.plain_text import as_html

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from avexplore.analysis.pair_evidence import PairEvidence
    from avexplore.artifacts import ClassGraph, FloatArray, GraphStability, IntArray
    from avexplore.drawing.class_graph.picture import Picture


def edge_table(
    picture: Picture,
    graph: ClassGraph,
    stability: GraphStability | None,
    threshold: float,
    hidden: Collection[str] = (),
    *,
    everything: bool = False,
    pairs: PairEvidence | None = None,
) -> pd.DataFrame:
    """One row per edge, those shown in the picture or all, the strongest first; the index holds the edge ids.

    With `pairs`, also what is known of the two classes without any graph: human labels of each modality are counted
    where they are known, the teacher's probabilities elsewhere.
    """
    import pandas as pd

    edges = (
        [edge for edge in picture.edges if edge.type == "learned"] if everything else shown(picture, threshold, hidden)
    )
    rows: list[dict[str, Any]] = []
    possible = hidden_causes(graph)
    for edge in edges:
        i, j = edge.source, edge.target
        row: dict[str, Any] = {
            "from": plain_name(graph.nodes[i]),
            "": "→" if edge.directed and edge.settled else "–",
            "to": plain_name(graph.nodes[j]),
        }
        if edge.change:
            row["compared"] = edge.change
        if pairs is not None:
            row |= _pair_cells(pairs, i, j)
        if stability is not None:
            row["bootstraps"] = percent(stability.edge_frequency[i, j])
            if stability.null != "none":
                row["null"] = percent(stability.null_frequency[i, j])
            if stability.seeds:
                row["seeds"] = percent(stability.seed_frequency[i, j])
            row["direction"] = percent(stability.orientation_frequency[i, j])
        if edge.change != "removed":
            row["effect"] = float(graph.effect[i, j] or graph.effect[j, i])
            row["BIC gain"] = float(max(graph.gain[i, j], graph.gain[j, i]))
            if possible is not None:
                row["hidden cause"] = "possible" if possible[i, j] else "ruled out"
        row["link"] = {"audio": "within audio", "visual": "within visual"}.get(
            group_of(graph.nodes[i], graph.nodes[j]), "same class" if same_class(picture, edge) else "across"
        )
        rows.append(row)
    table = pd.DataFrame(rows, index=pd.Index([edge.id for edge in edges], name="id"))
    for column in ("bootstraps", "BIC gain"):
        if column in table:
            return table.sort_values(column, ascending=False, kind="stable")
    return table


def _pair_cells(pairs: PairEvidence, i: int, j: int) -> dict[str, Any]:
    known = (pairs.true or pairs.expected).pair(i, j)
    count = len(pairs.probability.classes)
    return {
        "true": percent(float(pairs.probability.probability[i % count, j % count])),
        "P(to | from)": percent(known.given),
        "P(to)": percent(known.base),
        "odds ratio": known.odds_ratio,
        "clips": known.joint,
        "one class": None if known.same_class is None else percent(known.same_class),
    }


def percent(share: float) -> float | None:
    """A share in whole percent, None for NaN; rounded as in words, for the grid would cut fractions off.

    >>> percent(26 / 30)
    87.0
    """
    return None if np.isnan(share) else float(round(100 * float(share)))


MATRICES = {
    "probability": "Probability that the two classes come together",
    "given": "P(column | row), from the soft labels",
    "odds": "Log odds ratio, from the soft labels",
    "edges": "Edges of this graph",
    "bootstraps": "Share of bootstraps that hold the edge",
    "direction": "Share of bootstraps with this direction",
    "seeds": "Share of search seeds that hold the edge",
    "null": "Share of graphs of shuffled data that hold the edge",
    "correlation": "Correlation of the soft labels",
    "effect": "Effect of the row's class on the column's",
    "graphs": "Share of several graphs that hold the link",
    "graph-arrows": "Share of several graphs that hold the arrow",
}
DIRECTED = ("given", "edges", "direction", "effect", "graph-arrows")
"""Those in which a row and a column that are exchanged are something else."""
OVER_GRAPHS = ("graphs", "graph-arrows")
"""Those that look at more graphs than the one on screen."""


def matrix_values(
    name: str,
    graph: ClassGraph,
    stability: GraphStability | None,
    frequency: FloatArray | None = None,
    pairs: PairEvidence | None = None,
) -> FloatArray | None:
    """The matrix of that name, row = source; None if it is not known (yet). Shape (p, p)."""
    if name in ("probability", "given", "odds"):
        return None if pairs is None else _pair_matrix(name, graph, pairs)
    if name == "edges":
        edges: FloatArray = graph.adjacency.astype(float)
        return edges
    if name == "effect":
        return graph.effect
    if name in OVER_GRAPHS:
        return frequency
    if stability is None:
        return None
    found: dict[str, FloatArray] = {
        "bootstraps": stability.edge_frequency,
        "direction": stability.orientation_frequency,
        "seeds": stability.seed_frequency,
        "null": stability.null_frequency,
        "correlation": stability.correlation,
    }
    return found.get(name)


def matrix_figure(
    values: FloatArray, nodes: tuple[str, ...], *, selected: tuple[int, ...] = (), dark: bool = False
) -> go.Figure:
    """A heatmap whose cells can be clicked: the points above them carry the edge's id."""
    import plotly.graph_objects as go

    p = len(nodes)
    clean = np.array(values, float)
    np.fill_diagonal(clean, np.nan)
    low = float(np.nanmin(clean)) if p > 1 else 0.0
    signed = low < -1e-9
    # Sequential in one hue, or two hues around zero: both readable with any color vision.
    empty = "#1B242D" if dark else "#F4F6F8"
    blue = [[0, empty], [0.5, "#3F8FC4"], [1, "#BFE3FF" if dark else "#00365C"]]
    both = [[0, "#D55E00"], [0.5, empty], [1, "#0072B2"]]
    reach = float(np.nanmax(np.abs(clean))) if p > 1 else 1.0
    short = [f"{'♪' if split_node(name)[0] == 'audio' else '▣'} {split_node(name)[1][:18]}" for name in nodes]
    places = list(range(p))
    cell = max(11, min(26, 560 // max(p, 1)))
    yes_or_no = bool(np.isin(clean[~np.eye(p, dtype=bool)], (0, 1)).all())
    figure = go.Figure(
        go.Heatmap(
            z=clean,
            x=places,
            y=places,
            colorscale=both if signed else blue,
            zmin=-reach if signed else 0,
            zmax=reach or 1.0,
            xgap=1,
            ygap=1,
            hoverinfo="skip",
            showscale=not yes_or_no,
            colorbar={"thickness": 10, "outlinewidth": 0, "len": 0.6, "tickformat": "+.2f" if signed else ".0%"},
        )
    )
    rows, columns = _cells(clean)
    hover = [
        f"{as_html(plain_name(nodes[i]))} → {as_html(plain_name(nodes[j]))}: {values[i, j]:.2f}"
        for i, j in zip(rows, columns, strict=True)
    ]
    # A heatmap's cells cannot be selected; the unseen points above them can.
    figure.add_scatter(
        x=columns,
        y=rows,
        mode="markers",
        marker={"symbol": "square", "size": cell, "opacity": 0, "color": "#E69F00"},
        customdata=[edge_id(int(i), int(j)) for i, j in zip(rows, columns, strict=True)],
        text=hover,
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )
    if len(selected) == 2:
        for i, j in (selected, selected[::-1]):
            box = {"x0": j - 0.5, "x1": j + 0.5, "y0": i - 0.5, "y1": i + 0.5}
            figure.add_shape(type="rect", **box, line={"color": "#E69F00", "width": 2})
    if p % 2 == 0:
        figure.add_hline(p / 2 - 0.5, line_width=1, line_color="#8A949E")
        figure.add_vline(p / 2 - 0.5, line_width=1, line_color="#8A949E")
    axis = {
        "tickmode": "array",
        "tickvals": places,
        "ticktext": [as_html(name) for name in short],
        "tickfont": {"size": 9 if p > 40 else 11},
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
    }
    figure.update_layout(
        height=cell * p + 140,
        margin={"l": 4, "r": 4, "t": 8, "b": 4},
        xaxis={**axis, "side": "bottom", "tickangle": -90, "range": [-0.5, p - 0.5], "ticks": ""},
        yaxis={**axis, "range": [p - 0.5, -0.5], "ticks": ""},
        dragmode=False,
    )
    return figure


def _pair_matrix(name: str, graph: ClassGraph, pairs: PairEvidence) -> FloatArray:
    if name == "probability":
        return np.nan_to_num(pairs.probability.of_nodes(graph.nodes))
    if name == "odds":
        return np.log(pairs.expected.odds_ratios())
    joint = pairs.expected.joint
    given: FloatArray = joint / np.maximum(np.diagonal(joint), 1e-9)[:, None]
    return given


MOST_CELLS = 20_000


def _cells(values: FloatArray) -> tuple[IntArray, IntArray]:
    """Rows and columns of the cells that can be clicked: all off the diagonal, or the strongest of very many."""
    rows, columns = np.nonzero(~np.eye(len(values), dtype=bool))
    if len(rows) > MOST_CELLS:
        strongest = np.argpartition(-np.abs(values[rows, columns]), MOST_CELLS)[:MOST_CELLS]
        rows, columns = rows[strongest], columns[strongest]
    return rows, columns
