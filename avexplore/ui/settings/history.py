"""Undo and redo."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

LONGEST = 200

T = TypeVar("T")


@dataclass
class History(Generic[T]):
    """Where a visitor has been.

    >>> history = History()
    >>> for penalty in (2, 4, 8): history.visit(penalty)
    >>> history.undo(), history.can_redo
    (4, True)
    >>> history.visit(4); history.redo()
    8
    """

    past: list[T] = field(default_factory=list)
    future: list[T] = field(default_factory=list)

    def visit(self, place: T) -> None:
        """Note where the visitor is; the same place again changes nothing, a new one ends the way forward."""
        if self.past and self.past[-1] == place:
            return
        self.past = [*self.past[1 - LONGEST :], place]
        self.future = []

    @property
    def can_undo(self) -> bool:
        """Whether there is a place before this one."""
        return len(self.past) > 1

    @property
    def can_redo(self) -> bool:
        """Whether an undo can be taken back."""
        return bool(self.future)

    def undo(self) -> T | None:
        """The place before this one, which then is this one; None if there is none."""
        if not self.can_undo:
            return None
        self.future.append(self.past.pop())
        return self.past[-1]

    def redo(self) -> T | None:
        """The place that the last undo left; None if there is none."""
        if not self.future:
            return None
        self.past.append(self.future.pop())
        return self.past[-1]
