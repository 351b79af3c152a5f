"""Trainings that settings take, by one warm process: the newest setting of a visitor takes the older one's place."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from avexplore.config import OutputsConfig


@dataclass(frozen=True)
class TrainingState:
    """How far a training is.

    Attributes:
        state: "waiting" behind another visitor's, "running", "done", or "failed".
        fraction: Of the training, in [0, 1].
        message: In words; of a failed one, why.
    """

    state: Literal["waiting", "running", "done", "failed"]
    fraction: float = 0.0
    message: str = ""


class WarmTrainer:
    """The one training process of a server, started when it is first needed.

    Args:
        arguments: What follows `python`; for tests.
        environment: Of the process; ours if not given.
    """

    def __init__(
        self,
        arguments: tuple[str, ...] = ("-m", "avexplore.tuning.warm_worker"),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._arguments, self._environment = arguments, environment
        self._wanted: OrderedDict[str, OutputsConfig] = OrderedDict()
        self._states: OrderedDict[str, TrainingState] = OrderedDict()
        self._current: OutputsConfig | None = None
        self._process: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None
        self._guard = threading.RLock()

    def want(self, visitor: str, config: OutputsConfig) -> TrainingState:
        """Have a network trained for a visitor, instead of what that visitor wanted before; how far it is.

        One that failed is not begun again until `retry`.
        """
        with self._guard:
            known = self._states.get(config.address)
            if known is not None and known.state in ("done", "failed"):
                self._wanted.pop(visitor, None)
                return known
            if self._wanted.get(visitor) != config:
                self._wanted[visitor] = config
                self._wanted.move_to_end(visitor)
            self._go_on()
            return self.look(config)

    def look(self, config: OutputsConfig) -> TrainingState:
        """How far a training is, for whoever it is."""
        with self._guard:
            return self._states.get(config.address, TrainingState("waiting", 0.0, "Behind another visitor's training"))

    def leave(self, visitor: str) -> None:
        """A visitor looks at something that takes no training."""
        with self._guard:
            if self._wanted.pop(visitor, None) is not None:
                self._go_on()

    def retry(self, config: OutputsConfig) -> None:
        """Let a failed training be begun again."""
        with self._guard:
            self._states.pop(config.address, None)

    def stop(self, config: OutputsConfig) -> None:
        """End the process at once, by its handle: results are written whole or not at all, so nothing is left half."""
        with self._guard:
            process = self._process
            self._states[config.address] = TrainingState("failed", 0.0, "It was stopped")
            self._wanted = OrderedDict((who, one) for who, one in self._wanted.items() if one != config)
            if process is not None and self._current == config:
                process.kill()
                process.wait()

    def end(self) -> None:
        """End the process, if there is one, and forget what visitors want."""
        with self._guard:
            self._wanted.clear()
            if self._process is not None:
                self._process.kill()
                self._process.wait()
        if self._listener is not None:
            self._listener.join()

    @property
    def pid(self) -> int | None:
        """The process at work, None if there is none now."""
        with self._guard:
            alive = self._process is not None and self._process.poll() is None
            return self._process.pid if alive and self._process is not None else None

    def _go_on(self) -> None:
        """Hand the process what is to be trained now, unless it is at that already."""
        if self._current is not None and self._current in self._wanted.values() and self.pid is not None:
            return
        if self._process is not None and self._process.poll() is not None:
            return  # it ended just now; whoever listens to it says so, then goes on
        following = next(iter(self._wanted.values()), None)
        if following is None:
            return  # what it is at comes to its end; somebody may come back to it
        process = self._running()
        self._current = following
        self._states[following.address] = TrainingState("running", 0.0, "Starting")
        while len(self._states) > 500:
            self._states.popitem(last=False)
        request = {"id": following.address, "config": following.to_json()}
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        except (OSError, ValueError):  # it ended just now; whoever listens to it says so
            return

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, *self._arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=None if self._environment is None else dict(self._environment),
            )
            self._listener = threading.Thread(
                target=self._listen, args=(self._process,), name="avexplore-warm", daemon=True
            )
            self._listener.start()
        return self._process

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                with contextlib.suppress(json.JSONDecodeError):  # half a line: it was killed
                    self._hear(json.loads(line))
        process.wait()
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        with self._guard:
            self._process = None
            current, self._current = self._current, None
            known = self._states.get(current.address) if current is not None else None
            if current is not None and known is not None and known.state == "running":
                self._states[current.address] = TrainingState("failed", 0.0, "The training process ended unexpectedly")
                self._wanted = OrderedDict((who, one) for who, one in self._wanted.items() if one != current)
            self._go_on()

    def _hear(self, said: Mapping[str, Any]) -> None:
        with self._guard:
            address = said["id"]
            if "fraction" in said:
                if self._current is not None and address == self._current.address:
                    self._states[address] = TrainingState("running", float(said["fraction"]), str(said["message"]))
                return
            if "failed" in said:
                self._states[address] = TrainingState("failed", 0.0, str(said["failed"]))
            elif "done" in said:
                self._states[address] = TrainingState("done", 1.0, "Trained")
            else:
                self._states.pop(address, None)
            if "replaced" not in said:
                self._wanted = OrderedDict((w, one) for w, one in self._wanted.items() if one.address != address)
            if self._current is not None and self._current.address == address:
                self._current = None
            self._go_on()
