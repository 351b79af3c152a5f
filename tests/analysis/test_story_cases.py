"""A story is told only if the run holds it, and the counts beside it are true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avexplore.analysis import ranked_answers
from avexplore.analysis.loaded_run import LoadedRun
from avexplore.analysis.opening_question import opening_question
from avexplore.analysis.story_cases import FOUND_FROM, GOOD_RANK, find_cases
from avexplore.artifacts import GraphStability
from avexplore.ui.story.page import _mark


def test_every_good_case_holds_the_whole_story(loaded: LoadedRun) -> None:
    gallery = loaded.clips.rows("test")
    cases = find_cases(loaded, gallery)
    assert cases.good
    truth, labels = loaded.clips.true_labels, loaded.clips.hard_label
    assert truth is not None
    for case in cases.good:
        assert case.clip in gallery
        assert truth[case.clip, case.event]
        assert labels[case.clip] != case.event
        side = ("audio", "visual").index(case.modality)
        assert case.probability == pytest.approx(float(loaded.probabilities[side, case.clip, case.event]))
        assert case.probability == loaded.probabilities[:, case.clip, case.event].max() >= FOUND_FROM
        i, j = (loaded.affinity.nodes.index(name) for name in case.nodes)
        assert i % len(loaded.clips.classes) == labels[case.clip]
        assert j % len(loaded.clips.classes) == case.event
        assert case.weight == max(loaded.affinity.weights[i, j], loaded.affinity.weights[j, i]) > 0
        assert case.edge == ranked_answers.edge_between(loaded, *case.nodes)
        assert labels[case.answer] == case.event


def test_the_edge_told_ends_where_the_event_was_found(loaded: LoadedRun) -> None:
    cases = find_cases(loaded, loaded.clips.rows("test"))
    assert {case.modality for case in cases.good} == {"audio", "visual"}
    assert all(case.nodes[1].startswith(case.modality) for case in cases.good)


def test_lists_that_improve_are_told_first_and_counted_over_all_questions(loaded: LoadedRun) -> None:
    gallery = loaded.clips.rows("test")
    cases = find_cases(loaded, gallery)
    truth = loaded.clips.true_labels
    assert truth is not None
    for case in cases.good:
        query = ranked_answers.from_clip(loaded, case.clip, case.direction)
        answers = ranked_answers.ask(loaded, query, gallery)
        right = [
            sum((truth[answers.gallery[i]] & truth[case.clip]).any() for i in answers.order[when][:10])
            for when in (0, 1)
        ]
        assert list(case.right) == right
        assert case.precision == pytest.approx(tuple(answers.precision))
    assert cases.good[0].improves
    assert cases.improved == sum(
        case.right[1] > case.right[0] and case.precision[1] >= case.precision[0] for case in cases.good
    )
    assert cases.tally == opening_question(loaded.before, loaded.after, loaded.clips).tally


def test_an_edge_beyond_the_null_model_is_told_before_a_heavier_one(loaded: LoadedRun) -> None:
    """The heaviest pairs cross modalities; only those within one are beyond the null model here."""
    gallery = loaded.clips.rows("test")
    within = np.kron(np.eye(2, dtype=bool), np.ones((len(loaded.clips.classes),) * 2, dtype=bool))
    assert any(len({name.split(":")[0] for name in case.nodes}) == 2 for case in find_cases(loaded, gallery).good)
    told = find_cases(loaded, gallery, within).good
    assert told
    for case in told:
        assert {name.split(":")[0] for name in case.nodes} == {case.modality}
    nothing = find_cases(loaded, gallery, np.zeros_like(within))
    assert [case.nodes for case in nothing.good] == [case.nodes for case in find_cases(loaded, gallery).good]


def test_plain_edges_are_told_first(loaded: LoadedRun) -> None:
    gallery = loaded.clips.rows("test")
    some = np.zeros((2 * len(loaded.clips.classes),) * 2, dtype=bool)
    for name in find_cases(loaded, gallery).good[-1].nodes:
        some[loaded.affinity.nodes.index(name)] = True
    told = find_cases(loaded, gallery, some | some.T).good
    assert any(name in told[0].nodes for name in find_cases(loaded, gallery).good[-1].nodes)


def test_the_ranks_told_are_those_of_the_retrieval_page(loaded: LoadedRun) -> None:
    gallery = loaded.clips.rows("test")
    for case in find_cases(loaded, gallery).good[:3]:
        query = ranked_answers.from_clip(loaded, case.clip, case.direction)
        answers = ranked_answers.ask(loaded, query, gallery)
        place = int(np.flatnonzero(gallery == case.answer)[0])
        assert [case.rank_before, case.rank_after] == [int(answers.place[when][place]) for when in (0, 1)]
        assert case.rank_after <= GOOD_RANK
        assert case.rank_after < case.rank_before
        related = (loaded.clips.hard_label[gallery] == case.event) & (gallery != case.clip)
        means = [float(answers.place[when][related].mean() / len(gallery)) for when in (0, 1)]
        assert [case.related_before, case.related_after] == pytest.approx(means)


def test_the_counts_are_those_of_a_loop(loaded: LoadedRun) -> None:
    gallery = loaded.clips.rows("test")
    cases = find_cases(loaded, gallery)
    truth = loaded.clips.true_labels
    assert truth is not None
    hidden = [(c, e) for c in gallery for e in truth[c].nonzero()[0] if e != loaded.clips.hard_label[c]]
    assert cases.events == len(hidden)
    assert cases.found == sum(loaded.probabilities[:, c, e].max() >= FOUND_FROM for c, e in hidden)
    assert cases.lifted <= cases.linked <= cases.found <= cases.events
    assert cases.truth_known


def test_equal_students_have_no_story(loaded: LoadedRun) -> None:
    same = replace(loaded, after=loaded.before)
    cases = find_cases(same, same.clips.rows("test"))
    assert cases.good == ()
    assert cases.lifted == 0


def test_a_graph_without_weights_has_no_story(loaded: LoadedRun) -> None:
    empty = replace(loaded.affinity, weights=np.zeros_like(loaded.affinity.weights))
    cases = find_cases(replace(loaded, affinity=empty), loaded.clips.rows("test"))
    assert (cases.good, cases.linked) == ((), 0)
    assert cases.found > 0


def test_without_hidden_labels_events_are_suspected_not_confirmed(loaded: LoadedRun) -> None:
    bare = replace(loaded, clips=replace(loaded.clips, true_labels=None))
    cases = find_cases(bare, bare.clips.rows("test"))
    assert not cases.truth_known
    assert cases.events == cases.found
    assert not any(case.confirmed for case in cases.good)


def test_the_next_case_is_another_clip(loaded: LoadedRun) -> None:
    clips = [case.clip for case in find_cases(loaded, loaded.clips.rows("test")).good]
    assert len(set(clips)) == len(clips)


def test_the_story_points_only_where_the_bootstraps_agree(loaded: LoadedRun) -> None:
    case = find_cases(loaded, loaded.clips.rows("test")).good[0]
    nodes, none = case.nodes, np.zeros((2, 2))

    def drawn(edge: str, forth: float, back: float) -> str:
        turned = np.array([[0.0, forth], [back, 0.0]])
        stability = GraphStability(nodes, none, turned, none, none, none, 20, np.ones(2), np.ones(2), np.ones(2))
        return _mark(stability, replace(case, edge=edge))

    assert [drawn("→", 1.0, 0.0), drawn("→", 0.5, 0.5), drawn("→", 0.0, 1.0)] == ["→", "—", "—"]
    assert [drawn("←", 0.0, 1.0), drawn("←", 0.5, 0.5)] == ["←", "—"]
    assert [drawn("—", 1.0, 0.0), drawn("", 1.0, 0.0)] == ["—", ""]
    assert _mark(None, replace(case, edge="→")) == "→"
