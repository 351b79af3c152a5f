"""A file of arrays while its layout is read: what was asked for, what was noticed, and what nobody asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import NDArray

from avexplore.data.files.arrays import ArrayFile, Header


class Source:
    """The arrays of a file, under the names that layouts know.

    Attributes:
        headers: Of the arrays that can be read.
        notes: What a person should know of how they were read, in sentences.
        facts: The same as values, by name: widths, averaged axes, where the split came from.
    """

    def __init__(self, file: ArrayFile, names: Mapping[str, str] | None = None) -> None:
        """`names` gives the file's name of each array that goes by another name here."""
        self._file, self._names = file, dict(names or {})
        taken = set(self._names.values())
        self._names |= {name: name for name in (*file.headers, *file.refused) if name not in taken}
        self.headers: dict[str, Header] = {
            name: file.headers[stored] for name, stored in self._names.items() if stored in file.headers
        }
        self.notes: list[str] = []
        self.facts: dict[str, Any] = {}
        self._used: set[str] = set()

    @property
    def names(self) -> set[str]:
        """Of all arrays, also of those that cannot be read."""
        return set(self._names)

    def __contains__(self, name: object) -> bool:
        """Whether there is such an array.

        Raises:
            DataError: If there is, but it cannot be read: whoever asks for it would miss it.
        """
        stored = self._names.get(str(name))
        if stored is not None and stored in self._file.refused:
            raise self._file.refused[stored]
        return stored is not None

    def need(self, names: Iterable[str]) -> None:
        """Raise what stands against reading one of these arrays, if anything does."""
        for name in sorted(names):
            _ = name in self

    def where(self, name: str = "") -> str:
        """Where a message finds an array, by the name that the file has for it."""
        return self._file.where(self._names.get(name, name))

    def stored(self, name: str) -> str:
        """The file's own name of an array."""
        return self._names[name]

    def read(self, name: str) -> NDArray[Any]:
        """The whole array."""
        self._used.add(name)
        return self._file.read(self._names[name])

    def read_rows(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """Rows `start` to `stop`."""
        self._used.add(name)
        return self._file.read_rows(self._names[name], start, stop)

    def say(self, sentence: str, **facts: Any) -> None:
        """Note something."""
        self.notes.append(sentence)
        self.facts |= facts

    def not_read(self) -> tuple[str, ...]:
        """The file's names of the arrays that nothing asked for, with the reason where they could not be read."""
        left = sorted(stored for name, stored in self._names.items() if name not in self._used)
        return tuple(
            f"{name} ({self._file.refused[name].what})" if name in self._file.refused else name for name in left
        )
