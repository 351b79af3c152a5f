"""Files that visitors bring: kept by content under the data folder, under names that we choose."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from avexplore.ui import session

FEATURE_SUFFIXES = (".npz", ".npy", ".h5", ".hdf5", ".tfrecord", ".csv")


class Upload(Protocol):
    """What Streamlit's file uploader returns, as far as it matters here."""

    name: str

    def getbuffer(self) -> memoryview:
        """The content."""


def folder() -> Path:
    """Where uploads are kept."""
    return Path(session.workbench().store.root) / "uploads"


def safe_name(name: str) -> str:
    """A file name without paths, control characters or surprises; the suffix survives.

    >>> safe_name("../../etc/pass wd<.npz")
    'pass_wd_.npz'
    >>> safe_name("...")
    'file'
    """
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(name.replace("\\", "/")).name).lstrip(".")
    return cleaned[-80:] or "file"


def keep(upload: Upload) -> Path:
    """Write an upload once and return where it lies; the same content is kept once."""
    content = upload.getbuffer()
    digest = hashlib.sha256(content).hexdigest()
    target = folder() / digest[:16] / safe_name(upload.name)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(target.name + ".part")
        partial.write_bytes(content)
        partial.replace(target)
    return target


def known(suffixes: Iterable[str] = FEATURE_SUFFIXES) -> list[Path]:
    """Files uploaded earlier, newest first."""
    found = [path for path in folder().glob("*/*") if path.suffix in set(suffixes)]
    return sorted(found, key=lambda path: -path.stat().st_mtime)
