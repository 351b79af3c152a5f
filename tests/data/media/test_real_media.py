"""Real pictures with real sounds through the built-in descriptors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from real_clips import fetch_stamps, right_neighbors, table

from avexplore.data.media.extraction import extract
from avexplore.data.media.extractors import parse
from avexplore.data.media.manifest import read_media_manifest

pytest.importorskip("av", reason="PyAV is not installed")


@pytest.mark.slow
def test_neighbors_are_mostly_of_the_same_kind_and_every_thumbnail_is_right(tmp_path: Path) -> None:
    stamps = fetch_stamps(tmp_path)
    count = table(stamps, tmp_path / "labels.csv")
    assert count > 80
    specs = parse("audio", "log-mel"), parse("visual", "color-texture")
    made = extract(stamps, tmp_path / "labels.csv", tmp_path / "stamps.npz", *specs)
    assert (made.used, made.skipped) == (count, ())
    with np.load(made.features) as arrays:
        labels = arrays["labels"]
        chance = ((np.bincount(labels) / count) ** 2).sum()
        for side in ("audio", "visual"):
            right = right_neighbors(arrays[side], labels)
            assert right > 2.5 * chance, (side, right, chance)
    from PIL import Image

    entries = read_media_manifest("m.csv", made.manifest.read_bytes(), [made.manifest.parent], anywhere=True)
    for entry in entries.values():
        with Image.open(entry.picture) as whole, Image.open(entry.thumbnail) as small:
            shown = Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole.convert("RGBA")).convert("RGB")
            coarse = [
                np.asarray(one.convert("RGB").resize((16, 16), Image.Resampling.BOX), float) for one in (shown, small)
            ]
            assert np.abs(coarse[0] - coarse[1]).mean() < 15, "some are icons of 35 x 16 pixels"
