"""Work in a process with limits: what goes wrong there is an error here, and nothing is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from avexplore.apart import apart, bound
from avexplore.config import ClipsConfig, FeatureFileConfig, SyntheticConfig, from_json
from avexplore.data import export_features, feature_file, load_features
from avexplore.errors import ConfigError, DataError
from avexplore.workbench import Missing, Ready, Workbench, brought_files

posix = pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
WARM_UP = "graph.search.warm_up"


def test_a_result_and_an_error_come_back() -> None:
    assert apart(os.path.basename, "/a/b") == "b"
    assert apart(print, "what is printed is no answer") is None
    with pytest.raises(ConfigError, match="Unknown stage"):
        apart(from_json, {"stage": "none"})


def test_what_takes_too_long_is_ended_with_all_that_it_started() -> None:
    began = time.monotonic()
    with pytest.raises(DataError, match="more than 2 s"):
        apart(subprocess.call, [sys.executable, "-c", "import time; time.sleep(654)"], seconds=2.0)
    assert time.monotonic() - began < 60

    def left() -> list[psutil.Process]:
        found = psutil.process_iter(["cmdline", "status"])
        sleeping = [p for p in found if "import time; time.sleep(654)" in (p.info["cmdline"] or [])]
        return [p for p in sleeping if p.info["status"] != psutil.STATUS_ZOMBIE]

    while left():  # a process that was killed may take a moment to end
        assert time.monotonic() - began < 60
        time.sleep(0.05)


@posix
def test_what_takes_too_much_memory_is_refused() -> None:
    with pytest.raises(DataError, match="not enough memory"):
        apart(bytearray, 8 << 30, memory=2 << 30)


@pytest.mark.parametrize("code", [0, 7])
def test_what_ends_its_process_is_refused(code: int) -> None:
    with pytest.raises(DataError, match="or crashed"):
        apart(os._exit, code)


def test_what_is_no_expected_error_is_refused_too() -> None:
    with pytest.raises(DataError, match="or crashed"):
        apart(divmod, 1, 0)


@posix
def test_limits_hold_for_the_process_itself() -> None:
    code = "from avexplore.apart import bound; bound(AS=1 << 30); bytearray(2 << 30)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MemoryError" in done.stderr
    bound(CORE=0)


@pytest.fixture
def data(tmp_path: Path) -> FeatureFileConfig:
    export_features(load_features(SyntheticConfig(clips=80, classes=3)), tmp_path / "mine.npz")
    return feature_file(tmp_path / "mine.npz")


def test_a_server_reads_no_file_of_features_itself(data: FeatureFileConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = load_features(data).clips()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("read in the process that serves pages")

    for name in ("avexplore.data.files.npy._read_body", "avexplore.data.files.npy.check_directory"):
        monkeypatch.setattr(name, refuse)
    bench = Workbench(reads_apart=True)
    found = bench.ask(ClipsConfig(data))
    assert isinstance(found, Ready)
    assert np.array_equal(found.artifact.hard_label, clips.hard_label)
    assert found.artifact.classes == clips.classes
    config, said, _ = apart(brought_files.look_at, list(data.paths), "auto", Path(data.paths[0]).parent)
    assert config == data
    assert said.startswith("3 classes; ")
    assert bench._memory.get(data.address) is None, "features stay out of that process"


def test_a_damaged_file_is_refused_in_the_words_of_its_reader(data: FeatureFileConfig) -> None:
    Path(data.paths[0]).write_bytes(Path(data.paths[0]).read_bytes()[:500])
    answer = Workbench(reads_apart=True).ask(ClipsConfig(data))
    assert not isinstance(answer, (Ready, Missing))
    assert "mine.npz" in answer.message


@posix
@pytest.mark.parametrize("after", ["time.sleep(60)", "os.execv(sys.executable, [sys.executable, '-c', 'input()'])"])
def test_what_compiles_beside_a_process_ends_with_it(tmp_path: Path, after: str) -> None:
    code = (
        f"import os, sys, time; from avexplore.apart import beside; print(beside({WARM_UP!r}).pid, flush=True); {after}"
    )
    command = [sys.executable, "-c", code]
    variables = os.environ | {"AVEXPLORE_COMPILED": str(tmp_path)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=variables) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        time.sleep(2)
        assert child.status() != psutil.STATUS_ZOMBIE, "it is at work"
        parent.kill()
        _, alive = psutil.wait_procs([child], timeout=30)
    assert not alive
