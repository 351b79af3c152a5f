"""Ten visitors over all pages of a shared server for a long time, while jobs run and workers are killed.

    python benchmarks/soak.py [--visitors 10] [--minutes 30]

Each visitor opens a page, looks at it for some seconds, runs it anew now and then, and leaves for another, over
Streamlit's own protocol. Meanwhile trainings are asked for, and every worker that is at work is killed at a random
moment (`kill -9`) half of the time. What counts: errors on pages and tracebacks in the log, and whether memory, open
files and threads of the server grow after its first minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from crowd import Browser, Visit, running  # beside this file

from avexplore.config import SyntheticConfig
from avexplore.config.presets import preset
from avexplore.jobs import Registry
from avexplore.jobs.records import read_request
from avexplore.ui.page_list import PAGES

EVERY = 5.0
"""Seconds between two looks at the server's process."""
PATIENCE = 60.0
JOB_EVERY = 15.0


@dataclass
class Watched:
    """What the server's process held, look by look."""

    seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)


async def wander(address: str, number: int, until: float, seen: Visit, views: dict[str, int]) -> None:
    """One visitor: page after page, until the time is over."""
    from websockets.asyncio.client import connect
    from websockets.typing import Subprotocol

    draw = np.random.default_rng(number)
    stream = f"ws://{address}/_stcore/stream"
    while time.monotonic() < until:
        page = PAGES[draw.integers(len(PAGES))].name
        try:
            async with connect(
                stream, subprotocols=[Subprotocol("streamlit")], max_size=None, ping_timeout=None
            ) as line:
                browser = Browser(line, seen, page)
                began = time.perf_counter()
                await asyncio.wait_for(browser.run(), PATIENCE)
                seen.seconds.append(time.perf_counter() - began)
                views[page] = views.get(page, 0) + 1
                for _ in range(int(draw.integers(1, 4))):
                    await asyncio.sleep(float(draw.uniform(0.5, 3.0)))
                    await asyncio.wait_for(browser.run(), PATIENCE)
        except TimeoutError:
            seen.errors.append(f"{page}: no answer within {PATIENCE:.0f} s")
        except OSError as error:
            seen.errors.append(f"{page}: {error}")


async def work(home: Path, until: float, counts: dict[str, int]) -> None:
    """Ask for one training after the other, and kill workers."""
    draw = np.random.default_rng(99)
    jobs = Registry(home, workers=2)
    while time.monotonic() < until:
        student = preset("tiny", SyntheticConfig(clips=400, classes=5), seed=int(draw.integers(1000)))
        await asyncio.to_thread(jobs.submit, student)
        counts["asked"] = counts.get("asked", 0) + 1
        await asyncio.sleep(float(draw.uniform(0.3, 1.0)) * JOB_EVERY)
        for job in await asyncio.to_thread(jobs.all):
            request = read_request(jobs.folder(job.address) / "request.json") if job.state == "running" else None
            if request and request["pid"] and draw.random() < 0.5:
                try:
                    os.kill(request["pid"], signal.SIGKILL)
                    counts["killed"] = counts.get("killed", 0) + 1
                except ProcessLookupError:
                    continue


async def look(process: Any, until: float, watched: Watched) -> None:
    """Note what the process holds."""
    began = time.monotonic()
    while time.monotonic() < until:
        await asyncio.sleep(EVERY)
        watched.seconds.append(time.monotonic() - began)
        watched.memory.append(process.memory_info().rss / 2**20)
        watched.files.append(process.num_fds())
        watched.threads.append(process.num_threads())


async def everything(process: Any, address: str, home: Path, visitors: int, seconds: float) -> tuple[Any, ...]:
    """All of it at once."""
    until = time.monotonic() + seconds
    visits, watched = [Visit() for _ in range(visitors)], Watched()
    views: dict[str, int] = {}
    counts: dict[str, int] = {}
    await asyncio.gather(
        *(wander(address, number, until, one, views) for number, one in enumerate(visits)),
        work(home, until, counts),
        look(process, until, watched),
    )
    return visits, watched, views, counts


def soak(visitors: int, minutes: float) -> list[str]:
    """Run it on a server of its own; returns sentences for the report."""
    with tempfile.TemporaryDirectory(prefix="avexplore-soak-") as folder:
        home = Path(folder)
        with running("--shared", home, workers=2) as (process, address):
            found = asyncio.run(everything(process, address, home, visitors, 60 * minutes))
            said = (home / "server.log").read_text()
        jobs = Registry(home, workers=0)
        ended = [job.state for job in jobs.all()]
        failed = sorted({job.message for job in jobs.all() if job.state == "failed"})
        for job in jobs.all():
            jobs.cancel(job.address)
    visits, watched, views, counts = found
    errors = [error for one in visits for error in one.errors]
    times = np.array([second for one in visits for second in one.seconds])
    half = len(watched.seconds) // 2

    def of(values: list[float] | list[int]) -> str:
        first, second = np.median(values[half // 2 : half]), np.median(values[-half // 2 :])
        return f"{first:.0f} in the second quarter and {second:.0f} in the last (at most {max(values):.0f})"

    pages = f"{sum(views.values()):,} pages opened, {len(views)} of {len(PAGES)} kinds"
    at_work = ended.count("running") + ended.count("queued")
    return [
        f"{visitors} visitors of the real server (--shared) wandered over its pages for {minutes:g} minutes: {pages}, "
        f"**{len(errors)} errors**, {said.count('Traceback')} tracebacks in the server's log; a page opened within "
        f"{np.median(times):.1f} s (median), {np.percentile(times, 95):.1f} s (95th percentile). Meanwhile "
        f"{counts.get('asked', 0)} trainings were asked for and {counts.get('killed', 0)} workers killed: "
        f"{ended.count('done')} are done, {ended.count('failed')} failed, {at_work} were at work at the end. Memory of "
        f"the server: {of(watched.memory)} MiB; open files: {of(watched.files)}; threads: {of(watched.threads)}. Each "
        "visit that ended within the last two minutes holds three files, the last 100 at most. Load of the machine "
        f"{os.getloadavg()[0]:.0f} on {os.cpu_count()} cores.",
        *(f"Error: {error[:300]}" for error in sorted(set(errors))[:10]),
        *(f"Failed: {message[:200]}" for message in failed[:5]),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=30)
    options = parser.parse_args()
    print("\n".join(soak(options.visitors, options.minutes)))
