"""Work on files that strangers bring, in a process with limits on memory and time: whatever a file does to it, the
process that serves pages only sees an error."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

import avexplore
from avexplore.errors import AvexploreError, DataError

T = TypeVar("T")
GIBIBYTE = 1 << 30
_SHARED = os.environ.get("AVEXPLORE_SHARED") == "1"
MEMORY = (3 if _SHARED else 25) * GIBIBYTE
"""Address space of the process: twice the arrays that one file may hold, and what Python takes."""
SECONDS = 120.0 if _SHARED else 900.0
"""Until it is ended: somebody waits."""
_held: list[subprocess.Popen[bytes]] = []


def apart(work: Callable[..., T], *given: Any, seconds: float | None = None, memory: int | None = None) -> T:
    """What a function returns, called in a process of its own that ends with it.

    What comes back is read with pickle: the process is this package's own code and may do what this one may; it is
    the limits that count.

    Args:
        work: A function of a module.
        given: Its arguments.
        seconds: It may take; `SECONDS` by default.
        memory: Bytes it may take; `MEMORY` by default.

    Raises:
        AvexploreError: What the function raises.
        DataError: If it takes too long or too much, or ends its process.
    """
    allowed, room = seconds or SECONDS, memory or MEMORY
    process = Child("avexplore.apart", str(room), str(int(allowed) + 1), session=True)
    try:
        answer, _ = process.communicate(pickle.dumps((work.__module__, work.__qualname__, given)), timeout=allowed)
        fine, found = pickle.loads(answer)  # noqa: S301 - see above
    except subprocess.TimeoutExpired as error:
        raise DataError(f"Reading it took more than {allowed:.0f} s", where="file", fix=_FIX) from error
    except (EOFError, pickle.UnpicklingError) as error:
        words = f"Reading it took more than {room / GIBIBYTE:.3g} GiB of memory, or crashed"
        raise DataError(words, where="file", fix=_FIX) from error
    finally:
        process.end()
    if fine:
        result: T = found
        return result
    raise found


_FIX = "The file is damaged, was tampered with, or is too large for this machine"


class Child(subprocess.Popen[bytes]):
    """A module of this package in a process that answers requests, lines of JSON, until it is ended.

    Args:
        module: Its whole name.
        given: Its arguments.
        session: Whether it has a session of its own, which ends with it.
        variables: Of its environment, beside those of `environment`.
    """

    def __init__(self, module: str, *given: str, session: bool = False, **variables: str) -> None:
        super().__init__(
            [sys.executable, "-m", module, *given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(**variables),
            start_new_session=session,
        )
        self._session = session

    def ask(self, request: Mapping[str, Any]) -> None:
        """Send a request."""
        assert self.stdin is not None
        self.stdin.write(json.dumps(request).encode() + b"\n")
        self.stdin.flush()

    @contextlib.contextmanager
    def patient(self, seconds: float) -> Iterator[IO[bytes]]:
        """Where its answers are read; after so many seconds it is killed, and they end."""
        assert self.stdout is not None
        watchdog = threading.Timer(seconds, self.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield self.stdout
        finally:
            watchdog.cancel()

    def end(self) -> None:
        """Kill it, with what it has started in its session, and close what led to it."""
        if self._session and os.name == "posix":
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
        self.kill()
        for stream in (self.stdin, self.stdout):
            with contextlib.suppress(OSError):  # the process is gone, and what was still to be sent with it
                if stream is not None:
                    stream.close()
        self.wait()


def beside(room: str, variables: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Call the `fill_cache` of a module of this package in a process that ends no later than this one.

    It holds the other end of the process's input, also after an `exec`: however this one ends, the process is told.
    What it prints is lost.

    Args:
        room: Name of the module, below `avexplore`.
        variables: Its environment; ours by default.
    """
    call = f"from avexplore.{room} import fill_cache; fill_cache()"
    process = subprocess.Popen(
        [sys.executable, "-c", f"from avexplore.apart import end_with_parent; end_with_parent(); {call}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=variables,
    )
    assert process.stdin is not None
    os.set_inheritable(process.stdin.fileno(), True)
    _held.append(process)  # collected, it would let go of its end
    return process


def end_with_parent() -> None:
    """End this process as soon as nobody holds the other end of its input."""

    def follow() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=follow, name="avexplore-follow", daemon=True).start()


def environment(**more: str) -> dict[str, str]:
    """Of a process that reads a stranger's file: it finds this package, and takes one thread."""
    package_parent = str(Path(avexplore.__file__).resolve().parents[1])
    search = os.environ.get("PYTHONPATH", "")
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    return os.environ | threads | {"PYTHONPATH": package_parent + (os.pathsep + search if search else "")} | more


def bound(**limits: int) -> None:
    """Give this process bounds, where the platform can.

    Args:
        limits: By the names of `resource`, such as AS (bytes), CPU (seconds), CORE (bytes).
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    for name, limit in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        with contextlib.suppress(ValueError, OSError):  # some platforms refuse some limits
            resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    bound(AS=int(sys.argv[1]), CPU=int(sys.argv[2]), CORE=0)
    module, name, given = pickle.load(sys.stdin.buffer)  # noqa: S301 - of our own parent
    try:
        answer: tuple[bool, Any] = True, getattr(importlib.import_module(module), name)(*given)
    except AvexploreError as error:
        answer = False, error
    except MemoryError:
        answer = False, DataError("There is not enough memory for it", where="file", fix=_FIX)
    with answers:
        pickle.dump(answer, answers, protocol=5)


if __name__ == "__main__":
    _serve()
