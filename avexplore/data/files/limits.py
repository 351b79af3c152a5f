"""How large an input may be. Sizes are compared with what a header claims, before anything is allocated."""

from __future__ import annotations

import os
from dataclasses import dataclass

from avexplore.errors import DataError

MEBIBYTE = 1 << 20
GIBIBYTE = 1 << 30
_UNPACK = "This looks like a compression bomb; store it without compression if it is none"


@dataclass(frozen=True)
class Limits:
    """Upper bounds on one data set. The defaults admit two million clips of 1,152 features in single precision."""

    file_bytes: int = 64 * GIBIBYTE
    """One file on disk."""
    array_bytes: int = 12 * GIBIBYTE
    """All arrays of one data set together, as they are read."""
    clips: int = 5_000_000
    sure_clips: int = 100_000
    """So many are believed; beyond, a clip takes at least one byte of the files that hold it."""
    columns: int = 65_536
    """Feature dimensions, or classes."""
    entries: int = 256
    """Arrays in one file."""
    expansion: int = 1100
    """Bytes in memory per compressed byte; DEFLATE reaches 1,032 on constant data."""
    unpacked: int = 100
    """Bytes in memory per byte of a whole file, beyond 64 MiB: features are in it, and those do not compress."""
    directory_bytes: int = MEBIBYTE
    """The list of contents of an archive."""
    name_characters: int = 200
    """Of a class name, clip id or key."""
    path_characters: int = 4096
    text_bytes: int = 256 * MEBIBYTE
    """A CSV file or all strings of one array."""

    def check_bytes(self, size: int, *, where: str) -> None:
        """Refuse an array that would need more memory than allowed.

        Raises:
            DataError: If `size`, in bytes, is beyond `array_bytes`.
        """
        if size > self.array_bytes:
            raise DataError(
                f"It would take {readable_bytes(size)} of memory, the limit is {readable_bytes(self.array_bytes)}",
                where=where,
                fix="Check the array's shape; split the data set or store it averaged over time",
            )

    def check_expansion(self, size: int, stored: int, *, where: str) -> None:
        """Refuse data that is suspiciously small on disk for its size in memory.

        Raises:
            DataError: If `size` bytes come from fewer than `size / expansion` stored bytes (beyond 1 MiB).
        """
        if size > MEBIBYTE and size > self.expansion * max(stored, 0):
            fix = "This looks like a compression bomb or an array that was never written; store it again"
            raise _bomb(max(stored, 0), readable_bytes(size), where, fix)

    def check_unpacked(self, size: int, stored: int, *, where: str) -> None:
        """Refuse a file whose arrays together are far larger than itself.

        Raises:
            DataError: If `size` bytes come from fewer than `size / unpacked` (beyond 64 MiB).
        """
        if size > 64 * MEBIBYTE and size > self.unpacked * stored:
            raise _bomb(stored, readable_bytes(size), where)

    def check_clips(self, clips: int, stored: int, *, where: str) -> None:
        """Refuse files that claim more clips than they have bytes: a clip has features and a label.

        Raises:
            DataError: If `clips` come from fewer bytes (beyond `sure_clips`).
        """
        if clips > max(self.sure_clips, stored):
            raise _bomb(stored, f"{clips:,} clips", where)


def _bomb(stored: int, held: str, where: str, fix: str = _UNPACK) -> DataError:
    return DataError(f"{readable_bytes(stored)} on disk claim to hold {held}", where=where, fix=fix)


# Where others bring files, too, one file must not take the memory of all.
DEFAULT_LIMITS = Limits(array_bytes=GIBIBYTE) if os.environ.get("AVEXPLORE_SHARED") == "1" else Limits()


def readable_bytes(size: int) -> str:
    """A size for people, in binary units.

    >>> readable_bytes(1536)
    '1.5 KiB'
    >>> readable_bytes(10**30)
    '822 ZiB or more'
    """
    value = float(min(size, 10**30))  # beyond the largest float, there is no conversion
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1024
    return "822 ZiB or more"
