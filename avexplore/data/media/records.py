"""One record per clip on disk, so that an extraction that was killed goes on with the clip it was at.

A record lies under the address of everything that it depends on: the clip's files (their place, size and time of
change), its part of them, both extractors with their weights. Records of clips that are asked for no more are left
alone; the folder may be deleted at any time.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avexplore.data.export import whole_file
from avexplore.data.media.clip_list import Clip
from avexplore.data.media.describe import Described
from avexplore.data.media.spectra import FloatArray

_VERSION = 1


@dataclass(frozen=True)
class Record:
    """What is kept of one clip.

    Attributes:
        audio, visual: Its vectors; None where there is none.
        skipped: Why the clip cannot be used; "" if it can.
        claimed, sound_seconds, picture_seconds, notes: As in `Described`.
        poster, sound_picture: Names of the JPEG files beside the records, "" for none.
    """

    audio: FloatArray | None
    visual: FloatArray | None
    skipped: str
    claimed: float | None
    sound_seconds: float | None
    picture_seconds: float | None
    notes: tuple[str, ...]
    poster: str = ""
    sound_picture: str = ""


def address(clip: Clip, extractors: Mapping[str, str], every: float) -> str:
    """Under which a clip's record lies: 32 hexadecimal digits.

    Args:
        clip: The clip.
        extractors: What describes each side, with the digest of its weights.
        every: Seconds from frame to frame.
    """
    files: list[list[str | int]] = []
    for path in dict.fromkeys((clip.sound, clip.picture)):
        if path:
            try:
                status = Path(path).stat()
                files.append([path, status.st_size, status.st_mtime_ns])
            except OSError:  # it has gone meanwhile
                files.append([path, -1, -1])
    content = {
        "version": _VERSION, "files": files, "roles": [bool(clip.sound), bool(clip.picture)],
        "part": [clip.start, clip.end], "extractors": dict(extractors), "every": every,
    }  # fmt: skip
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def write(folder: Path, key: str, made: Described, skipped: str) -> None:
    """Keep a clip: first its pictures, then its record, each whole or not at all."""
    names = {}
    for name, jpeg in (("poster", made.poster), ("sound_picture", made.sound_picture)):
        if jpeg and not skipped:
            names[name] = f"{key}-{'picture' if name == 'poster' else 'sound'}.jpg"
            _whole(folder / "pictures" / names[name], jpeg)
    content = {
        "audio": _packed(made.audio), "visual": _packed(made.visual), "skipped": skipped,
        "claimed": made.claimed, "sound_seconds": made.sound_seconds, "picture_seconds": made.picture_seconds,
        "notes": made.notes, **names,
    }  # fmt: skip
    _whole(folder / "records" / f"{key}.json", json.dumps(content).encode())


def read(folder: Path, key: str) -> Record | None:
    """A clip's record; None if there is none, or it or one of its pictures is gone or damaged."""
    try:
        content: dict[str, Any] = json.loads((folder / "records" / f"{key}.json").read_bytes())
        vectors = {side: _unpacked(content[side]) for side in ("audio", "visual")}
        record = Record(**content | vectors | {"notes": tuple(map(str, content["notes"]))})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    pictures = [folder / "pictures" / name for name in (record.poster, record.sound_picture) if name]
    return record if all(path.is_file() for path in pictures) else None


def _packed(vector: FloatArray | None) -> str | None:
    return None if vector is None else base64.b64encode(vector.astype("<f4").tobytes()).decode()


def _unpacked(text: str | None) -> FloatArray | None:
    return None if text is None else np.frombuffer(base64.b64decode(text), "<f4").astype(np.float32)


def _whole(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as stream:
        stream.write(content)
