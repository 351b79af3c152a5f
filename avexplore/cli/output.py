"""What the command line prints: results on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avexplore.artifacts import Report


@contextlib.contextmanager
def progress(quiet: bool = False) -> Iterator[Report]:
    """A progress bar on stderr; a line now and then where stderr is no terminal.

    What libraries print goes there meanwhile, too, so that stdout holds the result alone.
    """
    with contextlib.redirect_stdout(sys.stderr):
        if quiet:
            from avexplore.artifacts import silent

            yield silent
        elif sys.stderr.isatty():
            yield from _bar()
        else:
            yield _Lines()


def _bar() -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("Starting", total=1.0)

        def report(fraction: float, message: str = "", **figures: float) -> None:
            numbers = "  ".join(f"{name} {value:.4g}" for name, value in list(figures.items())[:4])
            text = "  ".join(filter(None, [message, numbers]))
            # Class names come from files: no markup in them.
            shown.update(task, completed=fraction, description=text.replace("[", "("))

        yield report


class _Lines:
    """One line per message and at most one every few seconds."""

    def __init__(self, seconds: float = 5.0) -> None:
        self._seconds, self._last, self._said = seconds, -math.inf, ""

    def __call__(self, fraction: float, message: str = "", **figures: float) -> None:
        now = time.monotonic()
        if message == self._said or now - self._last < self._seconds:
            return
        self._last, self._said = now, message
        say(f"{fraction:4.0%}  {message}")


def say(text: str) -> None:
    """A line on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def emit(content: Mapping[str, Any]) -> None:
    """One JSON object on stdout, in ASCII whatever the terminal can show. What is no number (NaN) becomes null."""
    sys.stdout.write(json.dumps(plain(content), indent=2, allow_nan=False) + "\n")
    sys.stdout.flush()


def picked(record: Any, *names: str) -> dict[str, Any]:
    """Some attributes of a record, by name."""
    return {name: getattr(record, name) for name in names}


def plain(value: Any) -> Any:
    """Arrays, tuples and NumPy numbers as JSON values.

    >>> import numpy as np
    >>> plain({"map": np.float64(0.5), "gain": float("nan"), "rows": np.arange(2)})
    {'map': 0.5, 'gain': None, 'rows': [0, 1]}
    """
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if hasattr(value, "tolist"):  # an array, or a number of NumPy's
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table on stdout; numbers to the right, four digits."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=title or None, title_justify="left")
    for column, name in enumerate(head):
        numeric = bool(rows) and all(isinstance(row[column], (int, float)) for row in rows)
        shown.add_column(name, justify="right" if numeric else "left")
    for row in rows:
        shown.add_row(*(Text(f"{item:.4f}" if isinstance(item, float) else str(item)) for item in row))
    Console().print(shown)


def figure_table(title: str, figures: Mapping[str, float]) -> None:
    """A table of figures by name."""
    table(title, ("Figure", "Value"), [(name, float(value)) for name, value in figures.items()])


def size_text(count: float) -> str:
    """A number of bytes for people.

    >>> size_text(1536)
    '1.5 KB'
    """
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1024 or unit == "GB":
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError
