"""Charts of the soft-labels page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from avexplore.artifacts import FloatArray
from avexplore.ui.parts.plain_text import as_html

if TYPE_CHECKING:
    import plotly.graph_objects as go

AUDIO, VISUAL = "#E69F00", "#0072B2"
"""Okabe-Ito blue and orange: what is heard, what is seen."""
LINES = {"light": ("#A86E00", "#0072B2"), "dark": ("#E69F00", "#56B4E9")}
"""The same for thin lines and small marks, audio first: at least 3 : 1 against the paper of each theme."""
KINDS = ("#0072B2", "#E69F00", "#009E73")
"""Okabe-Ito, for up to three kinds of clips."""
_LEGEND = {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "traceorder": "normal"}
_MARGIN = {"l": 8, "r": 8, "t": 30, "b": 8}


def clip_bars(
    names: Sequence[str], probabilities: FloatArray, annotated: int, true: Sequence[int], *, most: int = 14
) -> go.Figure:
    """One clip's soft labels in both modalities, the strongest classes first.

    Args:
        names: The C classes.
        probabilities: Audio first. Shape (2, C).
        annotated: Index of the annotated class, -1 if unknown.
        true: Classes known to be true but not annotated.
        most: How many classes to show; the annotated and true ones always are.
    """
    order = [int(c) for c in np.argsort(-probabilities.max(axis=0), kind="stable")]
    kept = order[:most] + [c for c in (annotated, *true) if c >= 0 and c not in order[:most]]
    marks = {annotated: " ✔"} | dict.fromkeys(true, " +")
    labels = [names[c] + marks.get(c, "") for c in kept]
    return _bars(
        labels,
        {"Audio": probabilities[0, kept], "Visual": probabilities[1, kept]},
        (AUDIO, VISUAL),
        "%{x:.3f}",
        height=26 * len(kept) + 110,
        bargap=0.25,
        xaxis={"title": "Soft label", "range": [0, 1]},
    )


def heat_map(
    rows: Sequence[str],
    columns: Sequence[str],
    panels: Mapping[str, FloatArray],
    *,
    row_title: str,
    column_title: str,
    value_title: str,
    without_diagonal: bool = False,
) -> go.Figure:
    """Matrices of equal shape side by side, on one color scale.

    Args:
        rows, columns: Names.
        panels: Title and values of each matrix. NaN stays empty. Shape (R, C) each.
        row_title, column_title, value_title: Of the axes and of the color.
        without_diagonal: Leave the diagonal out, so that it does not outshine the rest.
    """
    from plotly.subplots import make_subplots

    step = 22 if len(rows) <= 30 else 14
    figure = make_subplots(
        1, len(panels), subplot_titles=[as_html(title) for title in panels], shared_yaxes=True, horizontal_spacing=0.02
    )
    for place, matrix in enumerate(panels.values(), start=1):
        values = np.array(matrix, dtype=float)
        if without_diagonal:
            np.fill_diagonal(values, np.nan)
        words = [[f"{as_html(row)}<br>{as_html(column)}" for column in columns] for row in rows]
        figure.add_heatmap(
            z=values,
            customdata=words,
            coloraxis="coloraxis",
            hovertemplate=f"%{{customdata}}<br>{value_title} %{{z:.3f}}<extra></extra>",
            hoverongaps=False,
            xgap=1,
            ygap=1,
            row=1,
            col=place,
        )
    figure.update_xaxes(**_names_axis(columns) | {"autorange": True}, title=column_title, tickangle=-60)
    figure.update_yaxes(**_names_axis(rows))
    figure.update_yaxes(title=row_title, col=1)
    figure.update_layout(
        width=230 + len(panels) * max(220, step * len(columns)),
        height=step * len(rows) + 190,
        margin=_MARGIN,
        coloraxis={"colorscale": "Viridis", "cmin": 0, "colorbar": {"title": {"text": value_title, "side": "right"}}},
    )
    return figure


def counts(names: Sequence[str], table: Mapping[str, Sequence[int]], title: str) -> go.Figure:
    """Stacked bars: one bar per class, one color per column of the table."""
    height = 22 * len(names) + 110
    return _bars(names, table, KINDS, "%{x:,}", barmode="stack", height=height, xaxis={"title": title})


def _bars(
    names: Sequence[str],
    series: Mapping[str, Sequence[int] | FloatArray],
    colors: Sequence[str],
    form: str,
    **layout: Any,
) -> go.Figure:
    """Horizontal bars, one of each series for each name."""
    import plotly.graph_objects as go

    figure = go.Figure(
        [
            go.Bar(
                x=list(values),
                y=list(range(len(names))),
                orientation="h",
                name=title,
                marker_color=color,
                customdata=[as_html(name) for name in names],
                hovertemplate=f"%{{customdata}}<br>{title} {form}<extra></extra>",
            )
            for (title, values), color in zip(series.items(), colors, strict=False)
        ]
    )
    figure.update_layout(margin=_MARGIN, legend=_LEGEND, yaxis=_names_axis(names), **layout)
    return figure


def _names_axis(names: Sequence[str]) -> dict[str, object]:
    """An axis of names, the first one on top. Places are numbers: names may repeat, and none is markup."""
    short = [name if len(name) <= 30 else name[:29] + "…" for name in names]
    return {
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticktext": [as_html(name) for name in short],
        "autorange": "reversed",
        "automargin": True,
        "showgrid": False,
        "zeroline": False,
    }
