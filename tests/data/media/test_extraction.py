"""From a folder and a table to features: what is in, what is left out and why, and going on after a kill."""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avexplore.data import feature_file, load_features
from avexplore.data.media.extraction import Extraction, extract
from avexplore.data.media.extractors import parse
from avexplore.data.media.manifest import read_media_manifest
from avexplore.errors import Cancelled, DataError

BUILT_IN = parse("audio", "log-mel"), parse("visual", "color-texture")
COLORS = {"Red": (255, 0, 0), "Blue": (0, 0, 255)}
PITCHES = {"Red": 300.0, "Blue": 3000.0}


def table(folder: Path, rows: list[dict[str, object]]) -> Path:
    path = folder / "labels.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
    return path


def folder_of_clips(media: Any, count: int = 12) -> Path:
    """Clips of two classes, told apart by color and pitch, and their table."""
    rows: list[dict[str, object]] = []
    for i in range(count):
        label = list(COLORS)[i % 2]
        hertz = PITCHES[label] * (1 + 0.01 * i)
        media.video(f"clips/{i:02d}.mp4", seconds=1.2, color=COLORS[label], hertz=hertz, size=(64, 48 + 4 * i))
        rows.append({"file": f"{i:02d}.mp4", "label": label})
    return table(media.folder, rows)


def run(folder: Path, **more: Any) -> Extraction:
    return extract(folder / "clips", folder / "labels.csv", folder / "out" / "clips.npz", *BUILT_IN, **more)


def test_a_folder_becomes_features_that_tell_classes_apart(tmp_path: Path, media: Any) -> None:
    folder_of_clips(media)
    made = run(tmp_path)
    assert (made.used, made.fresh, made.skipped, made.short) == (12, 12, (), ())
    features = load_features(feature_file(made.features))
    assert features.classes == ("Blue", "Red")
    assert features.clip_ids[:2] == ("00", "01")
    for values in (features.audio, features.visual):
        centered = values - values.mean(axis=0)
        nearest = centered @ centered.T
        np.fill_diagonal(nearest, -np.inf)
        assert np.array_equal(features.hard_label[nearest.argmax(axis=1)], features.hard_label)
    assert "log-mel and color-texture" in features.source


def test_the_manifest_leads_to_files_and_pictures(tmp_path: Path, media: Any) -> None:
    folder_of_clips(media, 4)
    made = run(tmp_path)
    folder = made.manifest.parent
    entries = read_media_manifest("manifest.csv", made.manifest.read_bytes(), [folder], within=[tmp_path])
    assert list(entries) == ["00", "01", "02", "03"]
    from PIL import Image

    for i, entry in enumerate(entries.values()):
        assert entry.video == str((tmp_path / "clips" / f"{i:02d}.mp4").resolve())
        with Image.open(entry.thumbnail) as poster:
            pixel = poster.convert("RGB").getpixel((4, poster.height // 2))
            assert pixel[0 if i % 2 == 0 else 2] > 180  # type: ignore[index]
        with Image.open(entry.sound_picture) as heard:
            assert heard.size == (320, 96)


def test_nothing_is_left_out_silently(tmp_path: Path, media: Any) -> None:
    folder_of_clips(media, 4)
    media.video("clips/mute.mp4", sound=False)
    media.video("clips/blind.mp4", picture=False)
    media.video("clips/late.mp4", late=3.0, seconds=4.0)
    cut = media.video("clips/cut.mp4", seconds=8.0, movflags="faststart")
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    (tmp_path / "clips" / "empty.mp4").touch()
    (tmp_path / "clips" / "script.mp4").write_text("ffconcat version 1.0\nfile 00.mp4\n")
    names = ["mute", "blind", "late", "cut", "empty", "script", "absent"]
    rows: list[dict[str, object]] = [{"file": f"{i:02d}.mp4", "label": list(COLORS)[i % 2]} for i in range(4)]
    rows += [{"file": f"{name}.mp4", "label": "Red"} for name in names]
    rows += [{"file": "00.mp4", "start": 0.5, "end": 30, "label": "Red"}]
    table(tmp_path, rows)
    (tmp_path / "clips" / "out.mp4").symlink_to("/etc/hostname")
    made = run(tmp_path)
    notes = {account.clip_id: account.notes for account in made.accounts}
    assert notes["mute"] == "no sound"
    assert notes["blind"] == "no picture"
    assert "picture in" in notes["late"]
    assert "could be decoded" in notes["cut"]
    assert "empty" in notes["empty"]
    assert "no kind that is decoded" in notes["script"]
    assert "there is no file 'absent.mp4'" in notes["absent"]
    assert "0.7 s of the 29.5 s asked for" in notes["00_0.5"]
    assert {account.clip_id for account in made.skipped} == {"mute", "blind", "empty", "script", "absent"}
    assert {account.clip_id for account in made.short} == {"late", "cut", "00_0.5"}
    with made.table.open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert [line["used"] for line in lines].count("no") == 5
    by_id = {line["clip_id"]: line for line in lines}
    assert 0 < float(by_id["cut"]["seconds_of_sound"]) < float(by_id["cut"]["seconds_claimed"]) == 8.0


def test_pairs_of_sound_and_picture(tmp_path: Path, media: Any) -> None:
    rows: list[dict[str, object]] = []
    for i in range(4):
        label = list(COLORS)[i % 2]
        media.video(f"clips/{i}.ogg", hertz=PITCHES[label] + 50 * i)
        media.picture(f"clips/{i}.png", color=COLORS[label], size=(80, 40 + i))
        rows.append({"clip_id": str(i), "label": label})
    table(tmp_path, rows)
    made = run(tmp_path)
    assert (made.used, made.short) == (4, ())
    entry = read_media_manifest("m.csv", made.manifest.read_bytes(), [made.manifest.parent], anywhere=True)["1"]
    assert (Path(entry.sound).name, Path(entry.picture).name, entry.video) == ("1.ogg", "1.png", "")


def test_several_labels_segments_and_splits(tmp_path: Path, media: Any) -> None:
    media.video("clips/long.mp4", seconds=8.0)
    media.video("clips/other.mp4", seconds=3.0, hertz=3000.0, color=(0, 0, 255))
    table(
        tmp_path,
        [
            {"clip_id": "a", "file": "long.mp4", "start": "0", "end": "0:02", "labels": "Red; Tone", "split": "train"},
            {"clip_id": "b", "file": "long.mp4", "start": "2", "end": "5.5", "labels": "Red", "split": "val"},
            {"clip_id": "c", "file": "other.mp4", "labels": "Blue", "split": "train"},
            {"clip_id": "d", "file": "long.mp4", "start": "6", "end": "8", "labels": "Red", "split": "test"},
            {"clip_id": "c", "file": "other.mp4", "labels": "Tone", "split": "train"},
        ],
    )
    made = run(tmp_path)
    with np.load(made.features) as arrays:
        assert arrays["labels"].tolist() == [[0, 1, 1], [0, 1, 0], [1, 0, 1], [0, 1, 0]]
        assert arrays["split"].tolist() == ["train", "validation", "train", "test"]
    assert [account.sound for account in made.accounts] == pytest.approx([2.0, 3.5, 3.0, 2.0], abs=0.1)
    entry = read_media_manifest("m.csv", made.manifest.read_bytes(), [made.manifest.parent], anywhere=True)["b"]
    assert (entry.start, entry.end) == (2.0, 5.5)


def test_the_same_again_decodes_nothing(tmp_path: Path, media: Any) -> None:
    folder_of_clips(media, 4)
    first = run(tmp_path)
    content = first.features.read_bytes()
    assert run(tmp_path).fresh == 0
    assert first.features.read_bytes() == content
    media.video("clips/01.mp4", seconds=1.5, color=COLORS["Blue"], hertz=2000.0)
    again = run(tmp_path)
    assert again.fresh == 1, "a clip whose file has changed is described anew"
    assert again.features.read_bytes() != content


def test_a_damaged_record_is_made_anew(tmp_path: Path, media: Any) -> None:
    folder_of_clips(media, 4)
    made = run(tmp_path)
    content = made.features.read_bytes()
    for i, record in enumerate(sorted((made.manifest.parent / "records").iterdir())[:2]):
        record.write_bytes(b"{" if i else record.read_bytes()[:-20])
    next((made.manifest.parent / "pictures").iterdir()).unlink()
    assert 2 <= run(tmp_path).fresh <= 3
    assert made.features.read_bytes() == content


def test_moved_files_give_the_same_features(tmp_path: Path, media: Any) -> None:
    folder_of_clips(media, 4)
    content = run(tmp_path).features.read_bytes()
    (tmp_path / "clips").rename(tmp_path / "moved")
    made = extract(tmp_path / "moved", tmp_path / "labels.csv", tmp_path / "out" / "clips.npz", *BUILT_IN)
    assert made.features.read_bytes() == content


SCRIPT = """
import sys
from pathlib import Path
from avexplore.data.media.extraction import extract
from avexplore.data.media.extractors import parse
folder = Path(sys.argv[1])
extract(folder / "clips", folder / "labels.csv", folder / sys.argv[2] / "clips.npz",
        parse("audio", "log-mel"), parse("visual", "color-texture"))
"""


@pytest.mark.skipif(os.name != "posix", reason="kills by signal")
def test_killed_at_random_it_ends_with_the_same_bytes(tmp_path: Path, media: Any) -> None:
    folder_of_clips(media, 16)
    whole = run(tmp_path).features.read_bytes()
    rng = random.Random(0)
    records = tmp_path / "again" / "clips.media" / "records"
    killed = 0
    while not (tmp_path / "again" / "clips.npz").exists():
        before = len(list(records.glob("*.json"))) if records.exists() else 0
        child = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path), "again"], start_new_session=True)
        deadline = time.monotonic() + 60
        while child.poll() is None and time.monotonic() < deadline:
            if records.exists() and len(list(records.glob("*.json"))) > before + 2:
                time.sleep(rng.random() * 0.02)
                break
            time.sleep(0.002)
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            killed += 1
        child.wait()
        assert killed < 12
    assert killed >= 2
    assert (tmp_path / "again" / "clips.npz").read_bytes() == whole


def test_stopped_on_request_it_goes_on(tmp_path: Path, media: Any) -> None:
    folder_of_clips(media, 6)
    said: list[str] = []

    def stop(fraction: float, message: str = "", **figures: float) -> None:
        said.append(message)
        if message.startswith("3 of 6"):
            raise Cancelled("Enough")

    with pytest.raises(Cancelled):
        run(tmp_path, report=stop)
    assert any("left" in message for message in said)
    assert run(tmp_path).fresh == 3


def test_workers_do_not_change_the_bytes(tmp_path: Path, media: Any) -> None:
    from joblib import Parallel, delayed

    folder_of_clips(media, 6)
    content = run(tmp_path).features.read_bytes()

    def two(call: Any, tasks: Any) -> Any:
        return Parallel(n_jobs=2, return_as="generator_unordered")(delayed(call)(task) for task in tasks)

    made = extract(tmp_path / "clips", tmp_path / "labels.csv", tmp_path / "two" / "clips.npz", *BUILT_IN, spread=two)
    assert made.fresh == 6
    assert made.features.read_bytes() == content


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("file,label\n", "There are no clips"),
        ("name,label\n00.mp4,Red\n", "no column 'file' among name, label"),
        ("file,kind\n00.mp4,Red\n", "no column 'label'"),
        ("file,label\n00.mp4,\n", "'00' has no label"),
        ("file,label,split\n00.mp4,Red,maybe\n", "Unknown split 'maybe'"),
        ("file,label,start\n00.mp4,Red,soon\n", "'soon' is no time"),
        ("file,label,start\n00.mp4,Red,-1\n", "is no time"),
        ("file,label,start,end\n00.mp4,Red,3,2\n", "before it starts"),
        ("clip_id,file,label\na,00.mp4,Red\na,01.mp4,Red\n", "listed twice"),
        ("file,label\nnowhere.mp4,Red\n", "None of the 1 clips has a file"),
        ("file,label\n../secret.mp4,Red\n", "leads out of the folder"),
        ('file,label\n"00.mp4,Red\n', "cannot be read"),
        ("file,label,split\n00.mp4,Red,train\n01.mp4,Blue,\n", "has no split, others have one"),
    ],
)
def test_a_wrong_table_gets_a_sentence(tmp_path: Path, media: Any, content: str, said: str) -> None:
    folder_of_clips(media, 2)
    media.video("secret.mp4")
    (tmp_path / "labels.csv").write_text(content)
    with pytest.raises(DataError, match=said):
        run(tmp_path)


def test_other_encodings_and_places_get_a_sentence(tmp_path: Path, media: Any) -> None:
    folder_of_clips(media, 2)
    (tmp_path / "labels.csv").write_bytes("file,label\n00.mp4,Träne\n".encode("utf-16"))
    with pytest.raises(DataError, match="UTF-8"):
        run(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        extract(tmp_path / "nowhere", tmp_path / "labels.csv", tmp_path / "clips.npz", *BUILT_IN)
    with pytest.raises(DataError, match=r"ends in \.npz"):
        extract(tmp_path / "clips", tmp_path / "labels.csv", tmp_path / "clips.csv", *BUILT_IN)
