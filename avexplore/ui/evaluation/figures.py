"""The evaluation page's pictures, as plotly figures made from plain results."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from avexplore.analysis.loaded_run import SAID
from avexplore.artifacts import FloatArray, IntArray, RetrievalReport
from avexplore.retrieval.delta_distance import DeltaDistance
from avexplore.ui.parts.plain_text import as_html

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Okabe-Ito: told apart with any color vision. Without LIR is dashed besides, for print in gray.
GAIN, LOSS = "#0072B2", "#D55E00"
ALONE, WITH = "#999999", "#0072B2"
_MARGIN = {"l": 8, "r": 8, "t": 36, "b": 8}


def class_changes(before: RetrievalReport, after: RetrievalReport) -> tuple[FloatArray, FloatArray]:
    """MAP per class, mean of both directions, without and with LIR; NaN for classes without queries. Shapes (C,)."""
    return before.per_class.mean(1), after.per_class.mean(1)


def signed_ticks(values: FloatArray) -> dict[str, Any]:
    """Tick labels of an axis of changes, with as many decimals as its steps need: no label twice, no "-0.00".

    >>> signed_ticks(np.array([-0.004, 0.003]))["tickformat"], signed_ticks(np.array([-0.1, 0.3]))["tickformat"]
    ('+.3f', '+.2f')
    """
    ticks = 8
    known = np.append(np.asarray(values, float).ravel(), 0.0)
    step = float(np.nanmax(known) - np.nanmin(known)) / ticks or 0.1
    # Plotly rounds a step up to 1, 2, 5 or 10 times a power of ten.
    power = math.floor(math.log10(step))
    decimals = -power - (step > 5 * 10.0**power)
    return {"nticks": ticks, "tickformat": f"+.{max(2, decimals)}f"}


def class_bars(
    before: RetrievalReport, after: RetrievalReport, queries: IntArray, most: int = 40, *, said: tuple[str, str] = SAID
) -> go.Figure:
    """Change of each class's MAP, largest gain on top; of many classes, those that change most.

    Args:
        before: Without LIR.
        after: With LIR.
        queries: Number of queries of each class. Shape (C,).
        most: How many classes at most.
        said: What the two are called within a sentence.
    """
    one, other = class_changes(before, after)
    change = other - one
    known = np.flatnonzero(~np.isnan(change))
    shown = known[np.argsort(-np.abs(change[known]), kind="stable")[:most]]
    shown = shown[np.argsort(change[shown], kind="stable")]  # bars are drawn from below
    names = [as_html(after.classes[c]) for c in shown]
    first, second = map(as_html, said)
    hover = [
        f"{name}, {queries[c]} clips<br>MAP {one[c]:.4f} {first}, {other[c]:.4f} {second}"
        for name, c in zip(names, shown, strict=True)
    ]
    figure = _bars(change[shown], names, hover, "change", f"change of MAP {second}")
    figure.update_layout(height=max(260, 19 * len(shown) + 90), margin={**_MARGIN, "t": 12})
    return figure


def _bars(values: FloatArray, names: Sequence[str], hover: Sequence[str], measure: str, title: str) -> go.Figure:
    """Gains to the right and losses to the left, each with its name and what is said where a mouse rests on it."""
    import plotly.graph_objects as go

    places = list(range(len(values)))
    figure = go.Figure(
        go.Bar(
            x=values,
            y=places,
            orientation="h",
            marker_color=[GAIN if value >= 0 else LOSS for value in values],
            hovertext=hover,
            hovertemplate=f"%{{hovertext}}<br>{measure} %{{x:+.4f}}<extra></extra>",
        )
    )
    figure.update_layout(
        xaxis={"title": title, "zeroline": True, **signed_ticks(values)},
        yaxis={"tickmode": "array", "tickvals": places, "ticktext": names, "automargin": True},
        bargap=0.25,
    )
    return figure


def precision_curves(before: RetrievalReport, after: RetrievalReport, *, said: tuple[str, str] = SAID) -> go.Figure:
    """Precision within the first K answers, K on a logarithmic axis, by direction; below, what changes."""
    from plotly.subplots import make_subplots

    figure = make_subplots(
        2, 2, shared_xaxes=True, shared_yaxes=True, subplot_titles=("A→V", "V→A"), row_heights=[0.65, 0.35],
        horizontal_spacing=0.04, vertical_spacing=0.08,
    )  # fmt: skip
    first, second = map(as_html, said)
    for name, report, color, dash in ((first, before, ALONE, "dash"), (second, after, WITH, "solid")):
        for direction in (0, 1):
            figure.add_scatter(
                x=report.scopes,
                y=report.precision[direction],
                name=name,
                legendgroup=name,
                showlegend=direction == 0,
                mode="lines+markers",
                line={"color": color, "dash": dash, "width": 2},
                marker={"size": 5},
                hovertemplate=f"{name}<br>precision within %{{x}}: %{{y:.4f}}<extra></extra>",
                row=1,
                col=direction + 1,
            )
    for direction in (0, 1):
        figure.add_scatter(
            x=after.scopes,
            y=after.precision[direction] - before.precision[direction],
            showlegend=False,
            mode="lines+markers",
            line={"color": "#009E73", "width": 2},
            marker={"size": 5},
            hovertemplate="change within %{x}: %{y:+.4f}<extra></extra>",
            row=2,
            col=direction + 1,
        )
    figure.update_xaxes(type="log", tickvals=[10, 20, 50, 100, 200, 500, 1000])
    figure.update_xaxes(title="K answers", row=2)
    figure.update_yaxes(title="precision-scope@K", row=1, col=1)
    figure.update_yaxes(title="change", zeroline=True, row=2, **signed_ticks(after.precision - before.precision))
    figure.update_yaxes(title=None, row=2, col=2)
    figure.update_layout(height=480, margin={**_MARGIN, "t": 60}, legend={"orientation": "h", "y": 1.16})
    return figure


def epochs(
    before: Mapping[str, FloatArray],
    after: Mapping[str, FloatArray],
    start_epoch: int | None,
    columns: Sequence[str],
    title: str,
    *,
    said: tuple[str, str] = SAID,
) -> go.Figure:
    """Columns of two histories over epochs, gaps bridged, and where LIR starts, if it does so at one epoch."""
    import plotly.graph_objects as go

    figure = go.Figure()
    first, second = map(as_html, said)
    palette = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
    for k, column in enumerate(columns):
        for name, history, dash in ((first, before, "dot"), (second, after, "solid")):
            if column not in history:
                continue
            values = np.asarray(history[column], float)
            measured = np.flatnonzero(np.isfinite(values))
            if not len(measured):
                continue
            words = "LIR" if column == "lir" else column.replace("_", " ").removeprefix("map ")
            figure.add_scatter(
                x=measured + 1,
                y=values[measured],
                mode="lines" if len(measured) > 1 else "markers",
                name=f"{words}, {name}",
                line={"color": palette[k % len(palette)], "dash": dash, "width": 2 if dash == "solid" else 1.5},
                hovertemplate=f"{words}, {name}<br>epoch %{{x}}: %{{y:.4f}}<extra></extra>",
            )
    if start_epoch is not None:
        figure.add_vline(
            start_epoch + 0.5,
            line_dash="dash",
            line_color="#7A858F",
            annotation_text="LIR on",
            annotation_position="top left",
        )
    figure.update_layout(
        title={"text": title, "font": {"size": 14}},
        height=400,
        margin={**_MARGIN, "t": 44},
        xaxis={"title": "epoch"},
        legend={"orientation": "h", "y": -0.34, "font": {"size": 11}},
    )
    return figure


def confusion(values: FloatArray, classes: Sequence[str], *, change: bool, dark: bool = False) -> go.Figure:
    """Share of each class among the first ten answers, or how LIR changes it. Row = class of the query."""
    import plotly.graph_objects as go

    shown = np.array(values, float)
    reach = float(np.nanmax(np.abs(shown))) if shown.size else 1.0
    names = [as_html(name) for name in classes]
    empty = "#1B242D" if dark else "#F4F6F8"
    scale: Any = [[0, empty], [0.5, "#3F8FC4"], [1, "#BFE3FF" if dark else "#00365C"]]
    if change:
        scale = [[0, LOSS], [0.5, empty], [1, GAIN]]
    places = list(range(len(names)))
    form = "+.3f" if change else ".3f"
    ticks: dict[str, Any] = signed_ticks(np.array([-reach, reach])) if change else {"tickformat": ".2f"}
    figure = go.Figure(
        go.Heatmap(
            z=shown,
            x=places,
            y=places,
            customdata=[[f"{a} → {b}" for b in names] for a in names],
            colorscale=scale,
            zmin=-reach if change else 0.0,
            zmax=reach or 1.0,
            colorbar={"thickness": 12, "outlinewidth": 0, **ticks},
            hovertemplate=f"%{{customdata}}: %{{z:{form}}}<extra></extra>",
        )
    )
    short = [name[:22] for name in names]
    names_on_axis = {"tickmode": "array", "tickvals": places, "ticktext": short, "showgrid": False}
    figure.update_layout(
        height=max(420, 15 * len(names) + 190),
        margin=_MARGIN,
        xaxis={**names_on_axis, "title": "class of the answers", "tickangle": -90, "zeroline": False},
        yaxis={**names_on_axis, "title": "class of the query", "autorange": "reversed", "zeroline": False},
    )
    return figure


def edge_deltas(found: DeltaDistance, nodes: Sequence[str], *, said: tuple[str, str] = SAID) -> go.Figure:
    """Delta-D per edge, strongest on top, that of all pairs as a diamond, and the mean with its 95 % interval."""
    known = np.flatnonzero(~np.isnan(found.delta))[::-1]
    names = [f"{as_html(nodes[i])} – {as_html(nodes[j])}" for i, j in found.edges[known]]
    first, second = map(as_html, said)
    hover = [
        f"{name}<br>weight {found.weights[e]:.2f}, {found.pairs[e]:,} pairs<br>"
        f"distance {found.before[e]:.4f} {first}, {found.after[e]:.4f} {second}"
        for name, e in zip(names, known, strict=True)
    ]
    figure = _bars(found.delta[known], names, hover, "Delta-D", f"Delta-D: how much nearer {second}")
    figure.add_scatter(
        x=found.others[known],
        y=list(range(len(known))),
        mode="markers",
        marker={"symbol": "diamond-open", "size": 8, "color": "#888888", "line": {"width": 2}},
        hovertemplate="all pairs of different annotations: %{x:+.4f}<extra></extra>",
    )
    figure.update_traces(showlegend=False)
    mean = found.mean
    if mean.count > 1:
        figure.add_vrect(mean.low, mean.high, fillcolor="#E69F00", opacity=0.25, line_width=0)
        figure.add_vline(mean.mean, line_color="#E69F00", line_width=2)
    figure.update_xaxes(**signed_ticks(np.concatenate([found.delta[known], found.others[known]])))
    figure.update_layout(height=max(260, 20 * len(known) + 90), margin=_MARGIN)
    return figure
