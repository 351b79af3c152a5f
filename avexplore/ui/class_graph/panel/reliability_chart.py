"""The reliability curve of one class: how often it is there, by the probability that the teacher gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from avexplore.analysis.class_reliability import Reliability

HEIGHT = 250
_COLORS = {"annotated with it": "#2F86C1", "truly there": "#16986F"}
"""Readable on white and on black."""


def points(found: Reliability) -> list[dict[str, Any]]:
    """One point per bin and kind of knowledge, with Wilson's 95 % interval; bins without clips have none."""
    from scipy.stats import binomtest

    shares = {"annotated with it": found.annotated, "truly there": found.true}
    values = []
    for kind, share in shares.items():
        if share is None:
            continue
        for x, y, n in zip(found.confidence, share, found.count, strict=True):
            if n and np.isfinite(y):
                interval = binomtest(round(y * n), int(n)).proportion_ci(method="wilson")
                place = {"kind": kind, "given": float(x), "share": float(y), "clips": int(n)}
                values.append(place | {"low": float(interval.low), "high": float(interval.high)})
    return values


def in_words(found: Reliability) -> str:
    """The curve as a sentence, for screen readers."""
    words = [f"{one['share']:.0%} {one['kind']} where {one['given']:.2f} is given" for one in points(found)]
    return "; ".join(words) or "unknown"


def reliability_chart(found: Reliability) -> Any:
    """The curve as an Altair chart; the dashed line is a teacher that means what it says."""
    import altair as alt

    values = points(found)
    kinds = [kind for kind in _COLORS if any(one["kind"] == kind for one in values)]
    unit = alt.Scale(domain=[0, 1])
    axis = alt.Axis(values=[0, 0.5, 1], format=".1f")
    base = alt.Chart(alt.Data(values=values)).encode(  # type: ignore[no-untyped-call]
        x=alt.X("given:Q", title="Probability given", scale=unit, axis=axis),
        y=alt.Y("share:Q", title="Share of clips", scale=unit, axis=axis),
        color=alt.Color(
            "kind:N",
            title=None,
            scale=alt.Scale(domain=kinds, range=[_COLORS[kind] for kind in kinds]),
            legend=alt.Legend(orient="top", padding=0, symbolOpacity=1),
        ),
        tooltip=[
            alt.Tooltip("kind:N", title=" "),
            alt.Tooltip("given:Q", format=".2f"),
            alt.Tooltip("share:Q", format=".0%"),
            alt.Tooltip("low:Q", title="95 % from", format=".0%"),
            alt.Tooltip("high:Q", title="to", format=".0%"),
            alt.Tooltip("clips:Q"),
        ],
    )
    ideal = alt.Chart(alt.Data(values=[{"x": 0, "y": 0}, {"x": 1, "y": 1}]))  # type: ignore[no-untyped-call]
    diagonal = ideal.mark_line(color="#888888", strokeDash=[2, 4], strokeWidth=1).encode(x="x:Q", y="y:Q")
    sizes = alt.Size("clips:Q", legend=None, scale=alt.Scale(range=[18, 120]))
    return alt.layer(
        diagonal,
        base.mark_rule(opacity=0.45).encode(y="low:Q", y2="high:Q"),
        base.mark_line(strokeWidth=1.6),
        base.mark_point(filled=True, opacity=1).encode(size=sizes),
    ).properties(height=HEIGHT)
