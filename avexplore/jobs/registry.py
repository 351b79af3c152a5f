"""Which jobs there are, for every visitor and after every restart: all of it lies on disk.

A visitor sees, stops and forgets the jobs that they asked for (`Registry.for_visitor`); a job that several asked for
goes on until the last of them leaves it. Who sits at the machine sees, and stops, all.

Nobody has to stay alive for the queue to move: whoever looks at the jobs, and every worker at its end, starts what
may start. A worker that died without a word (killed, out of memory, power loss) is started again and goes on from its
last saved state, at most `MAX_ATTEMPTS` times in all; after that the job has failed, with the last lines of its log.
"""

from __future__ import annotations

import copy
import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from avexplore import pipeline
from avexplore.config import Config
from avexplore.errors import AvexploreError, StoreError
from avexplore.folders import NAMED
from avexplore.jobs.processes import Identity, start
from avexplore.jobs.records import (
    JobStatus,
    askers_of,
    last_lines,
    read_figures,
    read_json,
    read_progress,
    read_request,
    write_json,
)
from avexplore.store import Store
from avexplore.store.writing import writing

WORKER = ("-m", "avexplore", "compute", "--job")
"""What a worker is started with, after `python` and before the job's folder."""
MAX_ATTEMPTS = 3
MAX_WAITING = 50
MAX_PER_VISITOR = 6
KEPT_RECORDS = 200
"""Finished jobs whose log and curves are kept."""
_LOOK_SECONDS = 0.5
_log = logging.getLogger(__name__)


def default_workers() -> int:
    """How many jobs run at once: `AVEXPLORE_WORKERS`, or half of the cores, so that pages stay quick."""
    chosen = os.environ.get("AVEXPLORE_WORKERS", "")
    return max(1, int(chosen)) if chosen.isdigit() else max(1, (os.cpu_count() or 2) // 2)


def has_gpu() -> bool:
    """Whether trainings would share one accelerator here. Asks no library: torch takes seconds to import."""
    device = os.environ.get("AVEXPLORE_DEVICE", "")
    return device != "cpu" and (device != "" or Path("/dev/nvidia0").exists())


class Registry:
    """The jobs of one data folder.

    Args:
        root: The data folder.
        workers: How many jobs run at once.
        command: What a worker is started with, after `python`; the job's folder is appended.
    """

    def __init__(self, root: Path, workers: int | None = None, command: tuple[str, ...] | None = None) -> None:
        self.root = Path(root)
        self.workers = default_workers() if workers is None else workers
        self._command = command or WORKER
        self._visitor: str | None = None
        self._looked = [0.0]  # shared with what each visitor sees of it
        self._guard = threading.RLock()
        self._read: dict[str, tuple[tuple[int, int, int], dict[str, Any]]] = {}
        self._last_words: dict[tuple[str, float, int], str] = {}

    def folder(self, address: str) -> Path:
        """Where a job keeps its files."""
        return self.root / "jobs" / address

    def for_visitor(self, visitor: str) -> Registry:
        """The same jobs, as one visitor may see and stop them."""
        seen = copy.copy(self)
        seen._visitor = visitor
        return seen

    # --- asking ---------------------------------------------------------------------------------------------------

    def submit(self, config: Config, slot: str = "") -> JobStatus:
        """Ask for a result. The same address is the same job, whoever asks.

        Args:
            config: What to make.
            slot: Who asks and for what, as "visitor/stage"; "" is whoever sits at the machine. The slot's earlier
                job is cancelled if it is another one that nobody else wants.

        Raises:
            AvexploreError: If too many jobs wait already.
        """
        address = config.address
        asker = self._visitor or slot.partition("/")[0]
        with self._locked():
            slots = {name: wanted for name, wanted in self._slots().items() if self._is_active(wanted)}
            earlier = slots.get(slot) if slot else None
            if slot:
                slots[slot] = address
            own = {wanted for name, wanted in slots.items() if name.partition("/")[0] == asker}
            left = earlier if earlier not in own else None
            request = self._request(address)
            askers = askers_of(request) if request else []
            if request is None or self._state(request) not in ("queued", "running"):
                # Before anything is changed: who is refused keeps what he had.
                self._refuse_crowds(asker, left)
                self._queue(config, [*askers, *{asker}.difference(askers)])
            elif asker not in askers:
                self._note(request | {"askers": [*askers, asker]})
            if earlier != slots.get(slot):
                write_json(self._slot_file, slots)
            if left is not None and self._leave(left, asker):
                self._replace(left)
            self._advance()
        found = self.status(address)
        assert found is not None
        return found

    def _queue(self, config: Config, askers: list[str]) -> None:
        address = config.address
        folder = self.folder(address)
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("progress.json", "figures.jsonl"):
            (folder / name).unlink(missing_ok=True)
        fresh = {
            "address": address,
            "stage": config.stage,
            "config": config.to_json(),
            "state": "queued",
            "requested": time.time(),
            "attempts": 0,
            "pid": 0,
            "mark": "",
            "note": "",
            "trains": pipeline.trains(config, Store(self.root).__contains__),
            # Whoever starts the worker later: it may read what the one who asked may read.
            "folders": os.environ.get(NAMED),
            "askers": askers,
        }
        self._note(fresh)
        self._forget_old()

    def _refuse_crowds(self, asker: str, left: str | None) -> None:
        requests = [r for r in self._requests() if r["address"] != left or set(askers_of(r)) != {asker}]
        active = [r for r in requests if self._state(r) in ("queued", "running")]
        if sum(r["state"] == "queued" for r in active) >= MAX_WAITING:
            raise AvexploreError("Too many jobs wait already", where="jobs", fix="Try again when some have finished")
        if asker and sum(asker in askers_of(r) for r in active) >= MAX_PER_VISITOR:
            raise AvexploreError(
                f"You have {MAX_PER_VISITOR} jobs already", where="jobs", fix="Cancel one, or wait for one to finish"
            )

    def status(self, address: str) -> JobStatus | None:
        """How a job stands; None if there is none of this address. Also moves the queue on.

        The same address is the same work, whoever asks: a visitor sees how far it is, but not how it ended for others.
        """
        request = self._request(address)
        if request is None:
            return None
        if request["state"] in ("queued", "started"):
            self.look()
            request = self._request(address) or request
        found = self._status(request)
        return found if found.mine or found.state in ("queued", "running") else None

    def all(self) -> list[JobStatus]:
        """All jobs that the one who looks may see, the newest first."""
        self.look()
        found = [self._status(request) for request in self._requests() if self._is_mine(request)]
        return sorted(found, key=lambda status: -status.requested)

    def unreadable(self) -> list[str]:
        """Names under `jobs/` that hold no job this version can read: left out of every list, and named here.

        Nobody knows whose they are: visitors are told of none.
        """
        if self._visitor is not None:
            return []
        try:
            with os.scandir(self.root / "jobs") as found:
                names = sorted(entry.name for entry in found if entry.is_dir())
        except OSError:
            return []
        return [name for name in names if self._request(name) is None and any((self.root / "jobs" / name).iterdir())]

    def figures(self, address: str) -> list[dict[str, Any]]:
        """Points of a job's live curves, oldest first."""
        return read_figures(self.folder(address))

    def log(self, address: str, lines: int = 200) -> str:
        """The end of a job's output; "" for one that somebody else asked for."""
        request = self._request(address)
        if request is not None and not self._is_mine(request):
            return ""
        return last_lines(self.folder(address) / "log.txt", lines)

    def cancel(self, address: str) -> None:
        """Stop a job, unless another visitor wants it. What it has saved stays, so that it can go on later."""
        with self._locked():
            if self._leave(address, self._visitor):
                self._stop(address)
            self._advance()

    def forget(self, address: str) -> None:
        """Remove what is left of a job that has ended; for a visitor, from what they see."""
        with self._locked():
            request = self._request(address)
            if request is None or self._state(request) in ("queued", "running"):
                return
            if self._leave(address, self._visitor):
                shutil.rmtree(self.folder(address), ignore_errors=True)

    def look(self, *, now: bool = False) -> None:
        """Start what may start and notice what has died; at most twice a second unless `now`."""
        if not now and time.monotonic() - self._looked[0] < _LOOK_SECONDS:
            return
        self._looked[0] = time.monotonic()
        if not (self.root / "jobs").is_dir():
            return
        try:
            with self._locked():
                self._advance()
        except StoreError as error:  # a full disk starts nothing, but whoever looks is shown what there is
            _log.warning("%s", error)

    # --- under the lock -------------------------------------------------------------------------------------------

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock

        base = self.root / "jobs"
        with self._guard, writing(self.root):
            base.mkdir(parents=True, exist_ok=True)
            with FileLock(base / "registry.lock"):
                yield

    @property
    def _slot_file(self) -> Path:
        return self.root / "jobs" / "slots.json"

    def _slots(self) -> dict[str, str]:
        return {name: str(address) for name, address in (read_json(self._slot_file) or {}).items()}

    def _requests(self) -> list[dict[str, Any]]:
        try:
            with os.scandir(self.root / "jobs") as found:
                names = [entry.name for entry in found if entry.is_dir()]
        except FileNotFoundError:
            return []
        with self._guard:
            for gone in self._read.keys() - set(names):
                self._read.pop(gone, None)
            for key in [key for key in self._last_words if key[0] not in self._read]:
                self._last_words.pop(key, None)
        return [request for name in names if (request := self._request(name)) is not None]

    def _request(self, address: str) -> dict[str, Any] | None:
        """A job's request; read again only if it was replaced, since many visitors look at many jobs."""
        path = self.folder(address) / "request.json"
        try:
            status = path.stat()
        except OSError:
            return None
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        known = self._read.get(address)
        if known is None or known[0] != stamp:
            request = read_request(path)
            if request is None or request["address"] != address:
                return None
            known = self._read[address] = stamp, request
        return dict(known[1])

    def _note(self, request: dict[str, Any]) -> None:
        write_json(self.folder(request["address"]) / "request.json", request)

    def _is_active(self, address: str) -> bool:
        request = self._request(address)
        return request is not None and self._state(request) in ("queued", "running", "dead")

    def _progress(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """What the worker of the current attempt says."""
        progress = read_progress(self.folder(request["address"]) / "progress.json")
        return progress if progress and progress["attempt"] == request["attempts"] else None

    def _state(self, request: dict[str, Any]) -> str:
        """ "queued", "running", "dead", "done", "failed" or "cancelled"."""
        if request["state"] != "started":
            return str(request["state"])
        key = (request["address"], request["requested"], request["attempts"])
        if key in self._last_words:
            return self._last_words[key]
        # First whether it lives, then what it said: it may finish between the two, and the last word counts.
        alive = Identity(request["pid"], request.get("mark", "")).is_alive()
        said = (self._progress(request) or {}).get("state")
        if said in ("done", "failed", "cancelled"):
            self._last_words[key] = str(said)
            return str(said)
        return "running" if alive else "dead"

    def _advance(self) -> None:
        running_training = running = 0
        waiting = []
        for request in self._requests():
            state = self._state(request)
            if state == "dead":
                state = self._revive(request)
            if state == "running":
                running += 1
                running_training += _trains(request)
            elif state == "queued":
                waiting.append(request)
        for request in sorted(waiting, key=lambda r: (r["attempts"] == 0, r["requested"])):
            if running >= self.workers:
                break
            if _trains(request) and running_training and has_gpu():
                continue
            self._start(request)
            running += 1
            running_training += _trains(request)

    def _start(self, request: dict[str, Any]) -> None:
        folder = self.folder(request["address"])
        request["attempts"] += 1
        # Counted before it runs: if we die here, the attempt counts and the next look starts another.
        self._note(request)
        inherited = {
            "AVEXPLORE_HOME": str(self.root),
            "AVEXPLORE_WORKERS": str(self.workers),
            NAMED: request.get("folders"),
        }
        process = start((*self._command, str(folder)), folder / "log.txt", inherited)
        request |= {"state": "started", "pid": process.pid, "mark": process.mark, "started": time.time()}
        self._note(request)

    def _revive(self, request: dict[str, Any]) -> str:
        if request["attempts"] >= MAX_ATTEMPTS:
            note = f"The worker died {request['attempts']} times without saying why (killed, or out of memory)"
            request |= {"state": "failed", "note": note}
        else:
            request |= {"state": "queued", "note": "The worker died; going on from its last saved state"}
        self._note(request)
        return str(request["state"])

    def _is_mine(self, request: dict[str, Any]) -> bool:
        return self._visitor is None or self._visitor in askers_of(request)

    def _leave(self, address: str, asker: str | None) -> bool:
        """Note that somebody wants a job no more; whether it was theirs and nobody else's. None is everybody."""
        request = self._request(address)
        if request is None or asker is None:
            return request is not None
        askers = askers_of(request)
        others = [name for name in askers if name != asker]
        if others and asker in askers:
            self._note(request | {"askers": others})
        return not others

    def _replace(self, address: str) -> None:
        """Stop what nobody wants any more; what never began leaves nothing behind."""
        request = self._request(address)
        if request is not None and request["state"] == "queued" and not request["attempts"]:
            shutil.rmtree(self.folder(address), ignore_errors=True)
        else:
            self._stop(address, replaced=True)

    def _forget_old(self) -> None:
        """Keep the records of the newest finished jobs. Results and saved states lie elsewhere, and stay."""
        finished = [r for r in self._requests() if self._state(r) in ("done", "failed", "cancelled")]
        for request in sorted(finished, key=lambda r: -r["requested"])[KEPT_RECORDS:]:
            shutil.rmtree(self.folder(request["address"]), ignore_errors=True)

    def _stop(self, address: str, *, replaced: bool = False) -> None:
        request = self._request(address)
        if request is None or self._state(request) not in ("queued", "running", "dead"):
            return
        if request["state"] == "started":
            ended = Identity(request["pid"], request.get("mark", "")).stop()
            if (self._progress(request) or {}).get("state") == "done":
                return
            if not ended:
                raise AvexploreError(
                    "The work goes on: its process cannot be stopped from here",
                    where=f"process {request['pid']}",
                    fix="End it as the user who started it",
                )
        self._note(request | {"state": "cancelled", "note": "Stopped", "replaced": replaced})

    # --- for show -------------------------------------------------------------------------------------------------

    def _status(self, request: dict[str, Any]) -> JobStatus:
        state = self._state(request)
        progress = self._progress(request) or {}
        message = request["note"] if state in ("failed", "cancelled", "queued") else ""
        shown: Any = {"dead": "running"}.get(state, state)
        position = 0
        if state == "queued":
            earlier = [r for r in self._requests() if r["state"] == "queued" and r["requested"] <= request["requested"]]
            position = max(1, len(earlier))
        began = progress.get("began") or request.get("started") or time.time()
        ended = progress.get("updated", time.time()) if shown in ("done", "failed", "cancelled") else time.time()
        left = progress.get("seconds_left")
        if left is not None and shown == "running":
            # The clock may have been set back since.
            left = max(0.0, left - max(0.0, time.time() - progress["updated"]))
        return JobStatus(
            address=request["address"],
            stage=request["stage"],
            state=shown,
            fraction=1.0 if shown == "done" else float(progress.get("fraction", 0.0)),
            message=message or progress.get("message", "") or ("Starting" if shown == "running" else ""),
            seconds=max(0.0, ended - began),
            seconds_left=left if shown == "running" else None,
            position=position,
            attempts=request["attempts"],
            requested=request["requested"],
            log=last_lines(self.folder(request["address"]) / "log.txt") if shown == "failed" else "",
            config=request["config"],
            replaced=state == "cancelled" and bool(request.get("replaced")),
            mine=self._is_mine(request),
        )


def _trains(request: dict[str, Any]) -> bool:
    """Whether a job may train a network; one that an earlier version queued may."""
    return bool(request.get("trains", True))
