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

_children: list[subprocess.Popen[bytes]] = []
_guard = threading.Lock()


@dataclass(frozen=True)
class Identity:
    """A process: its number and when it was created, because numbers are used again (surely after a restart)."""

    pid: int
    created: float

    def is_alive(self) -> bool:
        """Whether this very process still runs; a finished one that nobody has collected does not."""
        import psutil

        reap()
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < 1.0
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.Error:
            return False

    def stop(self, patience: float = 3.0) -> None:
        """End it and everything it started: a request first, then by force."""
        import psutil

        if not self.is_alive():
            return
        try:
            process = psutil.Process(self.pid)
            family = [process, *process.children(recursive=True)]
        except psutil.Error:
            return
        for ask in (psutil.Process.terminate, psutil.Process.kill):
            for member in family:
                with contextlib.suppress(psutil.Error):
                    ask(member)
            reap()
            _, family = psutil.wait_procs(family, timeout=patience)
            if not family:
                break
        reap()


def start(arguments: Sequence[str], log: Path, environment: Mapping[str, str | None] | None = None) -> Identity:
    """Start this Python with arguments, detached: closing a page, or ending the app, does not end it.

    Args:
        arguments: What follows `python`.
        log: Where its output is appended.
        environment: Variables set on top of ours; None takes one away.
    """
    import psutil

    variables: dict[str, str | None] = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in variables.items() if value is not None},
            start_new_session=True,
        )
    with _guard:
        _children.append(child)
    try:
        created = psutil.Process(child.pid).create_time()
    except psutil.Error:
        created = 0.0
    return Identity(child.pid, created)


def reap() -> None:
    """Collect our own children that have ended, so that they do not linger."""
    with _guard:
        _children[:] = [child for child in _children if child.poll() is None]


def end_children() -> None:
    """End by force what this process has started, and what that has started."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            child.kill()
