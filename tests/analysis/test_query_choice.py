"""Queries come in the order that their name promises."""

from __future__ import annotations

import numpy as np
import pytest

from avexplore.analysis.query_choice import OFFERED, Pick, candidates, changes
from avexplore.artifacts import Clips


@pytest.fixture
def clips() -> Clips:
    n = 12
    return Clips(
        hard_label=np.arange(n) % 3,
        classes=("A", "B", "C"),
        split=np.full(n, 2),
        clip_ids=tuple(str(i) for i in range(n)),
    )


CHANGE = {i: (0.5, 0.5 + (i - 6) / 20) for i in range(12)}


def test_best_and_worst_change_lead_their_lists(clips: Clips) -> None:
    assert candidates(clips, "gained", CHANGE) == list(range(11, -1, -1))
    assert candidates(clips, "lost", CHANGE) == list(range(12))


def test_a_class_offers_its_own_clips_by_size_of_change(clips: Clips) -> None:
    assert candidates(clips, "class", CHANGE, label=1) == [1, 10, 4, 7]


def test_a_draw_is_repeatable_and_another_seed_draws_anew(clips: Clips) -> None:
    first, again, other = (candidates(clips, "random", CHANGE, seed=s) for s in (1, 1, 2))
    assert first == again != other
    assert sorted(first) == sorted(other) == list(range(12))


def test_the_lasso_offers_what_was_drawn_around_and_is_in_the_gallery(clips: Clips) -> None:
    assert candidates(clips, "lasso", CHANGE, lasso=(3, 99, 8)) == [3, 8]
    assert candidates(clips, "lasso", CHANGE) == []


@pytest.mark.parametrize("pick", ["own", "gained"])
def test_nothing_is_offered_where_nothing_can_be_asked(clips: Clips, pick: Pick) -> None:
    assert candidates(clips, pick, {} if pick == "gained" else CHANGE) == []


def test_long_lists_are_cut() -> None:
    n = OFFERED + 50
    many = Clips(
        hard_label=np.arange(n) % 2,
        classes=("A", "B"),
        split=np.zeros(n, int),
        clip_ids=tuple(str(i) for i in range(n)),
    )
    assert len(candidates(many, "gained", dict.fromkeys(range(n), (0.0, 0.1)))) == OFFERED


def test_changes_pair_the_two_reports_by_clip(made) -> None:  # type: ignore[no-untyped-def]
    from avexplore.config import EvaluationConfig
    from avexplore.store import Store

    store = Store(made.home)
    before, after = (store.get(EvaluationConfig(s)).artifact for s in (made.student.twin, made.student))
    found = changes(before, after, "visual-to-audio")
    row = int(before.rows[2])
    assert found[row] == (before.average_precision[1, 2], after.average_precision[1, 2])
