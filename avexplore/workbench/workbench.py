"""What a face (the app, the command line, a notebook) may ask: results by their config, wherever they come from.

From memory, from the store, by quick work on the spot, or by slow work in a process of its own.
"""

from __future__ import annotations

import copy
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avexplore import pipeline
from avexplore.apart import apart
from avexplore.artifacts import Report, SoftLabels, silent
from avexplore.config import (
    ClipsConfig,
    Config,
    DataConfig,
    FeatureFileConfig,
    PrefixConfig,
    SoftLabelFileConfig,
    StabilityConfig,
    StudentConfig,
    SyntheticConfig,
    TeacherConfig,
    upstream,
)
from avexplore.errors import AvexploreError, Cancelled
from avexplore.folders import may_read
from avexplore.jobs import JobReport, JobStatus, Registry
from avexplore.store import Provenance, Store
from avexplore.store.writing import writing
from avexplore.workbench import brought_files
from avexplore.workbench.estimate import Work, estimate
from avexplore.workbench.recent_results import RecentResults, bytes_in_memory
from avexplore.workbench.runs import Run, RunList

MEMORY_BYTES = 2**30
"""How much of the results asked for last is kept at hand."""
OTHERS = "It was made of files that another visitor brought"


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


Answer = Ready | Running | Missing | Failed


class Workbench:
    """Results by config, for all visitors of one data folder.

    Args:
        store: Where results are kept; the user's own by default.
        jobs: Processes that do slow work; the ones of that folder by default.
        device: "cpu", "cuda", ...; None (or `AVEXPLORE_DEVICE`) lets the training choose.
        read_only: Show what is stored and compute only what is quick, keeping it in memory.
        track: Told of the epochs of the trainings that `get` makes here; nothing of what is stored already.
        reads_apart: Read files in a process with limits, as a server does with what visitors bring.
    """

    def __init__(
        self,
        store: Store | None = None,
        jobs: Registry | None = None,
        *,
        device: str | None = None,
        read_only: bool | None = None,
        track: pipeline.Track | None = None,
        reads_apart: bool = False,
    ) -> None:
        self.read_only = os.environ.get("AVEXPLORE_DEMO") == "1" if read_only is None else read_only
        self.store = Store(read_only=self.read_only) if store is None else store
        self.jobs = Registry(self.store.root) if jobs is None else jobs
        self.device = device or os.environ.get("AVEXPLORE_DEVICE") or None
        self._visitor: str | None = None
        self._memory: RecentResults[Ready] = RecentResults(MEMORY_BYTES)
        self._busy: dict[str, tuple[threading.Lock, int]] = {}
        self._guard = threading.Lock()
        self._track, self._reads_apart = track, reads_apart
        self._runs = RunList(self.store, self._artifact)
        self._slots = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))

    def for_visitor(self, visitor: str) -> Workbench:
        """The same workbench for one of several visitors: with their own jobs, and without what was made of files
        that only others brought."""
        seen = copy.copy(self)
        seen._visitor, seen.jobs = visitor, self.jobs.for_visitor(visitor)
        return seen

    def may_see(self, config: Config) -> bool:
        """Whether the one who asks may see this result."""
        if self._visitor is None:
            return True
        files = (part for part in upstream(config) if isinstance(part, (FeatureFileConfig, SoftLabelFileConfig)))
        return all(self.store.may_see(part.fingerprint, self._visitor) for part in files)

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
        if not self.may_see(config):
            return Missing(OTHERS)
        if (found := self._stored(config)) is not None:
            return found
        status = self.jobs.status(config.address)
        if status is not None and status.state in ("queued", "running"):
            if start and slot:
                self.jobs.submit(config, slot=slot)
            return Running(status)
        if pipeline.is_quick(config):
            for need in self._needs(config):
                answer = self._ask(need, start, slot and f"{slot}/{need.stage}")
                if not isinstance(answer, Ready):
                    return answer
            if pipeline.is_quick(config, self._nodes(config)):
                # First come, first served: many at once on few cores would all be late.
                with self._slots:
                    return self._make(config)
        if status is not None and status.state == "failed":
            return Failed(status.message, status.log)
        if not start:
            # What gave way to another wish of the same reader was not stopped by anybody, and is begun when asked for.
            stopped = status is not None and status.state == "cancelled" and not status.replaced
            return Missing("It was stopped" if stopped else "")
        if self.read_only:
            return Missing("This avexplore only shows stored results; start your own to compute new ones")
        return Running(self.jobs.submit(config, slot=slot))

    def retry(self, config: Config, *, slot: str = "") -> Answer:
        """Start again what failed or was stopped, from its last saved state."""
        if self.read_only:
            return self.ask(config, start=False)
        self.jobs.forget((self._whose_job_is("failed", upstream_of=config) or config).address)
        return self.ask(config, slot=slot)

    def cancel(self, config: Config) -> None:
        """Stop the work on a config, or on what it waits for. Who may only look stops nothing."""
        if self.read_only:
            return
        if at_work := self._whose_job_is("queued", "running", upstream_of=config):
            self.jobs.cancel(at_work.address)

    def _whose_job_is(self, *states: str, upstream_of: Config) -> Config | None:
        """The first of a config and what is upstream of it whose job is in one of these states."""
        status = self.jobs.status(upstream_of.address)
        if status is not None and status.state in states:
            return upstream_of
        found = (self._whose_job_is(*states, upstream_of=need) for need in pipeline.needs(upstream_of))
        return next(filter(None, found), None)

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
        if not self.may_see(config):
            raise AvexploreError(OTHERS, where=config.stage, fix="Bring the same files, or ask that visitor")
        plan = self.plan(config)
        total = sum(pipeline.stage_of(step).cost(step) for step in plan) or 1.0
        done = 0.0
        slow = [step for step in plan if not pipeline.is_quick(step)]
        for step in plan:
            share = pipeline.stage_of(step).cost(step)
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
            for need in self._needs(wanted):
                visit(need)
            steps[wanted.address] = wanted

        for config in configs:
            visit(config)
        return list(steps.values())

    def work(self, *configs: Config, like: Config | None = None) -> Work:
        """What it would take to make results. Cheap: nothing is computed.

        Args:
            configs: What is wanted.
            like: What tells how long stages take, as it is stored; the first of `configs`.
        """
        paces, elsewhere = {}, False
        for part in upstream(like or configs[0]):
            # A twin says nothing: it may have gone on from a beginning that was stored.
            if isinstance(part, (TeacherConfig, StabilityConfig, StudentConfig)) and part in self.store:
                found = self._stored(part)
                if found and found.provenance:
                    paces[part.stage] = found.provenance.seconds / pipeline.stage_of(part).cost(part)
                    elsewhere |= found.shipped
        steps = self.plan(*configs)
        data = [step for step in steps if isinstance(step, (SyntheticConfig, FeatureFileConfig))]
        return estimate(steps, paces, all(self.can_read(one) for one in data), elsewhere)

    def can_read(self, data: DataConfig) -> bool:
        """Whether the features are at hand: made-up ones always are, files where they were last seen."""
        if isinstance(data, SyntheticConfig):
            return True
        located = self._located(data)
        assert isinstance(located, FeatureFileConfig)
        return bool(located.paths) and all(self._may_open(path) and Path(path).exists() for path in located.paths)

    def files_of(self, data: DataConfig) -> tuple[str, ...]:
        """Where the features lie now; () where they are made up, or not at hand."""
        located = self._located(data)
        return located.paths if isinstance(located, FeatureFileConfig) and self.can_read(data) else ()

    def _stored(self, config: Config) -> Ready | None:
        found = self._memory.get(config.address)
        if found is not None:
            return found
        entry = self.store.get(config)
        if entry is None:
            return None
        ready = Ready(entry.artifact, entry.provenance, entry.shipped)
        self._memory.put(config.address, ready, bytes_in_memory(ready.artifact))
        return ready

    def _artifact(self, config: Config) -> Any:
        found = self._stored(config)
        return found.artifact if found else None

    def _make(self, config: Config, report: Report = silent, *, lock: bool = False) -> Ready:
        """From memory or store, or computed in this thread; two threads never make the same."""
        if (found := self._stored(config)) is not None:
            return found
        with self._alone(config.address), self._across_processes(config, report if lock else None):
            if (found := self._stored(config)) is not None:
                return found
            ready = self._compute(config, report)
            self._memory.put(config.address, ready, bytes_in_memory(ready.artifact))
            return ready

    def _compute(self, config: Config, report: Report) -> Ready:
        stage = pipeline.stage_of(config)
        keep = stage.is_stored and not self.read_only
        state = self.store.state_file(config) if keep else None
        started = time.perf_counter()
        context = pipeline.Context(
            get=lambda need: self._make(need, silent, lock=True).artifact,
            report=pipeline.tracked(self._track, config, report),
            device=self.device,
            state_file=state,
            batches_file=lambda common: self.store.batches_file(common) if keep else None,
            prefixes=self._prefixes,
        )
        located = self._located(config)
        artifact = apart(brought_files.read, located) if self._reads(config) else stage.compute(located, context)
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
        if not pipeline.stage_of(config).is_network:
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
        with writing(self.store.root):
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

    def _reads(self, config: Config) -> bool:
        """Whether it is read from somebody's files, and those are read apart."""
        of = config.data if isinstance(config, ClipsConfig) else config
        return self._reads_apart and isinstance(of, (FeatureFileConfig, SoftLabelFileConfig))

    def _needs(self, config: Config) -> tuple[Config, ...]:
        """What has to be at hand to make a result here: of clips that are read apart nothing."""
        return () if self._reads(config) else pipeline.needs(config)

    # --- where files lie ------------------------------------------------------------------------------------------

    def _located(self, config: Config) -> Config:
        """A file config whose paths are missing or moved, with the place where that content was last seen."""
        if isinstance(config, ClipsConfig):
            return config.replace(data=self._located(config.data))
        if not isinstance(config, (FeatureFileConfig, SoftLabelFileConfig)):
            return config
        given = config.paths if isinstance(config, FeatureFileConfig) else tuple(filter(None, [config.path]))
        if given and all(self._may_open(path) and Path(path).exists() for path in given):
            self.store.remember_files(config.fingerprint, given)
            return config
        known = self.store.known_files(config.fingerprint, self._visitor)
        if not known:
            return config
        return config.replace(paths=known) if isinstance(config, FeatureFileConfig) else config.replace(path=known[0])

    def _may_open(self, path: str) -> bool:
        return may_read(path) and (self._visitor is None or self.store.visitor_of(path) in ("", self._visitor))

    # --- lists ----------------------------------------------------------------------------------------------------

    def runs(self) -> list[Run]:
        """What can be looked at: see `RunList.all`."""
        return [run for run in self._runs.all() if self.may_see(run.student or run.soft_labels)]

    def keep_run(self, student: StudentConfig, name: str = "") -> None:
        """List this student among the runs, now or as soon as it is trained.

        Args:
            student: With LIR.
            name: What the run is called; "" lets its data and parameters name it.
        """
        self.store.remember_run(student.address, name)

    def run_name(self, student: StudentConfig) -> str:
        """What a student's run is called, listed or not."""
        return self._runs.name_of(student)

    def data_name(self, data: DataConfig) -> str:
        """What a data set is called."""
        return self._runs.data_name(data)
