"""Every coloring says in words what it shows, and accounts for every point."""

from __future__ import annotations

import numpy as np
import pytest

from avexplore.analysis.loaded_run import LoadedRun
from avexplore.drawing.maps import colors as colors


def test_class_colors_give_the_first_turns_to_the_classes_that_moved_most() -> None:
    labels = np.arange(30) % 10
    drift = np.concatenate([labels / 10, labels / 10])
    paint = colors.by_class(labels, tuple("ABCDEFGHIJ"), drift)
    assert paint.lit == (9, 8, 7, 6, 5, 4, 3)
    assert [entry.count for entry in paint.legend] == [6] * 10
    assert paint.code.tolist() == [*labels, *labels]


def test_a_class_without_clips_gets_no_turn() -> None:
    paint = colors.by_class(np.array([1, 1]), ("A", "B", "C"), np.ones(4))
    assert paint.lit == (1,)


def test_steps_cover_all_values_and_their_borders_are_in_the_words() -> None:
    values = np.array([0.0, 0.1, 0.5, 0.99, 1.0])
    paint = colors.by_steps("drift", values, (0.1, 0.5), "neighbors lost")
    assert paint.code.tolist() == [0, 1, 2, 2, 2]
    assert [entry.name for entry in paint.legend] == ["0 to 0.1", "0.1 to 0.5", "0.5 to 1"]
    assert sum(entry.count for entry in paint.legend) == len(values)


def test_first_answers_are_told_apart_by_which_student_got_them_right() -> None:
    before, after = np.array([True, False, False, True]), np.array([True, False, True, False])
    paint = colors.by_first_answer(before, after)
    names = [paint.legend[code].name for code in paint.code]
    assert names == ["right in both", "wrong in both", "right with LIR only", "right without LIR only"]


def test_first_answers_agree_with_a_loop_whatever_the_chunk() -> None:
    rng = np.random.default_rng(0)
    queries, gallery, labels = rng.normal(size=(25, 4)), rng.normal(size=(25, 4)), rng.integers(0, 3, 25)
    by_hand = [labels[max(range(25), key=lambda j: float(queries[i] @ gallery[j]))] == labels[i] for i in range(25)]
    for chunk in (1, 7, 100):
        assert colors.first_answer_right(queries, gallery, labels, chunk).tolist() == by_hand


def test_hidden_labels_are_counted_without_the_annotated_one(loaded: LoadedRun) -> None:
    rows = loaded.clips.rows("test")
    paint = colors.by_hidden_labels(loaded.clips, rows)
    truth = loaded.clips.true_labels
    assert truth is not None
    assert paint.code[: len(rows)].tolist() == [int(truth[row].sum()) - 1 for row in rows]


def test_hidden_labels_of_clips_without_any_are_refused(stories) -> None:  # type: ignore[no-untyped-def]
    clips = stories().clips
    bare = type(clips)(hard_label=clips.hard_label, classes=clips.classes, split=clips.split, clip_ids=clips.clip_ids)
    with pytest.raises(ValueError, match="hidden labels"):
        colors.by_hidden_labels(bare, np.arange(3))


@pytest.mark.parametrize("palette", [colors.PALETTE_LIGHT, colors.PALETTE_DARK])
def test_class_colors_are_far_apart_also_without_red_green_vision(palette: tuple[str, ...]) -> None:
    # Vienot, Brettel & Mollon (1999): what a deuteranope sees, in linear RGB
    seen = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])
    rgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in palette]) ** 2.2
    for view in (rgb, np.clip(rgb @ seen.T, 0, 1)):
        screen = view ** (1 / 2.2)
        gaps = np.linalg.norm(screen[:, None] - screen[None, :], axis=2) + np.eye(len(palette))
        assert gaps.min() > 0.08
