"""Batches of resampled searches on disk: a stopped measurement goes on from them, and a larger one adds to them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

import avexplore
from avexplore.artifacts import FloatArray, IntArray
from avexplore.graph.compiled.numba_cache import cache_folder

WORTH_SECONDS = 2.0
"""What was made faster than this is made again as fast."""
SAVE_SECONDS = 10.0


class KeptBatches:
    """What has been found by part of the work and by batch: DAGs, and the summed effects of their edges.

    A file of other data, of another version of the search, or one that is damaged counts as none.

    Args:
        path: Where they are kept; None keeps nothing.
        data: What the batches are drawn from. Arrays of any shape.
    """

    def __init__(self, path: Path | None, *data: NDArray) -> None:
        self._path = path
        self._found: dict[str, NDArray] = {}
        self._began = self._saved = time.monotonic()
        self._is_new = False
        if path is None:
            return
        digest = hashlib.sha256(f"{avexplore.__version__} {cache_folder().name}".encode())
        for values in data:
            digest.update(np.ascontiguousarray(values).tobytes())
        self._of = digest.hexdigest()
        with (
            contextlib.suppress(OSError, SafetensorError, ValueError),
            safe_open(path, framework="numpy") as file,
        ):
            if (file.metadata() or {}).get("of") == self._of:
                self._found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping

    def get(self, part: str, first: int, count: int, nodes: int) -> tuple[IntArray, FloatArray] | None:
        """DAGs of shape (count, k, k), int8, and summed effects of shape (k, k); None if they are not here."""
        name = f"{part} {first} {count}"
        edges, pairs, values = (self._found.get(f"{name} {what}") for what in ("edges", "pairs", "effects"))
        dags, effects = np.zeros(count * nodes**2, np.int8), np.zeros(nodes**2)
        try:
            dags[edges], effects[pairs] = 1, values
        except (IndexError, ValueError, TypeError):
            return None
        if edges is None or pairs is None or values is None:
            return None
        return dags.reshape(count, nodes, nodes), effects.reshape(nodes, nodes)

    def put(self, part: str, first: int, count: int, dags: IntArray, effects: FloatArray) -> None:
        """Keep a batch, and every few seconds all of them on disk."""
        if self._path is None:
            return
        name = f"{part} {first} {count}"
        edges, pairs = np.flatnonzero(dags), np.flatnonzero(effects)
        arrays = {"edges": edges, "pairs": pairs, "effects": effects.ravel()[pairs]}  # both are all but empty
        self._found |= {f"{name} {what}": values for what, values in arrays.items()}
        self._is_new = True
        if time.monotonic() - self._saved > SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Bring to disk what is new, if it took long. Where it cannot be written, nothing is kept."""
        if self._path is None or not self._is_new or time.monotonic() - self._began < WORTH_SECONDS:
            return
        waiting = self._path.with_name(f"{self._path.name}.{os.getpid()}.part")
        with contextlib.suppress(OSError):
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                waiting.write_bytes(save(self._found, metadata={"of": self._of}))
                waiting.replace(self._path)
                self._is_new = False
            finally:
                waiting.unlink(missing_ok=True)
        self._saved = time.monotonic()
