"""The warm training process: the newest setting wins, it can be killed, and its figures are a full training's."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from tuned_run import Tiny

from avexplore.config import EvaluationConfig, FeatureFileConfig, OutputsConfig, StudentConfig, override
from avexplore.store import Store
from avexplore.tuning.live_graphs import LiveGraphs
from avexplore.tuning.reading import FIGURES
from avexplore.tuning.tuning import Tuning
from avexplore.tuning.warm_training import TrainingState, WarmTrainer
from avexplore.tuning.warm_worker import forget
from avexplore.workbench import Workbench


@pytest.fixture(scope="module")
def environment(tiny: Tiny) -> dict[str, str]:
    return {**os.environ, "AVEXPLORE_HOME": str(tiny.bench.store.root), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def trainer(environment: dict[str, str]) -> Iterator[WarmTrainer]:
    made = WarmTrainer(environment=environment)
    yield made
    made.end()


def student(tiny: Tiny, weight: float, **changes: object) -> StudentConfig:
    return override(tiny.student, {"regularizer": {"weight": weight, **changes}})


def until(look: Callable[[], TrainingState], *states: str) -> TrainingState:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        found = look()
        if found.state in states:
            return found
        time.sleep(0.02)
    raise AssertionError(f"Still {found}")


@contextmanager
def stopped(trainer: WarmTrainer) -> Iterator[psutil.Process]:
    """The process at work, which does nothing meanwhile."""
    assert trainer.pid is not None
    process = psutil.Process(trainer.pid)
    process.suspend()
    yield process
    with suppress(psutil.NoSuchProcess):
        process.resume()


def test_what_it_trains_has_the_figures_of_a_full_training(tiny: Tiny, trainer: WarmTrainer) -> None:
    config = student(tiny, 2.5, form="pull")
    found = until(lambda: trainer.want("me", OutputsConfig(config)), "done", "failed")
    assert found.state == "done", found
    answer = Tuning(tiny.bench, tiny.run, LiveGraphs()).ask(config, "me")
    assert answer.is_wanted
    whole = tiny.bench.get(EvaluationConfig(config)).metrics
    assert {name: answer.reading.report.metrics[name] for name in FIGURES} == {name: whole[name] for name in FIGURES}


def test_ten_times_overtaken_and_only_the_last_is_there(tiny: Tiny, trainer: WarmTrainer) -> None:
    wanted = [OutputsConfig(student(tiny, 3 + i / 10, ramp_epochs=2)) for i in range(10)]
    until(lambda: trainer.want("me", OutputsConfig(student(tiny, 2.9))), "done")  # warm
    trainer.want("me", wanted[0])
    with stopped(trainer):  # however busy the machine is, none of these is trained before the next is wanted
        for config in wanted[1:]:
            trainer.want("me", config)
    until(lambda: trainer.want("me", wanted[-1]), "done")
    assert wanted[-1] in tiny.bench.store
    assert sum(config in tiny.bench.store for config in wanted[1:-1]) == 0


def test_killed_in_the_middle_it_says_so_and_recovers(tiny: Tiny, trainer: WarmTrainer) -> None:
    until(lambda: trainer.want("me", OutputsConfig(student(tiny, 4.9))), "done")
    config = OutputsConfig(student(tiny, 5.0))
    with stopped(trainer) as process:
        assert trainer.want("me", config).state == "running"
        process.kill()
        process.wait()  # dead before whoever listens to it has noticed
    failed = until(lambda: trainer.want("me", config), "failed", "done")
    assert failed.state == "failed"
    assert "ended" in failed.message
    assert config not in tiny.bench.store
    trainer.retry(config)
    assert until(lambda: trainer.want("me", config), "done", "failed").state == "done"


def test_stopped_by_the_visitor(tiny: Tiny, trainer: WarmTrainer) -> None:
    until(lambda: trainer.want("me", OutputsConfig(student(tiny, 5.9))), "done")
    config = OutputsConfig(student(tiny, 6.0))
    with stopped(trainer):
        assert trainer.want("me", config).state == "running"
        trainer.stop(config)
    assert trainer.want("me", config).state == "failed"
    assert trainer.pid is None
    other = OutputsConfig(student(tiny, 6.5))
    assert until(lambda: trainer.want("me", other), "done", "failed").state == "done"


def test_visitors_wait_for_each_other(tiny: Tiny, trainer: WarmTrainer) -> None:
    ours, theirs = OutputsConfig(student(tiny, 7.0)), OutputsConfig(student(tiny, 7.5))
    trainer.want("ann", ours)
    assert trainer.want("bob", theirs).state in ("waiting", "running")
    assert until(lambda: trainer.want("ann", ours), "done", "failed").state == "done"
    assert until(lambda: trainer.want("bob", theirs), "done", "failed").state == "done"


def test_a_training_that_cannot_be_done_says_why(tiny: Tiny, trainer: WarmTrainer) -> None:
    elsewhere = FeatureFileConfig("0" * 64)
    config = OutputsConfig(student(tiny, 2.0).replace(data=elsewhere))
    assert until(lambda: trainer.want("me", config), "failed", "done").state == "failed"


def test_it_ends_when_nobody_is_there_any_more(environment: dict[str, str], tiny: Tiny) -> None:
    trainer = WarmTrainer(environment=environment)
    config = OutputsConfig(student(tiny, 8.0))
    until(lambda: trainer.want("me", config), "done")
    process = psutil.Process(trainer.pid)
    assert trainer._process is not None
    assert trainer._process.stdin is not None
    trainer._process.stdin.close()
    trainer.want("me", OutputsConfig(student(tiny, 8.5)))  # a pipe that is closed is no crash here
    process.wait(timeout=30)  # raises if it is still there
    trainer.end()


def test_the_oldest_networks_that_were_only_looked_at_go(tiny: Tiny, tmp_path: Path) -> None:
    bench = Workbench(Store(tmp_path, tmp_path / "nothing"), device="cpu")
    outputs = tiny.bench.get(OutputsConfig(tiny.student))
    bench.store.put(tiny.student, tiny.bench.get(tiny.student))
    configs = [OutputsConfig(tiny.student), *(OutputsConfig(student(tiny, 20.0 + i)) for i in range(5))]
    for config in configs[:2]:
        bench.store.put(config, outputs)
    time.sleep(1.1)  # an entry's age is told in seconds
    for config in configs[2:]:
        bench.store.put(config, outputs)
    forget(bench, 4)
    assert [config in bench.store for config in configs] == [True, False, True, True, True, True]
    forget(bench, 1)
    assert configs[0] in bench.store, "a stored student's own stay"
    assert sum(config in bench.store for config in configs) == 2


def test_it_ends_when_idle(environment: dict[str, str], tiny: Tiny) -> None:
    code = "import avexplore.tuning.warm_worker as w; w.IDLE = 0.5; w.main()"
    trainer = WarmTrainer(("-c", code), environment)
    config = OutputsConfig(student(tiny, 9.0))
    until(lambda: trainer.want("me", config), "done", "failed")
    end = time.monotonic() + 30
    while trainer.pid is not None and time.monotonic() < end:
        time.sleep(0.05)
    assert trainer.pid is None
    trainer.end()
