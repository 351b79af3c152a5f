"""Files that visitors bring: kept by content under the data folder, under names that we choose."""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

from avexplore.errors import StoreError
from avexplore.folders import may_read
from avexplore.ui.shell import session

LEAST_FREE = 1 << 30
"""Bytes that an upload must leave on the disk."""
_FIX = "Ask whoever runs this server to free some, or to move its data folder"


def folder() -> Path:
    """Where this visitor's uploads are kept."""
    return session.own_folder() / "uploads"


def safe_name(name: str) -> str:
    """A file name without paths, control characters or surprises; the suffix survives.

    >>> safe_name("../../etc/pass wd<.npz")
    'pass_wd_.npz'
    >>> safe_name("...")
    'file'
    """
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(name.replace("\\", "/")).name).lstrip(".")
    return cleaned[-80:] or "file"


def keep(name: str, content: bytes | memoryview) -> Path:
    """Write an upload once and return where it lies; the same content is kept once.

    Raises:
        StoreError: If it cannot be written, or would leave too little room for results.
    """
    digest = hashlib.sha256(content).hexdigest()
    target = folder() / digest[:16] / safe_name(name)
    if target.exists():
        return target
    partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(target.parent).free - len(content) < LEAST_FREE:
            raise StoreError("There is too little room on the disk for this file", where=target.name, fix=_FIX)
        partial.write_bytes(content)
        partial.replace(target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(f"The upload cannot be stored: {reason}", where=target.name, fix=_FIX) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    return target


def known(suffixes: Iterable[str]) -> list[Path]:
    """Files that this visitor uploaded earlier, and features made of clips here, newest first."""
    places = [*folder().glob("*/*"), *(folder().parent / "features").glob("*/*.npz")]
    found = [path for path in places if path.suffix in set(suffixes) and may_read(path)]
    return sorted(found, key=lambda path: -path.stat().st_mtime)
