"""Real pictures with real sounds, of a package that the package manager fetches: never kept, skipped without it."""

from __future__ import annotations

import csv
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from avexplore.data.media.extraction import extract
from avexplore.data.media.extractors import parse
from avexplore.data.media.manifest import read_media_manifest

pytest.importorskip("av", reason="PyAV is not installed")
PACKAGE = "tuxpaint-stamps-default"
STAMPS = Path("usr/share/tuxpaint/stamps")
GROUPS = {
    "animals/birds": "Birds",
    "animals/mammals/bovines": "Bovines",
    "animals/mammals": "Other mammals",
    "symbols/math": "Numbers and signs",
    "symbols/alphabets": "Letters",
    "seasonal": "Seasonal",
    "household": "Household",
}


@pytest.fixture(scope="module")
def stamps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of stamps: the system's own, else unpacked from the package."""
    if (Path("/") / STAMPS).is_dir():
        return Path("/") / STAMPS
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        pytest.skip("there is no apt-get here to fetch real media with")
    folder = tmp_path_factory.mktemp("stamps")
    try:
        subprocess.run(["apt-get", "download", PACKAGE], cwd=folder, check=True, capture_output=True, timeout=120)
        [package] = folder.glob("*.deb")
        subprocess.run(["dpkg", "-x", str(package), str(folder)], check=True, capture_output=True, timeout=120)
    except (subprocess.SubprocessError, OSError, ValueError):
        pytest.skip(f"{PACKAGE} cannot be fetched here")
    return folder / STAMPS


def table(stamps: Path, path: Path) -> int:
    """Every picture that has a sound of its own, with its group."""
    rows = []
    for picture in sorted(stamps.rglob("*.png")):
        sound = next((s for end in (".ogg", ".wav") if (s := picture.with_suffix(end)).exists()), None)
        name = picture.relative_to(stamps).as_posix()
        group = next((group for start, group in GROUPS.items() if name.startswith(start)), None)
        if sound is not None and group is not None:
            rows.append([name[:-4], name, sound.relative_to(stamps).as_posix(), group])
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([["clip_id", "picture", "sound", "label"], *rows])
    return len(rows)


@pytest.mark.slow
def test_neighbors_are_mostly_of_the_same_kind_and_every_thumbnail_is_right(stamps: Path, tmp_path: Path) -> None:
    count = table(stamps, tmp_path / "labels.csv")
    assert count > 80
    specs = parse("audio", "log-mel"), parse("visual", "color-texture")
    made = extract(stamps, tmp_path / "labels.csv", tmp_path / "stamps.npz", *specs)
    assert (made.used, made.skipped) == (count, ())
    with np.load(made.features) as arrays:
        labels = arrays["labels"]
        chance = ((np.bincount(labels) / count) ** 2).sum()
        for side in ("audio", "visual"):
            values = (arrays[side] - arrays[side].mean(0)) / (arrays[side].std(0) + 1e-6)
            values /= np.linalg.norm(values, axis=1, keepdims=True)
            alike = values @ values.T
            np.fill_diagonal(alike, -np.inf)
            right = (labels[alike.argmax(1)] == labels).mean()
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
