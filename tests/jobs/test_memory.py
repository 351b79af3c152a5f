from __future__ import annotations

import mmap
import sys
from pathlib import Path

import numpy as np
import pytest

from avexplore.jobs.memory import used_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells pages of files from others")
def test_pages_of_mapped_files_are_no_memory_of_a_job(tmp_path: Path) -> None:
    path = tmp_path / "values.npy"
    np.save(path, np.ones(8_000_000))
    before = used_bytes()
    mapped = np.load(path, mmap_mode="r")
    assert mapped.sum() == 8_000_000
    assert used_bytes() - before < 20e6
    held = mmap.mmap(-1, 64_000_000)  # an array could take what this process has freed and not given back
    np.frombuffer(held, np.uint8)[:] = 1
    assert used_bytes() - before > 50e6
