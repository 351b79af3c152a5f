from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import psutil
import pytest

from avexplore import pipeline
from avexplore.errors import AvexploreError, Cancelled
from avexplore.folders import NAMED
from avexplore.jobs import JobStatus, Registry, memory, processes, records
from avexplore.jobs import registry as module
from avexplore.jobs.processes import Identity
from avexplore.jobs.records import JobReport, read_json
from avexplore.store import Store

Until = Callable[..., JobStatus]


def pid_of(registry: Registry, address: str) -> int:
    request = read_json(registry.folder(address) / "request.json")
    assert request is not None
    return int(request["pid"])


def expected(steps: int, seed: int = 0) -> list[float]:
    values = np.zeros(steps)
    for step in range(steps):
        values[step] = np.random.default_rng([seed, step]).normal() + 0.5 * values[step - 1]
    return values.tolist()


def test_a_job_runs_apart_shows_its_figures_and_stores_its_result(
    registry: Registry, slow: ModuleType, until: Until
) -> None:
    config = slow.SlowConfig(steps=30)
    first = registry.submit(config)
    assert first.state in ("queued", "running")
    assert pid_of(registry, config.address) != os.getpid()
    seen = until(registry, config.address, "running", fits=lambda s: s.fraction > 0.2)
    assert seen.message.startswith("Step")
    done = until(registry, config.address, "done")
    assert done.fraction == 1.0
    assert done.attempts == 1
    entry = Store(registry.root).get(config)
    assert entry is not None
    assert entry.artifact.values.tolist() == expected(30)
    figures = registry.figures(config.address)
    assert [point["value"] for point in figures] == expected(30)
    assert not list((registry.root / "states").iterdir()), "the saved state is gone with its use"


def test_another_registry_finds_the_job_as_after_a_restart(registry: Registry, slow: ModuleType, until: Until) -> None:
    config = slow.SlowConfig(steps=60)
    registry.submit(config)
    until(registry, config.address, "running", fits=lambda s: s.fraction > 0)
    later = Registry(registry.root, workers=2, command=registry._command)
    assert [job.address for job in later.all()] == [config.address]
    assert later.status(config.address).state == "running"
    pid = pid_of(registry, config.address)
    assert later.submit(config).state == "running"
    assert pid_of(later, config.address) == pid, "the same address is the same job"
    until(later, config.address, "done")


def test_a_job_outlives_the_process_that_started_it(registry: Registry, slow: ModuleType, until: Until) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); import slow_stage; from pathlib import Path;"
        "from avexplore.jobs import Registry;"
        "Registry(Path(sys.argv[1]), 1, ('-W', 'ignore', sys.argv[2] + '/slow_stage.py'))"
        ".submit(slow_stage.SlowConfig(steps=40))"
    )
    here = str(Path(__file__).parent)
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(registry.root), here], check=True, timeout=60)
    assert until(registry, slow.SlowConfig(steps=40).address, "done").attempts == 1


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_worker_goes_on_to_the_same_end(registry: Registry, slow: ModuleType, until: Until, seed: int) -> None:
    config = slow.SlowConfig(steps=40, seed=seed)
    registry.submit(config)
    moment = np.random.default_rng(seed).uniform(0.1, 0.8)
    until(registry, config.address, "running", fits=lambda s: s.fraction >= moment)
    os.kill(pid_of(registry, config.address), signal.SIGKILL)
    done = until(registry, config.address, "done")
    assert done.attempts == 2
    assert "resumed at step" in registry.log(config.address)
    assert Store(registry.root).get(config).artifact.values.tolist() == expected(40, seed)


def test_a_worker_that_keeps_dying_is_reported_with_the_end_of_its_log(
    registry: Registry, slow: ModuleType, until: Until
) -> None:
    config = slow.SlowConfig(steps=100, fault="die", pause=0.0)
    registry.submit(config)
    failed = until(registry, config.address, "failed")
    assert failed.attempts == module.MAX_ATTEMPTS
    assert "died" in failed.message
    assert "about to die" in failed.log
    assert "resumed at step" in failed.log


@pytest.mark.parametrize(("fault", "said"), [("error", "upside down"), ("crash", "ZeroDivisionError")])
def test_a_failure_is_told_once_and_not_tried_again_by_itself(
    registry: Registry, slow: ModuleType, until: Until, fault: str, said: str
) -> None:
    config = slow.SlowConfig(fault=fault)
    registry.submit(config)
    failed = until(registry, config.address, "failed")
    assert said in failed.message
    assert failed.attempts == 1
    assert said in failed.log or "no such luck" in failed.log
    time.sleep(0.6)
    assert registry.status(config.address).state == "failed"
    registry.forget(config.address)
    assert registry.status(config.address) is None


def test_cancelling_ends_the_process_and_keeps_what_was_saved(
    registry: Registry, slow: ModuleType, until: Until
) -> None:
    config = slow.SlowConfig(steps=500)
    registry.submit(config)
    until(registry, config.address, "running", fits=lambda s: s.fraction > 0)
    pid = pid_of(registry, config.address)
    registry.cancel(config.address)
    assert registry.status(config.address).state == "cancelled"
    assert not psutil.pid_exists(pid)
    assert list((registry.root / "states").iterdir())
    registry.submit(config)
    until(registry, config.address, "running", fits=lambda s: s.fraction > 0)
    assert "resumed" in registry.log(config.address)


def test_no_more_run_at_once_than_there_are_workers_and_the_rest_wait_in_order(
    registry: Registry, slow: ModuleType, until: Until
) -> None:
    configs = [slow.SlowConfig(seed=i, steps=25) for i in range(4)]
    for config in configs:
        registry.submit(config)
        time.sleep(0.01)
    states = [registry.status(config.address) for config in configs]
    assert [s.state for s in states] == ["running", "running", "queued", "queued"]
    assert [s.position for s in states] == [0, 0, 1, 2]
    most = 0
    while any(registry.status(c.address).state != "done" for c in configs):
        most = max(most, sum(job.state == "running" for job in registry.all()))
        time.sleep(0.05)
    assert most == 2
    starts = [read_json(registry.folder(c.address) / "request.json")["started"] for c in configs]
    assert starts == sorted(starts)


def test_the_queue_moves_on_when_nobody_looks(registry: Registry, slow: ModuleType) -> None:
    registry.workers = 1
    configs = [slow.SlowConfig(seed=i, steps=3) for i in range(3)]
    for config in configs:
        registry.submit(config)
    end = time.monotonic() + 60
    store = Store(registry.root)
    while not all(config in store for config in configs):
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize("step", [-86_400.0, 86_400.0])
def test_a_step_of_the_clock_loses_no_job_and_promises_nothing_odd(
    registry: Registry, slow: ModuleType, until: Until, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    config = slow.SlowConfig(steps=2000)
    registry.submit(config)
    until(registry, config.address, "running", fits=lambda s: s.seconds_left is not None)
    pid, now = pid_of(registry, config.address), time.time
    monkeypatch.setattr(module.time, "time", lambda: now() + step)
    seen = registry.status(config.address)
    assert seen is not None
    assert (seen.state, pid_of(registry, config.address)) == ("running", pid)
    assert seen.seconds >= 0
    assert seen.seconds_left is None or 0 <= seen.seconds_left < 3600
    registry.cancel(config.address)
    assert not psutil.pid_exists(pid), "it is known by more than a time of day"


def test_only_one_training_uses_the_gpu_also_if_it_is_upstream(
    registry: Registry, slow: ModuleType, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = replace(pipeline.STAGES[slow.SlowConfig], is_network=True)
    monkeypatch.setitem(pipeline.STAGES, slow.SlowConfig, network)
    monkeypatch.setenv("AVEXPLORE_DEVICE", "cuda")
    ready = slow.SlowConfig(seed=9)
    Store(registry.root).put(ready, slow.Walk(np.zeros(1)))
    registry.workers = 3
    training, above = slow.SlowConfig(steps=20), slow.SlowerConfig(slow.SlowConfig(seed=1, steps=20))
    trains_nothing = slow.SlowerConfig(ready)
    states = [registry.submit(config).state for config in (training, above, trains_nothing)]
    assert states == ["running", "queued", "running"]
    for config in (training, above, trains_nothing):
        until(registry, config.address, "done")


def test_a_new_value_in_a_slot_replaces_the_old_job_unless_somebody_else_wants_it(
    registry: Registry, slow: ModuleType
) -> None:
    registry.workers = 3
    one, two, three = (slow.SlowConfig(seed=i, steps=400) for i in range(3))
    registry.submit(one, slot="anna/student")
    registry.submit(one, slot="ben/student")
    registry.submit(two, slot="anna/student")
    assert registry.status(one.address).state == "running", "Ben still wants it"
    registry.submit(two, slot="ben/student")
    assert registry.status(one.address).state == "cancelled"
    registry.submit(three, slot="anna/teacher")
    assert registry.status(two.address).state == "running", "another slot of Anna's"


def test_one_visitor_cannot_fill_the_queue(registry: Registry, slow: ModuleType) -> None:
    registry.workers = 1
    for i in range(module.MAX_PER_VISITOR):
        registry.submit(slow.SlowConfig(seed=i, steps=400), slot=f"anna/{i}")
    with pytest.raises(AvexploreError, match="jobs already"):
        registry.submit(slow.SlowConfig(seed=99), slot="anna/more")
    assert registry.submit(slow.SlowConfig(seed=99), slot="ben/1").state == "queued"


def test_who_is_refused_keeps_the_job_that_he_had(
    registry: Registry, slow: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 1)
    registry.workers = 1
    mine, theirs, more = (slow.SlowConfig(seed=i, steps=400) for i in range(3))
    registry.submit(mine, slot="anna/student")
    registry.submit(theirs, slot="ben/student")
    with pytest.raises(AvexploreError, match="wait already"):
        registry.submit(more, slot="anna/student")
    assert [registry.status(config.address).state for config in (mine, theirs)] == ["running", "queued"]
    assert registry.status(more.address) is None
    slots = read_json(registry.root / "jobs" / "slots.json")
    assert slots == {"anna/student": mine.address, "ben/student": theirs.address}
    assert registry.submit(more, slot="ben/student").state == "queued", "in the place of the one that waits"
    assert registry.status(theirs.address) is None


def test_a_pid_that_now_belongs_to_another_process_is_not_taken_for_the_worker(
    registry: Registry, slow: ModuleType, until: Until
) -> None:
    config = slow.SlowConfig(steps=300)
    registry.submit(config)
    until(registry, config.address, "running")
    path = registry.folder(config.address) / "request.json"
    request = read_json(path)
    registry.cancel(config.address)
    # As after a restart of the machine: the file says started, the number is somebody else's.
    path.write_text(json.dumps(request | {"pid": os.getpid(), "mark": "an-earlier-boot/1"}))
    resumed = until(registry, config.address, "running", fits=lambda s: s.attempts == 2)
    assert resumed.state == "running"
    assert pid_of(registry, config.address) != os.getpid()


@pytest.mark.parametrize("folders", ["", "/some/folder", None])
def test_a_worker_may_read_what_the_one_who_asked_may_read(
    registry: Registry, slow: ModuleType, until: Until, monkeypatch: pytest.MonkeyPatch, folders: str | None
) -> None:
    def name(value: str | None) -> None:
        monkeypatch.delenv(NAMED) if value is None else monkeypatch.setenv(NAMED, value)

    registry.workers = 0
    config = slow.SlowConfig(steps=300)
    name(folders)
    assert registry.submit(config).state == "queued"
    monkeypatch.setenv(NAMED, "/the/folders/of/somebody/who/looks")
    registry.workers = 1
    until(registry, config.address, "running", fits=lambda s: s.fraction > 0)
    assert psutil.Process(pid_of(registry, config.address)).environ().get(NAMED) == folders


def test_a_job_that_takes_too_much_memory_ends_in_words(
    registry: Registry, slow: ModuleType, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVEXPLORE_JOB_MEMORY", "0.7")
    config = slow.SlowConfig(steps=2000, fault="fill", pause=0.03)  # 32 MB a step, 64 GB in all
    registry.submit(config)
    failed = until(registry, config.address, "failed", seconds=120)
    assert "more than 0.7 GiB" in failed.message
    assert "AVEXPLORE_JOB_MEMORY" in failed.message
    assert "more than 0.7 GiB" in failed.log
    assert failed.attempts == 1, "it would only happen again"
    request = read_json(registry.folder(config.address) / "request.json")
    assert request is not None
    end = time.monotonic() + 60
    while Identity(request["pid"], request["mark"]).is_alive():
        assert time.monotonic() < end, "it still holds the memory"
        time.sleep(0.05)


def test_a_job_that_takes_too_much_memory_takes_its_children_with_it(
    registry: Registry, slow: ModuleType, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVEXPLORE_JOB_MEMORY", "0.7")
    config = slow.SlowConfig(steps=2000, fault="brood", pause=0.03)
    registry.submit(config)
    failed = until(registry, config.address, "failed", seconds=120)
    assert "more than 0.7 GiB" in failed.message
    child = int(failed.log.split("child ")[1].split()[0])
    end = time.monotonic() + 20
    while psutil.pid_exists(child):
        assert time.monotonic() < end, "it lives on and keeps the memory"
        time.sleep(0.05)


def test_a_job_within_its_memory_is_left_alone(
    registry: Registry, slow: ModuleType, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVEXPLORE_JOB_MEMORY", "3")
    config = slow.SlowConfig(steps=20, fault="fill")
    registry.submit(config)
    assert until(registry, config.address, "done").attempts == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process offer itself")
def test_the_system_would_end_a_job_before_the_app(registry: Registry, slow: ModuleType, until: Until) -> None:
    config = slow.SlowConfig(steps=400)
    registry.submit(config)
    until(registry, config.address, "running", fits=lambda s: s.fraction > 0)
    offered = Path(f"/proc/{pid_of(registry, config.address)}/oom_score_adj").read_text()
    assert int(offered) > int(Path("/proc/self/oom_score_adj").read_text())


def test_the_share_of_a_job_is_less_where_others_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AVEXPLORE_SHARED", raising=False)
    alone = memory.job_bytes(4)
    monkeypatch.setenv("AVEXPLORE_SHARED", "1")
    assert 4 * memory.job_bytes(4) < memory.machine_bytes()
    assert memory.job_bytes(4) < alone < memory.machine_bytes()
    for nonsense in ("much", "-1", "nan", "inf", ""):
        monkeypatch.setenv(memory.VARIABLE, nonsense)
        assert memory.job_bytes(4) < alone
    monkeypatch.setenv(memory.VARIABLE, "1.5")
    assert memory.job_bytes(4) == 3 * 2**29


def test_what_a_visitor_no_longer_waits_for_is_forgotten(registry: Registry, slow: ModuleType, until: Until) -> None:
    for seed in range(3):
        config = slow.SlowConfig(seed=seed, steps=2)
        registry.submit(config, slot=f"visitor-{seed}/x")
        until(registry, config.address, "done")
    last = slow.SlowConfig(seed=9, steps=300)
    registry.submit(last, slot="visitor-9/x")
    assert read_json(registry.root / "jobs" / "slots.json") == {"visitor-9/x": last.address}


def test_a_slider_moved_on_leaves_nothing_behind_in_the_queue(registry: Registry, slow: ModuleType) -> None:
    registry.workers = 1
    registry.submit(slow.SlowConfig(seed=1000, steps=500))
    for seed in range(20):
        registry.submit(slow.SlowConfig(seed=seed), slot="anna/graph")
    waiting = [job for job in registry.all() if job.state == "queued"]
    assert [job.address for job in waiting] == [slow.SlowConfig(seed=19).address]
    assert len(registry.all()) == 2


def test_records_of_old_jobs_go_and_results_stay(
    registry: Registry, slow: ModuleType, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_RECORDS", 2)
    configs = [slow.SlowConfig(seed=seed, steps=1) for seed in range(5)]
    for config in configs:
        registry.submit(config)
        until(registry, config.address, "done")
    # The newest was at work still when the older ones were counted.
    assert [job.address for job in registry.all()] == [config.address for config in configs[:1:-1]]
    assert all(config in Store(registry.root) for config in configs)


def test_half_written_records_are_no_reason_to_fail(registry: Registry, slow: ModuleType, until: Until) -> None:
    config = slow.SlowConfig(steps=5)
    registry.submit(config)
    until(registry, config.address, "done")
    folder = registry.folder(config.address)
    with (folder / "figures.jsonl").open("a") as file:
        file.write('{"value": 1')
    assert len(registry.figures(config.address)) == 5
    (folder / "progress.json").write_text('{"state": "do')
    assert registry.status(config.address) is not None
    (registry.root / "jobs" / "junk").mkdir()
    (registry.root / "jobs" / "junk" / "request.json").write_text("[]")
    (registry.root / "jobs" / "slots.json").write_text("broken")
    assert registry.submit(slow.SlowConfig(steps=2), slot="a/b")
    assert len(registry.all()) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_figures_that_find_no_room_do_not_end_the_work(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text("{}")
    full = tmp_path / "figures.jsonl"
    full.symlink_to("/dev/full")
    JobReport(tmp_path, 1)(0.5, "half", loss=1.0)
    assert read_json(tmp_path / "progress.json")["message"] == "half"


def test_a_job_whose_folder_is_gone_is_stopped(tmp_path: Path) -> None:
    report = JobReport(tmp_path / "gone", 1)
    with pytest.raises(Cancelled, match="removed"):
        report(0.5, "half", loss=1.0)


def test_why_a_job_failed_stays_said(tmp_path: Path) -> None:
    report = JobReport(tmp_path, 1)
    report.say("failed", 0.0, "It took too much memory")
    report.say("failed", 0.0, "A child has ended")
    assert read_json(tmp_path / "progress.json")["message"] == "It took too much memory"


def test_only_what_a_later_value_replaced_is_called_replaced(registry: Registry, slow: ModuleType) -> None:
    one, two = (slow.SlowConfig(seed=i, steps=400) for i in range(2))
    registry.submit(one, slot="anna/graph")
    registry.submit(two, slot="anna/graph")
    registry.cancel(two.address)
    states = [registry.status(config.address) for config in (one, two)]
    assert [(status.state, status.replaced) for status in states] == [("cancelled", True), ("cancelled", False)]
    assert not registry.submit(one).replaced, "somebody wants it again"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that a report sees, to be set by the test."""
    now = [1000.0]
    monkeypatch.setattr(records, "time", SimpleNamespace(time=lambda: now[0], monotonic=lambda: now[0]))
    return now


def test_the_time_left_is_told_once_the_last_kind_of_work_has_been_measured(tmp_path: Path, clock: list[float]) -> None:
    (tmp_path / "request.json").write_text("{}")
    report = records.JobReport(tmp_path, 1)

    def left_after(seconds: float, fraction: float) -> float | None:
        clock[0] += seconds
        report(fraction)
        found: float | None = (records.read_json(tmp_path / "progress.json") or {})["seconds_left"]
        return found

    report.begin(last=False)
    assert [left_after(1.0, fraction) for fraction in (0.1, 0.3, 0.5)] == [None] * 3, "fast, but not the last"
    report.begin(last=True)
    assert left_after(30.0, 0.5) is None, "compiling: comes once"
    assert left_after(0.5, 0.51) is None, "too little to tell"
    assert left_after(9.5, 0.6) == pytest.approx(40.0)
    assert left_after(10.0, 0.7) == pytest.approx(30.0)


def test_a_step_of_the_clock_leaves_a_process_the_one_that_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    identity = Identity(sleeper.pid, processes.mark_of(sleeper.pid))
    monkeypatch.setattr(psutil, "boot_time", lambda: time.time() - 5000)  # the clock was set back by an hour and more
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: 1.0)
    assert identity.is_alive()
    assert identity.stop()
    sleeper.wait(timeout=30)
    assert not identity.is_alive()
    assert not Identity(os.getpid(), "").is_alive()


def test_what_could_not_be_stopped_is_not_called_stopped(
    registry: Registry, slow: ModuleType, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = slow.SlowConfig(steps=300)
    registry.submit(config)
    until(registry, config.address, "running")
    with monkeypatch.context() as patch:

        def denied(process: psutil.Process) -> None:
            raise psutil.AccessDenied(process.pid)

        patch.setattr(psutil.Process, "terminate", denied)
        patch.setattr(psutil.Process, "kill", denied)
        patch.setattr(psutil, "wait_procs", lambda family, timeout: ([], family))
        with pytest.raises(AvexploreError, match="The work goes on"):
            registry.cancel(config.address)
    assert registry.status(config.address).state == "running"
    registry.cancel(config.address)
    assert registry.status(config.address).state == "cancelled"


ODD = [
    b"", b"{", b"[]", b"null", b"3", b"\xff\xfe\x00", b"{}", b'{"address": 5}', b"[" * 100_000, b'{"address": "x"}',
    *(
        json.dumps({"address": "@", "stage": "s", "config": {}, "state": "queued", "requested": 1.0, "attempts": 0,
                    "pid": 0, "note": ""} | {name: value}).encode()
        for name, values in {
            "stage": [None, 5], "config": [None, [], "x"], "state": [None, 1], "attempts": ["1", None, 1.5, True],
            "requested": ["now", None, [], 1e400, 10**400], "pid": ["1", None, {}], "note": [None, 3],
        }.items()
        for value in values
    ),
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_one_odd_record_takes_no_list_of_jobs_down(
    registry: Registry, slow: ModuleType, until: Until, odd: bytes
) -> None:
    registry.workers = 0
    good = slow.SlowConfig()
    registry.submit(good)
    folder = registry.root / "jobs" / ("f" * 64)
    folder.mkdir()
    (folder / "request.json").write_bytes(odd.replace(b'"@"', b'"' + b"f" * 64 + b'"'))
    (registry.folder(good.address) / "progress.json").write_bytes(odd)
    registry.look(now=True)
    assert [job.address for job in registry.all()] == [good.address]
    assert registry.unreadable() == ["f" * 64]
    assert registry.status(good.address).state == "queued"
    registry.cancel(good.address)


def test_a_disk_that_cannot_be_written_still_shows_jobs_and_says_so_when_asked_for_more(
    registry: Registry, slow: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.workers = 0
    registry.submit(slow.SlowConfig())

    def full(path: Path, content: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("avexplore.jobs.registry.write_json", full)
        registry.workers = 2
        registry.look(now=True)
        assert len(registry.all()) == 1
        with pytest.raises(AvexploreError, match="The disk is full"):
            registry.submit(slow.SlowConfig(seed=5))
