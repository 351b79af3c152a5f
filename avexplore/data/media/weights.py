"""Weights of networks from a local file that is not trusted: safetensors, or a state dict read with weights only."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avexplore.errors import DataError
from avexplore.folders import home

if TYPE_CHECKING:
    import torch


def digest(path: Path) -> str:
    """SHA-256 of a file, or of all files of a folder with their names. Unchanged files are read once.

    Raises:
        DataError: If it cannot be read.
    """
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    try:
        stamps = tuple((str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in files)
        single = [_digest(*stamp) for stamp in stamps]
    except OSError as error:
        raise DataError(
            f"It cannot be read: {error.strerror or error}", where=path.name, fix="Check the path"
        ) from error
    if not path.is_dir():
        return single[0]
    lines = "".join(f"{p.relative_to(path).as_posix()} {one}\n" for p, one in zip(files, single, strict=True))
    return hashlib.sha256(lines.encode()).hexdigest()


@lru_cache(maxsize=64)
def _digest(path: str, size: int, changed: int) -> str:
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def remember(path: Path) -> None:
    """Note where weights lie, so that a query can be described by the extractor that described a data set."""
    target = home() / "weights" / f"{digest(path)}.txt"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(str(path.absolute()), encoding="utf-8")
    except OSError:
        return  # a convenience: nothing else depends on it


def known_place(weights: str) -> Path | None:
    """Where weights of this SHA-256 were last seen; None if nowhere, or if they are gone."""
    if not re.fullmatch("[0-9a-f]{64}", weights):
        return None
    try:
        place = Path((home() / "weights" / f"{weights}.txt").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return place if place.exists() else None


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file, by name.

    Raises:
        DataError: If it is no such file, or holds anything but tensors.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    where = path.name
    try:
        if path.suffix.lower() == ".safetensors":
            return load_file(path)
        loaded: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError, RuntimeError, ValueError, EOFError, KeyError, TypeError, AttributeError) as error:
        raise DataError("The weights cannot be read", where=where, fix="Check that the file is whole") from error
    except Exception as error:  # pickle.UnpicklingError, zipfile.BadZipFile, and what a hostile file makes them raise
        raise DataError(
            "The file holds no plain weights",
            where=where,
            fix="Store the network's state dict, or a safetensors file; whole pickled networks are never loaded",
        ) from error
    if isinstance(loaded, dict) and isinstance(loaded.get("state_dict"), dict):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, dict) or not loaded or not all(isinstance(v, torch.Tensor) for v in loaded.values()):
        raise DataError("The file holds something else than named weights", where=where, fix="Store a state dict")
    return {str(name).removeprefix("module."): value for name, value in loaded.items()}


def put_in(net: torch.nn.Module, weights: dict[str, torch.Tensor], *, where: str, what: str) -> None:
    """Load a network's weights; what it does not know is left out, what it lacks is an error.

    Raises:
        DataError: Names the first weight that is missing or of another shape.
    """
    wanted = net.state_dict()
    for name, value in wanted.items():
        if name.endswith("num_batches_tracked"):
            continue
        if name not in weights:
            raise DataError(
                f"These are no weights of {what}: {name} is not among them",
                where=where,
                fix=f"Expected {len(wanted)} tensors such as {name} of shape {tuple(value.shape)}",
            )
        if weights[name].shape != value.shape:
            raise DataError(
                f"These are no weights of {what}: {name} has shape {tuple(weights[name].shape)}, not "
                f"{tuple(value.shape)}",
                where=where,
                fix="Use weights of this very network",
            )
    net.load_state_dict({name: value for name, value in weights.items() if name in wanted}, strict=False)
    net.eval().requires_grad_(False)
