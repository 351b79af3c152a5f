"""Many results at once, on this machine's cores or on a Dask cluster, through joblib.

Workers share nothing but the store: each makes whole results and writes them by address, so a worker that dies loses
only what it was at, and the next run of the same command goes on from there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from avexplore import pipeline
from avexplore.artifacts import Report, silent
from avexplore.config import Config, from_json
from avexplore.errors import AvexploreError

SECONDS_TO_CONNECT = 10


def make_all(
    configs: Sequence[Config],
    home: Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    report: Report = silent,
) -> None:
    """Make every result and keep it in the store at `home`.

    What several results need (a teacher, a shared prefix) is made first, once; then all results.

    Args:
        configs: What is wanted.
        home: Data folder; on a cluster, one that all workers see under this path.
        workers: Processes on this machine; 1 works in this process.
        scheduler: Address of a Dask scheduler, such as "tcp://10.0.0.5:8786"; its workers are used instead.
        report: Told after each result.

    Raises:
        AvexploreError: The first failure, after all that could be made was made.
        Cancelled: If `report` says so.
    """
    waves = [*_shared(configs), list(configs)]
    total = sum(len(wave) for wave in waves) or 1
    done = 0
    failures: list[AvexploreError] = []
    with _backend(workers, scheduler) as parallel:
        for wave in waves:
            report(done / total, f"{len(wave)} x {wave[0].stage}" if wave else "")
            for error in _each(parallel, wave, home):
                done += 1
                if error is not None:
                    failures.append(error)
                report(done / total, f"{done} of {total} results")
    if failures:
        raise failures[0]


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
        slow = not isinstance(config, pipeline.NOT_STORED) and not pipeline.is_quick(config)
        if slow and len(counts[address]) > 1 and address not in own:
            waves.setdefault(depth, []).append(config)
    for depth in sorted(waves):
        yield waves[depth]


def _each(parallel: Any, configs: Sequence[Config], home: Path) -> Iterator[AvexploreError | None]:
    from joblib import delayed

    # JSON rather than objects: workers check every value again, and versions that differ are noticed.
    yield from parallel(delayed(_make)(config.to_json(), config.address, str(home)) for config in configs)


def _make(content: dict[str, Any], address: str, home: str) -> AvexploreError | None:
    os.environ["AVEXPLORE_HOME"] = home
    from avexplore.workbench import Workbench

    config = from_json(content)
    if config.address != address:
        return AvexploreError(
            "A worker runs another version of avexplore", where=config.stage, fix="Install the same version everywhere"
        )
    try:
        Workbench().get(config)
    except AvexploreError as error:
        return error
    return None


@contextmanager
def _backend(workers: int, scheduler: str | None) -> Iterator[Any]:
    from joblib import Parallel, parallel_config

    if scheduler is None:
        with parallel_config("loky" if workers > 1 else "sequential", n_jobs=workers, inner_max_num_threads=None):
            yield Parallel(return_as="generator_unordered")
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
