"""A clip that a data set has never seen is described as its own clips were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avexplore.data.media import weights
from avexplore.data.media.extraction import extract
from avexplore.data.media.extractors import ExtractorSpec, parse
from avexplore.data.media.query import Provenance, describe_query, extractor_of, provenance
from avexplore.errors import DataError


@pytest.fixture
def features(tmp_path: Path, media: Any) -> Path:
    lines = ["file,label"]
    for i in range(4):
        media.video(f"clips/{i}.mp4", hertz=300.0 + 900 * i, color=(60 * i, 0, 200 - 40 * i))
        lines.append(f"{i}.mp4,{'AB'[i % 2]}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    specs = parse("audio", "log-mel"), parse("visual", "color-texture")
    return extract(tmp_path / "clips", tmp_path / "labels.csv", tmp_path / "made.npz", *specs, every=0.5).features


def test_a_clip_of_the_set_gets_its_own_vectors(features: Path, tmp_path: Path) -> None:
    made = provenance([features])
    assert made == Provenance({"audio": ("log-mel", ""), "visual": ("color-texture", "")}, 0.5)
    path = tmp_path / "clips" / "2.mp4"
    with np.load(features) as arrays:
        heard = describe_query(path, extractor_of(made, "audio"), made.every)
        seen = describe_query(path, extractor_of(made, "visual"), made.every)
        assert np.array_equal(heard.audio, arrays["audio"][2])
        assert np.array_equal(seen.visual, arrays["visual"][2])
    assert heard.sound_picture.startswith(b"\xff\xd8")
    assert seen.poster.startswith(b"\xff\xd8")


def test_what_lacks_a_side_or_is_no_clip_gets_a_sentence(tmp_path: Path, media: Any) -> None:
    sound, frames = ExtractorSpec("audio", "log-mel"), ExtractorSpec("visual", "color-texture")
    with pytest.raises(DataError, match="holds no sound"):
        describe_query(media.video("a.mp4", sound=False), sound)
    with pytest.raises(DataError, match="holds no picture"):
        describe_query(media.video("a.wav"), frames)
    with pytest.raises(DataError, match="holds no sound"):
        describe_query(media.picture("a.png"), sound)
    (tmp_path / "b.mp4").write_text("hello")
    with pytest.raises(DataError, match="no kind that is decoded"):
        describe_query(tmp_path / "b.mp4", frames)


def test_features_of_elsewhere_have_no_provenance(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", audio=np.zeros((2, 3)))
    assert provenance([tmp_path / "a.npz"]) is None
    np.savez(tmp_path / "b.npz", provenance=np.array(["no json"]))
    assert provenance([tmp_path / "b.npz"]) is None
    assert provenance([tmp_path / "c.h5"]) is None


def test_weights_are_found_where_they_were_last_seen(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(b"weights")
    digest = weights.digest(path)
    made = Provenance({"audio": ("vggish", digest), "visual": ("color-texture", "")}, 1.0)
    with pytest.raises(DataError, match="are not where they were"):
        extractor_of(made, "audio")
    weights.remember(path)
    assert extractor_of(made, "audio") == ExtractorSpec("audio", "vggish", str(path))
    path.write_bytes(b"other weights")
    with pytest.raises(DataError, match="are not where they were"):
        extractor_of(made, "audio")
    assert weights.known_place("../../etc/passwd") is None
