"""One sentence about a run: it says what the intervals say, and nothing more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avexplore.analysis.headline import Change, change, headline
from avexplore.analysis.loaded_run import LoadedRun
from avexplore.artifacts import RetrievalReport
from avexplore.retrieval import evaluate
from avexplore.retrieval.evaluation import completed
from avexplore.retrieval.significance import Interval


def between(low: float, high: float) -> Change:
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
    found = headline(between(*annotated), None if hidden is None else between(*hidden), 480)
    assert says in found.verdict
    assert ("unannotated events" in found.figures) is (hidden is not None)
    assert found.figures.endswith("480 test clips, one seed")


def test_the_figures_of_single_clips_add_up_to_the_reported_ones(loaded: LoadedRun) -> None:
    before, after = (evaluate(one, loaded.clips, "test") for one in (loaded.before, loaded.after))
    for figure in ("map", "map_audio_to_visual", "any_label_map", "hidden_pair_ap", "recovered_false_negatives"):
        assert np.nanmean(after.of_clips(figure)) == pytest.approx(after.metrics[figure])
        found = change(before, after, figure)
        assert found is not None
        assert (found.before, found.after) == (before.metrics[figure], after.metrics[figure])
        assert found.difference.mean == pytest.approx(found.after - found.before)
        assert found.difference.low <= found.difference.mean <= found.difference.high


def test_what_is_hidden_is_compared_only_where_it_is_known(loaded: LoadedRun) -> None:
    blind = replace(loaded.clips, true_labels=None)
    reports = [evaluate(one, blind, "test") for one in (loaded.before, loaded.after)]
    assert change(*reports, "hidden_pair_ap") is None
    assert change(*reports, "map") is not None


def test_a_clip_without_such_an_answer_counts_in_no_mean() -> None:
    nan, none = np.nan, np.zeros((2, 0))
    report = RetrievalReport(
        {"hidden_pair_ap": 0.5}, none, none[0].astype(int), none, none, np.zeros((2, 3)), np.arange(3), (),
        {"hidden_pair_ap": np.array([[0.2, nan, nan], [0.6, 0.5, nan]])},
    )  # fmt: skip
    np.testing.assert_allclose(report.of_clips("hidden_pair_ap"), [0.4, 0.5, nan])
    assert report.of_clips("clip_mrr") is None
    empty = replace(report, per_query={"hidden_pair_ap": np.full((2, 3), nan)})
    assert change(empty, empty, "hidden_pair_ap") is None


def test_a_report_that_an_earlier_version_stored_is_completed(loaded: LoadedRun) -> None:
    now = evaluate(loaded.after, loaded.clips, "test")
    then = replace(now, per_query={})
    assert completed(now, loaded.after, loaded.clips, "test") is now
    found = completed(then, loaded.after, loaded.clips, "test")
    assert found.metrics == then.metrics
    np.testing.assert_array_equal(found.of_clips("hidden_pair_ap"), now.of_clips("hidden_pair_ap"))
