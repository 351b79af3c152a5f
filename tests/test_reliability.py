"""Small versions of benchmarks/reliability.py: killed work ends the same, byte for byte."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from avexplore.cli.configure import override
from avexplore.config import SyntheticConfig
from avexplore.config.presets import preset
from avexplore.store import Store
from avexplore.workbench import Workbench

SAVES_OFTEN = """
import sys
from avexplore import cli
from avexplore.training import loop
loop.SAVE_SECONDS = 0.0
sys.exit(cli.main(sys.argv[1:]))
"""


def start(config_file: Path, home: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"AVEXPLORE_HOME": str(home), "AVEXPLORE_DEVICE": "cpu", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", SAVES_OFTEN, "compute", str(config_file), "--json"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


@pytest.mark.slow
def test_a_training_killed_at_random_moments_ends_the_same(tmp_path: Path) -> None:
    config = override(
        preset("tiny", SyntheticConfig(clips=600, classes=5)), {"student": {"epochs": 60}, "teacher": {"epochs": 30}}
    ).twin
    whole = Workbench(Store(tmp_path / "whole"), device="cpu")
    whole.get(config)
    file = tmp_path / "student.json"
    file.write_text(json.dumps(config.to_json()))
    home = tmp_path / "killed"
    rng = np.random.default_rng(0)
    kills = 0
    while kills < 2:
        process = start(file, home)
        states = home / "states"
        end = time.monotonic() + 60
        # Python and torch take a while to start: what is to be killed is the training, once it has saved something.
        before = {path: path.stat().st_mtime_ns for path in states.glob("*.safetensors")}
        while process.poll() is None and time.monotonic() < end:
            if any(before.get(path) != path.stat().st_mtime_ns for path in states.glob("*.safetensors")):
                break
            time.sleep(0.005)
        time.sleep(rng.uniform(0.0, 0.2))
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
    out, _ = start(file, home).communicate(timeout=200)
    assert json.loads(out)["address"] == config.address
    killed, kept = Store(home).get(config), whole.store.get(config)
    assert killed is not None
    assert kept is not None
    assert killed.content == kept.content
    assert kills >= 1
    assert not any((home / "states").iterdir())


def test_the_same_config_and_seed_give_the_same_bytes_in_two_processes(tmp_path: Path) -> None:
    config = preset("tiny", SyntheticConfig(clips=200, classes=4)).soft_labels
    assert config is not None
    here = Workbench(Store(tmp_path / "here"), device="cpu")
    here.get(config)
    file = tmp_path / "teacher.json"
    file.write_text(json.dumps(config.to_json()))
    out, _ = start(file, tmp_path / "there").communicate(timeout=200)
    assert json.loads(out)["stage"] == "teacher"
    one, other = here.store.get(config), Store(tmp_path / "there").get(config)
    assert one is not None
    assert other is not None
    assert one.content == other.content


@pytest.mark.slow
@pytest.mark.timeout(900)  # on a fresh machine the graph search is compiled first
def test_a_few_visitors_at_once_tune_graphs_on_the_real_server_without_an_error() -> None:
    script = Path(__file__).parents[1] / "benchmarks" / "crowd.py"
    command = [sys.executable, str(script), "--visitors", "3", "--seconds", "4", "--demo"]
    environment = os.environ | {"AVEXPLORE_MODELS": str(script.parents[1] / "models")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=850, check=False)
    assert done.returncode == 0, done.stderr
    assert "**0 errors**, 0 tracebacks" in done.stdout


@pytest.mark.slow
def test_a_section_of_the_document_is_measured_alone_and_the_others_stay(tmp_path: Path) -> None:
    document = tmp_path / "reliability.md"
    document.write_text("# Old\n\n## A soak\n\nIt went well.\n\n## Damage\n\nOld figures.\n")
    script = Path(__file__).parents[1] / "benchmarks" / "reliability.py"
    command = [sys.executable, str(script), "--out", str(document), "--only", "Damage", "--damages", "3"]
    subprocess.run(command, capture_output=True, timeout=500, check=True)
    text = document.read_text()
    assert "## A soak\n\nIt went well.\n" in text
    assert "3 random damages" in text
    assert "Old" not in text
