"""A bound on what one job may take of the machine's memory, so that a job ends in words and pages stay alive."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import psutil

VARIABLE = "AVEXPLORE_JOB_MEMORY"
"""Environment variable: the bound in GiB."""
GIBIBYTE = 1 << 30
_CONTAINER = Path("/sys/fs/cgroup/memory.max")
_OWN = Path("/proc/self/oom_score_adj")


def machine_bytes() -> int:
    """Memory of this machine, or of the container that we are in."""
    total = int(psutil.virtual_memory().total)
    try:
        bound = _CONTAINER.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return total
    return min(total, int(bound)) if bound.isdigit() else total


def job_bytes(workers: int) -> int:
    """What one job may take: as `AVEXPLORE_JOB_MEMORY` says, else nearly all, or its share where others work here, too.

    Args:
        workers: How many jobs run at once.
    """
    try:
        chosen = float(os.environ.get(VARIABLE, ""))
    except ValueError:
        chosen = 0.0
    if 0 < chosen < 1e6:
        return int(chosen * GIBIBYTE)
    total = machine_bytes()
    return int(0.8 * total / max(1, workers)) if os.environ.get("AVEXPLORE_SHARED") == "1" else int(0.9 * total)


def used_bytes() -> int:
    """What this process and its children have in memory now; pages of mapped files can leave it at any time."""
    own = psutil.Process()
    total = 0
    for process in (own, *own.children(recursive=True)):
        try:
            total += int(process.memory_info().rss) - _of_files(process.pid)
        except psutil.Error:
            continue
    return total


def _of_files(pid: int) -> int:
    """Bytes of mapped files that a process has in memory; 0 where only the system knows."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssFile:")), 0)


def watch(limit: int, beyond: Callable[[str], None], *, seconds: float = 0.3) -> threading.Event:
    """Look at this process's memory from time to time.

    Args:
        limit: Bytes.
        beyond: Called once, with a sentence, when more are in use.
        seconds: Between two looks.

    Returns:
        Set it to end the watch.
    """
    done = threading.Event()

    def look() -> None:
        while not done.wait(seconds):
            if used_bytes() > limit:
                beyond(
                    f"It took more than {limit / GIBIBYTE:.1f} GiB of memory, the limit for one job here. Use fewer "
                    f"clips, a smaller batch or a smaller net; or start avexplore with a larger {VARIABLE} (in GiB)."
                )
                return

    threading.Thread(target=look, name="memory watch", daemon=True).start()
    return done


def be_first_to_go() -> None:
    """Where the system runs out of memory all the same, it shall end this process and not the app."""
    try:
        _OWN.write_text("800", encoding="ascii")
    except OSError:
        return  # not Linux, or not allowed
