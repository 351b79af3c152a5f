"""A short run of the fuzzer of links over every page; `benchmarks/fuzz_links.py` runs it at length."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from stored_run import make_run, store_projection

from avexplore.ui.page_list import PAGES

pytestmark = pytest.mark.timeout(900)
ROOT = Path(__file__).resolve().parents[3]


def test_no_link_ends_a_page(tmp_path: Path) -> None:
    store_projection(make_run(tmp_path / "home"))
    command = [sys.executable, "-W", "ignore", str(ROOT / "benchmarks" / "fuzz_links.py")]
    command += ["--links", str(8 * len(PAGES)), "--seed", "7", "--json"]
    environment = os.environ | {"AVEXPLORE_HOME": str(tmp_path / "home"), "AVEXPLORE_MODELS": str(tmp_path / "none")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=850, env=environment)
    assert done.stdout, done.stderr[-2000:]
    results = json.loads(done.stdout)
    assert set(results) == {info.name for info in PAGES}, "no page is left out"
    for page, found in results.items():
        assert found["failures"] == [], page
        assert found["parameters"] > 20
