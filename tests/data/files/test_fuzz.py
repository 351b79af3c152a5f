"""A short run of the fuzzer with each of its readers; `benchmarks/fuzz_readers.py` runs it at length."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from avexplore.data.files.open import CONTAINERS
from avexplore.graph.formats import FORMATS

pytestmark = pytest.mark.timeout(900)  # the run itself is bounded below; each input has its own limit
RUNNER = Path(__file__).resolve().parents[3] / "benchmarks" / "fuzz_readers.py"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    keep = tmp_path_factory.mktemp("fuzz")
    command = [sys.executable, str(RUNNER), "--inputs", "120", "--seed", "11", "--json", "--keep", str(keep)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=850)
    assert done.stdout, done.stderr[-2000:]
    return json.loads(done.stdout)


READERS = (
    *(container.name for container in CONTAINERS),
    *("soft-labels", "safetensors", "config"),
    *(f"graph-{name}" for name in FORMATS),
)


@pytest.mark.parametrize("reader", READERS)
def test_mutated_input_is_refused_or_valid(results: dict[str, dict], reader: str) -> None:
    result = results[reader]
    # The HDF5 library may crash or loop: the app reads HDF5 in a process that it can end.
    assert result["crashed"] <= (3 if reader == "hdf5" else 0), result["failures"]
    assert result["failed"] == 0, result["failures"]
    assert result["valid"] + result["refused"] + result["crashed"] == 120
    assert result["valid"] > 0, "mutations so coarse that nothing gets through show little"
    assert result["refused"] > 0
    assert result["slowest_s"] < 5
    assert result["peak_mib"] < 1500


def test_no_reader_is_left_out(results: dict[str, dict]) -> None:
    assert set(results) == set(READERS)
