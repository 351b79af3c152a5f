"""Files as people have them, each with what is right for it; made here, and where they are at hand the real ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from avexplore.artifacts import FeatureSet
from avexplore.data import feature_file, load_features
from avexplore.data.layouts.columns import feature_axis
from avexplore.errors import DataError

N = 40
RNG = np.random.default_rng(0)
AUDIO = RNG.normal(size=(N, 6)).astype(np.float32)
VISUAL = RNG.normal(size=(N, 8)).astype(np.float32)
LABELS = np.arange(N) % 4
NAMES = np.array(["Bus", "Cat", "Dog", "Train horn"])
MANY = np.array([f"c{i}" for i in range(90)])
WHICH = np.arange(N)
TRAIN = WHICH < 30
Write = Callable[..., Path]


@pytest.fixture
def npz(tmp_path: Path) -> Write:
    def write(**changes: Any) -> Path:
        content = {"audio": AUDIO, "visual": VISUAL, "labels": LABELS} | changes
        np.savez(tmp_path / "clips.npz", **{name: values for name, values in content.items() if values is not None})
        return tmp_path / "clips.npz"

    return write


def load(*paths: Path, **choices: Any) -> FeatureSet:
    return load_features(feature_file(*paths, **choices))


def said(features: FeatureSet) -> str:
    return " ".join(features.notes)


@pytest.mark.parametrize(
    ("shape", "kept"),
    [
        ((9, 128), 1),
        ((9, 10, 128), 2),
        ((9, 10, 6), 2),
        ((9, 128, 10), 1),  # (channels, seconds)
        ((9, 1024, 128), 2),  # frames of usual features
        ((9, 8, 7, 7), 1),  # (channels, rows, columns)
        ((9, 10, 7, 7, 512), 4),
        ((9, 7, 7, 512), 3),
        ((9, 10, 512, 7, 7), 2),  # (seconds, channels, rows, columns)
        ((9, 512, 10, 7, 7), 1),  # (channels, seconds, rows, columns)
        ((9, 1, 2048), 2),
        ((9, 2048, 1, 1), 1),  # pooled, with its axes kept
        ((9, 960, 64), 2),
    ],
)
def test_the_axis_of_the_features_is_neither_time_nor_space(shape: tuple[int, ...], kept: int) -> None:
    assert feature_axis(shape, "x") == kept


def test_axes_that_nothing_tells_apart_are_refused(npz: Write) -> None:
    with pytest.raises(DataError, match=r"Nothing tells features from time and space in shape \(40, 7, 7, 7\)"):
        load(npz(visual=RNG.normal(size=(N, 7, 7, 7))))


def test_channels_first_are_averaged_over_space(npz: Write) -> None:
    values = RNG.normal(size=(N, 8, 7, 7)).astype(np.float32)
    features = load(npz(visual=values))
    assert np.allclose(features.visual, values.mean(axis=(2, 3)), atol=1e-6)
    assert "averaged over axes 2 (of 7) and 3 (of 7)" in said(features)
    assert features.reading["visual_shape"] == (N, 8, 7, 7)
    assert features.reading["visual_width"] == 8


class TestIdsOfBothModalities:
    IDS = np.array([f"v{i:02d}" for i in range(N)])

    def test_one_order_gives_the_clips_their_names(self, npz: Write) -> None:
        assert load(npz(audio_ids=self.IDS, visual_ids=self.IDS)).clip_ids == tuple(self.IDS)

    @pytest.mark.parametrize("order", ["clip_ids", "label_ids"])
    @pytest.mark.parametrize(("one", "other"), [("audio_ids", "visual_ids"), ("audio_id", "video_id")])
    def test_other_orders_are_brought_into_that_of_the_labels(
        self, npz: Write, order: str, one: str, other: str
    ) -> None:
        place = RNG.permutation(N)
        path = npz(**{one: self.IDS[place], "audio": AUDIO[place], other: self.IDS, order: self.IDS})
        features = load(path)
        assert np.array_equal(features.audio, AUDIO)
        assert np.array_equal(features.visual, VISUAL)
        assert features.clip_ids == tuple(self.IDS)
        assert "aligned" in said(features)

    def test_where_the_labels_order_is_not_told_nothing_is_paired(self, npz: Write) -> None:
        with pytest.raises(DataError, match="labels follow"):
            load(npz(audio_ids=self.IDS[::-1], visual_ids=self.IDS))

    def test_clips_that_one_modality_lacks_are_refused(self, npz: Write) -> None:
        with pytest.raises(DataError, match=r"not among its names, the first is 'v00' \(audio_ids"):
            load(npz(audio_ids=np.char.add("x", self.IDS), visual_ids=self.IDS, clip_ids=self.IDS))

    def test_names_that_repeat_are_refused(self, npz: Write) -> None:
        with pytest.raises(DataError, match="Expected 40 different names, got 1 among 40"):
            load(npz(audio_ids=np.full(N, "x"), visual_ids=self.IDS))


SPLITS: list[tuple[str, dict[str, Any], list[int]]] = [
    # clips that train, validate (0 where drawn here) and test
    ("is_train", {"is_train": TRAIN}, [30, 0, 10]),
    ("is_test", {"is_test": ~TRAIN}, [30, 0, 10]),
    ("a mask of numbers", {"train_mask": TRAIN.astype(np.float64)}, [30, 0, 10]),
    ("a column of a mask", {"mask_train": TRAIN[:, None]}, [30, 0, 10]),
    ("three masks", {"train_mask": TRAIN, "val_mask": WHICH // 4 == 8, "test_mask": WHICH > 35}, [30, 4, 4]),
    ("masks that leave clips out", {"is_train": np.arange(N) < 20, "is_test": ~TRAIN}, [20, 0, 10]),
    ("lists of rows", {"train_idx": np.arange(30), "test_idx": np.arange(30, N)}, [30, 0, 10]),
    ("a list of test rows", {"test_indices": np.arange(30, N)}, [30, 0, 10]),
    ("lists counted from 1", {"train_idx": np.arange(1, 31), "test_idx": np.arange(31, N + 1)}, [30, 0, 10]),
    ("lists of floats", {"idx_train": np.arange(30.0), "idx_test": np.arange(30.0, N)}, [30, 0, 10]),
    ("folds", {"fold": np.arange(N) // 8 + 1}, [24, 8, 8]),
    ("two folds", {"fold": np.repeat([0, 1], [30, 10])}, [30, 0, 10]),
    ("YouTube-8M's word", {"split": np.select([TRAIN, WHICH < 35], ["train", "validate"], "test")}, [30, 5, 5]),
    ("another name", {"subset": np.where(TRAIN, "Train", "Test")}, [30, 0, 10]),
    ("words before a mask", {"split": np.where(TRAIN, "train", "test"), "is_train": ~TRAIN}, [30, 0, 10]),
]  # fmt: skip


@pytest.mark.parametrize(("more", "expected"), [s[1:] for s in SPLITS], ids=[s[0] for s in SPLITS])
def test_a_split_is_used_in_whichever_form(npz: Write, more: dict[str, Any], expected: list[int]) -> None:
    features = load(npz(**more))
    counts = np.bincount(features.split, minlength=3)
    assert counts[2] == expected[2]
    if expected[1]:
        assert counts.tolist() == expected
    else:
        assert counts[0] + counts[1] == expected[0]
        assert "drawn to validate" in said(features)
    assert features.reading["split_from"] in (", ".join(more), next(iter(more)))
    assert ("is_train" in features.reading["not_read"]) == ({"split", "is_train"} <= set(more))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"is_train": TRAIN[:-1]}, "Expected 40 entries of 0 and 1"),
        ({"is_train": 2 * TRAIN}, "Expected 40 entries of 0 and 1"),
        ({"is_train": TRAIN, "is_test": TRAIN}, "listed twice"),
        ({"train_idx": np.arange(35), "test_idx": np.arange(30, N)}, "listed twice"),
        ({"train_idx": np.arange(30), "test_idx": np.arange(30, N + 5)}, "points to clip 44 of 40"),
        ({"train_idx": np.zeros(0, int), "test_idx": np.zeros(0, int)}, "empty"),
        ({"train_idx": np.full(3, 0.5), "test_idx": np.arange(9)}, "no whole numbers"),
        ({"fold": np.zeros(N)}, "Expected the fold of each of 40 clips"),
        ({"split": np.full(N, "dev")}, "Unknown split 'dev'"),
    ],
)
def test_a_split_that_contradicts_itself_is_refused(npz: Write, more: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(npz(**more))


@pytest.mark.parametrize(
    "more", [{"is_train": TRAIN}, {"fold": LABELS}, {"visual": RNG.normal(size=(N, 8, 7, 7))}, {"train_idx": [1]}]
)
def test_what_was_misread_before_has_another_address_now(npz: Write, more: dict[str, Any]) -> None:
    config = feature_file(npz(**more))
    assert config.reading == 2
    with pytest.raises(DataError, match="Open them again"):
        load_features(config.replace(reading=1))
    assert feature_file(npz()).reading == 1
    assert "reading" not in feature_file(npz()).to_json(address_only=True)


CLASSES: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("a background class", {"labels": LABELS + 1, "classes": np.r_[["background"], NAMES]}, tuple(NAMES)),
    ("a long table", {"labels": 3 * LABELS + 2, "classes": MANY}, tuple(MANY[[2, 5, 8, 11]])),
    ("an empty class", {"labels": LABELS // 2 * 3, "classes": NAMES}, ("Bus", "Train horn")),
    ("an empty column", {"labels": np.eye(5, dtype=int)[LABELS], "classes": np.r_[NAMES, ["Yak"]]}, tuple(NAMES)),
    ("labels in words", {"labels": NAMES[LABELS]}, tuple(NAMES)),
    ("labels in words, listed", {"labels": NAMES[LABELS], "classes": NAMES[::-1]}, tuple(NAMES[::-1])),
    ("labels as bytes", {"labels": NAMES[LABELS].astype("S")}, tuple(NAMES)),
    ("another word", {"labels": None, "y": LABELS, "class_names": NAMES}, tuple(NAMES)),
    ("a row of labels", {"labels": LABELS[None], "classes": NAMES}, tuple(NAMES)),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), [c[1:] for c in CLASSES], ids=[c[0] for c in CLASSES])
def test_the_classes_are_those_that_occur(npz: Write, changes: dict[str, Any], expected: tuple[str, ...]) -> None:
    features = load(npz(**changes))
    assert features.classes == expected
    named = np.array(features.classes)[features.hard_label]
    labels = changes.get("labels", LABELS)
    if labels is not None and np.ndim(labels) == 1 and "classes" in changes and np.asarray(labels).dtype.kind in "iu":
        assert np.array_equal(named, changes["classes"][labels])
    elif "Yak" not in changes.get("classes", ()):
        assert np.array_equal(named, NAMES[LABELS])
    gone = features.reading["dropped"].get("classes_without_clip", 0)
    assert gone == len(changes.get("classes", expected)) - len(expected)
    assert ("without an annotated clip" in said(features)) == bool(gone)


def test_labels_that_may_count_from_one_are_not_shifted_in_silence(npz: Write) -> None:
    with pytest.raises(DataError, match="count from 1"):
        load(npz(labels=np.arange(N) % 3 + 1, classes=NAMES))
    with pytest.raises(DataError, match="reach 4 but there are 4"):
        load(npz(labels=LABELS + 1, classes=NAMES))


def test_a_class_that_was_asked_for_is_not_left_out(npz: Write) -> None:
    with pytest.raises(DataError, match="'Dog' has no annotated clip"):
        load(npz(labels=LABELS // 2 * 3, classes=NAMES), classes=("Bus", "Dog", "Train horn"))


def test_clips_without_a_label_are_counted(npz: Write) -> None:
    labels = np.eye(4, dtype=int)[LABELS]
    labels[::7] = 0
    labels[1, 0] = 1
    features = load(npz(labels=labels))
    assert features.reading["dropped"]["clips_without_label"] == 6
    assert "Left out: 6 clips with none of the classes" in said(features)


def test_features_that_say_nothing_are_counted(npz: Write) -> None:
    audio = AUDIO.copy()
    audio[:, 2], audio[5] = 7, 0
    audio[5, 2] = 7
    visual = VISUAL.copy()
    visual[3] = visual[8] = 0
    features = load(npz(audio=audio, visual=visual))
    assert features.reading["audio_constant_features"] == 1
    assert features.reading["visual_all_zero_clips"] == 2
    assert "1 of 6 audio features are equal in all training clips" in said(features)
    assert "visual features of 2 clips are all zero" in said(features)


NOT_NEEDED: list[tuple[str, Any]] = [
    ("a pickle", np.array({"model": "vggish"}, dtype=object)),
    ("ragged lists", np.array([[1], [1, 2]], dtype=object)),
    ("records", np.zeros(3, [("step", "i4"), ("loss", "f4")])),
    ("dates", np.array(["2026-01-01"], "M8[D]")),
    ("complex numbers", np.zeros(4, complex)),
    ("six dimensions", np.zeros((1,) * 6)),
]


@pytest.mark.parametrize("values", [v for _, v in NOT_NEEDED], ids=[n for n, _ in NOT_NEEDED])
def test_an_odd_array_that_nobody_needs_is_named_and_left_alone(npz: Write, values: Any) -> None:
    features = load(npz(meta=values))
    assert features.reading["not_read"][0].startswith("meta (")
    assert "Not read" in said(features)
    with pytest.raises(DataError, match="clip_ids"):
        load(npz(clip_ids=values))  # what would be used is not left out in silence


class TestHdf5:
    def write(self, path: Path, content: dict[str, Any], **attributes: Any) -> Path:
        with h5py.File(path / "x.h5", "w") as out:
            for name, values in content.items():
                data = out.create_dataset(name, data=values)
                for key, value in attributes.items():
                    data.attrs[key] = value
        return path / "x.h5"

    @pytest.mark.parametrize("row_vector", [False, True])
    def test_matlab_stores_columns(self, tmp_path: Path, row_vector: bool) -> None:
        """HDF5 sees the axes of MATLAB's arrays reversed."""
        labels = (LABELS + 1.0)[:, None] if row_vector else (LABELS + 1.0)[None]
        content = {"audio": AUDIO.astype(float).T, "visual": VISUAL.astype(float).T, "labels": labels}
        path = self.write(tmp_path, content, MATLAB_class=np.bytes_(b"double")).rename(tmp_path / "clips.mat")
        with h5py.File(path, "a") as out:
            out.create_group("#refs#")["a"] = np.zeros(3)
            mask = out.create_dataset("is_train", data=TRAIN[None].astype(np.uint8))
            mask.attrs["MATLAB_class"] = np.bytes_(b"logical")
            names = np.array([[ord(c) for c in f"{name:10}"] for name in ["background", *NAMES]], np.uint16)
            out.create_dataset("classes", data=names.T).attrs["MATLAB_class"] = np.bytes_(b"char")
        features = load(path)
        assert np.array_equal(features.audio, AUDIO)
        assert np.array_equal(features.hard_label, LABELS)
        assert features.classes == tuple(NAMES)
        assert (features.split == 2).sum() == 10
        assert features.reading["not_read"] == ()

    def test_matlab_seconds(self, tmp_path: Path) -> None:
        audio = RNG.normal(size=(N, 10, 6))
        content = {"audio": audio.transpose(), "visual": VISUAL.T, "labels": LABELS[None]}
        features = load(self.write(tmp_path, content, MATLAB_class=np.bytes_(b"double")))
        assert np.allclose(features.audio, audio.mean(axis=1), atol=1e-6)

    def test_transposed_without_a_word_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="transpose both"):
            load(self.write(tmp_path, {"audio": AUDIO.T, "visual": VISUAL.T, "labels": LABELS}))

    @pytest.mark.parametrize(
        "names",
        [
            ("train/audio", "test/audio", "train/visual", "test/visual", "train/labels", "test/labels"),
            ("audio/train", "audio/test", "video/train", "video/test", "y/train", "y/test"),
            ("train_audio", "test_audio", "train_visual", "test_visual", "train_label", "test_label"),
        ],
    )
    def test_pieces_by_split(self, tmp_path: Path, names: tuple[str, ...]) -> None:
        pieces = [half for values in (AUDIO, VISUAL, LABELS) for half in (values[:30], values[30:])]
        features = load(self.write(tmp_path, dict(zip(names, pieces, strict=True))))
        assert np.array_equal(features.audio, AUDIO)
        assert (features.split[30:] == 2).all()
        assert np.bincount(features.split)[2] == 10

    def test_validation_clips_of_their_own(self, tmp_path: Path) -> None:
        rows = {"train": slice(0, 24), "val": slice(24, 32), "test": slice(32, N)}
        content = {
            f"{part}/{name}": values[cut]
            for part, cut in rows.items()
            for name, values in (("audio", AUDIO), ("visual", VISUAL), ("labels", LABELS))
        }
        assert np.bincount(load(self.write(tmp_path, content)).split).tolist() == [24, 8, 8]

    def test_everything_in_one_group(self, tmp_path: Path) -> None:
        content = {f"features/v1/{name}": v for name, v in (("audio", AUDIO), ("visual", VISUAL), ("labels", LABELS))}
        features = load(self.write(tmp_path, content | {"other": np.zeros(3)}))
        assert np.array_equal(features.visual, VISUAL)
        assert features.reading["not_read"] == ("other",)
        assert "group features/v1" in said(features)

    def test_a_group_for_each_clip_is_described(self, tmp_path: Path) -> None:
        content = {f"v{i}/{name}": np.zeros(3) for i in range(20) for name in ("audio", "visual")}
        with pytest.raises(DataError, match="20 groups"):
            load(self.write(tmp_path, content))

    def test_pandas_is_named(self, tmp_path: Path) -> None:
        """As `DataFrame.to_hdf` lays it out, which takes a library of its own to write."""
        with h5py.File(tmp_path / "x.h5", "w") as out:
            group = out.create_group("features")
            group.attrs["pandas_type"] = np.bytes_(b"frame")
            group["axis0"], group["block0_values"] = np.arange(3), np.zeros((4, 3))
        with pytest.raises(DataError, match=r"pandas wrote \(to_hdf\)"):
            feature_file(tmp_path / "x.h5")

    def test_rows_of_a_message_are_rows_of_the_file(self, tmp_path: Path) -> None:
        audio = AUDIO.copy()
        audio[33, 2] = np.nan
        pieces = {"audio_train": audio[:30], "audio_test": audio[30:], "visual_train": VISUAL[:30]}
        pieces |= {"visual_test": VISUAL[30:], "lab_train": LABELS[:30], "lab_test": LABELS[30:]}
        with pytest.raises(DataError, match="row 3 of test, column 2"):
            load(self.write(tmp_path, pieces))


def test_rows_are_those_of_the_file_also_where_clips_are_left_out(npz: Write) -> None:
    audio, visual = AUDIO.copy(), VISUAL.copy()
    audio[37], visual[37] = audio[9], visual[9]
    labels = np.eye(4, dtype=int)[LABELS]
    labels[:4] = 0
    features = load(npz(audio=audio, visual=visual, labels=labels, split=np.where(TRAIN, "train", "test")))
    assert "row 9 and row 37" in said(features)
    assert features.reading["dropped"] == {"clips_without_label": 4, "training_copies": 1}


class TestAveRelease:
    """Second-wise features, labels per clip with a background column, and order files."""

    def write(self, folder: Path, labels: np.ndarray, audio: np.ndarray | None = None) -> list[Path]:
        rng = np.random.default_rng(1)
        n = len(labels)
        arrays = {
            "audio_feature": rng.normal(size=(n, 10, 6)) if audio is None else audio,
            "visual_feature": (rng if audio is None else np.random.default_rng(2)).normal(size=(n, 10, 2, 2, 8)),
            "mil_labels": labels,
            "train_order": np.arange(0, n - 12),
            "val_order": np.arange(n - 12, n - 6),
            "test_order": np.arange(n - 6, n),
        }
        paths = []
        for name, values in arrays.items():
            paths.append(folder / f"{name}.h5")
            with h5py.File(paths[-1], "w") as out:
                out["avadataset"] = values
        return paths

    def test_the_official_split_holds_with_labels_per_clip(self, tmp_path: Path) -> None:
        labels = np.eye(29, dtype=np.float32)[np.arange(84) % 28]
        labels[:, 28] = 1
        features = load(*self.write(tmp_path, labels))
        assert np.bincount(features.split).tolist() == [72, 6, 6]
        assert features.classes[0] == "Church bell"
        assert features.true_labels is None
        assert features.reading["split_from"] == "order files"
        assert "background" in said(features)

    def test_a_row_of_two_events_is_no_reason_to_refuse(self, tmp_path: Path) -> None:
        labels = np.eye(29, dtype=np.float32)[np.arange(84) % 28]
        labels[3, 5] = 1
        features = load(*self.write(tmp_path, labels))
        assert features.true_labels is not None
        assert features.true_labels.sum() == 85

    def test_the_real_files(self, shared_data: Path, tmp_path: Path) -> None:
        folder = shared_data / "ave"
        ids = [line.split("&")[1] for line in (folder / "Annotations.txt").read_text().splitlines()]
        _, video = np.unique(ids, return_inverse=True)
        audio, visual = (np.random.default_rng(i).normal(size=(video.max() + 1, 4)) for i in (0, 1))
        given = [folder / "mil_labels.h5", *sorted(folder.glob("*_order.h5"))]
        for of_the_video in (True, False):
            np.save(tmp_path / "audio.npy", audio[video] if of_the_video else np.arange(4143 * 2.0).reshape(-1, 2))
            np.save(tmp_path / "visual.npy", visual[video])
            features = load(tmp_path / "audio.npy", tmp_path / "visual.npy", *given)
            copies = features.reading["dropped"].get("training_copies", 0)
            assert np.bincount(features.split).tolist() == [3339 - copies, 402, 402]
            assert copies == (19 if of_the_video else 0)
            if of_the_video:
                assert f"Left out of training: {copies} clips" in said(features)
                assert features.reading["copies"] == 4143 - len(set(ids))


class TestRealCases:
    """Files rebuilt from public reports: 120 clips, 4 classes, audio of width 6, visual of width 8."""

    @pytest.mark.parametrize(
        ("name", "classes", "noted"),
        [
            ("channels_first.npz", ("Bus", "Cat", "Dog", "Train horn"), "averaged over axes 2 (of 7) and 3 (of 7)"),
            ("split_masks.npz", ("Bus", "Cat", "Dog", "Train horn"), "is_train"),
            ("background_class.npz", ("Bus", "Cat", "Dog", "Train horn"), "(background)"),
            ("plain.mat", ("class_01", "class_02", "class_03", "class_04"), ""),
            ("layout_a.h5", ("class_01", "class_02", "class_03", "class_04"), "train, test"),
            ("meta.npz", ("Bus", "Cat", "Dog", "Train horn"), "Not read, since nothing here uses them: meta"),
            ("compound.h5", ("Bus", "Cat", "Dog", "Train horn"), "Not read, since nothing here uses them: log"),
            ("split_groups.h5", ("class_00", "class_01", "class_02", "class_03"), "train, test"),
        ],
    )
    def test_right_values(self, shared_cases: Path, name: str, classes: tuple[str, ...], noted: str) -> None:
        features = load(shared_cases / "features" / name)
        assert (features.audio.shape, features.visual.shape) == ((120, 6), (120, 8))
        assert features.classes == classes
        assert noted in said(features)
        tested = {"split_masks.npz": 24, "layout_a.h5": 24, "split_groups.h5": 24}
        assert (features.split == 2).sum() == tested.get(name, 24)

    def test_the_mask_is_the_split(self, shared_cases: Path) -> None:
        path = shared_cases / "features" / "split_masks.npz"
        assert np.array_equal(load(path).split == 2, ~np.load(path)["is_train"])

    def test_other_orders_are_refused(self, shared_cases: Path) -> None:
        with pytest.raises(DataError, match="different orders"):
            load(shared_cases / "features" / "ids_in_other_order.npz")

    def test_audiosets_table(self, shared_cases: Path) -> None:
        folder = shared_cases / "features"
        features = load(folder / "audioset_idx.npz", folder / "class_labels_indices.csv")
        assert len(features.classes) == 4
        assert features.reading["dropped"] == {"classes_without_clip": 523}
