"""Charts of the soft-labels page. Vega draws names as text, so that class names never become markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from avexplore.artifacts import FloatArray

if TYPE_CHECKING:
    import altair as alt

    from avexplore.calibration.reliability import ReliabilityDiagram

AUDIO, VISUAL = "#E69F00", "#0072B2"
"""Okabe-Ito blue and orange: what is heard, what is seen."""
LINES = {"light": ("#A86E00", "#0072B2"), "dark": ("#E69F00", "#56B4E9")}
"""The same for thin lines and small marks, audio first: at least 3 : 1 against the paper of each theme."""
_MODALITIES = ("Audio", "Visual")


def clip_bars(
    names: Sequence[str], probabilities: FloatArray, annotated: int, true: Sequence[int], *, most: int = 14
) -> Any:
    """One clip's soft labels in both modalities, the strongest classes first.

    Args:
        names: The C classes.
        probabilities: Audio first. Shape (2, C).
        annotated: Index of the annotated class, -1 if unknown.
        true: Classes known to be true but not annotated.
        most: How many classes to show; the annotated and true ones always are.
    """
    import altair as alt

    order = [int(c) for c in np.argsort(-probabilities.max(axis=0), kind="stable")]
    kept = order[:most] + [c for c in (annotated, *true) if c >= 0 and c not in order[:most]]
    marks = {annotated: " ✔"} | dict.fromkeys(true, " +")
    labels = {c: names[c] + marks.get(c, "") for c in kept}
    rows = [
        {"class": labels[c], "modality": _MODALITIES[m], "soft label": float(probabilities[m, c])}
        for c in kept
        for m in (0, 1)
    ]
    return (
        alt.Chart(_data(rows))
        .mark_bar()
        .encode(
            x=alt.X("soft label:Q", title="Soft label", scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("class:N", title=None, sort=[labels[c] for c in kept], axis=alt.Axis(labelLimit=190)),
            yOffset=alt.YOffset("modality:N", sort=list(_MODALITIES)),
            color=_modality_color(),
            tooltip=_tooltip("class:N", "modality:N", "soft label:Q"),
        )
        .properties(height=26 * len(kept) + 110)
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
) -> Any:
    """Matrices of equal shape side by side, on one color scale.

    Args:
        rows, columns: Names; names that repeat are told apart by their number.
        panels: Title and values of each matrix. NaN stays empty. Shape (R, C) each.
        row_title, column_title, value_title: Of the axes and of the color.
        without_diagonal: Leave the diagonal out, so that it does not outshine the rest.
    """
    import altair as alt

    row_names, column_names = _apart(rows), _apart(columns)
    values: list[dict[str, Any]] = []
    for title, matrix in panels.items():
        for i, j in np.argwhere(np.isfinite(matrix)):
            if not (without_diagonal and i == j):
                entry = {"panel": title, "row": row_names[i], "column": column_names[j], "value": float(matrix[i, j])}
                values.append(entry)
    step = 22 if len(row_names) <= 30 else 14
    return (
        alt.Chart(_data(values))
        .mark_rect()
        .encode(
            x=alt.X("column:N", title=column_title, sort=column_names, axis=_axis(angle=-60)),
            y=alt.Y("row:N", title=row_title, sort=row_names, axis=_axis()),
            color=alt.Color("value:Q", title=value_title, scale=alt.Scale(scheme="viridis", domainMin=0)),
            column=alt.Column("panel:N", title=None, sort=list(panels), header=alt.Header(labelFontSize=14)),
            tooltip=[
                alt.Tooltip("row:N", title=row_title),
                alt.Tooltip("column:N", title=column_title),
                alt.Tooltip("value:Q", title=value_title, format=".3f"),
            ],
        )
        .properties(width=max(220, 11 * len(column_names)), height=step * len(row_names))
    )


def reliability(diagrams: Mapping[str, ReliabilityDiagram], color: str) -> Any:
    """Accuracy over confidence, before and after calibration; the dashed line is a teacher that means what it says."""
    import altair as alt

    values = [
        {"when": when, "confidence": float(x), "accuracy": float(y), "clips": int(n)}
        for when, one in diagrams.items()
        for x, y, n in zip(one.confidence, one.accuracy, one.count, strict=True)
        if n > 0
    ]
    unit = alt.Scale(domain=[0, 1])
    names = list(diagrams)
    dashes = alt.Scale(domain=names, range=[[4, 3], [1, 0]][-len(names) :])
    # Hollow and dashed before, filled after: no fainter, so that both can be seen.
    fullness = alt.Scale(domain=names, range=[0.0, 1.0][-len(names) :])
    base = alt.Chart(_data(values)).encode(
        x=alt.X("confidence:Q", title="How sure the teacher is", scale=unit),
        y=alt.Y("accuracy:Q", title="How often it is right", scale=unit),
        tooltip=[
            alt.Tooltip("when:N", title=" "),
            alt.Tooltip("confidence:Q", format=".2f"),
            alt.Tooltip("accuracy:Q", format=".2f"),
            alt.Tooltip("clips:Q"),
        ],
    )
    ideal = alt.Chart(_data([{"x": 0, "y": 0}, {"x": 1, "y": 1}])).mark_line(
        color="#888888", strokeDash=[2, 4], strokeWidth=1
    )
    sizes = alt.Size("clips:Q", legend=None, scale=alt.Scale(range=[20, 240]))
    line = base.mark_line(color=color).encode(
        strokeDash=alt.StrokeDash("when:N", title=None, scale=dashes, legend=alt.Legend(orient="top"))
    )
    points = base.mark_point(stroke=color, fill=color, opacity=1).encode(
        size=sizes, fillOpacity=alt.FillOpacity("when:N", title=None, scale=fullness, legend=None)
    )
    return alt.layer(ideal.encode(x="x:Q", y="y:Q"), line, points).properties(height=400)


def counts(names: Sequence[str], table: Mapping[str, Sequence[int]], title: str) -> Any:
    """Stacked bars: one bar per class, one color per column of the table."""
    import altair as alt

    labels = _apart(names)
    rows = [
        {"class": label, "kind": kind, "clips": int(numbers[i]), "order": k}
        for k, (kind, numbers) in enumerate(table.items())
        for i, label in enumerate(labels)
    ]
    return (
        alt.Chart(_data(rows))
        .mark_bar()
        .encode(
            x=alt.X("clips:Q", title=title),
            y=alt.Y("class:N", title=None, sort=labels, axis=_axis()),
            color=alt.Color("kind:N", title=None, sort=list(table), legend=alt.Legend(orient="top")),
            order=alt.Order("order:Q"),
            tooltip=[alt.Tooltip("class:N"), alt.Tooltip("kind:N", title=" "), alt.Tooltip("clips:Q")],
        )
        .properties(height=22 * len(labels) + 110)
    )


def _data(values: list[dict[str, Any]]) -> Any:
    """Rows as a table, which Streamlit hands to the browser as it is; values in the chart's own JSON would be checked
    one by one against Vega's schema, half a second for a heat map."""
    import pandas as pd

    return pd.DataFrame(values)


def _modality_color() -> alt.Color:
    import altair as alt

    scale = alt.Scale(domain=list(_MODALITIES), range=[AUDIO, VISUAL])
    return alt.Color("modality:N", title=None, scale=scale, legend=alt.Legend(orient="top"))


def _axis(angle: int = 0) -> alt.Axis:
    import altair as alt

    return alt.Axis(
        labelLimit=170,
        labelAngle=angle,
        labelOverlap=False,
        labelFlush=False,
        labelBound=False,
        ticks=False,
        domain=False,
    )


def _tooltip(*fields: str) -> list[alt.Tooltip]:
    import altair as alt

    return [alt.Tooltip(f, format=".3f") if f.endswith(":Q") else alt.Tooltip(f) for f in fields]


def _apart(names: Sequence[str]) -> list[str]:
    """Names that repeat get a number, since Vega would draw them as one."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result
