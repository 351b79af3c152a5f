"""Writing in the data folder: it is for its owner alone, and what the system refuses is said in one sentence."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avexplore.errors import StoreError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def writing(root: Path) -> Iterator[None]:
    """Make the data folder if it is not there, and turn what the system refuses into words.

    Raises:
        StoreError: If the disk is full, or the folder cannot be written.
    """
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreError(
                "The disk is full, or a quota is reached; nothing was left half written",
                where=str(root),
                fix="Free some space, for instance with `avexplore store prune`, or set AVEXPLORE_HOME to another disk",
            ) from error
        raise StoreError(
            f"Cannot write: {error.strerror or error}", where=str(root), fix="Set AVEXPLORE_HOME to a folder of yours"
        ) from error
