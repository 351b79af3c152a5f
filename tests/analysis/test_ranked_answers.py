"""Ranks, kinds and reasons on the page, against definitions spelled out in loops."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from avexplore.analysis import ranked_answers
from avexplore.analysis.loaded_run import LoadedRun
from avexplore.analysis.ranked_answers import KINDS, Direction, Kind
from avexplore.config import StudentConfig


@pytest.mark.parametrize("direction", get_args(Direction))
def test_answers_are_ranked_by_cosine_in_the_asked_direction(loaded: LoadedRun, direction: Direction) -> None:
    gallery = loaded.clips.rows("test")
    clip = int(gallery[3])
    query = ranked_answers.from_clip(loaded, clip, direction)
    answers = ranked_answers.ask(loaded, query, gallery)
    asks, gives = ("audio", "visual") if direction == "audio-to-visual" else ("visual", "audio")
    for when, embeddings in enumerate((loaded.before, loaded.after)):
        scores = getattr(embeddings, gives)[gallery] @ getattr(embeddings, asks)[clip]
        ranked = scores[answers.order[when]]
        assert (np.diff(ranked) <= 1e-6).all()
        assert answers.similarity[when] == pytest.approx(ranked, abs=1e-6)
        assert (answers.place[when][answers.order[when]] == np.arange(1, len(gallery) + 1)).all()
        relevant = loaded.clips.hard_label[gallery] == loaded.clips.hard_label[clip]
        assert answers.precision[when] == pytest.approx(average_precision_score(relevant, scores), abs=1e-6)


def test_kinds_tell_annotated_hidden_and_wrong_apart(loaded: LoadedRun) -> None:
    gallery = loaded.clips.rows("test")
    truth = loaded.clips.true_labels
    assert truth is not None
    query = next(int(c) for c in gallery if truth[c].sum() > 1)
    for clip, kind in zip(gallery, ranked_answers.kinds_of(loaded.clips, query, gallery), strict=True):
        if loaded.clips.hard_label[clip] == loaded.clips.hard_label[query]:
            assert kind == "relevant"
        else:
            assert kind == ("related" if set(truth[clip].nonzero()[0]) & set(truth[query].nonzero()[0]) else "wrong")


def test_without_hidden_labels_nothing_is_called_wrong(loaded: LoadedRun) -> None:
    clips = replace(loaded.clips, true_labels=None)
    kinds = ranked_answers.kinds_of(clips, 0, np.arange(20))
    assert set(kinds) == {"relevant", "other"}
    assert set(ranked_answers.kinds_of(clips, None, np.arange(20))) == {"unknown"}


def test_kinds_differ_in_shape_color_and_word() -> None:
    assert set(KINDS) == set(get_args(Kind))
    told = [KINDS[kind] for kind in ("relevant", "related", "wrong", "other")]
    assert len({k.sign for k in told}) == len({k.colors for k in told}) == len({k.word for k in told}) == 4


@pytest.mark.parametrize("direction", get_args(Direction))
def test_pair_strength_is_the_sum_over_all_class_pairs(loaded: LoadedRun, direction: Direction) -> None:
    c, query, gallery = len(loaded.clips.classes), 4, np.arange(6)
    strength = ranked_answers.pair_strength(loaded, direction, query, gallery)
    for place, clip in enumerate(gallery):
        audio, visual = (query, clip) if direction == "audio-to-visual" else (clip, query)
        by_hand = sum(
            loaded.probabilities[0, audio, i] * loaded.affinity.weights[i, c + j] * loaded.probabilities[1, visual, j]
            for i in range(c)
            for j in range(c)
        )
        assert strength[place] == pytest.approx(by_hand, rel=1e-5)
        found = ranked_answers.links(loaded, int(audio), int(visual), count=c * c)
        assert sum(link.strength for link in found) == pytest.approx(by_hand, abs=1e-4 * c * c)
        assert [link.strength for link in found] == sorted((link.strength for link in found), reverse=True)


def test_soft_labels_up_to_tau_link_nothing(loaded: LoadedRun) -> None:
    regularizer = replace(loaded.student.lir, tau=1.0)
    student: StudentConfig = replace(loaded.student, regularizer=regularizer)
    silent = replace(loaded, student=student)
    assert ranked_answers.links(silent, 0, 1) == []
    assert not ranked_answers.pair_strength(silent, "audio-to-visual", 0, np.arange(5)).any()


def test_edges_are_read_from_the_first_node(loaded: LoadedRun) -> None:
    graph = loaded.graph
    i, j = (int(v) for v in np.argwhere((graph.adjacency == 1) & (graph.adjacency.T == 0))[0])
    both = np.argwhere((graph.adjacency == 1) & (graph.adjacency.T == 1))[0]
    assert ranked_answers.edge_between(loaded, graph.nodes[i], graph.nodes[j]) == "→"
    assert ranked_answers.edge_between(loaded, graph.nodes[j], graph.nodes[i]) == "←"
    assert ranked_answers.edge_between(loaded, *(graph.nodes[int(v)] for v in both)) == "—"
    assert ranked_answers.edge_between(loaded, graph.nodes[0], graph.nodes[1]) == ""
    assert ranked_answers.edge_between(loaded, "audio:Nobody", graph.nodes[1]) == ""
