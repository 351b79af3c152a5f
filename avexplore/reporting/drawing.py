"""A report's figures, drawn twice from the same values: with plotly for the page, with matplotlib as SVG for print.

Plotly's own SVG needs a browser; matplotlib's needs nothing.
"""

from __future__ import annotations

import html
import io
from typing import Any

import numpy as np

from avexplore.reporting.figures import Curve, Curves, Figure, Heat

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#7A5195", "#4D4D4D")
"""Okabe-Ito, its yellow replaced: that is too pale on white."""
GRAY = "#6B7680"
_LONGEST = 60


def colors(curves: Curves) -> list[str]:
    """A color per line; a dashed one has the color of its solid partner, or gray if it stands alone."""
    dashed = [c.dashed for c in curves.curves]
    if sum(dashed) == 1:
        solid = iter(PALETTE * len(dashed))
        return [GRAY if one else next(solid) for one in dashed]
    found: dict[str, str] = {}
    for curve in curves.curves:
        found.setdefault(_stem(curve), PALETTE[len(found) % len(PALETTE)])
    return [found[_stem(curve)] for curve in curves.curves]


def log_ticks(figure: Curves) -> list[float]:
    """1, 2 and 5 times the powers of ten that lie within the lines.

    >>> log_ticks(Curves("", "", "", "", "", [Curve("", np.array([10.0, 400]), np.ones(2))], log_x=True))
    [10.0, 20.0, 50.0, 100.0, 200.0]
    """
    x = np.concatenate([curve.x for curve in figure.curves])
    x = x[x > 0]
    if not len(x):
        return []
    powers = 10.0 ** np.arange(np.floor(np.log10(x.min())), np.ceil(np.log10(x.max())) + 1)
    ticks = np.sort(np.outer(powers, [1, 2, 5]).ravel())
    return [float(t) for t in ticks[(ticks >= x.min()) & (ticks <= x.max())]]


def _stem(curve: Curve) -> str:
    return curve.name.rpartition(", ")[0] or curve.name


def with_plotly(figure: Figure) -> Any:
    """The figure for a page, as a plotly figure."""
    import plotly.graph_objects as go

    if isinstance(figure, Heat):
        shown = go.Figure(
            go.Heatmap(
                z=figure.values,
                x=[html.escape(name) for name in figure.columns],
                y=[html.escape(name) for name in figure.rows],
                zmin=0,
                zmax=1,
                colorscale=[[0, "#F4F6F8"], [0.5, "#3F8FC4"], [1, "#00365C"]],
                colorbar={
                    "title": {"text": html.escape(figure.scale), "side": "right"},
                    "thickness": 12,
                    "outlinewidth": 0,
                },
                hovertemplate="%{y}, %{x}: %{z:.2f}<extra></extra>",
            )
        )
        shown.update_layout(height=max(320, 17 * len(figure.rows) + 160), xaxis_tickangle=-60)
        shown.update_xaxes(automargin=True, showgrid=False, type="category")
        shown.update_yaxes(automargin=True, showgrid=False, type="category", autorange="reversed")
    else:
        shown = go.Figure()
        for curve, color in zip(figure.curves, colors(figure), strict=True):
            name = html.escape(curve.name)
            if len(curve.low):
                shown.add_scatter(
                    x=np.concatenate([curve.x, curve.x[::-1]]),
                    y=np.concatenate([curve.high, curve.low[::-1]]),
                    fill="toself",
                    fillcolor=color,
                    opacity=0.15,
                    line={"width": 0},
                    hoverinfo="skip",
                    showlegend=False,
                    legendgroup=name,
                )
            shown.add_scatter(
                x=curve.x,
                y=curve.y,
                name=name,
                legendgroup=name,
                mode="lines+markers" if len(curve.x) <= 15 else "lines",
                line={"color": color, "width": 2, "dash": "dash" if curve.dashed else "solid"},
                hovertemplate=f"{name}<br>%{{x:g}}: %{{y:.4f}}<extra></extra>",
            )
        shown.update_layout(
            height=430,
            xaxis={"title": html.escape(figure.x_label), "type": "log" if figure.log_x else "linear"},
            yaxis={"title": html.escape(figure.y_label)},
        )
        if figure.log_x:  # plotly's own ticks of a logarithmic axis are single digits
            shown.update_xaxes(tickvals=log_ticks(figure))
        if figure.view is not None:
            shown.update_xaxes(range=figure.view[:2]).update_yaxes(range=figure.view[2:])
    shown.update_layout(template="plotly_white", margin={"l": 60, "r": 20, "t": 20, "b": 50})
    shown.update_layout(font={"family": "system-ui, sans-serif", "size": 13})
    return shown


def as_svg(figure: Figure) -> bytes:
    """The figure for print. The same figure gives the same bytes."""
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    # Text stays text; identifiers and dates do not change from run to run.
    settings: Any = {
        "text.parse_math": False,
        "svg.fonttype": "none",
        "svg.hashsalt": figure.name,
        "font.size": 9,
        "font.family": "sans-serif",
    }
    with matplotlib.rc_context(settings):
        canvas = Canvas(figsize=_size(figure), layout="constrained")
        axes = canvas.add_subplot()
        (_heat if isinstance(figure, Heat) else _lines)(canvas, axes, figure)
        out = io.BytesIO()
        canvas.savefig(out, format="svg", metadata={"Date": None, "Title": figure.title})
    return out.getvalue()


def _size(figure: Figure) -> tuple[float, float]:
    """Inches; names have a letter's width each beside the matrix."""
    if isinstance(figure, Heat):
        row, column = (max((len(_short(name)) for name in names), default=0) for names in (figure.rows, figure.columns))
        return 2.0 + 0.065 * row + 0.19 * len(figure.columns), 1.0 + 0.065 * column + 0.19 * len(figure.rows)
    return 7.0, 4.0


def _short(name: str) -> str:
    """A name that leaves room for the matrix; the CSV has it whole."""
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"


def _heat(canvas: Any, axes: Any, figure: Any) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("share", ["#F4F6F8", "#3F8FC4", "#00365C"])
    image = axes.imshow(figure.values, vmin=0, vmax=1, cmap=shades, aspect="auto")
    axes.set_xticks(range(len(figure.columns)), [_short(name) for name in figure.columns], rotation=90, fontsize=7)
    axes.set_yticks(range(len(figure.rows)), [_short(name) for name in figure.rows], fontsize=7)
    canvas.colorbar(image, ax=axes, label=figure.scale, shrink=0.7)


def _lines(canvas: Any, axes: Any, figure: Any) -> None:
    for curve, color in zip(figure.curves, colors(figure), strict=True):
        style = "--" if curve.dashed else "-"
        marker = "o" if len(curve.x) <= 15 else None
        axes.plot(curve.x, curve.y, style, color=color, label=curve.name, linewidth=1.5, marker=marker, ms=3)
        if len(curve.low):
            axes.fill_between(curve.x, curve.low, curve.high, color=color, alpha=0.15, linewidth=0)
    if figure.log_x:
        axes.set_xscale("log")
        axes.set_xticks(log_ticks(figure), [f"{tick:g}" for tick in log_ticks(figure)])
        axes.minorticks_off()
    if figure.view is not None:
        axes.set_xlim(*figure.view[:2])
        axes.set_ylim(*figure.view[2:])
    axes.set_xlabel(figure.x_label)
    axes.set_ylabel(figure.y_label)
    axes.grid(color="#E3E7EB", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=7, loc="best")
