"""Worker processes: started apart from their parent, known by identity and not by number alone, stopped with all
they started."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

_children: list[subprocess.Popen[bytes]] = []
_guard = threading.Lock()


@dataclass(frozen=True)
class Identity:
    """A process: its number and what tells it from others of that number, because numbers are used again.

    Attributes:
        pid: Its number.
        mark: See `mark_of`; "" for a process that never ran.
    """

    pid: int
    mark: str

    def is_alive(self) -> bool:
        """Whether this very process still runs; a finished one that nobody has collected does not."""
        reap()
        try:
            return mark_of(self.pid) == self.mark != "" and psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def stop(self, patience: float = 3.0) -> bool:
        """End it and everything it started: a request first, then by force.

        Returns:
            Whether it has ended. A process of another user cannot be ended from here.
        """
        if not self.is_alive():
            return True
        try:
            process = psutil.Process(self.pid)
            family = [process, *process.children(recursive=True)]
        except psutil.Error:
            return not self.is_alive()
        for ask in (psutil.Process.terminate, psutil.Process.kill):
            for member in family:
                with contextlib.suppress(psutil.Error):
                    ask(member)
            reap()
            _, family = psutil.wait_procs(family, timeout=patience)
            if not family:
                break
        return not self.is_alive()


def start(arguments: Sequence[str], log: Path, environment: Mapping[str, str | None] | None = None) -> Identity:
    """Start this Python with arguments, detached: closing a page, or ending the app, does not end it.

    Args:
        arguments: What follows `python`.
        log: Where its output is appended.
        environment: Variables set on top of ours; None takes one away.
    """
    variables: dict[str, str | None] = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in variables.items() if value is not None},
            **detached(),
        )
    with _guard:
        _children.append(child)
    return Identity(child.pid, mark_of(child.pid))


def detached() -> dict[str, Any]:
    """How `subprocess.Popen` starts a process that outlives the terminal, and that its Ctrl-C does not reach."""
    if os.name == "posix":
        return {"start_new_session": True}
    # Windows alone has the names of these flags.
    return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}  # type: ignore[attr-defined,unused-ignore]


def mark_of(pid: int) -> str:
    """What no other process of this number has: the boot and the clock ticks since it, at which the process began.

    A time of day would move with every step of the clock. Elsewhere than on Linux it is all there is.

    Returns:
        "" if there is no such process.
    """
    try:
        # The name, in brackets, may hold anything, also brackets and spaces.
        began = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19].decode()
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text('ascii').strip()}/{began}"
    except (OSError, IndexError):
        if Path("/proc/self/stat").exists():
            return ""
    try:
        return f"{psutil.Process(pid).create_time():.2f}"
    except psutil.Error:
        return ""


def reap() -> None:
    """Collect our own children that have ended, so that they do not linger."""
    with _guard:
        _children[:] = [child for child in _children if child.poll() is None]


def end_children() -> None:
    """End by force what this process has started, and what that has started."""
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            child.kill()
