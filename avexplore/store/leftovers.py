"""What work that was cut off leaves in a data folder: half an entry, the state of a training, a lock."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

_STALE_SECONDS = 7 * 24 * 3600
_STALE_PART_SECONDS = 3600
"""A state is written within seconds, and under another name until it is whole."""
_STALE_BATCHES_SECONDS = 30 * 24 * 3600
_DIGITS = 24


@dataclass(frozen=True)
class SavedState:
    """Where a training that is under way, or was cut off, would go on.

    Attributes:
        stage: Of the config that is trained.
        address: First digits of its address.
        written: Seconds since 1970.
        bytes: Size on disk.
        path: The file.
    """

    stage: str
    address: str
    written: float
    bytes: int
    path: Path


def staging(root: Path) -> Path:
    """A folder for one entry in the making, named by who makes it."""
    return root / "staging" / f"{_host()}-{os.getpid()}-{uuid.uuid4().hex[:12]}"


def state_file(root: Path, stage: str, address: str) -> Path:
    """Where the training of a config keeps its state."""
    return root / "states" / f"{stage}-{address[:_DIGITS]}.safetensors"


def batches_file(root: Path, address: str) -> Path:
    """Where resampled searches are kept until nobody has added to them for a while."""
    return root / "batches" / f"{address[:_DIGITS]}.safetensors"


def lock_file(root: Path, address: str) -> Path:
    """Held by the process that makes a slow result."""
    return root / "locks" / f"{address}.lock"


def saved_states(root: Path) -> list[SavedState]:
    """All saved states, the newest first."""
    found = []
    for path in (root / "states").glob("*.safetensors"):
        with contextlib.suppress(OSError):
            status = path.stat()
            stage, _, address = path.stem.rpartition("-")
            found.append(SavedState(stage, address, status.st_mtime, status.st_size, path))
    return sorted(found, key=lambda state: -state.written)


def is_being_made(root: Path, address: str) -> bool:
    """Whether a process is at work on the config whose address begins so."""
    return any(_is_held(path) for path in (root / "locks").glob(f"{address}*.lock"))


def sweep(root: Path) -> int:
    """Remove what nobody will use any more; returns how many folders and files.

    States of trainings stay: they are there to go on from.
    """
    import psutil

    removed = 0
    for folder in (root / "staging").glob("*-*-*"):
        host, pid, _ = folder.name.rsplit("-", 2)
        dead = host == _host() and pid.isdigit() and not psutil.pid_exists(int(pid))
        if dead or _age(folder) > _STALE_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    parts = (path for folder in ("states", "batches") for path in (root / folder).glob("*.part"))
    old = [path for path in parts if _age(path) > _STALE_PART_SECONDS]
    old += [path for path in (root / "batches").glob("*.safetensors") if _age(path) > _STALE_BATCHES_SECONDS]
    # Whoever waits for a lock just then opens it again, or at worst makes the same result a second time.
    old += [path for path in (root / "locks").glob("*.lock") if _age(path) > _STALE_SECONDS and not _is_held(path)]
    for path in old:
        with contextlib.suppress(OSError):
            path.unlink()
            removed += 1
    return removed


def _age(path: Path) -> float:
    """Seconds since it was written; 0 if it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _is_held(lock: Path) -> bool:
    from filelock import FileLock, Timeout

    try:
        with FileLock(lock, timeout=0):
            return False
    except (Timeout, OSError):
        return True


def _host() -> str:
    return "".join(c for c in socket.gethostname() if c.isalnum()) or "host"
