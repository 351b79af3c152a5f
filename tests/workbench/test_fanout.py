from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from avexplore import cli
from avexplore.config import (
    BaselineConfig,
    Config,
    EvaluationConfig,
    FeatureFileConfig,
    GraphConfig,
    PrefixConfig,
    StabilityConfig,
    SyntheticConfig,
    TeacherConfig,
)
from avexplore.config.presets import preset
from avexplore.data import soft_label_file
from avexplore.errors import AvexploreError
from avexplore.store import Store
from avexplore.workbench import Workbench
from avexplore.workbench.fanout import _shared, make, make_all


def cells(count: int = 2) -> list[EvaluationConfig]:
    data = SyntheticConfig(clips=60, classes=3)
    return [EvaluationConfig(BaselineConfig(data, dim=dim + 1)) for dim in range(count)]


def test_results_land_in_the_store_and_progress_is_told(tmp_path: Path) -> None:
    seen: list[float] = []
    make_all(cells(), tmp_path, report=lambda fraction, message="", **figures: seen.append(fraction))
    assert all(cell in Store(tmp_path) for cell in cells())
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_what_several_need_is_made_once_and_first() -> None:
    student = preset("tiny", SyntheticConfig(clips=60, classes=3))
    assert student.regularizer is not None
    other = student.replace(regularizer=student.regularizer.replace(form="pull"))
    waves = list(_shared([EvaluationConfig(student), EvaluationConfig(other)]))
    stages = [{type(config) for config in wave} for wave in waves]
    assert TeacherConfig in stages[0]
    assert any(PrefixConfig in wave for wave in stages)
    addresses = [config.address for wave in waves for config in wave]
    assert len(addresses) == len(set(addresses))


def test_one_failure_does_not_lose_the_others(tmp_path: Path) -> None:
    broken: Config = EvaluationConfig(BaselineConfig(FeatureFileConfig("00", paths=("/nowhere.npz",))))
    with pytest.raises(AvexploreError, match="nowhere"):
        make_all([broken, *cells()], tmp_path)
    assert all(cell in Store(tmp_path) for cell in cells())


@pytest.mark.slow
def test_a_worker_that_is_killed_is_said_so_and_the_next_call_goes_on(tmp_path: Path) -> None:
    import psutil

    wanted = cells(6)
    done: list[float] = []

    def kill_all(fraction: float, message: str = "", **figures: float) -> None:
        if fraction > 0 and not done:
            done.append(fraction)
            for process in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    if "LokyProcess" in " ".join(process.cmdline()):
                        process.kill()

    with pytest.raises(AvexploreError, match="fewer workers"):
        make_all(wanted, tmp_path, workers=2, report=kill_all)
    kept = sum(cell in Store(tmp_path) for cell in wanted)
    assert 1 <= kept < 6
    make_all(wanted, tmp_path, workers=2)
    assert all(cell in Store(tmp_path) for cell in wanted)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_dask_cluster_survives_the_death_of_a_worker(tmp_path: Path) -> None:
    from distributed import LocalCluster

    wanted = cells(6)
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        victims = [worker.pid for worker in cluster.workers.values()]  # type: ignore[attr-defined]
        killed_at: list[float] = []

        def kill_one(fraction: float, message: str = "", **figures: float) -> None:
            if fraction > 0 and not killed_at:
                os.kill(victims[0], signal.SIGKILL)
                killed_at.append(fraction)

        make_all(wanted, tmp_path, scheduler=cluster.scheduler_address, report=kill_one)
    assert 0 < killed_at[0] < 1, "in the middle"
    assert all(cell in Store(tmp_path) for cell in wanted)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_same_command_gives_the_same_figures_on_a_cluster_that_loses_a_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from distributed import LocalCluster

    command = ["experiment", "--preset", "tiny", "-s", "synthetic.clips=80", "-s", "synthetic.classes=3", "--json"]
    command += ["--arms", "baseline:cca,baseline:cluster-cca,loss:cross-entropy", "--seeds", "3"]
    found = []
    for name in ("here", "there"):
        home = tmp_path / name
        monkeypatch.setenv("AVEXPLORE_HOME", str(home))
        if name == "here":
            assert cli.main(command) == 0
        else:
            with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
                victim = next(iter(cluster.workers.values())).pid  # type: ignore[attr-defined]
                killer = threading.Thread(target=_kill_after_first_result, args=(home, victim), daemon=True)
                killer.start()
                assert cli.main([*command, "--scheduler", cluster.scheduler_address]) == 0
                killer.join(60)
                assert not killer.is_alive()
        found.append(json.loads(capsys.readouterr().out))
    assert found[0]["address"] == found[1]["address"]
    here, there = (np.array(one["values"], float) for one in found)
    np.testing.assert_allclose(there, here, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_bootstraps_of_one_graph_go_to_a_cluster(tmp_path: Path) -> None:
    from distributed import LocalCluster

    rng = np.random.default_rng(0)
    np.savez(tmp_path / "soft.npz", audio=rng.random((200, 3)), visual=rng.random((200, 3)))
    wanted = StabilityConfig(
        GraphConfig(soft_label_file(tmp_path / "soft.npz"), rows="all"), bootstraps=40, null="none"
    )
    here = make(wanted, Workbench(Store(tmp_path / "here")))
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        there = make(wanted, Workbench(Store(tmp_path / "there")), scheduler=cluster.scheduler_address)
    np.testing.assert_array_equal(here.edge_frequency, there.edge_frequency)
    np.testing.assert_array_equal(here.effect, there.effect)


def _kill_after_first_result(home: Path, pid: int) -> None:
    store = Store(home)
    while not any(True for _ in store.entries("evaluation")):
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)


@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_that_is_not_there_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avexplore.workbench.fanout.SECONDS_TO_CONNECT", 1)
    with pytest.raises(AvexploreError, match="scheduler"):
        make_all(cells(), tmp_path, scheduler="tcp://127.0.0.1:1")


@pytest.mark.skipif(sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="glibc's allocator")
def test_a_worker_that_is_told_to_return_memory_keeps_it() -> None:
    code = (
        "import resource, numpy as np; from avexplore.workbench.fanout import keep_memory; {}\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for _ in range(200): np.ones(1 << 18)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)"
    )
    surroundings = os.environ | {"MALLOC_TRIM_THRESHOLD_": "65536"}  # as Dask starts its workers
    faults = [
        int(subprocess.check_output([sys.executable, "-c", code.format(first)], env=surroundings))
        for first in ("", "keep_memory()")
    ]
    assert faults[1] < faults[0] / 20
