"""The experiments page's pictures, as plotly figures made from plain results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from avexplore.ui.parts.plain_text import as_html

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from avexplore.experiments import Comparison, Outcome

GAIN, LOSS, UNDECIDED, BEST = "#009E73", "#D55E00", "#8A97A3", "#E69F00"
_MARGIN = {"l": 10, "r": 10, "t": 10, "b": 10}
_MOST_LINES = 200


def color_of(verdict: str) -> str:
    """Green, red or gray; told apart by the text beside it, too."""
    return GAIN if verdict.startswith("gain") else LOSS if verdict.startswith("loss") else UNDECIDED


def forest(found: Sequence[Comparison], names: Mapping[str, str], label: str, reference: str) -> go.Figure:
    """Paired difference of every arm with its 95 % interval; a filled mark where the test agrees."""
    import plotly.graph_objects as go

    rows = list(found)[::-1]
    figure = go.Figure(
        go.Scatter(
            x=[c.difference for c in rows],
            y=[as_html(names.get(c.arm, c.arm)) for c in rows],
            error_x={
                "type": "data",
                "array": [c.high - c.difference for c in rows],
                "arrayminus": [c.difference - c.low for c in rows],
                "thickness": 2,
                "color": UNDECIDED,
            },
            mode="markers",
            marker={
                "size": 12,
                "color": [color_of(c.verdict) for c in rows],
                "symbol": ["circle" if c.p_value <= 0.05 else "circle-open" for c in rows],
                "line": {"width": 2},
            },
            customdata=[[c.verdict, c.p_value] for c in rows],
            hovertemplate="%{y}<br>%{x:+.4f}, %{customdata[0]}, p = %{customdata[1]:.3f}<extra></extra>",
        )
    )
    figure.add_vline(0, line_width=1, line_color=UNDECIDED)
    figure.update_layout(
        xaxis={"title": f"{label}: difference to {reference}, 95 % interval over seeds", "tickformat": "+.4~f"},
        height=130 + 44 * len(rows),
        margin=_MARGIN,
        showlegend=False,
    )
    figure.update_yaxes(automargin=True)
    return figure


def parallel(
    ranking: Sequence[Outcome],
    lists: Mapping[str, Sequence[Any]],
    names: Mapping[str, str],
    figure_name: str,
    dark: bool = False,
) -> go.Figure:
    """A line per trial through its values to its figure, the better the bluer, the best one in orange.

    Plain lines and not plotly's own parallel coordinates: those need WebGL, and cannot be saved as SVG.

    Args:
        ranking: The best first; more than 200 are cut off.
        lists: The values of each parameter, in their order.
        names: Of the parameters, for people.
        figure_name: Of the figure that decided.
        dark: Whether the page is.
    """
    import plotly.graph_objects as go
    from plotly.colors import sample_colorscale

    shown = list(ranking)[:_MOST_LINES]
    scores = np.array([one.objective for one in shown])
    low, high = float(scores.min()), float(scores.max())
    heights = (scores - low) / (high - low) if high > low else np.full(len(scores), 0.5)
    shades = sample_colorscale(
        [[0, "#3A4753"], [1, "#56B4E9"]] if dark else [[0, "#C3CBD3"], [1, "#0072B2"]], list(heights)
    )
    figure = go.Figure()
    axes = list(lists)
    for place, name in enumerate([*axes, figure_name]):
        figure.add_vline(place, line_width=1, line_color=UNDECIDED)
        values = lists.get(name)
        for k, value in enumerate(values or ()):
            figure.add_annotation(
                x=place, y=_height(k, len(values or ())), text=as_html(f"{value}"), showarrow=False, xanchor="left",
                xshift=7, font={"size": 12}, bgcolor="#11171D" if dark else "#FFFFFF", opacity=0.9, borderpad=1,
            )  # fmt: skip
    for y, text in {0.0: f"{low:.4f}", 1.0: f"{high:.4f}"}.items() if high > low else {0.5: f"{low:.4f}"}.items():
        figure.add_annotation(x=len(axes), y=y, text=text, showarrow=False, xanchor="left", xshift=8)
    for k in range(len(shown))[::-1]:  # the best is drawn last, on top
        one = shown[k]
        ys = [_height(list(lists[a]).index(one.values[a]), len(lists[a])) for a in axes]
        words = "<br>".join(f"{as_html(names[a])}: {as_html(str(one.values[a]))}" for a in axes)
        figure.add_scatter(
            x=list(range(len(axes) + 1)),
            y=[*ys, float(heights[k])],
            mode="lines+markers",
            line={"color": BEST if k == 0 else shades[k], "width": 3.5 if k == 0 else 1.8},
            marker={"size": 8 if k == 0 else 5},
            hovertemplate=f"Trial {one.number}: {one.objective:.4f}<br>{words}<extra></extra>",
        )
    figure.update_layout(
        height=420,
        margin={"l": 30, "r": 70, "t": 40, "b": 10},
        showlegend=False,
        xaxis={
            "tickvals": list(range(len(axes) + 1)),
            "ticktext": [as_html(names[a]) for a in axes] + [as_html(figure_name)],
            "side": "top",
            "showgrid": False,
            "zeroline": False,
            "range": [-0.15, len(axes) + 0.25],
        },
        yaxis={"visible": False, "range": [-0.06, 1.06]},
    )
    return figure


def _height(place: int, count: int) -> float:
    return place / (count - 1) if count > 1 else 0.5


def heatmap(
    ranking: Sequence[Outcome],
    lists: Mapping[str, Sequence[Any]],
    names: Mapping[str, str],
    across: str,
    down: str,
    figure_name: str,
    dark: bool = False,
) -> go.Figure:
    """Mean figure of the trials with two given values; combinations that were not tried stay empty."""
    import plotly.graph_objects as go

    grid = pair_means(ranking, lists, across, down)
    empty = "#1B242D" if dark else "#F4F6F8"
    texts = [["" if np.isnan(v) else f"{v:.4f}" for v in row] for row in grid]
    figure = go.Figure(
        go.Heatmap(
            z=grid,
            x=[as_html(str(v)) for v in lists[across]],
            y=[as_html(str(v)) for v in lists[down]],
            text=texts,
            texttemplate="%{text}",
            colorscale=[[0, empty], [1, "#3F8FC4"]],
            colorbar={"thickness": 12, "outlinewidth": 0, "title": {"text": as_html(figure_name)}},
            hovertemplate=f"{as_html(names[across])} %{{x}}, {as_html(names[down])} %{{y}}: %{{z:.4f}}<extra></extra>",
            hoverongaps=False,
            xgap=2,
            ygap=2,
        )
    )
    figure.update_layout(
        height=max(260, 48 * len(lists[down]) + 110),
        margin=_MARGIN,
        xaxis={"title": as_html(names[across]), "type": "category", "showgrid": False},
        yaxis={"title": as_html(names[down]), "type": "category", "showgrid": False},
    )
    return figure


def pair_means(
    ranking: Sequence[Outcome], lists: Mapping[str, Sequence[Any]], across: str, down: str
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Mean objective by the values of two parameters, NaN where nothing was tried. Shape (down, across)."""
    grid = np.full((len(lists[down]), len(lists[across])), np.nan)
    for i, one in enumerate(lists[down]):
        for j, other in enumerate(lists[across]):
            fitting = [o.objective for o in ranking if o.values[down] == one and o.values[across] == other]
            if fitting:
                grid[i, j] = float(np.mean(fitting))
    return grid
