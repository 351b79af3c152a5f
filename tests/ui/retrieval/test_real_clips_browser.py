"""From real media and a network with real weights to a clip that plays, by the commands of the README."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_browser import until
from real_clips import fetch_network, fetch_stamps, right_neighbors, table

pytest.importorskip("av", reason="PyAV is not installed")
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]


def test_real_clips_are_described_learned_ranked_and_played(
    tmp_path: Path, start_app: Callable[..., str], browser: Any
) -> None:
    stamps = fetch_stamps(tmp_path)
    packages, network = fetch_network(tmp_path)
    count, home, features = table(stamps, tmp_path / "labels.csv"), tmp_path / "home", tmp_path / "stamps.npz"
    home.mkdir()
    environment = {"AVEXPLORE_HOME": str(home), "PYTHONPATH": str(packages), "OMP_NUM_THREADS": "1"}

    def avexplore(*words: object) -> None:
        command = [sys.executable, "-m", "avexplore", *map(str, words), "--quiet"]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **environment}, timeout=600)

    avexplore(
        "features", stamps, tmp_path / "labels.csv", "-o", features, "--visual", f"onnx:{network}", "--workers", 1
    )
    with np.load(features) as arrays:
        labels = arrays["labels"]
        chance = ((np.bincount(labels) / count) ** 2).sum()
        assert arrays["visual"].shape == (count, 1280)
        assert right_neighbors(arrays["visual"], labels) > 4 * chance
        assert right_neighbors(arrays["audio"], labels) > 2.5 * chance
    manifest = tmp_path / "stamps.media" / "manifest.csv"
    avexplore("run", features, manifest, "--preset", "tiny", "--no-projection")

    url = start_app(home, "--folder", str(stamps), "--folder", str(tmp_path))
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(150_000)
    try:
        page.goto(f"{url}/retrieval")
        thumbnail = page.locator(".right .card img").first
        thumbnail.wait_for()
        until(lambda: thumbnail.evaluate("image => image.naturalWidth") > 0)
        page.locator(".right .card:has(img)").first.click()
        sound = page.locator("audio")
        sound.wait_for()
        until(lambda: sound.evaluate("sound => sound.readyState") >= 2)
        # Asked again each time: the page may be drawn anew with another player while this one starts.
        until(lambda: sound.count() > 0)
        assert sound.count() == 1, "one player at a time"
        until(lambda: sound.evaluate("sound => { sound.muted = true; sound.play(); return sound.currentTime; }") > 0)
    finally:
        page.close()
