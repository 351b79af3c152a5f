from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avexplore.artifacts import FeatureSet
from avexplore.config import FeatureFileConfig, SyntheticConfig
from avexplore.data import export_features, feature_file, load_features, media_manifest
from avexplore.data.assembly import _first_equal_row as first_equal_row
from avexplore.errors import DataError

Npz = Callable[..., Path]


def test_a_plain_file_is_read_as_it_is(npz: Npz, arrays: dict[str, np.ndarray]) -> None:
    features = load_features(feature_file(npz()))
    assert np.array_equal(features.audio, arrays["audio"])
    assert np.array_equal(features.hard_label, arrays["labels"])
    assert features.classes == ("Bus", "Cat", "Dog", "Bell")
    assert (features.split[30:] == 2).all()
    assert set(features.split[:30].tolist()) == {0, 1}, "validation clips come from the training clips"
    assert features.true_labels is None


def test_export_gives_back_the_same_clips(tmp_path: Path) -> None:
    features = load_features(SyntheticConfig(clips=120, classes=5))
    export_features(features, tmp_path / "out.npz")
    again = load_features(feature_file(tmp_path / "out.npz"))
    assert again.reading["not_read"] == ()
    for f in dataclasses.fields(features):
        if f.name in ("notes", "reading"):  # of the file itself
            continue
        assert np.array_equal(getattr(features, f.name), getattr(again, f.name)), f.name
    assert [p.name for p in tmp_path.iterdir()] == ["out.npz"]


@settings(max_examples=25)
@given(data=st.data())
def test_whatever_is_exported_is_read_back(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """With and without hidden labels, per modality, a planted graph, copies, names in any script."""
    n, count = data.draw(st.integers(30, 60)), data.draw(st.integers(2, 4))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    hard = np.arange(n) % count
    true = (rng.random((n, count)) < 0.3) | np.eye(count, dtype=bool)[hard]
    known: dict[str, Any] = {}
    if data.draw(st.booleans()):
        known["true_labels"] = true
        if data.draw(st.booleans()):
            known |= {"true_audio": true, "true_visual": np.eye(count, dtype=bool)[hard]}
    if data.draw(st.booleans()):
        known["true_graph"] = np.eye(2 * count, k=1, dtype=np.int8)
    audio, visual = (rng.normal(size=(n, width)).astype(np.float32) for width in (3, 5))
    split = np.repeat([0, 1, 2], [n - 12, 4, 8])
    if data.draw(st.booleans()):
        audio[1], visual[1] = audio[0], visual[0]  # copies within a split stay
    features = FeatureSet(
        audio=audio, visual=visual, hard_label=hard, classes=("Glöckchen, klein", "猫", "Dog", "d")[:count],
        split=split, clip_ids=tuple(f"clip {i}" for i in range(n)), source="ours, CC BY 4.0", **known,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("out") / "out.npz"
    export_features(features, path)
    again = load_features(feature_file(path))
    assert again.reading["not_read"] == ()
    for f in dataclasses.fields(features):
        if f.name not in ("notes", "reading"):
            assert np.array_equal(getattr(features, f.name), getattr(again, f.name)), f.name


def test_export_into_nowhere_is_an_error(tmp_path: Path) -> None:
    features = load_features(SyntheticConfig(clips=40, classes=2))
    with pytest.raises(DataError, match="cannot be written"):
        export_features(features, tmp_path / "no" / "out.npz")


def test_a_moved_file_has_the_same_address(npz: Npz, tmp_path: Path) -> None:
    path = npz()
    before = feature_file(path)
    after = feature_file(path.rename(tmp_path / "moved.npz"))
    assert before.address == after.address
    assert before.paths != after.paths


def test_a_changed_file_is_noticed(npz: Npz) -> None:
    config = feature_file(npz())
    npz(audio=np.ones((40, 6), np.float32) + np.arange(40)[:, None])
    with pytest.raises(DataError, match="have changed"):
        load_features(config)


BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("no labels", {"labels": None}, "no labels"),
    ("no visual", {"visual": None}, "known layout: audio, classes, labels, split"),
    ("audio of one dimension", {"audio": np.zeros(40)}, r"shape \(40,\)"),
    ("no features at all", {"audio": np.zeros((40, 0))}, r"shape \(40, 0\)"),
    ("features that are strings", {"audio": np.full((40, 6), "x")}, "Expected numbers"),
    ("features that are complex", {"audio": np.zeros((40, 6), complex)}, "plain numbers"),
    ("one row too few", {"visual": np.zeros((39, 8))}, "40 audio rows but 39 visual rows"),
    ("one label too many", {"labels": np.arange(41) % 4}, "41 labels for 40 clips"),
    ("labels out of range", {"labels": np.arange(40) % 5}, "reach 4 but there are 4 class names"),
    ("negative labels", {"labels": np.arange(40) % 4 - 1}, "must not be negative"),
    ("fractional labels", {"labels": np.full(40, 0.5)}, "no whole numbers"),
    ("labels that are NaN", {"labels": np.full(40, np.nan)}, "NaN or infinite"),
    ("labels that are one word", {"labels": np.full(40, "Bus")}, "only the class"),
    ("labels that are no class", {"labels": np.full(40, "Yak")}, "'Yak' is not among the classes"),
    ("labels that are complex", {"labels": np.zeros(40, complex)}, "plain numbers"),
    ("a cube of labels of wrong values", {"labels": np.full((40, 2, 3), 7)}, "0 or 1"),
    ("labels counted from one", {"labels": np.arange(40) % 3 + 1}, "count from 1"),
    ("one class only", {"labels": np.zeros(40, int), "classes": np.array(["Bus"])}, "only the class"),
    ("class names that repeat", {"classes": np.array(["Bus", "Cat", "Bus", "Dog"])}, "'Bus' occurs more than once"),
    ("an empty class name", {"classes": np.array(["Bus", "\t\n", "Cat", "Dog"])}, "name is empty"),
    ("a huge class name", {"classes": np.array(["Bus", "x" * 999, "Cat", "Dog"])}, "999 characters"),
    ("numbers as class names", {"classes": np.arange(4)}, "list of strings"),
    (
        "too few class names",
        {"labels": np.eye(4, dtype=int)[np.arange(40) % 4], "classes": np.array(["a", "b"])},
        "4 columns but 2",
    ),
    ("no test clips", {"split": np.array(["train"] * 40)}, "no test clips"),
    ("no training clips", {"split": np.array(["test"] * 40)}, "no train clips"),
    ("a split of 0 and 1", {"split": np.array([0] * 30 + [1] * 10)}, "which of them are the training clips"),
    ("a split of ones and zeros as text", {"split": np.array(["1"] * 30 + ["0"] * 10)}, "Write the words train"),
    ("a split of booleans", {"split": np.arange(40) < 30}, "Write the words train, validation, test"),
    ("an unknown split", {"split": np.array(["dev"] * 40)}, "Unknown split 'dev'"),
    ("split numbers out of range", {"split": np.full(40, 7)}, "Unknown split"),
    ("a short split", {"split": np.array(["train"] * 39)}, "Expected 40 entries"),
    (
        "a class that is never trained",
        {"split": np.array(["test" if i % 4 == 2 else "train" for i in range(40)])},
        "'Dog' has no training clip",
    ),
    (
        "repeated clip ids",
        {"clip_ids": np.array(["a"] * 2 + [f"c{i}" for i in range(38)])},
        "'a' occurs more than once",
    ),
    ("a clip id in two splits", {"clip_ids": np.array([f"c{i % 35}" for i in range(40)])}, "more than one split"),
    ("wrong true labels", {"true_audio": np.full((40, 4), 2)}, "true_audio"),
    ("a wrong planted graph", {"true_graph": np.zeros((3, 3), int)}, "true_graph"),
    ("no clips", {"audio": np.zeros((0, 6)), "visual": np.zeros((0, 8)), "labels": np.zeros(0, int)}, "shape"),
    ("a label matrix of twos", {"labels": np.full((40, 4), 2)}, "0 and 1 only"),
]


@pytest.mark.parametrize(("changes", "message"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_broken_input_says_what_is_wrong(npz: Npz, changes: dict[str, Any], message: str) -> None:
    path = npz(**changes)
    with pytest.raises(DataError, match=message) as caught:
        load_features(feature_file(path))
    assert caught.value.where, "the message says where"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["audio", "visual"])
def test_values_that_are_not_finite_are_located(npz: Npz, arrays: dict[str, np.ndarray], name: str, bad: float) -> None:
    values = arrays[name].copy()
    values[7, 3] = bad
    with pytest.raises(DataError, match=rf"first in row 7, column 3 \({name} in clips.npz\)"):
        load_features(feature_file(npz(**{name: values})))


@pytest.mark.parametrize("dtype", [np.int8, np.float64, "U1"])
def test_split_indices_are_taken_where_they_can_mean_one_thing_only(npz: Npz, dtype: Any) -> None:
    split = np.array([0] * 25 + [1] * 5 + [2] * 10)
    assert np.array_equal(load_features(feature_file(npz(split=split.astype(dtype)))).split, split)
    without_validation = load_features(feature_file(npz(split=np.where(split == 1, 0, split).astype(dtype))))
    assert ((without_validation.split == 2) == (split == 2)).all()


def test_values_beyond_single_precision_are_refused(npz: Npz) -> None:
    audio = np.random.default_rng(0).normal(size=(40, 6)) * 1e200
    with pytest.raises(DataError, match="single precision"):
        load_features(feature_file(npz(audio=audio)))


def test_copies_of_test_clips_do_not_train(npz: Npz, arrays: dict[str, np.ndarray]) -> None:
    audio, visual = arrays["audio"].copy(), arrays["visual"].copy()
    audio[35], visual[35] = audio[3], visual[3]
    features = load_features(feature_file(npz(audio=audio, visual=visual)))
    assert len(features.hard_label) == 39
    assert np.array_equal(features.audio, np.delete(audio, 3, axis=0))
    assert (features.split == 2).sum() == 10
    assert any("row 3 and row 35" in note for note in features.notes)
    assert sum(features.reading["dropped"].values()) == 1


def test_copies_without_a_split_are_drawn_together(npz: Npz, arrays: dict[str, np.ndarray]) -> None:
    """Sixteen clips, each of them in the file two or three times."""
    place = np.arange(40) % 16
    for seed in range(4):
        config = feature_file(
            npz(split=None, **{name: arrays[name][place] for name in ("audio", "visual", "labels")}), split_seed=seed
        )
        features = load_features(config)
        assert len(features.split) == 40, "none is left out"
        assert all(len(set(features.split[place == clip].tolist())) == 1 for clip in range(16))
        assert set(features.split.tolist()) == {0, 1, 2}


def test_a_copy_within_one_modality_or_one_split_is_fine(npz: Npz, arrays: dict[str, np.ndarray]) -> None:
    audio, visual = arrays["audio"].copy(), arrays["visual"].copy()
    audio[35] = audio[3]  # two silent clips, say
    audio[38], visual[38] = audio[39], visual[39]  # both are test clips
    load_features(feature_file(npz(audio=audio, visual=visual)))


@pytest.mark.parametrize("n", [501, 1003, 2283, 4143])
def test_a_copy_is_found_in_whichever_row_it_stands(n: int) -> None:
    """Sums of floats round differently in the last rows of an array than in the others."""
    rng = np.random.default_rng(n)
    audio, visual = rng.normal(size=(n, 128)).astype(np.float32), rng.normal(size=(n, 1024)).astype(np.float32)
    audio[-4:], visual[-4:] = audio[:4], visual[:4]
    assert first_equal_row(audio, visual).tolist() == [*range(n - 4), 0, 1, 2, 3]


def test_rows_that_only_share_a_key_are_no_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avexplore.data.assembly._row_keys", lambda values, seed: np.zeros(len(values), np.uint64))
    values = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    assert first_equal_row(values, values).tolist() == [*range(9)]


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int8, np.uint8, ">f4"])
def test_any_number_type_is_read(npz: Npz, dtype: Any) -> None:
    audio = (np.random.default_rng(0).random((40, 6)) * 100).astype(dtype)
    features = load_features(feature_file(npz(audio=audio)))
    assert features.audio.dtype == np.float32
    assert np.allclose(features.audio, audio)


def test_columns_of_labels_and_fortran_order_are_read(npz: Npz, arrays: dict[str, np.ndarray]) -> None:
    features = load_features(
        feature_file(npz(labels=arrays["labels"][:, None], audio=np.asfortranarray(arrays["audio"])))
    )
    assert np.array_equal(features.audio, arrays["audio"])
    assert np.array_equal(features.hard_label, arrays["labels"])


def test_seconds_are_averaged(npz: Npz) -> None:
    audio = np.random.default_rng(0).normal(size=(40, 10, 6)).astype(np.float32)
    features = load_features(feature_file(npz(audio=audio)))
    assert np.allclose(features.audio, audio.mean(axis=1), atol=1e-6)


def test_classes_without_names_keep_their_numbers(npz: Npz) -> None:
    features = load_features(feature_file(npz(labels=np.arange(40) % 4 * 5 + 1, classes=None)))
    assert features.classes == ("class_01", "class_06", "class_11", "class_16")


def test_names_lose_what_disturbs_a_screen(npz: Npz) -> None:
    names = np.array(["Bus\x1b[31m", "\u202eCat", "<b>Dog</b>", " Church\n bell"])
    features = load_features(feature_file(npz(classes=names)))
    assert features.classes == ("Bus[31m", "Cat", "<b>Dog</b>", "Church bell")


def test_choosing_classes_drops_the_other_clips(npz: Npz) -> None:
    features = load_features(feature_file(npz(), classes=("Dog", "Bus")))
    assert features.classes == ("Dog", "Bus")
    assert len(features.hard_label) == 20
    assert (features.hard_label[:2] == [1, 0]).all()


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (("Bus", "Yak"), "no class 'Yak'.*Choose among Bus, Cat, Dog, Bell"),
        (("Bus", "dgo"), "no class 'dgo'.*Perhaps 'Dog' is meant"),
        (("bus,Cat", "Dog"), "no class"),
        (("Bus, Cat",), "give each by itself"),
        (("Bus",), "Only one"),
        (("Bus", "Bus"), "more than once"),
    ],
)
def test_impossible_choices_are_refused(npz: Npz, classes: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_features(feature_file(npz(), classes=classes))


class TestSeveralLabels:
    """One of the true labels is kept as the annotation, the others stay as hidden labels."""

    def matrix(self) -> np.ndarray:
        labels = np.eye(4, dtype=np.uint8)[np.arange(40) % 4]
        labels[::5, 0] = 1
        return labels

    def test_random_keeps_a_true_label_and_repeats_with_its_seed(self, npz: Npz) -> None:
        path = npz(labels=self.matrix())
        first, again = (load_features(feature_file(path, annotation="random", split_seed=2)) for _ in range(2))
        assert first.true_labels is not None
        assert first.true_labels[np.arange(40), first.hard_label].all()
        assert np.array_equal(first.true_labels, self.matrix())
        assert np.array_equal(first.hard_label, again.hard_label)

    def test_rarest_keeps_the_class_with_the_fewest_clips(self, npz: Npz) -> None:
        features = load_features(feature_file(npz(labels=self.matrix()), annotation="rarest"))
        counts = self.matrix().sum(axis=0)
        for row, kept in zip(self.matrix(), features.hard_label, strict=True):
            assert counts[kept] == counts[row.astype(bool)].min()

    def test_none_is_the_given_one(self, npz: Npz) -> None:
        with pytest.raises(DataError, match="Choose annotation"):
            load_features(feature_file(npz(labels=self.matrix()), annotation="given"))

    def test_a_stored_annotation_must_be_true(self, npz: Npz) -> None:
        with pytest.raises(DataError, match="not among the clip's true labels"):
            load_features(feature_file(npz(labels=self.matrix(), hard_label=(np.arange(40) + 2) % 4)))

    def test_one_label_per_clip_has_no_rarest(self, npz: Npz) -> None:
        with pytest.raises(DataError, match="needs all true labels"):
            load_features(feature_file(npz(), annotation="rarest"))

    def test_the_usual_choice_follows_the_file(self, npz: Npz) -> None:
        assert feature_file(npz()).annotation == "given"
        assert feature_file(npz(labels=np.eye(4)[np.arange(40) % 4])).annotation == "given"
        assert feature_file(npz(labels=self.matrix())).annotation == "random"


class TestOneHotLabels:
    """A single 1 per row says what was annotated, and nothing of what else is there."""

    @pytest.mark.parametrize("dtype", [np.uint8, bool, np.float32])
    def test_they_are_class_indices(self, npz: Npz, arrays: dict[str, np.ndarray], dtype: Any) -> None:
        features = load_features(feature_file(npz(labels=np.eye(4, dtype=dtype)[arrays["labels"]])))
        assert np.array_equal(features.hard_label, arrays["labels"])
        assert features.true_labels is None

    @pytest.mark.parametrize("name", ["hard_label", "true_audio"])
    def test_beside_other_truth_they_are_the_truth(self, npz: Npz, arrays: dict[str, np.ndarray], name: str) -> None:
        one_hot = np.eye(4, dtype=np.uint8)[arrays["labels"]]
        stored = {"hard_label": arrays["labels"], "true_audio": one_hot}[name]
        features = load_features(feature_file(npz(labels=one_hot, **{name: stored})))
        assert np.array_equal(features.true_labels, one_hot)
        assert np.array_equal(features.hard_label, arrays["labels"])


class TestSeveralFiles:
    def write(self, tmp_path: Path, arrays: dict[str, np.ndarray]) -> list[Path]:
        paths = []
        for name in ("audio", "visual", "labels", "split"):
            np.save(tmp_path / f"my_{name}.npy", arrays[name])
            paths.append(tmp_path / f"my_{name}.npy")
        return paths

    def test_names_say_what_they_hold_and_order_does_not_matter(
        self, tmp_path: Path, arrays: dict[str, np.ndarray]
    ) -> None:
        paths = self.write(tmp_path, arrays)
        config = feature_file(*paths)
        assert config.address == feature_file(*reversed(paths)).address
        assert np.array_equal(load_features(config).visual, arrays["visual"])

    @pytest.mark.parametrize(
        ("name", "values", "message"),
        [
            ("labels", np.full(40, 0.5), r"no whole numbers \(labels in my_labels.npy\)"),
            ("labels", np.arange(39) % 4, r"39 labels for 40 clips \(labels in my_labels.npy\)"),
            ("visual", np.full((40, 8), np.nan), r"row 0, column 0 \(visual in my_visual.npy\)"),
            ("split", np.full(40, "dev"), r"'dev' \(split in my_split.npy\)"),
            ("audio", np.zeros(40), r"shape \(40,\) \(audio in my_audio.npy\)"),
        ],
    )
    def test_a_fault_is_named_with_its_file(
        self, tmp_path: Path, arrays: dict[str, np.ndarray], name: str, values: np.ndarray, message: str
    ) -> None:
        paths = self.write(tmp_path, arrays | {name: values})
        with pytest.raises(DataError, match=message):
            load_features(feature_file(*paths))

    def test_a_name_that_says_nothing_is_refused(self, tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
        paths = self.write(tmp_path, arrays)
        paths[0] = paths[0].rename(tmp_path / "data.npy")
        with pytest.raises(DataError, match="not clear what this file holds"):
            feature_file(*paths)

    def test_one_alone_is_refused(self, tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
        with pytest.raises(DataError, match="holds one array"):
            load_features(feature_file(self.write(tmp_path, arrays)[0]))


def test_class_names_from_a_table(npz: Npz, tmp_path: Path) -> None:
    table = tmp_path / "names.csv"
    table.write_text('label_id,label_name\n0,Bus\n1,"Cat, small"\n2,Dog\n3,Bell\n')
    features = load_features(feature_file(npz(classes=None), table))
    assert features.classes == ("Bus", "Cat, small", "Dog", "Bell")


def test_class_names_from_a_list(npz: Npz, tmp_path: Path) -> None:
    lines = tmp_path / "names.txt"
    lines.write_text("Bus\nCat, small\n Dog\nBell\n")
    features = load_features(feature_file(npz(classes=None), lines))
    assert features.classes == ("Bus", "Cat, small", "Dog", "Bell")
    lines.write_text("Bus\n\nDog\nBell\n")
    with pytest.raises(DataError, match="no name for class 1"):
        load_features(feature_file(npz(classes=None), lines))


def test_media_files_from_a_manifest(npz: Npz, tmp_path: Path) -> None:
    table = tmp_path / "media.csv"
    table.write_text("clip_id,path\nclip_03,videos/three.mp4\n")
    alone, beside = feature_file(npz()), feature_file(npz(), table)
    assert beside == alone, "where media files lie changes no result"
    assert beside.paths == alone.paths
    assert load_features(beside).clip_ids[3] == "clip_03"
    assert media_manifest([npz(), table]) == table
    assert media_manifest([npz()]) is None


def test_the_manifest_of_an_extraction_is_found(npz: Npz, tmp_path: Path) -> None:
    path = npz()
    folder = tmp_path / f"{path.stem}.media"
    folder.mkdir()
    (folder / "manifest.csv").write_text("clip_id,path\nclip_03,three.mp4\n")
    assert media_manifest([path]) == folder / "manifest.csv"


def test_data_that_were_stored_with_a_manifest_can_still_be_read(npz: Npz, tmp_path: Path) -> None:
    table = tmp_path / "media.csv"
    table.write_text("clip_id,path\nclip_03,three.mp4\n")
    paths = [npz(), table]
    # As it was computed until manifests were left out.
    lines = "".join(
        f"{role} {hashlib.sha256(path.read_bytes()).hexdigest()}\n"
        for role, path in zip(("", "media files"), paths, strict=True)
    )
    earlier = FeatureFileConfig(hashlib.sha256(lines.encode()).hexdigest(), paths=tuple(map(str, paths)))
    assert len(load_features(earlier).clip_ids) == 40


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("a,b\n1,2\n", "no known table"),
        ("label_id,label_name\nx,Bus\n", "Line 2"),
        ("label_id,label_name\n-1,Bus\n", "Line 2"),
        ("label_id,label_name\n0,Bus\n0,Cat\n", "named twice"),
        ("label_id,label_name\n", "no class names"),
        ('label_id,label_name\n0,"Bus\n', "cannot be read"),
        ("label_id,label_name\n1,Bus\n", "no name for class 0"),
    ],
)
def test_broken_tables_say_what_is_wrong(npz: Npz, tmp_path: Path, text: str, message: str) -> None:
    table = tmp_path / "table.csv"
    table.write_text(text)
    with pytest.raises(DataError, match=message):
        load_features(feature_file(npz(classes=None), table))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin1"])
def test_a_table_in_another_encoding_is_said_to_be_no_utf8(npz: Npz, tmp_path: Path, encoding: str) -> None:
    table = tmp_path / "names.csv"
    table.write_bytes("label_id,label_name\n0,Bär\n".encode(encoding))
    with pytest.raises(DataError, match=r"no text in UTF-8 \(names.csv\)"):
        feature_file(npz(classes=None), table)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "It is a folder"),
        ("nowhere.npz", "It does not exist"),
        ("pipe", "It is no regular file"),
        ("x" * 5000, "The path cannot be looked up"),
        ("a\0b", "The path cannot be looked up"),
    ],
)
def test_missing_files_are_named(tmp_path: Path, name: str, message: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match=message):
        feature_file(tmp_path / name)


def test_no_file_at_all() -> None:
    with pytest.raises(DataError, match="No file"):
        feature_file()


def test_random_bytes_are_no_data(tmp_path: Path) -> None:
    path = tmp_path / "noise.bin"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(DataError):
        load_features(feature_file(path))


class TestYouTube8MDemo:
    """The prepared file of real features."""

    @pytest.mark.parametrize("annotation", ["random", "rarest"])
    def test_it_loads_with_either_annotation(self, shared_data: Path, annotation: Any) -> None:
        path = shared_data / "yt8m" / "yt8m_demo28.npz"
        features = load_features(feature_file(path, annotation=annotation))
        stored = np.load(path)
        assert features.audio.shape == (2283, 128)
        assert np.array_equal(features.hard_label, stored[f"annotated_{annotation}"])
        assert np.array_equal(features.true_labels, stored["labels"])
        assert (features.split == 2).sum() == 480
        assert features.classes == tuple(stored["classes"].tolist())
        assert "CC BY 4.0" in features.source

    def test_random_is_the_usual_choice(self, shared_data: Path) -> None:
        assert feature_file(shared_data / "yt8m" / "yt8m_demo28.npz").annotation == "random"


@pytest.mark.parametrize("name", ["mine.npz", "mine.h5", "audio.npy", "train.tfrecord"])
def test_text_in_a_file_named_after_features_is_not_called_a_table(npz: Npz, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("these are\nno features\n")
    for paths in ([tmp_path / name], [npz(), tmp_path / name]):
        with pytest.raises(DataError, match="format was not recognized") as error:
            feature_file(*paths)
        assert name in str(error.value)
        assert "table" not in str(error.value)


def test_bytes_in_a_file_named_after_arrays_are_not_called_a_tfrecord(tmp_path: Path) -> None:
    (tmp_path / "mine.npz").write_bytes(b"abcd" + bytes(4) + b"junk" * 50)
    with pytest.raises(DataError, match="format was not recognized"):
        feature_file(tmp_path / "mine.npz")
