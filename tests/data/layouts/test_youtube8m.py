from __future__ import annotations

import contextlib
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avexplore.data import feature_file, load_features
from avexplore.data.files.tfrecord import crc32c, masked, parse_example, read_records
from avexplore.data.layouts.youtube8m import frequent_and_joined
from avexplore.errors import DataError


def varint(value: int) -> bytes:
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def example(features: dict[str, Any], *, packed: bool = True) -> bytes:
    """A tf.Example by hand, the oracle of the reader."""
    entries = b""
    for name, values in features.items():
        if isinstance(values, bytes):
            feature = field(1, field(1, values))
        elif np.asarray(values).dtype.kind == "f":
            raw = np.asarray(values, "<f4")
            inner = field(1, raw.tobytes()) if packed else b"".join(b"\x0d" + v.tobytes() for v in raw)
            feature = field(2, inner)
        else:
            numbers = [int(v) & (2**64 - 1) for v in np.asarray(values).reshape(-1)]
            inner = (
                field(1, b"".join(map(varint, numbers))) if packed else b"".join(b"\x08" + varint(v) for v in numbers)
            )
            feature = field(3, inner)
        entries += field(1, field(1, name.encode()) + field(2, feature))
    return field(1, entries)


def slow_crc32c(data: bytes) -> int:
    """Bit by bit, from the definition."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def slow_mask(crc: int) -> int:
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def frame(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    crcs = (struct.pack("<I", slow_mask(slow_crc32c(part))) for part in (length, data))
    return length + next(crcs) + data + next(crcs)


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    """Sixty videos of four classes, each with one or two labels."""
    rng = np.random.default_rng(1)
    records = []
    for i in range(60):
        labels = [10 + i % 4] + ([10 + (i + 1) % 4] if i % 3 == 0 else [])
        records.append(
            frame(
                example(
                    {
                        "video_id": f"v{i:03d}".encode(),
                        "labels": np.array(labels),
                        "mean_rgb": rng.normal(size=8).astype(np.float32),
                        "mean_audio": rng.normal(size=4).astype(np.float32),
                    }
                )
            )
        )
    path = tmp_path / "train00.tfrecord"
    path.write_bytes(b"".join(records))
    return path


@given(st.lists(st.binary(max_size=70), max_size=8))
def test_checksums_agree_with_the_definition(blocks: list[bytes]) -> None:
    expected = [slow_crc32c(block) for block in blocks]
    assert crc32c(blocks).tolist() == expected
    assert masked(crc32c(blocks)).tolist() == [slow_mask(crc) for crc in expected]


def test_checksums_of_the_standard() -> None:
    """RFC 3720, appendix B.4."""
    assert [hex(c) for c in crc32c([bytes(32), b"\xff" * 32, bytes(range(32))])] == [
        "0x8a9136aa",
        "0x62a8ab43",
        "0x46dd794e",
    ]


@pytest.mark.parametrize("packed", [True, False])
def test_examples_are_parsed(packed: bool) -> None:
    floats = np.array([1.5, -2.0, 3e30], np.float32)
    record = example({"id": b"abc", "numbers": [3, 0, -1, 2**40], "floats": floats}, packed=packed)
    found = parse_example(memoryview(record), where="here")
    assert found["id"] == [b"abc"]
    assert np.array_equal(found["numbers"], [3, 0, -1, 2**40])
    assert np.array_equal(found["floats"], floats)


def test_what_is_left_of_shards_is_said(shard: Path) -> None:
    features = load_features(feature_file(shard, classes=("class_0010", "class_0011")))
    assert features.reading["dropped"]["clips_without_label"] == 60 - len(features.split) > 0
    assert (features.reading["audio_width"], features.reading["visual_width"]) == (4, 8)
    assert features.reading["not_read"] == ()
    chosen = load_features(feature_file(shard))
    assert any("most frequent ones" in note for note in chosen.notes)


def test_unknown_fields_are_skipped() -> None:
    record = field(7, b"what") + varint(9 << 3) + varint(300) + b"\x51" + bytes(8) + example({"n": [1]})
    assert list(parse_example(memoryview(record), where="here")) == ["n"]


@given(st.binary(max_size=60))
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    with contextlib.suppress(DataError):
        assert isinstance(parse_example(memoryview(data), where="here"), dict)


def test_a_shard_becomes_clips(shard: Path) -> None:
    features = load_features(feature_file(shard, classes=("class_0010", "class_0011", "class_0012", "class_0013")))
    assert features.audio.shape == (60, 4)
    assert features.visual.shape == (60, 8)
    assert features.true_labels is not None
    assert features.true_labels.sum(axis=1).tolist() == [2 if i % 3 == 0 else 1 for i in range(60)]
    assert features.true_labels[np.arange(60), features.hard_label].all()
    assert features.clip_ids[:2] == ("v000", "v001")
    assert set(features.split.tolist()) == {0, 1, 2}
    rng = np.random.default_rng(1)
    assert np.allclose(features.visual[0], rng.normal(size=8), atol=1e-6)
    assert np.allclose(features.audio[0], rng.normal(size=4), atol=1e-6)


def test_class_names_come_from_the_table(shard: Path, tmp_path: Path) -> None:
    table = tmp_path / "label_names.csv"
    table.write_text("label_id,label_name\n10,Bus\n11,Cat\n12,Dog\n13,Bus\n")
    features = load_features(feature_file(shard, table))
    assert set(features.classes) == {"Bus", "Cat", "Dog", "Bus (class 13)"}
    chosen = load_features(feature_file(shard, table, classes=("Cat", "Dog")))
    assert chosen.classes == ("Cat", "Dog")
    assert len(chosen.hard_label) < 60


def test_single_labels_of_a_shard_are_all_there_is(shard: Path) -> None:
    """YouTube-8M lists all classes of a video: a matrix with one of the chosen classes per row still is the truth."""
    features = load_features(feature_file(shard, classes=("class_0010", "class_0012")))
    assert features.true_labels is not None
    assert (features.true_labels.sum(axis=1) == 1).all()


def test_the_same_video_twice_is_refused(shard: Path, tmp_path: Path) -> None:
    copy = tmp_path / "train01.tfrecord"
    copy.write_bytes(shard.read_bytes())
    with pytest.raises(DataError, match=r"more than one split|more than once"):
        load_features(feature_file(shard, copy))


def test_unknown_classes_say_how_to_name_them(shard: Path) -> None:
    with pytest.raises(DataError, match="CSV file with the class names"):
        load_features(feature_file(shard, classes=("Bus", "Cat")))


def test_a_flipped_bit_anywhere_is_noticed(shard: Path) -> None:
    whole = shard.read_bytes()
    for at in np.random.default_rng(0).integers(0, len(whole), 40):
        broken = bytearray(whole)
        broken[at] ^= 1 << int(at % 8)
        shard.write_bytes(broken)
        with pytest.raises(DataError, match="record"):
            read_records(shard)


@pytest.mark.parametrize("cut", [1, 4, 11, 12, 15, 17, 500])
def test_a_cut_anywhere_is_noticed(shard: Path, cut: int) -> None:
    shard.write_bytes(shard.read_bytes()[:-cut])
    with pytest.raises(DataError, match="record"):
        read_records(shard)


def test_a_length_of_exabytes_allocates_nothing(tmp_path: Path) -> None:
    length = struct.pack("<Q", 2**62)
    path = tmp_path / "x.tfrecord"
    path.write_bytes(length + struct.pack("<I", slow_mask(slow_crc32c(length))) + bytes(100))
    with pytest.raises(DataError, match="ends within a record"):
        read_records(path)


GOOD = {"video_id": b"v", "labels": [1], "mean_rgb": np.ones(8, np.float32), "mean_audio": np.ones(4, np.float32)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mean_rgb": None}, "no feature 'mean_rgb'"),
        ({"labels": None}, "no feature 'labels'"),
        ({"mean_audio": [1, 2]}, "no feature 'mean_audio'"),
        ({"mean_audio": np.ones(5, np.float32)}, "5 values instead of 4"),
        ({"mean_audio": np.full(4, np.nan, np.float32)}, "NaN"),
        ({"labels": [-1]}, "Labels range"),
        ({"labels": b"Bus"}, "whole numbers"),
        ({"labels": np.ones(2, np.float32)}, "whole numbers"),
    ],
)
def test_records_that_lack_something_say_so(tmp_path: Path, changes: dict, message: str) -> None:
    second = {k: v for k, v in (GOOD | changes).items() if v is not None}
    path = tmp_path / "x.tfrecord"
    path.write_bytes(frame(example(GOOD)) + frame(example(second)))
    with pytest.raises(DataError, match=message) as caught:
        load_features(feature_file(path))
    assert "record 1 of x.tfrecord" in caught.value.where


def test_labels_that_are_too_rare_say_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "x.tfrecord"
    path.write_bytes(frame(example(GOOD)))
    with pytest.raises(DataError, match="Add shards"):
        load_features(feature_file(path))


def test_the_usual_classes_are_frequent_and_joined() -> None:
    """0 and 1 go together, 2 is alone, 3 is rare, 4 is everywhere."""
    labels = [np.array([0, 1, 4])] * 20 + [np.array([2, 4])] * 21 + [np.array([3, 4])] * 3 + [np.array([5, 1])] * 9
    labels += [np.array([6, 4])] * 50
    assert frequent_and_joined(labels, 3) == [1, 0, 5]


class TestRealShard:
    """One shard as it is distributed."""

    def test_it_is_read_whole(self, shared_data: Path) -> None:
        folder = shared_data / "yt8m"
        features = load_features(feature_file(folder / "validatea0.tfrecord", folder / "label_names_v2_4716.csv"))
        assert features.audio.shape[1] == 128
        assert features.visual.shape[1] == 1024
        assert "Video game" in features.classes
        assert features.true_labels is not None
        assert (features.true_labels.sum(axis=1) > 1).sum() > 50

    def test_it_holds_the_clips_of_the_prepared_file(self, shared_data: Path) -> None:
        """`yt8m_demo28.npz` was made by others from such shards; shard 0 may be this one."""
        prepared = np.load(shared_data / "yt8m" / "yt8m_demo28.npz")
        records = read_records(shared_data / "yt8m" / "validatea0.tfrecord")
        parsed = [parse_example(record, where="") for record in records]
        audio = np.stack([example_["mean_audio"] for example_ in parsed])
        distances = [np.abs(audio - row).max(axis=1).min() for row in prepared["audio"][::60].astype(np.float32)]
        assert min(distances) < 2e-3
