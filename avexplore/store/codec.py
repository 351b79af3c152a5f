"""An artifact as files: arrays as `.npy`, mappings of arrays as safetensors, the rest as JSON values.

Types are found by name among the subclasses of `Artifact` only, file names come from field names and positions
only, and nothing is unpickled: a file can hold wrong numbers, but it cannot run code or name another file.
"""

from __future__ import annotations

import hashlib
import math
import zipfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avexplore.artifacts import Artifact
from avexplore.errors import StoreError
from avexplore.store.weights_file import read_weights, weights_to_bytes

# Below this an array is read whole: a mapping costs more than it saves.
_SMALL = 2**20
_ARRAYS = "arrays.npz"


@dataclass(frozen=True)
class Packing:
    """How arrays are written.

    Attributes:
        compact: All arrays in one compressed npz, for results that are shipped.
        halved: Floating-point arrays whose dotted path contains one of these names are stored as float16 and
            come back in their own type.
    """

    compact: bool = False
    halved: Collection[str] = ()

    def halves(self, path: str) -> bool:
        """Whether the array at a dotted path is stored in half precision."""
        return any(part in self.halved for part in path.split("."))


@dataclass
class _Writer:
    folder: Path
    packing: Packing
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    pooled: dict[str, NDArray[Any]] = field(default_factory=dict)

    def pack(self, value: Any, path: str) -> Any:
        if value is None or isinstance(value, (bool, str)):
            return value
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else {"$float": repr(value)}
        if isinstance(value, np.ndarray):
            return self._array(value, path)
        if is_dataclass(value) and isinstance(value, Artifact):
            content = {f.name: self.pack(getattr(value, f.name), _join(path, f.name)) for f in fields(value)}
            return {"$type": type(value).__name__, "fields": content}
        if isinstance(value, Mapping):
            if not all(isinstance(key, str) for key in value):
                raise StoreError("Only names can be keys", where=path)
            if value and all(isinstance(item, np.ndarray) for item in value.values()):
                return self._arrays(value, path)
            packed = [[key, self.pack(item, _join(path, str(i)))] for i, (key, item) in enumerate(value.items())]
            return {"$map": packed}
        if isinstance(value, (tuple, list)):
            return [self.pack(item, _join(path, str(i))) for i, item in enumerate(value)]
        raise StoreError(f"Cannot store a {type(value).__name__}", where=path)

    def _array(self, values: NDArray[Any], path: str) -> dict[str, Any]:
        if values.dtype.hasobject or values.dtype.kind == "V":
            raise StoreError(f"Cannot store an array of {values.dtype}", where=path)
        kind = values.dtype.str
        if values.dtype.kind == "f" and self.packing.halves(path):
            values = values.astype(np.float16)
        if self.packing.compact:
            self.pooled[path] = values
            return {"$array": _ARRAYS, "member": path, "dtype": kind}
        name = f"{path}.npy"
        with _Hashed(self.folder / name) as file:
            np.lib.format.write_array(file, np.asarray(values), allow_pickle=False)
        self.files[name] = file.seal()
        return {"$array": name, "dtype": kind}

    def _arrays(self, values: Mapping[str, NDArray[Any]], path: str) -> dict[str, Any]:
        kinds = {}
        if self.packing.halves(path):
            kinds = {name: item.dtype.str for name, item in values.items() if item.dtype.kind == "f"}
            values = {name: item.astype(np.float16) if name in kinds else item for name, item in values.items()}
        name = f"{path}.safetensors"
        with _Hashed(self.folder / name) as file:
            file.write(weights_to_bytes(values))
        self.files[name] = file.seal()
        # The order of the mapping is part of the artifact; safetensors sorts by size.
        return {"$arrays": name, "names": list(values), "dtypes": kinds}

    def finish(self) -> None:
        if self.pooled:
            path = self.folder / _ARRAYS
            members: dict[str, Any] = {_member(i): values for i, values in enumerate(self.pooled.values())}
            np.savez_compressed(path, **members)
            self.files[_ARRAYS] = {"sha256": file_digest(path), "bytes": path.stat().st_size}


def _member(index: int) -> str:
    return f"a{index:03d}"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


class _Hashed:
    """A file that is hashed while it is written.

    It is no real file object to NumPy, which therefore writes with `write` (whose failure on a full disk carries
    its reason) and not past it.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")
        self._digest = hashlib.sha256()
        self._bytes = 0

    def __enter__(self) -> _Hashed:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self._digest.update(view)
        self._bytes += len(view)
        self._file.write(view)
        return len(view)

    def seal(self) -> dict[str, Any]:
        return {"sha256": self._digest.hexdigest(), "bytes": self._bytes}


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pack(artifact: Artifact, folder: Path, packing: Packing | None = None) -> tuple[Any, dict[str, dict[str, Any]]]:
    """Write an artifact's arrays into a folder.

    Returns:
        The artifact as JSON values that refer to the files, and each file's checksum and size.

    Raises:
        StoreError: If the artifact holds something that is neither an array, a number, text nor made of these.
        OSError: If a file cannot be written.
    """
    writer = _Writer(folder, packing or Packing())
    tree = writer.pack(artifact, "")
    members = {path: _member(i) for i, path in enumerate(writer.pooled)}
    for node in _nodes(tree):
        if node.get("$array") == _ARRAYS:
            node["member"] = members[node["member"]]
    writer.finish()
    return tree, writer.files


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for item in tree.values():
            yield from _nodes(item)
    elif isinstance(tree, list):
        for item in tree:
            yield from _nodes(item)


def unpack(tree: Any, folder: Path, files: Collection[str]) -> Any:
    """Rebuild what `pack` returned; large arrays are memory-mapped, all are read-only.

    Args:
        tree: The JSON values.
        folder: Where the files lie.
        files: The file names that belong to it; no other is opened.

    Raises:
        StoreError: If the values refer to an unknown type, field or file.
        OSError, ValueError: If a file cannot be read, or the artifact refuses its content.
    """
    return _Reader(folder, frozenset(files)).unpack(tree)


class _Reader:
    def __init__(self, folder: Path, files: frozenset[str]) -> None:
        self._folder, self._files = folder, files
        self._pool: dict[str, NDArray[Any]] | None = None

    def unpack(self, tree: Any) -> Any:
        if isinstance(tree, list):
            return tuple(self.unpack(item) for item in tree)
        if not isinstance(tree, dict):
            return tree
        if "$float" in tree:
            return float(tree["$float"])
        if "$map" in tree:
            return {key: self.unpack(item) for key, item in tree["$map"]}
        if "$array" in tree:
            return self._array(tree)
        if "$arrays" in tree:
            return self._arrays(tree)
        return self._artifact(tree)

    def _known(self, name: Any) -> Path:
        if name not in self._files:
            raise StoreError(f"Refers to {name!r}, which is not part of it", where="manifest")
        return self._folder / str(name)

    def _array(self, tree: dict[str, Any]) -> NDArray[Any]:
        path = self._known(tree["$array"])
        if "member" in tree:
            values = self._pooled(path)[tree["member"]]
        else:
            mapped: Any = "r" if path.stat().st_size > _SMALL else None
            values = np.asarray(np.load(path, mmap_mode=mapped, allow_pickle=False))
        return _restored(values, tree["dtype"])

    def _pooled(self, path: Path) -> dict[str, NDArray[Any]]:
        if self._pool is None:
            try:
                with np.load(path, allow_pickle=False) as archive:
                    self._pool = {name: archive[name] for name in archive.files}
            except zipfile.BadZipFile as error:
                raise StoreError(str(error), where=path.name) from error
        return self._pool

    def _arrays(self, tree: dict[str, Any]) -> dict[str, NDArray[Any]]:
        found = read_weights(self._known(tree["$arrays"]))
        if set(found) != set(tree["names"]):
            raise StoreError("Holds other names than expected", where=tree["$arrays"])
        kinds = tree["dtypes"]
        return {name: _restored(found[name], kinds.get(name, found[name].dtype.str)) for name in tree["names"]}

    def _artifact(self, tree: dict[str, Any]) -> Artifact:
        kind = _artifact_types().get(tree.get("$type", ""))
        if kind is None:
            raise StoreError(f"Unknown kind of result {tree.get('$type')!r}", where="manifest")
        known = {f.name for f in fields(kind)}
        if unknown := set(tree["fields"]) - known:
            raise StoreError(f"Unknown field {sorted(unknown)[0]!r} of {kind.__name__}", where="manifest")
        try:
            return kind(**{name: self.unpack(item) for name, item in tree["fields"].items()})
        except TypeError as error:
            raise StoreError(str(error), where="manifest") from error


def _restored(values: NDArray[Any], kind: str) -> NDArray[Any]:
    return values if values.dtype.str == kind else values.astype(np.dtype(kind))


def _artifact_types() -> dict[str, type[Artifact]]:
    found: dict[str, type[Artifact]] = {}
    pending = [Artifact]
    while pending:
        for kind in pending.pop().__subclasses__():
            found[kind.__name__] = kind
            pending.append(kind)
    return found
