"""How often a teacher is right, by how sure it is: reliability diagrams as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from avexplore.calibration.reliability import ReliabilityDiagram

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class Curve:
    """One diagram in the picture; a dashed one has hollow points, no fainter, so that both can be seen."""

    name: str
    diagram: ReliabilityDiagram
    color: str
    is_dashed: bool = False


def intervals(diagram: ReliabilityDiagram) -> list[tuple[float, float]]:
    """Wilson's 95 % interval of the accuracy of each bin that has clips."""
    from scipy.stats import binomtest

    filled = diagram.count > 0
    tests = [
        binomtest(round(share * n), int(n)).proportion_ci(method="wilson")
        for share, n in zip(diagram.accuracy[filled], diagram.count[filled], strict=True)
    ]
    return [(float(found.low), float(found.high)) for found in tests]


def in_words(curves: Sequence[Curve]) -> str:
    """The curves as a sentence, for screen readers."""
    words = [
        f"{share:.0%} {curve.name} where {given:.2f} is given"
        for curve in curves
        for given, share, n in zip(curve.diagram.confidence, curve.diagram.accuracy, curve.diagram.count, strict=True)
        if n
    ]
    return "; ".join(words) or "unknown"


def reliability_chart(curves: Sequence[Curve], x_title: str, y_title: str, height: int) -> go.Figure:
    """Accuracy over confidence with 95 % intervals; the dotted line is a teacher that means what it says."""
    import plotly.graph_objects as go

    figure = go.Figure(
        go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": "#888888", "width": 1, "dash": "dot"},
                   hoverinfo="skip", showlegend=False)
    )  # fmt: skip
    most = max((int(curve.diagram.count.max(initial=1)) for curve in curves), default=1)
    for curve in curves:
        filled = curve.diagram.count > 0
        given, share, count = (getattr(curve.diagram, name)[filled] for name in ("confidence", "accuracy", "count"))
        limits = np.array(intervals(curve.diagram)).reshape(-1, 2)
        figure.add_scatter(
            x=given,
            y=share,
            name=curve.name,
            mode="lines+markers",
            line={"color": curve.color, "width": 2, "dash": "dash" if curve.is_dashed else "solid"},
            marker={
                "size": 5 + 11 * np.sqrt(count / most),
                "color": "rgba(0,0,0,0)" if curve.is_dashed else curve.color,
                "line": {"color": curve.color, "width": 1.5},
            },
            error_y={
                "array": limits[:, 1] - share, "arrayminus": share - limits[:, 0], "color": curve.color, "thickness": 1,
            },
            customdata=np.column_stack([count, limits]),
            hovertemplate=(
                f"{curve.name}<br>given %{{x:.2f}}, right %{{y:.0%}} (%{{customdata[1]:.0%}} to "
                "%{customdata[2]:.0%})<br>%{customdata[0]:,} clips<extra></extra>"
            ),
        )  # fmt: skip
    unit = {"range": [-0.03, 1.03], "tickvals": [0, 0.25, 0.5, 0.75, 1]}
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"title": x_title, **unit},
        yaxis={"title": y_title, **unit},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    return figure
