"""What can go wrong, in words a researcher can act on.

Every message says what is wrong, where, and what to do. Nothing else in this package may raise
a bare `Exception` towards a user.
"""

from __future__ import annotations


class AvexploreError(Exception):
    """Base of all expected failures.

    Args:
        what: What is wrong, as a sentence.
        where: The file, array, field or stage it was found in.
        fix: What the reader can do about it.

    >>> str(AvexploreError("Labels must be integers", where="labels of clips.npz", fix="Store them as int64"))
    'Labels must be integers (labels of clips.npz). Store them as int64.'
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        sentence = what.rstrip(".") + (f" ({where})" if where else "") + "."
        super().__init__(sentence + (f" {fix.rstrip('.')}." if fix else ""))

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.where, self.fix)


def _rebuild(kind: type[AvexploreError], what: str, where: str, fix: str) -> AvexploreError:
    return kind(what, where=where, fix=fix)


class ConfigError(AvexploreError, ValueError):
    """A parameter is out of its range, or two parameters contradict each other."""


class DataError(AvexploreError, ValueError):
    """A file or an array cannot be used as it is."""


class GraphError(AvexploreError, ValueError):
    """A class graph cannot be learned, read or compared as asked."""


class TrainingError(AvexploreError, RuntimeError):
    """Training cannot go on, for instance because a loss is not finite."""


class StoreError(AvexploreError, RuntimeError):
    """An artifact cannot be read or written."""


class Cancelled(AvexploreError):
    """The work was stopped on request. Raised from inside a `report` callback."""
