"""A training process that stays warm: `python -m avexplore.tuning.warm_worker`, spoken to by `warm_training`.

It reads requests from its standard input, one JSON object a line, and answers with lines of JSON: `{"id", "fraction",
"message"}` while it trains, then `{"id", "done": true}` or `{"id", "failed": "..."}`. The newest request wins: the
training's own progress report looks for one after every measured epoch. Libraries, features and the beginning that
student and twin share stay in memory from one request to the next.

It ends by itself when its input closes, after `IDLE` seconds without a request, and when it takes more memory than a
job may.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from typing import TYPE_CHECKING, Any

from avexplore.config import ClipsConfig, OutputsConfig, from_json
from avexplore.errors import AvexploreError, Cancelled

if TYPE_CHECKING:
    from avexplore.workbench import Workbench

IDLE = 600.0
KEPT = 200
"""So many networks that were trained for settings stay; of more, the oldest go."""


def main() -> None:
    """Answer requests until there is nobody to answer."""
    from avexplore.jobs import memory

    say = _Speaker()
    memory.be_first_to_go()
    memory.watch(memory.job_bytes(1), lambda why: _end(say, why))
    requests: queue.Queue[dict[str, Any] | None] = queue.Queue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()

    from avexplore.workbench import Workbench

    bench = Workbench()
    waiting = _next(requests, IDLE)
    while waiting is not None:
        request, waiting = waiting, None
        name = str(request["id"])
        say.of = name
        try:
            wanted = from_json(request["config"])
            assert isinstance(wanted, OutputsConfig)

            def report(fraction: float, message: str = "", *, name: str = name, **figures: float) -> None:
                if not requests.empty():
                    raise Cancelled("A newer setting was asked for")
                say(id=name, fraction=round(fraction, 4), message=message)

            train(bench, wanted, report)
            say(id=name, done=True)
            forget(bench, KEPT)
        except Cancelled:
            say(id=name, replaced=True)
        except AvexploreError as error:
            say(id=name, failed=str(error))
        except Exception as error:  # the process lives on, and the page says what happened
            say(id=name, failed=f"{type(error).__name__}: {error}")
        waiting = _next(requests, IDLE)


def train(bench: Workbench, wanted: OutputsConfig, report: Any) -> None:
    """Train a network from the shared beginning and store what it says of the clips; the student itself is not kept.

    So settings that were only looked at take half a megabyte each, and are at hand when one comes back to them.
    """
    from avexplore import pipeline

    if wanted in bench.store:
        return
    report(0.0, "Reading features")
    context = pipeline.Context(get=bench.get, report=report, device=bench.device)
    student: Any = pipeline.stage_of(wanted.model).compute(wanted.model, context)
    rows = bench.get(ClipsConfig(wanted.model.data)).rows(wanted.split)
    bench.store.put(wanted, student.outputs.at(rows), device=bench.device or "cpu", durable=False)


def forget(bench: Workbench, keep: int) -> None:
    """Remove the oldest networks that were trained for settings, but for so many; those of stored students stay."""
    looked_at = [
        one
        for one in bench.store.entries(OutputsConfig.stage)
        if not one.shipped and isinstance(one.config, OutputsConfig) and one.config.model not in bench.store
    ]
    looked_at.sort(key=lambda one: one.created)
    for one in looked_at[: max(len(looked_at) - keep, 0)]:
        bench.store.remove(one.address)


class _Speaker:
    """One line of JSON at a time on what was standard output; whatever libraries print goes to standard error."""

    def __init__(self) -> None:
        self.of = ""
        self._guard = threading.Lock()
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def __call__(self, **content: Any) -> None:
        with self._guard:
            self._out.write(json.dumps(content) + "\n")
            self._out.flush()


def _listen(requests: queue.Queue[dict[str, Any] | None]) -> None:
    for line in sys.stdin:
        requests.put(json.loads(line))
    requests.put(None)


def _next(requests: queue.Queue[dict[str, Any] | None], seconds: float) -> dict[str, Any] | None:
    """The newest request, waiting for one; None if there will be none."""
    try:
        found = requests.get(timeout=seconds)
    except queue.Empty:
        return None
    while found is not None and not requests.empty():
        found = requests.get()
    return found


def _end(say: _Speaker, why: str) -> None:
    say(id=say.of, failed=why)
    os._exit(1)


if __name__ == "__main__":
    main()
