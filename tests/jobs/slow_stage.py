"""A stage for tests: counts slowly, draws a number per step, and keeps its state in between. Also its own worker:

python slow_stage.py FOLDER
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from avexplore import pipeline
from avexplore.artifacts import Artifact, FloatArray
from avexplore.config import Config
from avexplore.errors import DataError
from avexplore.store.weights_file import read_weights, weights_to_bytes


@dataclass(frozen=True)
class SlowConfig(Config):
    stage: ClassVar[str] = "test_slow"
    seed: int = 0
    steps: int = 20
    pause: float = 0.02
    fault: str = ""


@dataclass(frozen=True)
class SlowerConfig(Config):
    """Needs a slow one."""

    stage: ClassVar[str] = "test_slower"
    slow: SlowConfig = SlowConfig()


@dataclass(frozen=True)
class Walk(Artifact):
    values: FloatArray


def count(config: SlowConfig, use: pipeline.Context) -> Artifact:
    values = np.zeros(config.steps)
    begin = 0
    if use.state_file is not None and use.state_file.exists():
        state = read_weights(use.state_file)
        begin, values = int(state["step"]), state["values"].copy()
        sys.stderr.write(f"resumed at step {begin}\n")
    hoard: list[Any] = []
    for step in range(begin, config.steps):
        match config.fault:
            case "error":
                raise DataError("The clips are upside down", where="clips", fix="Turn them")
            case "crash":
                raise ZeroDivisionError("no such luck")
            case "fill":
                hoard.append(np.ones(4_000_000))
            case "brood" if step == begin:
                hungry = "import time; hoard = b'x' * 800_000_000; time.sleep(90)"
                hoard.append(subprocess.Popen([sys.executable, "-c", hungry]))
                sys.stderr.write(f"child {hoard[0].pid}\n")
            case "die" if step == begin + 2:
                sys.stderr.write("about to die\n")
                os.kill(os.getpid(), 9)
        time.sleep(config.pause)
        values[step] = np.random.default_rng([config.seed, step]).normal() + 0.5 * values[step - 1]
        if use.state_file is not None:
            use.state_file.parent.mkdir(exist_ok=True)
            fresh = use.state_file.with_suffix(".new")
            fresh.write_bytes(weights_to_bytes({"step": np.array(step + 1), "values": values}))
            fresh.replace(use.state_file)
        use.report((step + 1) / config.steps, f"Step {step + 1}", value=float(values[step]))
    return Walk(values)


def double(config: SlowerConfig, use: pipeline.Context) -> Artifact:
    return Walk(use.get(config.slow).values * 2)


pipeline.STAGES[SlowConfig] = pipeline.Stage(count)
pipeline.STAGES[SlowerConfig] = pipeline.Stage(double, lambda config: (config.slow,))

if __name__ == "__main__":
    from avexplore.cli.upkeep import run_job
    from avexplore.jobs import registry

    # A worker that ends starts the next one, which must know this stage, too.
    registry.WORKER = ("-W", "ignore", __file__)
    sys.exit(run_job(Path(sys.argv[1])))
