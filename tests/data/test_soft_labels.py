from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avexplore.artifacts import SoftLabels
from avexplore.data import export_soft_labels, load_soft_labels, soft_label_file
from avexplore.errors import DataError

Write = Callable[..., Path]


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.fixture
def logits() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 3, (50, 6))


@pytest.fixture
def write(tmp_path: Path, logits: np.ndarray) -> Write:
    def _write(**changes: Any) -> Path:
        usual = {"audio": logits, "visual": logits[::-1], "kind": np.array("logits")}
        content = {k: v for k, v in (usual | changes).items() if v is not None}
        np.savez(tmp_path / "soft.npz", **content)
        return tmp_path / "soft.npz"

    return _write


def test_the_kind_can_be_said_instead(write: Write) -> None:
    assert load_soft_labels(soft_label_file(write(), kind="scores")).kind == "scores"
    assert load_soft_labels(soft_label_file(write(kind=np.array("scores")))).kind == "scores"


def test_what_is_missing_is_said(write: Write) -> None:
    soft = load_soft_labels(soft_label_file(write()))
    assert soft.classes[:2] == ("class_00", "class_01")
    assert (soft.split == 0).all()
    assert (soft.hard_label == -1).all()
    said = " ".join(soft.warnings)
    assert "All rows count as training" in said
    assert "no class names" in said
    assert "Read as logits" in said


def test_everything_optional_is_used(write: Write) -> None:
    path = write(
        classes=np.array(list("abcdef")),
        split=np.array(["train"] * 30 + ["validation"] * 10 + ["test"] * 10),
        hard_label=np.arange(50) % 6,
    )
    soft = load_soft_labels(soft_label_file(path))
    assert soft.nodes[0] == "audio:a"
    assert np.bincount(soft.split).tolist() == [30, 10, 10]
    assert soft.hard_label[7] == 1


@pytest.mark.parametrize("kind", ["logits", "scores", "probabilities"])
def test_what_is_written_is_read_back(tmp_path: Path, logits: np.ndarray, kind: Any) -> None:
    values = softmax(logits).astype(np.float32)
    split = np.repeat([0, 1, 2], [30, 10, 10])
    soft = SoftLabels(values, values[::-1], kind, tuple("abcdef"), split, np.arange(50) % 7 - 1)
    with (tmp_path / "soft").open("wb") as stream:
        export_soft_labels(soft, stream)
    again = load_soft_labels(soft_label_file(tmp_path / "soft"))
    for name in ("audio", "visual", "split", "hard_label"):
        assert np.array_equal(getattr(again, name), getattr(soft, name)), name
    assert (again.kind, again.classes) == (kind, soft.classes)


def test_names_and_training_rows_can_be_given(write: Write) -> None:
    soft = load_soft_labels(soft_label_file(write(), class_names=tuple("uvwxyz"), training_rows=20))
    assert soft.classes == tuple("uvwxyz")
    assert (soft.split == 0).sum() == 20


def test_another_reading_is_another_address(write: Write) -> None:
    path = write()
    addresses = {
        soft_label_file(path).address,
        soft_label_file(path, training_rows=10).address,
        soft_label_file(path, kind="scores").address,
        soft_label_file(path, class_names=tuple("uvwxyz")).address,
    }
    assert len(addresses) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"visual": None}, "no array 'visual'"),
        ({"visual": np.zeros((49, 6))}, r"audio has shape \(50, 6\), visual \(49, 6\)"),
        ({"audio": np.zeros(50)}, "clips, classes"),
        ({"audio": np.zeros((50, 1)), "visual": np.zeros((50, 1))}, "holds too little"),
        ({"audio": np.full((50, 6), "x")}, "Expected numbers"),
        ({"audio": np.full((50, 6), np.nan)}, "NaN or infinite"),
        ({"audio": np.full((50, 6), 1e200)}, "1e30"),
        ({"classes": np.array(["a", "b"])}, "2 class names for 6 columns"),
        ({"classes": np.array(["a"] * 6)}, "more than once"),
        ({"split": np.array(["train"] * 3)}, "Expected 50 entries"),
        ({"split": np.array(["test"] * 50)}, "no training clips"),
        ({"split": np.arange(50) % 2}, "Write the words train, validation, test"),
        ({"hard_label": np.full(50, 6)}, "Labels range over 6..6"),
        ({"hard_label": np.zeros((50, 6))}, "one class index per clip"),
        ({"kind": np.array("percent")}, "Unknown kind 'percent'"),
        ({"kind": np.array("probabilities")}, r"lie in \[0, 1\], but .* row 0, column 1"),
        ({"audio": np.array([[{}]] * 50, dtype=object)}, "never loaded"),
    ],
)
def test_broken_files_say_what_is_wrong(write: Write, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        soft_label_file(write(**changes))


def test_too_many_training_rows_are_refused(write: Write) -> None:
    with pytest.raises(DataError, match="of 50 rows"):
        soft_label_file(write(), training_rows=51)


def test_a_changed_file_is_noticed(write: Write, logits: np.ndarray) -> None:
    config = soft_label_file(write())
    write(audio=logits + 1)
    with pytest.raises(DataError, match="has changed"):
        load_soft_labels(config)


class TestPublishedPredictions:
    """The scores that the authors of the method published."""

    def test_they_are_scores_with_names_and_a_split(self, shared_data: Path) -> None:
        path = shared_data / "causalcmr" / "prediction_500.npz"
        soft = load_soft_labels(soft_label_file(path, training_rows=1186))
        assert soft.kind == "scores"
        assert np.bincount(soft.split).tolist() == [1186, 189, 189]
        assert soft.classes[0] == "Clock"
        assert soft.classes[6] == "Rodents/rats"
        said = " ".join(soft.warnings)
        assert "not probabilities" in said
        assert "19 of its clips" in said

    def test_the_inferred_annotation_is_what_the_scores_say(self, shared_data: Path) -> None:
        path = shared_data / "causalcmr" / "prediction_500.npz"
        soft = load_soft_labels(soft_label_file(path, training_rows=1186))
        right = (soft.audio + soft.visual).argmax(axis=1) == soft.hard_label
        assert right[soft.split == 0].mean() > 0.99
        assert right[soft.split == 1].mean() > 0.99
        assert right[soft.split == 2].mean() > 0.8
        assert not np.isin([3, 12], soft.hard_label[soft.split == 0]).any(), "as the warning says"

    def test_their_graphs_name_the_same_nodes(self, shared_data: Path) -> None:
        soft = load_soft_labels(soft_label_file(shared_data / "causalcmr" / "prediction_500.npz"))
        text = (shared_data / "causalcmr" / "causal_500.csv").read_text()
        assert all(node.replace(":", "_") in text for node in soft.nodes)

    def test_all_rows_are_taken_unless_told_otherwise(self, shared_data: Path) -> None:
        """As the authors did; without the last rows no clip of two of the classes would be left."""
        soft = load_soft_labels(soft_label_file(shared_data / "causalcmr" / "prediction_500.npz"))
        assert (soft.split == 0).all()
        assert "test clips among them" in " ".join(soft.warnings)

    def test_only_these_very_bytes_are_recognized(self, shared_data: Path, tmp_path: Path) -> None:
        stored = np.load(shared_data / "causalcmr" / "prediction_500.npz")
        np.savez_compressed(tmp_path / "copy.npz", audio=stored["audio"], visual=stored["visual"])
        soft = load_soft_labels(soft_label_file(tmp_path / "copy.npz"))
        assert soft.classes[0] == "class_00"
        assert soft.kind == "scores"


def test_one_value_among_probabilities_is_pointed_at(write: Write, logits: np.ndarray) -> None:
    audio, visual = softmax(logits), softmax(-logits)
    visual[7, 3] = -0.9
    with pytest.raises(DataError, match=r"but 1 value\(s\) do not, the first is -0.9 in row 7, column 3 \(visual"):
        soft_label_file(write(audio=audio, visual=visual, kind=None))
    said = load_soft_labels(soft_label_file(write(audio=audio, visual=visual, kind=np.array("scores"))))
    assert said.kind == "scores", "unless the file says what it holds"
    visual[7, 3] = 1.0004
    soft = load_soft_labels(soft_label_file(write(audio=audio, visual=visual, kind=None)))
    assert soft.kind == "probabilities", "rounding is no mistake"
