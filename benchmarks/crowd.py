"""Visitors of the real server: each opens the class graph page and moves the penalty slider, as a browser would.

python benchmarks/crowd.py [--visitors 20] [--seconds 60] [--demo]

A visitor speaks Streamlit's own protocol over a WebSocket, so that what is measured is everything a browser waits
for: the graph's search, the page's script, and the messages; only drawing is left out.
A move is sent half a second to two seconds after the last answer. In the demo, stability is not computed; otherwise
each move also asks for bootstraps, which replace the visitor's last ones in the queue.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SLIDER = "Penalty"
UNANSWERED = 10
"""Seconds after which an answer is taken to be lost, which is an error."""


@dataclass
class Visit:
    """What one visitor saw."""

    opened: float = 0.0
    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    bytes: int = 0


class Browser:
    """One connection to the server, and what its page holds.

    Args:
        line: The connection.
        visit: What is noted.
        page: Name of the page that is opened.
    """

    def __init__(self, line: Any, visit: Visit, page: str = "class_graph") -> None:
        self._line, self._visit, self._name = line, visit, page
        self._page = self._query = self.asked = ""
        self.slider: Any = None
        self._fragment = ""
        self._values: dict[str, str] = {}
        self._timers: dict[str, float] = {}
        self._kept: set[str] = set()

    async def run(self, fragment: str = "", *, timer: bool = False) -> int:
        """Ask for a run of the script (or of a fragment) and wait for its end; returns how many pictures came."""
        from streamlit.proto.BackMsg_pb2 import BackMsg

        message = BackMsg()
        wanted = message.rerun_script
        wanted.page_name, wanted.page_script_hash = (self._name, "") if not self._page else ("", self._page)
        wanted.fragment_id, wanted.is_auto_rerun, wanted.query_string = fragment, timer, self._query
        wanted.cached_message_hashes.extend(self._kept)
        for name, value in self._values.items():
            state = wanted.widget_states.widgets.add()
            state.id = name
            state.string_array_value.data.append(value)
        self.asked = "a timer" if timer else "a move"
        await self._line.send(message.SerializeToString())
        pictures, timers, whole = await self._until_finished()
        # A part that renews itself alone keeps its timer; any other run ends the timers that it does not set again.
        self._timers = self._timers | timers if timer and not whole else timers
        return pictures

    async def move(self, value: str) -> int:
        """Move the slider."""
        self._values[self.slider.id] = value
        return await asyncio.wait_for(self.run(self._fragment), UNANSWERED)

    async def idle(self, seconds: float) -> None:
        """Wait as a reader does; parts of the page that renew themselves go on doing so."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if self._timers:
                fragment, every = next(iter(self._timers.items()))
                await asyncio.sleep(min(left, every))
                if left > every:
                    await asyncio.wait_for(self.run(fragment, timer=True), UNANSWERED)
            else:
                await asyncio.sleep(left)

    async def _until_finished(self) -> tuple[int, dict[str, float], bool]:
        """Pictures that came until the end of the run, the timers that it set, and whether it was of the whole page."""
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        pictures, timers = 0, dict[str, float]()
        while True:
            data = await self._line.recv()
            self._visit.bytes += len(data)
            message = ForwardMsg()
            message.ParseFromString(data)
            kind = message.WhichOneof("type")
            if message.metadata.cacheable and kind != "ref_hash":
                self._kept.add(message.hash)
            if kind == "ref_hash":
                pictures += 1  # a large message that this browser has, in practice the picture's library
            elif kind == "delta":
                pictures += self._note(message.delta)
            elif kind == "new_session":
                timers.clear()
            elif kind == "navigation":
                self._page = message.navigation.page_script_hash
            elif kind == "page_info_changed":
                self._query = message.page_info_changed.query_string
            elif kind == "auto_rerun":
                timers[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            elif kind == "session_event" and message.session_event.WhichOneof("type") == "script_compilation_exception":
                self._visit.errors.append("the script did not compile")
            elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return pictures, timers, message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY

    def _note(self, delta: Any) -> int:
        if delta.WhichOneof("type") != "new_element":
            return 0
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            self._visit.errors.append(element.exception.message)
        elif kind == "alert" and element.alert.format == element.alert.ERROR:
            self._visit.errors.append(element.alert.body)
        elif kind == "slider" and element.slider.label == SLIDER:
            self.slider, self._fragment = element.slider, delta.fragment_id
        return int(kind == "bidi_component")


async def visit(address: str, number: int, seconds: float, seen: Visit) -> None:
    """Open the page, then tune."""
    from websockets.asyncio.client import connect
    from websockets.typing import Subprotocol

    draw = np.random.default_rng(number)
    await asyncio.sleep(float(draw.uniform(0, 2)))
    began = time.perf_counter()
    async with connect(
        f"ws://{address}/_stcore/stream", subprotocols=[Subprotocol("streamlit")], max_size=None, ping_timeout=None
    ) as line:
        browser = Browser(line, seen)
        await browser.run()
        seen.opened = time.perf_counter() - began
        if browser.slider is None:
            seen.errors.append("the page has no slider")
            return
        options = list(browser.slider.options)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            try:
                await browser.idle(float(draw.uniform(0.5, 2.0)))
                began = time.perf_counter()
                pictures = await browser.move(options[draw.integers(len(options))])
            except TimeoutError:
                seen.errors.append(f"no answer within {UNANSWERED} s, {browser.asked}")
                continue
            seen.seconds.append(time.perf_counter() - began)
            if not pictures:
                seen.errors.append("a move brought no picture")


async def all_visits(address: str, visitors: int, seconds: float) -> list[Visit]:
    """All at once."""
    seen = [Visit() for _ in range(visitors)]
    await asyncio.gather(*(visit(address, number, seconds, one) for number, one in enumerate(seen)))
    return seen


@contextmanager
def running(mode: str, home: Path, workers: int = 1) -> Iterator[tuple[Any, str]]:
    """A server of its own on a data folder: its process (psutil's) and its address, until the block ends."""
    import psutil

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"AVEXPLORE_HOME": str(home), "OMP_NUM_THREADS": "1", "AVEXPLORE_WORKERS": str(workers)}
    environment.pop("AVEXPLORE_PASSWORD", None)
    # Compiled once per machine and version: not what visitors of a server that is up wait for.
    compile_first = "from avexplore.graph.search.warm_up import fill_cache; fill_cache()"
    subprocess.run([sys.executable, "-c", compile_first], env=environment, check=True)
    command = [sys.executable, "-m", "avexplore", "app", "--port", str(port), mode]
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait(f"http://127.0.0.1:{port}/_stcore/health", server, home / "server.log")
        yield psutil.Process(server.pid), f"127.0.0.1:{port}"
    finally:
        for child in psutil.Process(server.pid).children(recursive=True):
            child.kill()
        server.terminate()
        server.wait(timeout=60)


def crowd(visitors: int, seconds: float, *, demo: bool = False) -> list[str]:
    """Start a server of its own and let them come; returns sentences for the report."""
    mode = "--demo" if demo else "--shared"
    with (
        tempfile.TemporaryDirectory(prefix="avexplore-crowd-") as home,
        running(mode, Path(home)) as (process, address),
    ):
        # Compiled, imported and read once, as on a server that has been up for a minute.
        warm = asyncio.run(all_visits(address, 1, 5))
        before = process.cpu_times()
        seen = asyncio.run(all_visits(address, visitors, seconds))
        after = process.cpu_times()
        memory = process.memory_info().rss / 2**30
        said = (Path(home) / "server.log").read_text()
    times = np.array([second for one in seen for second in one.seconds])
    errors = [error for one in (*warm, *seen) for error in one.errors]
    traces = said.count("Traceback")
    cpu = after.user + after.system - before.user - before.system
    p50, p95 = np.percentile(times, [50, 95])
    opened = np.array([one.opened for one in seen])
    return [
        f"{visitors} visitors of the real server ({mode}) opened the class graph page and moved the penalty slider for "
        f"{seconds:.0f} s, each half a second to two seconds after the last answer: {len(times):,} moves, "
        f"**{len(errors)} errors**, {traces} tracebacks in the server's log; move to answer {p50:.2f} s (median), "
        f"**{p95:.2f} s (95th percentile)**; the page opened within {opened.max():.1f} s for all. The server took "
        f"{cpu / len(times):.2f} CPU seconds a move, {memory:.1f} GiB of memory in the end, and sent "
        f"{sum(one.bytes for one in seen) / len(times) / 1024:.0f} KiB a move; load of the machine "
        f"{os.getloadavg()[0]:.0f} on {os.cpu_count()} cores.",
        *(f"Error: {error}" for error in sorted(set(errors))[:10]),
    ]


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 300
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=10).close()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"The server did not start: {log.read_text()[-2000:]}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--demo", action="store_true")
    options = parser.parse_args()
    print("\n".join(crowd(options.visitors, options.seconds, demo=options.demo)))
