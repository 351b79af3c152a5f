"""How long the pair of maps takes, warm, and how far it can be trusted: 4,000 points in 64 dimensions, 30 clusters.

python -m benchmarks.projection
python -m benchmarks.projection --points 20000
python -m benchmarks.projection --cold   # the first pair of a process: nothing compiled yet, then kept on disk
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

from avexplore.artifacts import Embeddings
from avexplore.config import ProjectionConfig, StudentConfig, SyntheticConfig
from avexplore.projection import project
from avexplore.retrieval.ranking import normalized


def embeddings(clips: int) -> tuple[Embeddings, Embeddings]:
    """Without LIR and with: a sixth of the clips has moved towards another class."""
    rng = np.random.default_rng(0)
    centers, labels = rng.normal(size=(30, 64)), rng.integers(30, size=clips)
    base = [centers[labels] + 0.9 * rng.normal(size=(clips, 64)) for _ in range(2)]
    pull = np.where(labels < 5, 1.2, 0.0)[:, None] * centers[(labels + 7) % 30]
    before, after = (Embeddings(normalized(base[0] + p), normalized(base[1] + p)) for p in (0.0 * pull, pull))
    return before, after


FIRST = """
import time
import numpy as np
from benchmarks.projection import embeddings
from avexplore.config import ProjectionConfig, StudentConfig, SyntheticConfig
before, after = embeddings({clips})
student = StudentConfig(SyntheticConfig(clips=400))
wall, cpu = time.perf_counter(), time.process_time()
from avexplore.projection import project
project(before, after, np.arange({clips}), ProjectionConfig(before=student, after=student))
print(f"wall {{time.perf_counter() - wall:6.2f}} s   cpu {{time.process_time() - cpu:6.2f}} s", flush=True)
"""

PEER = """
import time, warnings
import numpy as np
from benchmarks.projection import embeddings
before, _ = embeddings({clips})
points = np.concatenate([before.audio, before.visual])
warnings.simplefilter("ignore")
wall, cpu = time.perf_counter(), time.process_time()
from umap import UMAP
UMAP(random_state=0, n_jobs=1).fit_transform(points)
print(f"wall {{time.perf_counter() - wall:6.2f}} s   cpu {{time.process_time() - cpu:6.2f}} s", flush=True)
"""


def cold(points: int) -> None:
    """Each two processes, one after the other, with a folder of compiled code that is empty at first."""
    for name, code in (("our pair", FIRST), ("umap-learn, one map", PEER)):
        with tempfile.TemporaryDirectory() as kept:
            for state in ("nothing compiled", "kept on disk"):
                print(f"{name:21}{state:18}", end="", flush=True)
                environment = {**os.environ, "NUMBA_CACHE_DIR": kept}
                subprocess.run([sys.executable, "-c", code.format(clips=points // 2)], env=environment, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=4000)
    parser.add_argument("--cold", action="store_true", help="Import and first pair of fresh processes.")
    arguments = parser.parse_args()
    if arguments.cold:
        cold(arguments.points)
        return
    clips = arguments.points // 2
    before, after = embeddings(clips)
    student = StudentConfig(SyntheticConfig(clips=400))
    for seed in range(4):
        config = ProjectionConfig(before=student, after=student, seed=seed)
        wall, cpu = time.perf_counter(), time.process_time()
        found = project(before, after, np.arange(clips), config)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        trust = " and ".join(f"{found.metrics[f'trustworthiness_{when}']:.4f}" for when in ("before", "after"))
        state = "cold" if not seed else "warm"
        print(f"{state}   wall {wall:6.2f} s   cpu {cpu:6.2f} s   trustworthiness {trust}", flush=True)


if __name__ == "__main__":
    main()
