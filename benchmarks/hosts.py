"""Trainings on two hosts of a Dask cluster, of which one is killed, and one is cut off from the network.

    python benchmarks/reach.py --only hosts          (Linux, as root)

The hosts are network namespaces of this machine, each with a cable, an address and a route of its own; of the machine
itself they see its address and the data folder, as hosts with a shared file system do. The scheduler runs outside of
them. "Killed" ends all processes of a host at once, "cut off" takes its cable down and leaves them running: nobody is
told. Both happen when a third of the results are there. Every result is compared with the one that is made without a
cluster.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from avexplore.config import EvaluationConfig, SyntheticConfig
from avexplore.config.presets import preset
from avexplore.store import Store
from avexplore.workbench import Workbench
from avexplore.workbench.fanout import make_all

PORT = 8786
HOSTS = ("avx-a", "avx-b")


@dataclass(frozen=True)
class Host:
    """A network namespace: its name, its cable's end outside, and the address of that end."""

    name: str
    cable: str
    gateway: str

    def pids(self) -> list[int]:
        """All that runs in it."""
        return [int(pid) for pid in _run("ip", "netns", "pids", self.name).split()]

    def kill(self) -> None:
        """End everything in it at once."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def cut_off(self) -> None:
        """Take its cable down."""
        _run("ip", "link", "set", self.cable, "down")


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def hosts() -> Iterator[list[Host]]:
    """Two hosts that reach this machine and each other."""
    forward = Path("/proc/sys/net/ipv4/ip_forward")
    before, made = forward.read_text(), []
    try:
        forward.write_text("1")
        for number, name in enumerate(HOSTS):
            host = Host(name, f"{name}-out", f"10.98.{number}.1")
            made.append(host)
            inside = ("ip", "-n", name)
            _run("ip", "netns", "add", name)
            _run("ip", "link", "add", host.cable, "type", "veth", "peer", "name", "eth0", "netns", name)
            _run("ip", "address", "add", f"{host.gateway}/24", "dev", host.cable)
            _run("ip", "link", "set", host.cable, "up")
            _run(*inside, "address", "add", f"10.98.{number}.2/24", "dev", "eth0")
            _run(*inside, "link", "set", "lo", "up")
            _run(*inside, "link", "set", "eth0", "up")
            _run(*inside, "route", "add", "default", "via", host.gateway)
        yield made
    finally:
        for host in made:
            with contextlib.suppress(subprocess.CalledProcessError):
                host.kill()
                _run("ip", "link", "delete", host.cable)  # of itself it would go a moment later
            with contextlib.suppress(subprocess.CalledProcessError):
                _run("ip", "netns", "delete", host.name)
        forward.write_text(before)


@contextlib.contextmanager
def cluster(found: list[Host], home: Path) -> Iterator[str]:
    """A scheduler here and a worker on each host; its address, once both have come."""
    from distributed import Client

    variables = os.environ | {"AVEXPLORE_HOME": str(home), "OMP_NUM_THREADS": "1"}
    address = f"tcp://{found[0].gateway}:{PORT}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": variables}
    python = (sys.executable, "-m")
    started = [
        subprocess.Popen([*python, "distributed.cli.dask_scheduler", "--port", str(PORT), "--no-dashboard"], **quiet)  # type: ignore[call-overload]
    ]
    for host in found:
        command = ["ip", "netns", "exec", host.name, *python, "distributed.cli.dask_worker", address]
        command += ["--nthreads", "1", "--nworkers", "1", "--no-dashboard", "--local-directory", str(home / host.name)]
        started.append(subprocess.Popen(command, **quiet))  # type: ignore[call-overload]
    try:
        with Client(address, timeout=60) as client:  # type: ignore[no-untyped-call]
            client.wait_for_workers(len(found), timeout=60)
            at = {re.sub(r":\d+$", "", worker) for worker in client.scheduler_info()["workers"]}
            assert len(at) == len(found), at
        yield address
    finally:
        for process in started:
            process.kill()
            process.wait()


def cells(count: int) -> list[EvaluationConfig]:
    """Students with LIR by QUICK on made-up clips, each with data, teacher and graph of its own."""
    return [EvaluationConfig(preset("quick", SyntheticConfig(seed=seed), seed)) for seed in range(count)]


def made(wanted: list[EvaluationConfig], scheduler: str | None, home: Path, loss: Callable[[], None] | None) -> float:
    """Seconds that making all takes; a third of the way, the loss happens."""
    begun, lost = time.perf_counter(), loss is None

    def watch(fraction: float, message: str = "", **figures: float) -> None:
        nonlocal lost
        if not lost and fraction >= 1 / 3:
            lost = True
            assert loss is not None
            loss()

    make_all(wanted, home, scheduler=scheduler, device="cpu", report=watch)
    assert lost, "it was to lose a host"
    return time.perf_counter() - begun


def differs(wanted: list[EvaluationConfig], home: Path, other: Path) -> float:
    """The largest difference between two folders' figures."""
    here, there = (Workbench(Store(place)) for place in (home, other))
    return max(float(abs(here.get(c).metrics["map"] - there.get(c).metrics["map"])) for c in wanted)


def report(count: int) -> list[str]:
    """What a page says of it."""
    os.environ["OMP_NUM_THREADS"] = "1"
    wanted = cells(count)
    rows: list[tuple[str, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / "alone"
        rows.append(("this machine, one process", made(wanted, None, alone, None), 0.0))
        print(rows[-1], flush=True)
        losses: dict[str, Callable[[Host], Callable[[], None] | None]] = {
            "two hosts": lambda host: None,
            "two hosts, one killed": lambda host: host.kill,
            "two hosts, one cut off": lambda host: host.cut_off,
        }
        for what, loss in losses.items():
            home = Path(folder) / what
            with hosts() as found, cluster(found, home) as scheduler:
                seconds = made(wanted, scheduler, home, loss(found[1]))
                rows.append((what, seconds, differs(wanted, home, alone)))
                print(rows[-1], flush=True)
    lines = [
        "## Several machines",
        "",
        f"{count} students with LIR (QUICK, each with data, teacher and graph of its own) on a Dask cluster of "
        "two hosts, one worker each. The hosts are network namespaces of one machine of two cores: addresses and "
        "cables are their own, processors and disk are shared. A host is killed, or its cable is taken down while it "
        "works on, when a third of the results are there; what it was at is made by the other one.",
        "",
        "| where | elapsed | largest difference in MAP |",
        "|---|---|---|",
    ]
    lines += [f"| {what} | {seconds:.0f} s | {difference:.1e} |" for what, seconds, difference in rows]
    lines += [
        "",
        "**What a cluster of GPUs would do** (not measured). A result (a teacher, graph, student or evaluation) is "
        "the unit of work and takes one device; workers share nothing but the data folder. So an experiment of A arms "
        "and S seeds keeps up to A x S devices busy once its teachers and shared prefixes are there, one worker per "
        "GPU (`CUDA_VISIBLE_DEVICES=0 dask worker ... --nthreads 1`), and no student is spread over two devices: one "
        "of these networks fits on any. Graphs and their bootstraps need no GPU; they take the workers' cores.",
        "",
    ]
    return lines


def available() -> bool:
    """Whether network namespaces can be made here."""
    return sys.platform == "linux" and os.geteuid() == 0
