"""What a job leaves on disk: who asked for what, how far it is, its live figures and its log.

Two files, one writer each: `request.json` belongs to the registry (under its lock), `progress.json` to the worker.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from avexplore.errors import Cancelled

State = Literal["queued", "running", "done", "failed", "cancelled"]
LOG_LINES = 20
_SECONDS_APART = 0.25
"""Between two writes of the progress."""


@dataclass(frozen=True)
class JobStatus:
    """How a job stands.

    Attributes:
        address: Of the result it makes.
        stage: Of that result.
        state: Where it stands.
        fraction: Share of the work done, in [0, 1].
        message: What it is doing; why it failed.
        seconds: Since it began.
        seconds_left: Estimate; None while nothing can be said.
        position: Place in the queue, from 1; 0 if it does not wait.
        attempts: How often a worker was started for it; more than one means that it went on after a crash.
        requested: When it was asked for, seconds since 1970.
        log: Last lines of its output, for a failed job.
        config: What it makes, as JSON values.
        replaced: Whether it was stopped because the one who had asked for it asked for something else instead.
        mine: Whether the one who looks has asked for it.
    """

    address: str
    stage: str
    state: State
    fraction: float = 0.0
    message: str = ""
    seconds: float = 0.0
    seconds_left: float | None = None
    position: int = 0
    attempts: int = 1
    requested: float = 0.0
    log: str = ""
    config: Mapping[str, Any] | None = None
    replaced: bool = False
    mine: bool = True


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replace a small JSON file at once: a reader sees the old or the new, never a part."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}")
    try:
        fresh.write_text(json.dumps(content), encoding="utf-8")
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any] | None:
    """A small JSON file; None if it is absent or damaged."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


_REQUEST: Mapping[str, type] = {
    "address": str, "stage": str, "config": dict, "state": str, "requested": float, "attempts": int, "pid": int,
    "note": str,
}  # fmt: skip
_PROGRESS: Mapping[str, type] = {
    "state": str, "fraction": float, "message": str, "attempt": int, "began": float, "updated": float,
}  # fmt: skip


def read_request(path: Path) -> dict[str, Any] | None:
    """Who asked for what; None if it is absent or no request: one odd record must not take a list of jobs down."""
    return _with(read_json(path), _REQUEST)


def askers_of(request: Mapping[str, Any]) -> list[str]:
    """Who asked for a job; "" is whoever sits at the machine, and asked for all that an earlier version noted."""
    found = request.get("askers")
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else [""]


def read_progress(path: Path) -> dict[str, Any] | None:
    """What a worker says of itself; None if it is absent or odd."""
    found = _with(read_json(path), _PROGRESS)
    if found is not None and not _is_number(found.get("seconds_left", None)):
        found["seconds_left"] = None
    return found


def _with(content: dict[str, Any] | None, kinds: Mapping[str, type]) -> dict[str, Any] | None:
    if content is None:
        return None
    for name, kind in kinds.items():
        value = content.get(name)
        is_right = isinstance(value, (int, kind)) and _is_number(value) if kind in (int, float) else type(value) is kind
        if not is_right:
            return None
    return content


def _is_number(value: Any) -> bool:
    """Whether it is a number that arithmetic with times takes."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 2**53


def last_lines(path: Path, count: int = LOG_LINES) -> str:
    """The end of a log."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 64 * 1024))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-count:])


class JobReport:
    """The `report` of a worker: writes progress and figures into the job's folder.

    Args:
        folder: The job's folder.
        attempt: Which start of the job this is.
    """

    def __init__(self, folder: Path, attempt: int) -> None:
        self._folder, self._attempt = folder, attempt
        self._began = time.time()
        self._written = 0.0
        self._ended = False
        self._last_stage = True
        self._measured_from: tuple[float, float] | None = None

    def begin(self, *, last: bool) -> None:
        """Another kind of work begins: the pace so far says nothing about it.

        Args:
            last: No other kind of slow work follows, so that its pace tells when all is done.
        """
        self._last_stage, self._measured_from = last, None

    def __call__(self, fraction: float, message: str = "", **figures: float) -> None:
        """Take note of progress.

        Raises:
            Cancelled: If the job was cancelled, or its folder removed.
        """
        if figures:
            values = {name: value if math.isfinite(value) else None for name, value in figures.items()}
            line = json.dumps({"time": round(time.time(), 2), "message": message, **values}) + "\n"
            try:
                with (self._folder / "figures.jsonl").open("a", encoding="utf-8") as file:
                    file.write(line)
            except FileNotFoundError:
                raise Cancelled("The job was removed") from None
            except OSError:
                pass  # as in `say`
        now = time.monotonic()
        if now - self._written < _SECONDS_APART:
            return
        self._written = now
        if not (self._folder / "request.json").exists():
            raise Cancelled("The job was removed")
        if self._measured_from is None:
            # From the first news on: what comes before (imports, reading, compiling) comes once.
            self._measured_from = time.time(), fraction
        self.say("running", fraction, message)

    def say(self, state: State, fraction: float, message: str = "") -> None:
        """Write the progress now. The first word that the job has ended is the last: why it failed stays said."""
        if self._ended:
            return
        self._ended = state in ("done", "failed", "cancelled")
        content = {
            "state": state,
            "fraction": fraction,
            "message": message,
            "attempt": self._attempt,
            "began": self._began,
            "updated": time.time(),
            "seconds_left": self._seconds_left(fraction),
        }
        # Progress is for show: a full disk must not end the work for it.
        with contextlib.suppress(OSError):
            write_json(self._folder / "progress.json", content)

    def _seconds_left(self, fraction: float) -> float | None:
        if self._measured_from is None or not self._last_stage:
            return None
        since, start = self._measured_from
        elapsed, gained = time.time() - since, fraction - start
        if elapsed < 1.0 or gained < 0.05 * (1.0 - start) or gained <= 0.0:
            return None
        return elapsed * (1.0 - fraction) / gained


def read_figures(folder: Path, limit: int = 20_000) -> list[dict[str, Any]]:
    """Points of the live curves, oldest first; a line that is still being written is left out."""
    try:
        lines = (folder / "figures.jsonl").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for line in lines[-limit:]:
        try:
            point = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(point, dict):
            found.append(point)
    return found
