"""Every facet says in words what it tells apart, and accounts for every point."""

from __future__ import annotations

import numpy as np
import pytest

from avexplore.analysis.loaded_run import LoadedRun
from avexplore.drawing.maps import colors, facets
from avexplore.drawing.maps.class_groups import ClassGroups, class_groups

GROUPS = ClassGroups(np.array([1, 0, 0, -1]), ("B, C", "A"))


def test_of_many_classes_each_has_the_color_of_its_group() -> None:
    many = ClassGroups(np.r_[GROUPS.of, np.full(8, 1)], GROUPS.names)
    labels = np.array([0, 1, 2, 3, 1, 11])
    groups, classes = facets.by_group(labels, many), facets.by_class(labels, tuple("ABCDEFGHIJKL"), many)
    assert [groups.entries[code].name for code in groups.code] == ["A", "B, C", "B, C", "none", "B, C", "A"]
    for label, code in zip(labels, groups.code, strict=True):
        assert classes.entries[label].colors == groups.entries[code].colors
    assert classes.colors_of == groups.name
    assert groups.entries[-1].colors == colors.NEITHER


@pytest.mark.parametrize("groups", [GROUPS, ClassGroups(np.full(4, -1), ())])
def test_of_few_classes_each_has_a_color_of_its_own(groups: ClassGroups) -> None:
    classes = facets.by_class(np.arange(4), tuple("ABCD"), groups)
    assert len({entry.colors for entry in classes.entries}) == 4
    assert classes.colors_of == ""


def test_where_every_class_has_a_group_there_is_no_line_for_none() -> None:
    assert [entry.name for entry in facets.by_group(np.array([0, 1, 2]), GROUPS).entries] == ["B, C", "A"]
    nothing = ClassGroups(np.array([-1, -1]), ())
    assert [entry.name for entry in facets.by_group(np.array([0, 1]), nothing).entries] == ["none"]


def test_groups_are_those_of_the_class_graphs_layout(loaded: LoadedRun) -> None:
    from avexplore.artifacts import GraphStability
    from avexplore.drawing.class_graph.layout_candidates import layout_of

    count = len(loaded.graph.nodes)
    frequency = np.where(loaded.graph.adjacency | loaded.graph.adjacency.T, 0.9, 0.05) * (1 - np.eye(count))
    flat = np.zeros((count, count))
    stability = GraphStability(
        loaded.graph.nodes, frequency, flat, flat, flat, flat, 3, np.zeros(2), np.ones(2), np.zeros(2), "within-class"
    )
    found = class_groups(loaded.soft_labels, stability)
    assert found.of.tolist() == layout_of(loaded.soft_labels, stability, (500.0, 300.0)).named.tolist()
    assert len(found.names) == found.of.max() + 1


def test_without_bootstraps_groups_come_from_the_soft_labels_alone(loaded: LoadedRun) -> None:
    found = class_groups(loaded.soft_labels, None)
    assert len(found.of) == len(loaded.clips.classes)
    assert found.of.max() >= 0


def test_steps_cover_all_values_and_their_borders_are_in_the_words() -> None:
    found = facets.by_steps("drift", "Neighbors lost", np.array([0.0, 0.1, 0.5, 0.99, 1.0]), (0.1, 0.5))
    assert found.code.tolist() == [0, 1, 2, 2, 2]
    assert [entry.name for entry in found.entries] == ["under 10 %", "10 to 50 %", "50 % and more"]


def test_first_answers_are_told_apart_by_which_student_got_them_right() -> None:
    before, after = np.array([True, False, False, True]), np.array([True, False, True, False])
    found = facets.by_first_answer(before, after)
    names = [found.entries[code].name for code in found.code]
    assert names == ["right in both", "wrong in both", "right with LIR only", "right without LIR only"]
    more = facets.by_first_answer(before, after, others=1)
    said = [more.entries[code].name for code in more.code]
    assert said == [*names[:2], "not asked", *names[2:], "not asked"]


def test_first_answers_agree_with_a_loop_whatever_the_chunk() -> None:
    rng = np.random.default_rng(0)
    queries, gallery, labels = rng.normal(size=(25, 4)), rng.normal(size=(25, 4)), rng.integers(0, 3, 25)
    by_hand = [labels[max(range(25), key=lambda j: float(queries[i] @ gallery[j]))] == labels[i] for i in range(25)]
    for chunk in (1, 7, 100):
        assert facets.first_answer_right(queries, gallery, labels, chunk).tolist() == by_hand


def test_hidden_labels_are_counted_without_the_annotated_one(loaded: LoadedRun) -> None:
    rows = loaded.clips.rows("test")
    truth = loaded.clips.true_labels
    assert truth is not None
    assert facets.by_hidden_labels(loaded.clips, rows).code.tolist() == [int(truth[row].sum()) - 1 for row in rows]


def test_hidden_labels_of_clips_without_any_are_refused(stories) -> None:  # type: ignore[no-untyped-def]
    clips = stories().clips
    bare = type(clips)(hard_label=clips.hard_label, classes=clips.classes, split=clips.split, clip_ids=clips.clip_ids)
    with pytest.raises(ValueError, match="hidden labels"):
        facets.by_hidden_labels(bare, np.arange(3))


def test_a_facet_that_tells_nothing_apart_is_left_out_but_the_class_stays() -> None:
    labels = np.zeros(3, int)
    found = [facets.by_class(labels, tuple("ABCD"), GROUPS), facets.by_split(np.full(3, 2)), facets.by_modality(3)]
    assert [facet.name for facet in facets.telling(found)] == ["class", "modality"]
