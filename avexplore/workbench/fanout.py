"""Many results at once, on this machine's cores or on a Dask cluster, through joblib.

Workers share nothing but the store: each makes whole results and writes them by address, so a worker that dies loses
only what it was at, and the next run of the same command goes on from there.
"""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from avexplore import experiments, pipeline
from avexplore.artifacts import Report, RetrievalReport, silent
from avexplore.config import (
    Config,
    EvaluationConfig,
    ExperimentConfig,
    ExtractionConfig,
    StabilityConfig,
    SweepConfig,
    from_json,
)
from avexplore.errors import AvexploreError
from avexplore.jobs import JobReport
from avexplore.store import Store
from avexplore.workbench import Workbench

SECONDS_TO_CONNECT = 10
T = TypeVar("T")
R = TypeVar("R")


def make(
    config: Config,
    bench: Workbench,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    report: Report = silent,
) -> Any:
    """A result that is made of many: its parts at once, then itself. Any other is made here.

    Args:
        config: An experiment, a sweep, a graph's stability, or features of media files.
        bench: Whose data folder and device are used.
        workers, scheduler: As for `make_all`.
        report: Told of the progress.

    Returns:
        The artifact.

    Raises:
        AvexploreError: If a part cannot be made.
        Cancelled: If `report` says so.
    """

    def measure(cells: list[EvaluationConfig], report: Report) -> list[RetrievalReport]:
        make_all(cells, bench.store.root, workers=workers, scheduler=scheduler, device=bench.device, report=report)
        return [bench.get(cell) for cell in cells]

    if config not in bench.store:
        match config:
            case ExperimentConfig():
                measure(experiments.cells(config), report)
                return bench.get(config)
            case StabilityConfig():
                with _backend(workers, scheduler):  # its bootstraps go there by themselves
                    return bench.get(config, report)
            case ExtractionConfig():
                # Each clip leaves a record, and the result is made of those.
                from avexplore.data.media.extraction import run_extraction

                spread = functools.partial(each, workers=workers, scheduler=scheduler)
                run_extraction(config, report, device=bench.device, spread=spread)
                return bench.get(config)
            case SweepConfig():
                experiments.run_sweep(config, measure, report)
                # Asks for the same trials again, and finds them in the store.
                return bench.get(config)
    return bench.get(config, report)


def make_all(
    configs: Sequence[Config],
    home: Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    device: str | None = None,
    report: Report = silent,
) -> None:
    """Make every result and keep it in the store at `home`.

    What several results need (a teacher, a shared prefix) is made first, once; then all results.

    Args:
        configs: What is wanted.
        home: Data folder; on a cluster, one that all workers see under this path.
        workers: Processes on this machine; 1 works in this process.
        scheduler: Address of a Dask scheduler, such as "tcp://10.0.0.5:8786"; its workers are used instead.
        device: What trainings run on; None lets them choose.
        report: Told after each result.

    Raises:
        AvexploreError: The first failure, after all that could be made was made.
        Cancelled: If `report` says so.
    """
    waves = [*_shared(configs), list(configs)]
    total = sum(len(wave) for wave in waves) or 1
    done = 0
    failures: list[AvexploreError] = []

    def partial(fraction: float, message: str = "", **figures: float) -> None:
        report((done + fraction) / total, f"{done} of {total} results" + (message and f": {message}"))

    with _backend(workers, scheduler) as parallel:
        for wave in waves:
            if isinstance(report, JobReport):
                report.begin(last=wave is waves[-1])
            partial(0.0, f"{len(wave)} x {wave[0].stage}" if wave else "")
            for error in _each(parallel, wave, home, device, partial):
                done += 1
                if error is not None:
                    failures.append(error)
                partial(0.0)
    if failures:
        raise failures[0]


def each(call: Callable[[T], R], items: Sequence[T], *, workers: int = 1, scheduler: str | None = None) -> Iterator[R]:
    """What a function returns of each item, in any order, as it becomes known.

    Args:
        call: A function at the top of a module.
        items: What it is called with.
        workers, scheduler: As for `make_all`.
    """
    with _backend(workers, scheduler) as parallel:
        if parallel is None:
            yield from map(call, items)
            return
        from joblib import delayed

        yield from parallel(delayed(call)(item) for item in items)


def _shared(configs: Iterable[Config]) -> Iterator[list[Config]]:
    """Upstream results that more than one config needs, deepest first, one wave per depth."""
    wanted: dict[str, tuple[Config, int]] = {}
    counts: dict[str, set[str]] = {}

    def visit(config: Config, root: str) -> int:
        depth = 0
        for need in pipeline.needs(config):
            depth = max(depth, 1 + visit(need, root))
        counts.setdefault(config.address, set()).add(root)
        wanted[config.address] = config, depth
        return depth

    for config in configs:
        visit(config, config.address)
    own = {config.address for config in configs}
    waves: dict[int, list[Config]] = {}
    for address, (config, depth) in wanted.items():
        slow = pipeline.stage_of(config).is_stored and not pipeline.is_quick(config)
        if slow and len(counts[address]) > 1 and address not in own:
            waves.setdefault(depth, []).append(config)
    for depth in sorted(waves):
        yield waves[depth]


def _each(
    parallel: Any, configs: Sequence[Config], home: Path, device: str | None, report: Report
) -> Iterator[AvexploreError | None]:
    if parallel is None:
        yield from (_attempt(_bench(str(home), device), config, report) for config in configs)
        return
    from joblib import delayed

    # JSON rather than objects: workers check every value again, and versions that differ are noticed.
    place = str(home.resolve())
    yield from parallel(delayed(_make)(config.to_json(), config.address, place, device) for config in configs)


def _make(content: dict[str, Any], address: str, home: str, device: str | None) -> AvexploreError | None:
    config = from_json(content)
    if config.address != address:
        return AvexploreError(
            "A worker runs another version of avexplore", where=config.stage, fix="Install the same version everywhere"
        )
    if "MALLOC_TRIM_THRESHOLD_" in os.environ:
        keep_memory()
    return _attempt(_bench(home, device), config, silent)


def keep_memory() -> None:
    """Let this process keep what it frees for what it takes next, where the C library can be told so (glibc).

    Dask starts its workers with MALLOC_TRIM_THRESHOLD_ = 65536, which hands each freed tensor of some size back to the
    system: a training then spends much of its time on page faults.
    """
    import ctypes

    trim_threshold, mmap_threshold = -1, -3  # malloc.h
    with suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(trim_threshold, 256 << 20)
        mallopt(mmap_threshold, 32 << 20)


@lru_cache(1)
def _bench(home: str, device: str | None) -> Workbench:
    """One for all results that a process makes: features and teachers stay at hand."""
    return Workbench(Store(Path(home)), device=device, read_only=False)


def _attempt(bench: Workbench, config: Config, report: Report) -> AvexploreError | None:
    try:
        bench.get(config, report)
    except AvexploreError as error:
        return error
    return None


@contextmanager
def _backend(workers: int, scheduler: str | None) -> Iterator[Any]:
    """What runs many calls at once; None to run them here, one after the other."""
    if scheduler is None and workers == 1:
        yield None
        return
    from joblib import Parallel, parallel_config
    from joblib.externals.loky import BrokenProcessPool

    if scheduler is None:
        with parallel_config("loky", n_jobs=workers), warnings.catch_warnings():
            # loky replaces a worker that has grown by 300 MB, which compiled kernels alone do. Nothing is lost by it.
            warnings.filterwarnings("ignore", "A worker stopped while some jobs were given", UserWarning)
            try:
                yield Parallel(return_as="generator_unordered")
            except BrokenProcessPool as error:
                raise AvexploreError(
                    "A worker process ended before its result, most often because memory ran out",
                    where="workers",
                    fix="Give the same command again with fewer workers: it goes on from what is stored",
                ) from error
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise AvexploreError(
            "Dask is not installed", where="scheduler", fix='Install it with pip install "avexplore[cluster]"'
        ) from error
    try:
        client = Client(scheduler, timeout=SECONDS_TO_CONNECT)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise AvexploreError(
            f"No Dask scheduler answers at {scheduler}", where="scheduler", fix="Start one, or leave the option out"
        ) from error
    with client, parallel_config("dask", n_jobs=-1):
        yield Parallel(return_as="generator_unordered")
