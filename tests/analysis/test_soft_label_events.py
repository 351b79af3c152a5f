from __future__ import annotations

import numpy as np
import pytest

from avexplore.analysis import soft_label_events as numbers

PROBABILITIES = np.array(
    [
        [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]],
        [[0.5, 0.1, 0.4], [0.6, 0.3, 0.1], [0.1, 0.0, 0.9]],
    ]
)
HARD = np.array([0, 1, 2])
ALL = np.arange(3)


@pytest.mark.parametrize(
    ("ear", "first"),
    [("audio", [0.7, 0.2, 0.1]), ("visual", [0.5, 0.1, 0.4]), ("either", [0.7, 0.2, 0.4]), ("both", [0.5, 0.1, 0.1])],
)
def test_strength_joins_the_modalities(ear: numbers.Ear, first: list[float]) -> None:
    assert numbers.strength(PROBABILITIES, ear)[0].tolist() == first


def test_unannotated_events_come_strongest_first_and_leave_the_annotation_out() -> None:
    strengths = numbers.strength(PROBABILITIES, "either")
    found = numbers.unannotated_events(strengths, HARD, ALL, at_least=0.25)
    pairs = list(zip(found.clip.tolist(), found.event.tolist(), strict=True))
    assert pairs == [(1, 0), (0, 2), (2, 0), (2, 1)]
    assert found.strength.tolist() == [0.6, 0.4, 0.3, 0.3]


def test_events_can_be_narrowed() -> None:
    strengths = numbers.strength(PROBABILITIES, "either")
    assert numbers.unannotated_events(strengths, HARD, ALL, annotated=1).clip.tolist() == [1, 1]
    assert set(numbers.unannotated_events(strengths, HARD, ALL, event=0).event.tolist()) == {0}
    assert len(numbers.unannotated_events(strengths, HARD, ALL, most=2).clip) == 2
    assert len(numbers.unannotated_events(strengths, HARD, np.array([2]), at_least=0.31).clip) == 0
    assert numbers.unannotated_events(strengths, HARD, np.array([2])).clip.tolist() == [2, 2]


def test_without_annotations_every_class_counts() -> None:
    found = numbers.unannotated_events(PROBABILITIES[0], np.full(3, -1), ALL, at_least=0.5)
    assert list(zip(found.clip.tolist(), found.event.tolist(), strict=True)) == [(1, 1), (0, 0)]


def test_missed_annotations_come_weakest_first() -> None:
    found = numbers.missed(PROBABILITIES[1], HARD, ALL)
    assert found.clip.tolist() == [1, 0, 2]
    assert found.strength.tolist() == [0.3, 0.5, 0.9]


def test_company_is_the_mean_by_annotated_class() -> None:
    values = np.array([[0.8, 0.2], [0.4, 0.6], [0.1, 0.9]])
    found = numbers.mean_by_annotation(values, np.array([0, 0, -1]), ALL)
    assert found[0].tolist() == pytest.approx([0.6, 0.4])
    assert np.isnan(found[1]).all()


def test_conditional_agrees_with_counting() -> None:
    labels = np.random.default_rng(0).random((50, 4)) < 0.4
    labels[:, 3] = False
    found = numbers.conditional(labels, np.arange(50))
    for i in range(3):
        for j in range(4):
            assert found[i, j] == pytest.approx(labels[labels[:, i], j].mean())
    assert np.isnan(found[3]).all()


def test_summaries_count_what_is_there() -> None:
    true = np.array([[True, False, True], [True, True, False], [False, False, True]])
    first, second, third = numbers.summarize(PROBABILITIES, HARD, ALL, true, presence="either", at_least=0.3)
    assert (first.annotated, first.true, first.elsewhere) == (1, 2, 2)
    assert first.right == 0.5, "clip 1 truly holds class 0, clip 2 does not"
    assert (first.own_audio, first.first_audio) == (0.7, 1.0)
    assert (second.first_audio, second.first_visual) == (1.0, 0.0)
    assert third.right == 1.0
    unknown = numbers.summarize(PROBABILITIES, HARD, ALL, None, presence="either", at_least=0.3)[0]
    assert unknown.true == -1
    assert np.isnan(unknown.right)


def test_a_reliability_diagram_by_hand() -> None:
    """Two clips at 0.9, one right; two at 0.6, both right: ECE = (2 * 0.4 + 2 * 0.4) / 4."""
    values = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]])
    found = numbers.diagram(values, np.array([0, 1, 0, 1]), np.arange(4), bins=10)
    assert found.error == pytest.approx(0.4)
    assert found.count[[5, 8]].tolist() == [2, 2]
    assert found.accuracy[[5, 8]].tolist() == [1.0, 0.5]
    assert np.isnan(found.confidence[0])
