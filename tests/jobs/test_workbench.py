"""The workbench with real processes behind it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from avexplore import pipeline
from avexplore.artifacts import Artifact
from avexplore.config import Config, SoftLabelFileConfig, SyntheticConfig
from avexplore.errors import Cancelled
from avexplore.jobs import JobStatus, Registry
from avexplore.store import Store
from avexplore.workbench import Answer, Failed, Missing, Ready, Running, Workbench

Until = Callable[..., JobStatus]


def wait(bench: Workbench, config: object, kind: type[Answer], seconds: float = 60) -> Answer:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = bench.ask(config, start=False)
        if isinstance(answer, kind):
            return answer
        time.sleep(0.05)
    raise AssertionError(f"still {answer}")


def wait_for_start(bench: Workbench, config: Config, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while (status := bench.jobs.status(config.address)) is None or status.state != "running":
        assert time.monotonic() < end, f"still {status}"
        time.sleep(0.05)


def test_slow_work_is_missing_then_running_then_ready_and_at_hand(bench: Workbench, slow: ModuleType) -> None:
    config = slow.SlowConfig(steps=15)
    assert bench.ask(config, start=False) == Missing()
    assert isinstance(bench.ask(config), Running)
    ready = wait(bench, config, Ready)
    assert ready.provenance is not None
    assert ready.provenance.seconds > 0.2
    assert bench.ask(config).artifact is ready.artifact, "the second time from memory"
    assert Workbench(bench.store, bench.jobs).get(config).values.tolist() == ready.artifact.values.tolist()


def test_quick_work_waits_for_slow_work_upstream_and_then_is_done_on_the_spot(
    bench: Workbench, slow: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = slow.SlowerConfig(slow.SlowConfig(steps=10))
    slower = pipeline.STAGES[slow.SlowerConfig]
    monkeypatch.setitem(pipeline.STAGES, slow.SlowerConfig, replace(slower, is_quick=lambda config, nodes: True))
    assert bench.ask(config, start=False) == Missing()
    answer = bench.ask(config)
    assert isinstance(answer, Running)
    assert answer.status.stage == "test_slow"
    ready = wait(bench, config, Ready)
    np.testing.assert_array_equal(ready.artifact.values, 2 * bench.get(config.slow).values)


def test_a_job_makes_everything_upstream_too(bench: Workbench, slow: ModuleType) -> None:
    config = slow.SlowerConfig(slow.SlowConfig(steps=10))
    bench.ask(config)
    wait(bench, config, Ready)
    assert config.slow in bench.store


def test_a_failure_stays_told_until_somebody_tries_again(bench: Workbench, slow: ModuleType) -> None:
    config = slow.SlowConfig(fault="error")
    bench.ask(config)
    failed = wait(bench, config, Failed)
    assert "Turn them" in failed.message
    assert bench.ask(config) == failed, "asking again does not start it again"
    assert isinstance(bench.retry(config), Running)
    wait(bench, config, Failed)


def test_cancelling_what_waits_stops_what_it_waits_for(
    bench: Workbench, slow: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = slow.SlowerConfig(slow.SlowConfig(steps=500))
    monkeypatch.setattr(pipeline, "is_quick", lambda c, nodes=None: c.stage == "test_slower")
    bench.ask(config)
    bench.cancel(config)
    assert isinstance(bench.ask(config, start=False), Missing)
    assert [job.state for job in bench.jobs.all()] == ["cancelled"]


def test_what_gave_way_to_another_wish_is_begun_when_asked_for_again(bench: Workbench, slow: ModuleType) -> None:
    first, second = slow.SlowConfig(steps=400), slow.SlowConfig(seed=1, steps=400)
    bench.ask(first, slot="anna/graph")
    wait_for_start(bench, first)
    bench.ask(second, slot="anna/graph")
    assert bench.ask(first, start=False) == Missing(), "nobody stopped it"
    assert isinstance(bench.ask(first, slot="anna/graph"), Running)
    wait_for_start(bench, first)
    bench.cancel(first)
    stopped = bench.ask(first, start=False)
    assert isinstance(stopped, Missing)
    assert stopped.reason


def test_get_makes_it_here_and_reports_the_whole_way(bench: Workbench, slow: ModuleType) -> None:
    config = slow.SlowerConfig(slow.SlowConfig(steps=10, pause=0.0))
    seen: list[tuple[float, str]] = []
    found = bench.get(config, lambda fraction, message="", **figures: seen.append((fraction, message)))
    assert found.values.shape == (10,)
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert 0 < fractions[0] < fractions[-1] <= 1
    assert bench.jobs.all() == [], "no process was started"


def test_get_goes_on_from_what_a_stopped_one_has_saved(bench: Workbench, slow: ModuleType) -> None:
    config = slow.SlowConfig(steps=30, pause=0.0)

    def stop(fraction: float, message: str = "", **figures: float) -> None:
        if fraction > 0.5:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        bench.get(config, stop)
    assert config not in bench.store
    steps: list[str] = []
    found = bench.get(config, lambda fraction, message="", **figures: steps.append(message))
    assert steps[0] == "Step 17"
    whole = Workbench(Store(bench.store.root / "other")).get(config)
    assert found.values.tobytes() == whole.values.tobytes()


def test_a_command_line_waits_for_the_job_that_makes_the_same(
    bench: Workbench, slow: ModuleType, registry: Registry, until: Until
) -> None:
    config = slow.SlowConfig(steps=60)
    bench.ask(config)
    until(registry, config.address, "running", fits=lambda s: s.fraction > 0)
    messages: list[str] = []
    bench.get(config, lambda fraction, message="", **figures: messages.append(message))
    assert any("Waiting for another process" in message for message in messages)
    assert not any(message.startswith("Step") for message in messages)
    assert until(registry, config.address, "done").attempts == 1


def test_threads_that_ask_for_the_same_make_it_once(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    original = pipeline.STAGES[SyntheticConfig]

    def counted(config: SyntheticConfig, context: pipeline.Context) -> Artifact:
        made.append(threading.get_ident())
        time.sleep(0.05)
        return original.compute(config, context)

    monkeypatch.setitem(pipeline.STAGES, SyntheticConfig, replace(original, compute=counted))
    config = SyntheticConfig(clips=60, classes=3)
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda: answers.append(bench.ask(config))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert len({id(answer.artifact) for answer in answers}) == 1
    assert config not in bench.store, "features are not copied"


def test_only_showing_starts_and_writes_nothing(bench: Workbench, slow: ModuleType, tmp_path: Path) -> None:
    done, new = slow.SlowConfig(steps=2), slow.SlowConfig(steps=3)
    bench.get(done)
    before = sorted(tmp_path.rglob("*"))
    shown = Workbench(Store(bench.store.root, bench.store.shipped, read_only=True), read_only=True)
    assert isinstance(shown.ask(done), Ready)
    answer = shown.ask(new)
    assert isinstance(answer, Missing)
    assert "only shows" in answer.reason
    assert isinstance(shown.retry(new), Missing)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_expected_failure_of_quick_work_is_an_answer(bench: Workbench) -> None:
    answer = bench.ask(SoftLabelFileConfig("0" * 64, path="/nowhere.npz"))
    assert isinstance(answer, Failed)
    assert answer.message


def test_memory_keeps_what_was_asked_for_last(bench: Workbench, slow: ModuleType) -> None:
    bench._memory._limit = 3 * 8 * 1000
    configs = [slow.SlowConfig(seed=i, steps=1000, pause=0.0) for i in range(4)]
    for config in configs:
        bench.store.put(config, slow.Walk(np.zeros(1000)))
    first = bench.ask(configs[0]).artifact
    for config in (*configs[1:3], configs[0], configs[3]):
        bench.ask(config)
    assert bench.ask(configs[0]).artifact is first, "used again meanwhile"
    assert bench._memory.get(configs[1].address) is None
    assert bench._memory._bytes <= bench._memory._limit


def test_mapped_results_take_no_memory_and_stay_at_hand(tmp_path: Path) -> None:
    from avexplore.artifacts import Embeddings
    from avexplore.workbench.recent_results import RecentResults, bytes_in_memory

    np.save(tmp_path / "large.npy", np.ones((1000, 8), np.float32))
    mapped = np.asarray(np.load(tmp_path / "large.npy", mmap_mode="r"))
    memory = RecentResults[Embeddings](40_000)

    def put(name: str, made: Embeddings) -> None:
        memory.put(name, made, bytes_in_memory(made))

    for name in ("a", "b", "c"):
        put(name, Embeddings(mapped, mapped[:]))
    assert all(memory.get(name) is not None for name in ("a", "b", "c"))
    put("own", Embeddings(np.ones((500, 8), np.float32), np.ones((500, 8), np.float32)))
    put("another", Embeddings(np.ones((500, 8), np.float32), np.ones((500, 8), np.float32)))
    assert memory.get("own") is None


def test_the_state_of_the_registry_is_shared_with_later_workbenches(bench: Workbench, slow: ModuleType) -> None:
    config = slow.SlowConfig(steps=200)
    bench.ask(config)
    again = Workbench(Store(bench.store.root), Registry(bench.store.root, 2, bench.jobs._command))
    assert isinstance(again.ask(config, start=False), Running)
