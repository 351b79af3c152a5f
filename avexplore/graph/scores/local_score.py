"""What an engine asks of a score: the gain of a set of parents."""

from __future__ import annotations

from collections.abc import Callable

LocalScore = Callable[[int, list[int]], float]
