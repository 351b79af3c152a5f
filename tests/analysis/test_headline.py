"""One sentence about a run: it says what the intervals say, and nothing more."""

from __future__ import annotations

import numpy as np
import pytest

from avexplore.analysis.headline import Change, headline, hidden_change, map_change
from avexplore.analysis.loaded_run import LoadedRun
from avexplore.retrieval import evaluate
from avexplore.retrieval.evaluation import hidden_pair_precision
from avexplore.retrieval.significance import Interval


def change(low: float, high: float) -> Change:
    middle = (low + high) / 2
    return Change(0.4, 0.4 + middle, Interval(middle, low, high, 100))


@pytest.mark.parametrize(
    ("annotated", "hidden", "says"),
    [
        ((-0.01, 0.01), (0.01, 0.03), "LIR finds 2.0 points more of the pairs that nobody annotated; what was"),
        ((0.01, 0.03), (0.01, 0.03), "found better, too, by 2.0 points"),
        ((-0.03, -0.01), (-0.01, 0.01), "LIR does not change how well pairs are found that nobody annotated; what"),
        ((-0.01, 0.01), (-0.3, -0.1), "LIR finds 20 points less of the pairs"),
        ((-0.01, 0.01), None, "LIR leaves retrieval as good as it was."),
        ((-0.015, -0.005), None, "LIR makes retrieval worse, by 1 point."),
        ((0.01, 0.03), None, "LIR improves retrieval by 2.0 points."),
    ],
)  # fmt: skip
def test_the_sentence_follows_from_the_intervals(
    annotated: tuple[float, float], hidden: tuple[float, float] | None, says: str
) -> None:
    found = headline(change(*annotated), None if hidden is None else change(*hidden), 480)
    assert says in found.verdict
    assert ("unannotated events" in found.figures) is (hidden is not None)
    assert found.figures.endswith("480 test clips, one seed")


def test_the_figures_of_single_queries_add_up_to_the_reported_ones(loaded: LoadedRun) -> None:
    report = evaluate(loaded.after, loaded.clips, "test")
    single = hidden_pair_precision(loaded.after, loaded.clips)
    assert np.nanmean(single) == pytest.approx(report.metrics["hidden_pair_ap"])
    found = map_change(evaluate(loaded.before, loaded.clips, "test"), report)
    assert found.after == report.metrics["map"]
    assert found.difference.mean == pytest.approx(found.after - found.before)


def test_what_is_hidden_is_compared_only_where_it_is_known(loaded: LoadedRun) -> None:
    from dataclasses import replace

    found = hidden_change(loaded.before, loaded.after, loaded.clips)
    assert found is not None
    assert found.difference.low <= found.difference.mean <= found.difference.high
    assert hidden_change(loaded.before, loaded.after, replace(loaded.clips, true_labels=None)) is None
