"""What a face (the app, the command line, a notebook) may ask: results by their config, wherever they come from.

From memory, from the store, by quick work on the spot, or by slow work in a process of its own.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from avexplore import pipeline
from avexplore.artifacts import Artifact, Report, SoftLabels, silent
from avexplore.config import (
    ClipsConfig,
    Config,
    DataConfig,
    EvaluationConfig,
    ExperimentConfig,
    FeatureFileConfig,
    PrefixConfig,
    SoftLabelFileConfig,
    SoftLabelSource,
    StabilityConfig,
    StudentConfig,
    SweepConfig,
    SyntheticConfig,
    TeacherConfig,
    walk,
)
from avexplore.errors import AvexploreError, Cancelled
from avexplore.folders import may_read
from avexplore.jobs import JobReport, JobStatus, Registry
from avexplore.run_names import distinct_names
from avexplore.store import Provenance, Store

MEMORY_BYTES = 2**30
"""How much of the results asked for last is kept at hand."""


@dataclass(frozen=True)
class Ready:
    """The result is there.

    Attributes:
        artifact: What the stage returned.
        provenance: Where it comes from; None for features, which are read each time.
        shipped: Whether it came with avexplore.
    """

    artifact: Any
    provenance: Provenance | None = None
    shipped: bool = False


@dataclass(frozen=True)
class Running:
    """A process is at work on it, or on something it needs."""

    status: JobStatus


@dataclass(frozen=True)
class Missing:
    """Nobody has asked for it to be made, or it cannot be made here."""

    reason: str = ""


@dataclass(frozen=True)
class Failed:
    """It could not be made."""

    message: str
    log: str = ""


@dataclass(frozen=True)
class Work:
    """What it would take to make something.

    Attributes:
        teachers, students: How many would be trained; a student's twin counts, too.
        seconds: One after the other on this machine, by how long this run's own stages took here; None if unknown.
        can_read: Whether the features that this needs are at hand.
    """

    teachers: int
    students: int
    seconds: float | None
    can_read: bool


Answer = Ready | Running | Missing | Failed


@dataclass(frozen=True)
class Run:
    """Something to look at: soft labels with all that was made from them, or a student with LIR and its twin.

    Attributes:
        key: Short address, for a URL.
        name: For people.
        soft_labels: Where the soft labels come from.
        student: The student with LIR; None for bare soft labels.
        source: What the data are, in one line.
        created: UTC, ISO 8601.
        shipped: Whether it came with avexplore.
        figures: Test figures of the student, {} if it has not been evaluated.
        twin_figures: The same of its twin without LIR.
    """

    key: str
    name: str
    soft_labels: SoftLabelSource
    student: StudentConfig | None = None
    source: str = ""
    created: str = ""
    shipped: bool = False
    figures: Mapping[str, float] = None  # type: ignore[assignment]
    twin_figures: Mapping[str, float] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        for name in ("figures", "twin_figures"):
            object.__setattr__(self, name, dict(getattr(self, name) or {}))


class Workbench:
    """Results by config, for all visitors of one data folder.

    Args:
        store: Where results are kept; the user's own by default.
        jobs: Processes that do slow work; the ones of that folder by default.
        device: "cpu", "cuda", ...; None (or `AVEXPLORE_DEVICE`) lets the training choose.
        read_only: Show what is stored and compute only what is quick, keeping it in memory.
    """

    def __init__(
        self,
        store: Store | None = None,
        jobs: Registry | None = None,
        *,
        device: str | None = None,
        read_only: bool | None = None,
    ) -> None:
        self.read_only = os.environ.get("AVEXPLORE_DEMO") == "1" if read_only is None else read_only
        self.store = Store(read_only=self.read_only) if store is None else store
        self.jobs = Registry(self.store.root) if jobs is None else jobs
        self.device = device or os.environ.get("AVEXPLORE_DEVICE") or None
        self._memory = _Memory(MEMORY_BYTES)
        self._busy: dict[str, tuple[threading.Lock, int]] = {}
        self._guard = threading.Lock()
        self._listed: tuple[tuple[int, ...], list[Run]] | None = None
        self._desk = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))

    # --- asking ---------------------------------------------------------------------------------------------------

    def ask(self, config: Config, start: bool = True, *, slot: str = "") -> Answer:
        """The result if it is there or quick to make; otherwise how far the work on it is.

        Args:
            config: What is wanted.
            start: Begin slow work if nobody has. Quick work is always done.
            slot: Who asks and for what, such as "visitor7/student". A new config in a slot replaces the old one's
                job, unless another slot wants that too.
        """
        try:
            return self._ask(config, start, slot)
        except Cancelled:
            return Missing("It was stopped")
        except AvexploreError as error:
            return Failed(str(error))

    def _ask(self, config: Config, start: bool, slot: str) -> Answer:
        if (found := self._stored(config)) is not None:
            return found
        status = self.jobs.status(config.address)
        if status is not None and status.state in ("queued", "running"):
            if start and slot:
                self.jobs.submit(config, slot=slot)
            return Running(status)
        if pipeline.is_quick(config):
            for need in pipeline.needs(config):
                answer = self._ask(need, start, slot and f"{slot}/{need.stage}")
                if not isinstance(answer, Ready):
                    return answer
            if pipeline.is_quick(config, self._nodes(config)):
                # First come, first served: many at once on few cores would all be late.
                with self._desk:
                    return self._make(config)
        if status is not None and status.state == "failed":
            return Failed(status.message, status.log)
        if not start:
            return Missing("It was stopped" if status is not None and status.state == "cancelled" else "")
        if self.read_only:
            return Missing("This avexplore only shows stored results; start your own to compute new ones")
        return Running(self.jobs.submit(config, slot=slot))

    def retry(self, config: Config, *, slot: str = "") -> Answer:
        """Start again what failed or was stopped, from its last saved state."""
        if self.read_only:
            return self.ask(config, start=False)
        failed = next((c for c in self._upstream(config) if self._has_failed(c)), config)
        self.jobs.forget(failed.address)
        return self.ask(config, slot=slot)

    def cancel(self, config: Config) -> None:
        """Stop the work on a config, or on what it waits for. Who may only look stops nothing."""
        if self.read_only:
            return
        for candidate in self._upstream(config):
            status = self.jobs.status(candidate.address)
            if status is not None and status.state in ("queued", "running"):
                self.jobs.cancel(candidate.address)
                return

    def _upstream(self, config: Config) -> Iterator[Config]:
        yield config
        for need in pipeline.needs(config):
            yield from self._upstream(need)

    def _has_failed(self, config: Config) -> bool:
        status = self.jobs.status(config.address)
        return status is not None and status.state == "failed"

    def _nodes(self, config: Config) -> int | None:
        for need in pipeline.needs(config):
            if isinstance(need, (TeacherConfig, SoftLabelFileConfig)):
                labels: SoftLabels = pipeline.soft_labels(need, lambda c: self._make(c).artifact)
                return 2 * len(labels.classes)
        return None

    # --- making ---------------------------------------------------------------------------------------------------

    def get(self, config: Config, report: Report = silent) -> Any:
        """The result, made here and now if it is not there: everything upstream, too.

        A process that is already at work on one of these stages is waited for instead. A training that was killed
        goes on from its last saved state.

        Raises:
            AvexploreError: If it cannot be made.
            Cancelled: If `report` says so.
        """
        plan = self.plan(config)
        total = sum(pipeline.cost(step) for step in plan) or 1.0
        done = 0.0
        slow = [step for step in plan if not pipeline.is_quick(step)]
        for step in plan:
            share = pipeline.cost(step)
            if isinstance(report, JobReport) and step in slow:
                # The beginning of a student goes at the student's own pace, or a little faster.
                left = slow[slow.index(step) :]
                alike = all(isinstance(one, (PrefixConfig, StudentConfig)) for one in left)
                report.begin(last=alike or len(left) == 1)

            def partial(
                fraction: float, message: str = "", *, done: float = done, share: float = share, **figures: float
            ) -> None:
                report(min((done + share * fraction) / total, 1.0), message, **figures)

            self._make(step, partial, lock=True)
            done += share
        return self._make(config, report, lock=True).artifact

    def plan(self, *configs: Config) -> list[Config]:
        """What is missing for results, in the order in which it would be made."""
        steps: dict[str, Config] = {}

        def visit(wanted: Config) -> None:
            if wanted.address in steps or self._memory.get(wanted.address) is not None or wanted in self.store:
                return
            for need in pipeline.needs(wanted):
                visit(need)
            steps[wanted.address] = wanted

        for config in configs:
            visit(config)
        return list(steps.values())

    def work(self, *configs: Config, like: Config | None = None) -> Work:
        """What it would take to make results. Cheap: nothing is computed.

        Args:
            configs: What is wanted.
            like: What tells how long stages take here, where it was made on this machine; the first of `configs`.
        """
        steps = self.plan(*configs)
        data = [step for step in steps if isinstance(step, (SyntheticConfig, FeatureFileConfig))]
        students = [step for step in steps if isinstance(step, StudentConfig)]
        begun = {student.address for student in students}
        paces = {}
        for part in walk(like or configs[0]):
            # A twin says nothing: it may have gone on from a beginning that was stored.
            if isinstance(part, (TeacherConfig, StabilityConfig, StudentConfig)) and part in self.store:
                found = self._stored(part)
                if found and found.provenance and not found.shipped:
                    paces[part.stage] = found.provenance.seconds / pipeline.cost(part)
        paces[PrefixConfig.stage] = paces.get(StudentConfig.stage, math.nan)
        seconds = 0.0
        for step in steps:
            # A twin goes on from the beginning that it shares with the others: counted once, with the twin.
            shared = isinstance(step, PrefixConfig) and step.student.address in begun
            alone = isinstance(step, (ExperimentConfig, SweepConfig))  # nothing but its cells
            if not (shared or alone or pipeline.is_quick(step)):
                seconds += pipeline.cost(step) * paces.get(step.stage, math.nan)
        return Work(
            teachers=sum(isinstance(step, TeacherConfig) for step in steps),
            students=len(students),
            seconds=seconds if math.isfinite(seconds) else None,
            can_read=all(self.can_read(one) for one in data),
        )

    def can_read(self, data: DataConfig) -> bool:
        """Whether the features are at hand: made-up ones always are, files where they were last seen."""
        if isinstance(data, SyntheticConfig):
            return True
        located = self._located(data)
        assert isinstance(located, FeatureFileConfig)
        return bool(located.paths) and all(may_read(path) and Path(path).exists() for path in located.paths)

    def _stored(self, config: Config) -> Ready | None:
        found = self._memory.get(config.address)
        if found is not None:
            return found
        entry = self.store.get(config)
        if entry is None:
            return None
        ready = Ready(entry.artifact, entry.provenance, entry.shipped)
        self._memory.put(config.address, ready)
        return ready

    def _make(self, config: Config, report: Report = silent, *, lock: bool = False) -> Ready:
        """From memory or store, or computed in this thread; two threads never make the same."""
        if (found := self._stored(config)) is not None:
            return found
        with self._alone(config.address), self._across_processes(config, report if lock else None):
            if (found := self._stored(config)) is not None:
                return found
            ready = self._compute(config, report)
            self._memory.put(config.address, ready)
            return ready

    def _compute(self, config: Config, report: Report) -> Ready:
        keep = not isinstance(config, pipeline.NOT_STORED) and not self.read_only
        state = self.store.state_file(config) if keep else None
        started = time.perf_counter()
        use = pipeline.Surroundings(
            get=lambda need: self._make(need, silent, lock=True).artifact,
            report=report,
            device=self.device,
            state_file=state,
            prefixes=self._prefixes,
        )
        artifact = pipeline.compute(self._located(config), use)
        if not keep:
            return Ready(artifact)
        quick = pipeline.is_quick(config)
        device, threads = self._made_on(config)
        entry = self.store.put(
            config,
            artifact,
            seconds=time.perf_counter() - started,
            device=device,
            threads=threads,
            durable=not quick,
        )
        if state:
            # With what a killed writer may have left beside it.
            for leftover in state.parent.glob(f"{state.name}*"):
                leftover.unlink(missing_ok=True)
        return Ready(entry.artifact, entry.provenance)

    def _prefixes(self, student: StudentConfig) -> list[PrefixConfig]:
        known = [s.config for s in self.store.entries(PrefixConfig.stage)]
        fitting = [c for c in known if isinstance(c, PrefixConfig) and c.student == student]
        return sorted(fitting, key=lambda c: -c.epochs)

    def _made_on(self, config: Config) -> tuple[str, int]:
        """The device that a network was just trained on, and the number of threads."""
        if not isinstance(config, pipeline.TRAINED):
            return "cpu", 0
        import torch

        from avexplore.training.device import device_name

        return device_name(self.device), torch.get_num_threads()

    @contextmanager
    def _alone(self, address: str) -> Iterator[None]:
        with self._guard:
            lock, users = self._busy.get(address, (threading.Lock(), 0))
            self._busy[address] = lock, users + 1
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, users = self._busy.pop(address)
                if users > 1:
                    self._busy[address] = lock, users - 1

    @contextmanager
    def _across_processes(self, config: Config, report: Report | None) -> Iterator[None]:
        """Hold the address against other processes while slow work is done on it."""
        if report is None or self.read_only or pipeline.is_quick(config):
            yield
            return
        from filelock import FileLock, Timeout

        path = self.store.lock_file(config)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        while True:
            try:
                lock.acquire(timeout=0.3, poll_interval=0.1)
                break
            except Timeout:
                report(0.0, f"Waiting for another process that makes the same {config.stage}")
        try:
            yield
        finally:
            lock.release()

    # --- where files lie ------------------------------------------------------------------------------------------

    def _located(self, config: Config) -> Config:
        """A file config whose paths are missing or moved, with the place where that content was last seen."""
        if not isinstance(config, (FeatureFileConfig, SoftLabelFileConfig)):
            return config
        given = config.paths if isinstance(config, FeatureFileConfig) else tuple(filter(None, [config.path]))
        if given and all(may_read(path) and Path(path).exists() for path in given):
            self.store.remember_files(config.fingerprint, given)
            return config
        known = self.store.known_files(config.fingerprint)
        if not known:
            return config
        return config.replace(paths=known) if isinstance(config, FeatureFileConfig) else config.replace(path=known[0])

    # --- lists ----------------------------------------------------------------------------------------------------

    def runs(self) -> list[Run]:
        """What can be looked at: shipped ones first (real data before made-up), then the newest; bare soft labels last.

        The many students of an experiment are stored, too, but are no runs unless `keep_run` says so.
        """
        # Every page asks for this list at every step of a slider; what it is made from shows in the folders' times.
        stamp = self.store.changes()
        if self._listed is not None and stamp and self._listed[0] == stamp:
            return list(self._listed[1])
        found = self._list_runs()
        self._listed = stamp, found
        return list(found)

    def _list_runs(self) -> list[Run]:
        found = []
        kept, used = self.store.known_runs(), set()
        for summary in self.store.entries(StudentConfig.stage):
            config = summary.config
            if not isinstance(config, StudentConfig) or config.soft_labels is None:
                continue
            used.add(config.soft_labels.address)
            if summary.shipped or config.address in kept:
                found.append(
                    Run(
                        key=config.address[:12],
                        name=self.data_name(config.data),
                        soft_labels=config.soft_labels,
                        student=config,
                        source=self._source(config.data),
                        created=summary.created,
                        shipped=summary.shipped,
                        figures=self._figures(config),
                        twin_figures=self._figures(config.twin),
                    )
                )
        # The sort is stable: runs of the user stay in their order.
        found.sort(
            key=lambda run: (
                not run.shipped,
                run.shipped and isinstance(run.student and run.student.data, SyntheticConfig),
            )
        )
        for stage in (TeacherConfig.stage, SoftLabelFileConfig.stage):
            for summary in self.store.entries(stage):
                config = summary.config
                if isinstance(config, (TeacherConfig, SoftLabelFileConfig)) and config.address not in used:
                    found.append(
                        Run(
                            key=config.address[:12],
                            name=self._soft_label_name(config),
                            soft_labels=config,
                            source=self._source(config.data) if isinstance(config, TeacherConfig) else "",
                            created=summary.created,
                            shipped=summary.shipped,
                        )
                    )
        names = distinct_names([(run.name, run.student or run.soft_labels) for run in found])
        return [replace(run, name=name) for run, name in zip(found, names, strict=True)]

    def keep_run(self, student: StudentConfig) -> None:
        """List this student among the runs, now or as soon as it is trained."""
        self.store.remember_run(student.address)

    def _figures(self, student: StudentConfig) -> Mapping[str, float]:
        config = EvaluationConfig(student)
        if config not in self.store:
            return {}
        found = self._stored(config)
        return dict(found.artifact.metrics) if found else {}

    def _source(self, data: SyntheticConfig | FeatureFileConfig) -> str:
        config = ClipsConfig(data)
        found = self._stored(config) if config in self.store else None
        return str(found.artifact.source) if found else ""

    def data_name(self, data: DataConfig) -> str:
        """What a data set is called."""
        if isinstance(data, SyntheticConfig):
            return f"Synthetic, {data.classes} classes"
        source = self._source(data).split("(")[0].split(",")[0].strip()
        name = _stem(data.paths[0]) if data.paths else source or f"file {data.fingerprint[:8]}"
        return name if data.annotation == "given" else f"{name}, {data.annotation} annotation"

    def _soft_label_name(self, config: SoftLabelSource) -> str:
        if isinstance(config, TeacherConfig):
            return f"{self.data_name(config.data)}: teacher, {config.epochs} epochs, seed {config.seed}"
        return f"{_stem(config.path) or config.fingerprint[:8]}: soft labels"

    def job_list(self) -> list[JobStatus]:
        """All jobs that are known, the newest first."""
        return self.jobs.all()


def _stem(path: str) -> str:
    """A file's name for people; bytes that are no text show as question marks."""
    return Path(path).stem.encode(errors="replace").decode()


class _Memory:
    """The results asked for last, up to a number of bytes in memory; mapped files hold none of it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, tuple[Ready, int]] = OrderedDict()
        self._bytes = 0
        self._guard = threading.Lock()

    def get(self, address: str) -> Ready | None:
        with self._guard:
            if address not in self._kept:
                return None
            self._kept.move_to_end(address)
            return self._kept[address][0]

    def put(self, address: str, ready: Ready) -> None:
        size = _bytes(ready.artifact)
        with self._guard:
            if address in self._kept:
                self._bytes -= self._kept.pop(address)[1]
            self._kept[address] = ready, size
            self._bytes += size
            while self._bytes > self._limit and len(self._kept) > 1:
                _, (_, freed) = self._kept.popitem(last=False)
                self._bytes -= freed


def _bytes(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return 64 if _mapped(value) else int(value.nbytes)
    if isinstance(value, Mapping):
        return sum(_bytes(item) for item in value.values())
    if isinstance(value, Artifact) and is_dataclass(value):
        return sum(_bytes(getattr(value, f.name)) for f in fields(value))
    return 64


def _mapped(array: Any) -> bool:
    """Whether an array's values lie in a file that is mapped, and so can leave memory at any time."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return False


__all__ = [
    "Answer",
    "Failed",
    "Missing",
    "Ready",
    "Run",
    "Running",
    "Work",
    "Workbench",
]
