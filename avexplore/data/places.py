"""Which files the app may touch: uploads under names of our own, and folders that were named at its start."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from avexplore.data.containers import role_of
from avexplore.data.limits import DEFAULT_LIMITS, MEBIBYTE, Limits, readable_bytes
from avexplore.errors import DataError

_SUFFIXES = {".npz", ".npy", ".h5", ".hdf5", ".tfrecord", ".csv"}


def inside(path: str | Path, folders: Iterable[str | Path]) -> Path:
    """The path with all links resolved, if it lies in one of the folders.

    Raises:
        DataError: If it lies elsewhere, or cannot be looked up.
    """
    try:
        full = Path(path).resolve()
        if any(full.is_relative_to(Path(folder).resolve()) for folder in folders):
            return full
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError("The path cannot be looked up", where=Path(path).name[:200]) from error
    raise DataError(
        "The file lies outside of the folders that this app may read",
        where=full.name[:200],
        fix="Upload it, or start the app with its folder named",
    )


def keep_upload(stream: IO[bytes], name: str, folder: Path, limits: Limits = DEFAULT_LIMITS) -> Path:
    """Store an uploaded file under its contents' SHA-256; the visitor's file name never becomes a path.

    Only the kind of array that a name tells of ("audio", "labels", ...) and a known ending are kept, since several npy
    files are told apart by them. Equal contents are stored once.

    Args:
        stream: The upload.
        name: What the visitor called it.
        folder: Where uploads lie; made if missing.
        limits: Bounds on size.

    Returns:
        Path of the stored file.

    Raises:
        DataError: If it is too large or cannot be stored.
    """
    plain = Path(name.replace("\\", "/")).name[:200]
    ending = Path(plain).suffix.lower()
    digest = hashlib.sha256()
    size = 0
    partial = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(prefix=".upload-", dir=folder)
        with os.fdopen(handle, "wb") as out:
            while chunk := stream.read(4 * MEBIBYTE):
                size += len(chunk)
                if size > limits.file_bytes:
                    raise DataError(f"Uploads may have {readable_bytes(limits.file_bytes)}", where="upload")
                digest.update(chunk)
                out.write(chunk)
        role = role_of(Path(plain))
        suffix = ending if ending in _SUFFIXES else ""
        target = folder / f"{digest.hexdigest()[:32]}{'-' + role if role else ''}{suffix}"
        Path(partial).replace(target)
        return target
    except OSError as error:
        raise DataError(
            f"The upload cannot be stored: {error.strerror or error}", where="upload", fix="Free some disk space"
        ) from error
    finally:
        if partial:
            with contextlib.suppress(OSError):
                Path(partial).unlink(missing_ok=True)
