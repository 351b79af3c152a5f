"""What was asked for last stays in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from avexplore.artifacts import Artifact

T = TypeVar("T")


class RecentResults(Generic[T]):
    """The results asked for last, by address, up to a number of bytes in memory.

    Args:
        limit: Bytes. The newest result is kept even if it alone is larger.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, tuple[T, int]] = OrderedDict()
        self._bytes = 0
        self._guard = threading.Lock()

    def get(self, address: str) -> T | None:
        """What was put there, if it has not made room since."""
        with self._guard:
            if address not in self._kept:
                return None
            self._kept.move_to_end(address)
            return self._kept[address][0]

    def put(self, address: str, result: T, bytes_held: int) -> None:
        """Keep a result; what was asked for least recently makes room for it."""
        with self._guard:
            if address in self._kept:
                self._bytes -= self._kept.pop(address)[1]
            self._kept[address] = result, bytes_held
            self._bytes += bytes_held
            while self._bytes > self._limit and len(self._kept) > 1:
                _, (_, freed) = self._kept.popitem(last=False)
                self._bytes -= freed


def bytes_in_memory(value: Any) -> int:
    """What an artifact's arrays take of memory, about; those in mapped files take none of it.

    >>> bytes_in_memory(np.zeros(1000))
    8000
    """
    if isinstance(value, np.ndarray):
        return 64 if _mapped(value) else int(value.nbytes)
    if isinstance(value, Mapping):
        return sum(bytes_in_memory(item) for item in value.values())
    if isinstance(value, Artifact) and is_dataclass(value):
        return sum(bytes_in_memory(getattr(value, f.name)) for f in fields(value))
    return 64


def _mapped(array: Any) -> bool:
    """Whether an array's values lie in a file that is mapped, and so can leave memory at any time."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return False
