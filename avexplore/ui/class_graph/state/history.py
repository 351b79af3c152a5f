"""Undo and redo for the controls and rules of the class graph page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LONGEST = 200

Snapshot = Mapping[str, Any]


@dataclass
class History:
    """Where the reader has been.

    >>> history = History()
    >>> for penalty in (2, 4, 8): history.visit({"penalty": penalty})
    >>> history.undo(), history.can_redo
    ({'penalty': 4}, True)
    >>> history.visit({"penalty": 4}); history.redo()
    {'penalty': 8}
    """

    past: list[Snapshot] = field(default_factory=list)
    future: list[Snapshot] = field(default_factory=list)

    def visit(self, snapshot: Snapshot) -> None:
        """Note where the reader is; the same place again changes nothing, a new one ends the way forward."""
        if self.past and self.past[-1] == snapshot:
            return
        self.past = [*self.past[1 - LONGEST :], snapshot]
        self.future = []

    @property
    def can_undo(self) -> bool:
        """Whether there is a place before this one."""
        return len(self.past) > 1

    @property
    def can_redo(self) -> bool:
        """Whether an undo can be taken back."""
        return bool(self.future)

    def undo(self) -> Snapshot | None:
        """The place before this one, which then is this one; None if there is none."""
        if not self.can_undo:
            return None
        self.future.append(self.past.pop())
        return self.past[-1]

    def redo(self) -> Snapshot | None:
        """The place that the last undo left; None if there is none."""
        if not self.future:
            return None
        self.past.append(self.future.pop())
        return self.past[-1]
