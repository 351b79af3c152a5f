"""What identifies input files: their contents, not where they lie."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Sequence
from pathlib import Path

from avexplore.data.files.limits import DEFAULT_LIMITS, Limits, readable_bytes
from avexplore.errors import DataError
from avexplore.folders import allowed


def fingerprint(paths: Sequence[Path], roles: Sequence[str] = (), *, limits: Limits = DEFAULT_LIMITS) -> str:
    """SHA-256 over the contents of the files, in order; of one file the same as `sha256sum` prints.

    Several files: SHA-256 over one line "role sha256" per file, so that the same bytes in another role differ.

    Args:
        paths: At least one file.
        roles: What each file is, such as "audio"; empty where the order says it all.
        limits: Bounds on file size.

    Raises:
        DataError: If a file is missing, no regular file, unreadable or too large.
    """
    if not paths:
        raise DataError("No file was given", where="data", fix="Name at least one file")
    digests = [_digest(path, limits) for path in paths]
    if len(digests) == 1 and not any(roles):
        return digests[0]
    named = roles or [""] * len(digests)
    lines = "".join(f"{role} {digest}\n" for role, digest in zip(named, digests, strict=True))
    return hashlib.sha256(lines.encode()).hexdigest()


def check_file(path: Path, limits: Limits = DEFAULT_LIMITS) -> int:
    """Size of a regular, readable file, in bytes.

    Raises:
        DataError: If it may not be read here, there is no such file, or it is empty or too large.
    """
    name = path.name[:200]
    allowed(path)
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError("It does not exist", where=name, fix="Check the path") from error
    except (OSError, ValueError) as error:
        raise DataError("The path cannot be looked up", where=name, fix="Check the path") from error
    if stat.S_ISDIR(found.st_mode):
        raise DataError("It is a folder", where=name, fix="Name the files in it")
    if not stat.S_ISREG(found.st_mode):
        raise DataError("It is no regular file", where=name, fix="Name a file on disk")
    size = found.st_size
    if size == 0:
        raise DataError("The file is empty", where=name)
    if size > limits.file_bytes:
        raise DataError(
            f"{readable_bytes(size)} are beyond the limit of {readable_bytes(limits.file_bytes)}", where=name
        )
    return size


def _digest(path: Path, limits: Limits) -> str:
    check_file(path, limits)
    try:
        with path.open("rb", buffering=0) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"The file cannot be read: {error.strerror or error}", where=path.name, fix="Check its permissions"
        ) from error
