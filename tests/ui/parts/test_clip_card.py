"""What a clip's card says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avexplore.analysis import clip_labels
from avexplore.analysis.loaded_run import LoadedRun
from avexplore.ui.parts import clip_media


def test_the_annotation_leads_then_hidden_labels_then_the_teachers_guesses(loaded: LoadedRun) -> None:
    truth = loaded.clips.true_labels
    assert truth is not None
    clip = int(np.flatnonzero(truth.sum(axis=1) == 2)[0])
    lines = clip_labels.label_lines(loaded.soft_labels, loaded.clips, clip, 5)
    assert [line.status for line in lines] == ["annotated", "true, not annotated", "", "", ""]
    guesses = [max(line.audio, line.visual) for line in lines[2:]]
    assert guesses == sorted(guesses, reverse=True)
    names = [line.name for line in lines]
    assert len(set(names)) == 5
    place = loaded.clips.classes.index(names[1])
    assert (lines[1].audio, lines[1].visual) == pytest.approx(tuple(loaded.probabilities[:, clip, place]))


def test_of_very_many_true_classes_the_strongest_are_told(loaded: LoadedRun) -> None:
    count = 40
    names = tuple(f"class {k}" for k in range(count))
    rng = np.random.default_rng(0)
    n = len(loaded.clips.clip_ids)
    labels = replace(
        loaded.soft_labels,
        audio=rng.normal(size=(n, count)),
        visual=rng.normal(size=(n, count)),
        classes=names,
        hard_label=np.zeros(n, int),
    )
    truth = np.ones((n, count), bool)
    clips = replace(loaded.clips, true_labels=truth, hard_label=np.zeros(n, int), classes=names)
    lines = clip_labels.label_lines(labels, clips, 3)
    assert [line.status for line in lines] == ["annotated"] + ["true, not annotated"] * 11
    told = [max(line.audio, line.visual) for line in lines[1:]]
    assert told == sorted(labels.probabilities(np.array([3])).max(axis=(0, 1))[1:], reverse=True)[:11]
    assert len(clip_labels.label_lines(labels, clips, 3, 5, 5)) == 5


def test_unknown_truth_is_not_called_false(loaded: LoadedRun) -> None:
    bare = replace(loaded, clips=replace(loaded.clips, true_labels=None))
    assert {line.status for line in clip_labels.label_lines(bare.soft_labels, bare.clips, 0)} == {
        "annotated",
        "not annotated",
    }


def test_only_files_that_exist_and_that_browsers_play_are_played(loaded: LoadedRun, tmp_path: Path) -> None:
    film, script = tmp_path / "a.MP4", tmp_path / "b.html"
    film.write_bytes(b"0")
    script.write_bytes(b"0")
    paths = [str(film), str(script), str(tmp_path / "gone.mp4"), ""]
    media = tuple(paths + [""] * (len(loaded.clips.clip_ids) - 4))
    clips = replace(loaded.clips, media=media)
    assert [found and found.path for found in (clip_media.of(clips, i) for i in range(4))] == [film, None, None, None]
    assert clip_media.of(loaded.clips, 0) is None
