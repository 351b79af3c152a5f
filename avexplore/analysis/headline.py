"""What came out of a run, in one sentence, by intervals over its queries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avexplore.artifacts import RetrievalReport
from avexplore.retrieval.significance import Interval, paired_difference

POINT = 0.01
"""A hundredth of a figure between 0 and 1."""


@dataclass(frozen=True)
class Headline:
    """The verdict, and the figures behind it."""

    verdict: str
    figures: str


@dataclass(frozen=True)
class Change:
    """One figure without and with LIR, and its difference with an interval over queries."""

    before: float
    after: float
    difference: Interval

    @property
    def direction(self) -> int:
        """1 or -1 where the interval leaves no doubt, else 0."""
        return int(self.difference.low > 0) - int(self.difference.high < 0)


def change(before: RetrievalReport, after: RetrievalReport, figure: str) -> Change | None:
    """A figure of the same clips twice; None where it is not known of single clips, or of none of them.

    Args:
        before, after: Without and with LIR.
        figure: As in `RetrievalReport.metrics`, such as "map" or "hidden_pair_ap".
    """
    one, other = before.of_clips(figure), after.of_clips(figure)
    if one is None or other is None or np.isnan(one).all():
        return None
    return Change(before.metrics[figure], after.metrics[figure], paired_difference(other, one))


def headline(annotated: Change, hidden: Change | None, clips: int) -> Headline:
    """Say what LIR did.

    Args:
        annotated: MAP.
        hidden: Hidden-pair AP; None where it is not known.
        clips: How many test clips there are.

    >>> same = Change(0.419, 0.419, Interval(0.0, -0.003, 0.004, 480))
    >>> more = Change(0.39, 0.408, Interval(0.018, 0.016, 0.02, 300))
    >>> headline(same, more, 480).verdict
    'LIR finds 1.8 points more of the pairs that nobody annotated; what was annotated is found as well as before.'
    """
    size = _points(annotated)
    kept = {
        0: "what was annotated is found as well as before",
        1: f"what was annotated is found better, too, by {size}",
        -1: f"what was annotated is found less well, by {size}",
    }[annotated.direction]
    alone = {
        0: "LIR leaves retrieval as good as it was",
        1: f"LIR improves retrieval by {size}",
        -1: f"LIR makes retrieval worse, by {size}",
    }[annotated.direction]
    if hidden is None:
        verdict = f"{alone}."
    else:
        found = {
            0: "LIR does not change how well pairs are found that nobody annotated",
            1: f"LIR finds {_points(hidden)} more of the pairs that nobody annotated",
            -1: f"LIR finds {_points(hidden)} less of the pairs that nobody annotated",
        }[hidden.direction]
        verdict = f"{found}; {kept}."
    parts = [f"MAP {_in_words(annotated)}"]
    if hidden is not None:
        parts.insert(0, f"Average precision of pairs that share only unannotated events {_in_words(hidden)}")
    return Headline(verdict, " · ".join([*parts, f"{clips:,} test clips, one seed"]))


def _points(change: Change) -> str:
    """How large a difference is.

    >>> [_points(Change(0.4, 0.4, Interval(mean, 0.0, 0.2, 9))) for mean in (0.0002, 0.01, 0.018, 0.12)]
    ['less than 0.1 points', '1 point', '1.8 points', '12 points']
    """
    size = abs(change.difference.mean) / POINT
    if size < 0.05:
        return "less than 0.1 points"
    text = f"{size:.0f}" if size >= 9.95 else f"{size:.1f}"
    return f"{text} point{'' if text == '1.0' else 's'}".replace("1.0 point", "1 point")


def _in_words(change: Change) -> str:
    low, high = (f"{value:+.3f}".replace("-", "−") for value in (change.difference.low, change.difference.high))
    shown = f"{change.before:.3f} → {change.after:.3f}"
    return f"{shown}, {'' if change.direction else 'no clear difference, '}95 % {low} to {high}"
