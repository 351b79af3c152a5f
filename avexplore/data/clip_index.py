"""An index of a run's clips: their file of features without the features, from which the file can be made again.

Features are too large to ship, and their source is public: shards of YouTube-8M. Which clips of it a run was made of is
told by a digest of each clip's features; labels, splits and the order of clips are in the index as they were in the
file. So the file that is made again has the same bytes, and is the run's data by its fingerprint.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avexplore.artifacts import MODALITIES, FloatArray, Report, silent
from avexplore.data.export import whole_file
from avexplore.data.files.fingerprint import check_file
from avexplore.data.files.limits import DEFAULT_LIMITS, Limits
from avexplore.data.files.tfrecord import parse_example, read_records
from avexplore.data.layouts.youtube8m import AUDIO, VISUAL, floats
from avexplore.errors import DataError

_DIGESTS = "digests"


@dataclass(frozen=True)
class Found:
    """Clips of an index that were found in shards.

    Attributes:
        clips: How many clips the index has.
        by_file: How many of them each file held, in the order read; files without any are left out.
        audio, visual: Their features, shapes (n, da) and (n, dv); rows of clips that were not found are 0.
    """

    clips: int
    by_file: Mapping[str, int]
    audio: FloatArray
    visual: FloatArray

    @property
    def missing(self) -> int:
        """How many clips were not found."""
        return self.clips - sum(self.by_file.values())


def index_in(models: Path, fingerprint: str) -> Path:
    """Where the index of a file of features lies among shipped results.

    Args:
        models: The folder of shipped results.
        fingerprint: SHA-256 of the file.
    """
    return models / "clip_index" / f"{fingerprint}.npz"


def write_index(features: Path, index: Path) -> bool:
    """Write the index of a file of features.

    Args:
        features: An npz with `audio` and `visual`, one row per clip.
        index: The npz to write.

    Returns:
        Whether it was written: only where it is enough to make the file again to the byte, as of what
        `numpy.savez_compressed` wrote.

    Raises:
        DataError: If a file cannot be read or written.
    """
    check_file(features)
    try:
        with np.load(features, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError):
        return False
    if not arrays.keys() >= {*MODALITIES} or _DIGESTS in arrays or _packed(arrays) != features.read_bytes():
        return False
    # An empty array tells width and type of the features, and their place in the file.
    content = {name: values[:0] if name in MODALITIES else values for name, values in arrays.items()}
    with whole_file(index) as stream:
        stream.write(_packed(content | {_DIGESTS: _digests(arrays["audio"], arrays["visual"])}))
    return True


def find(index: Path, shards: Sequence[Path], report: Report = silent, *, limits: Limits = DEFAULT_LIMITS) -> Found:
    """Look for the clips of an index in shards of YouTube-8M; files are read until all clips are found.

    Args:
        index: What `write_index` wrote.
        shards: TFRecord files of video-level features, in any order.
        report: Told of the progress; may raise `Cancelled`.
        limits: On sizes of files.

    Raises:
        DataError: If a shard is damaged or of another kind, or has features of other widths.
    """
    with np.load(index, allow_pickle=False) as file:
        wanted, empty = file[_DIGESTS], [file[name] for name in MODALITIES]
    places: dict[int, list[int]] = {}
    for place, digest in enumerate(wanted.tolist()):
        places.setdefault(digest, []).append(place)
    features = [np.zeros((len(wanted), one.shape[1]), one.dtype) for one in empty]
    by_file: dict[str, int] = {}
    for i, path in enumerate(shards):
        report(i / len(shards), f"Reading {path.name}: {len(wanted) - sum(map(len, places.values())):,} clips so far")
        for row, record in enumerate(read_records(path, limits)):
            where = f"record {row} of {path.name}"
            example = parse_example(record, where=where)
            with np.errstate(over="ignore"):  # a clip beyond the type is none of ours
                clip = [
                    floats(example, name, where, width=one.shape[1]).astype(one.dtype)[None]
                    for name, one in zip((AUDIO, VISUAL), empty, strict=True)
                ]
            for place in places.pop(int(_digests(*clip)[0]), ()):
                by_file[path.name] = by_file.get(path.name, 0) + 1
                for values, own in zip(features, clip, strict=True):
                    values[place] = own[0]
        if not places:
            break
    return Found(len(wanted), by_file, *features)


def write_features(index: Path, found: Found, fingerprint: str, out: Path) -> None:
    """Write the file of features that an index was made of.

    Args:
        index: What `write_index` wrote.
        found: All of its clips.
        fingerprint: SHA-256 of the file.
        out: The npz to write.

    Raises:
        DataError: If clips are missing, if the file would be another one, or if it cannot be written.
    """
    if found.missing:
        raise DataError(
            f"{found.missing:,} of {found.clips:,} clips are in none of these files",
            where="shards",
            fix="Name more shards of the same partition",
        )
    with np.load(index, allow_pickle=False) as file:
        arrays = {name: getattr(found, name) if name in MODALITIES else file[name] for name in file.files}
    del arrays[_DIGESTS]
    content = _packed(arrays)
    if hashlib.sha256(content).hexdigest() != fingerprint:
        raise DataError(
            f"All clips are there, but zlib {zlib.ZLIB_RUNTIME_VERSION} packs them to other bytes than the run's file",
            where=str(out),
            fix="Use a Python with the original zlib (1.2 or 1.3)",
        )
    with whole_file(out) as stream:
        stream.write(content)


def _digests(audio: FloatArray, visual: FloatArray) -> NDArray[np.uint64]:
    """64 bits of each clip's features, as they are stored. Shape (n,)."""
    found = [
        int.from_bytes(hashlib.blake2b(a.tobytes() + v.tobytes(), digest_size=8).digest(), "little")
        for a, v in zip(audio, visual, strict=True)
    ]
    return np.array(found, np.uint64)


def _packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()
