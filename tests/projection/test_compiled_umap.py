"""What a map compiles is kept for the next process."""

from __future__ import annotations

import subprocess
import sys

import pytest

COUNTED = """
import numba.core.event as event

class Compiled(event.Listener):
    names = []
    def on_start(self, told):
        self.names.append(told.data["dispatcher"].py_func.__module__)
    def on_end(self, told):
        pass

event.register("numba:compile", Compiled())
from avexplore.projection.warm_up import fill_cache
fill_cache()
print(sum(name.startswith(("umap.umap_", "umap.layouts", "pynndescent")) for name in Compiled.names))
"""


@pytest.mark.slow
def test_a_second_process_compiles_nothing_that_takes_long() -> None:
    said = [subprocess.run([sys.executable, "-c", COUNTED], capture_output=True, check=True).stdout for _ in range(2)]
    assert int(said[1]) == 0
