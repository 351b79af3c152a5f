"""Sound and pictures out of media files that are not trusted, in a process of its own with bounded memory and time.

FFmpeg reads hundreds of formats, some of which open other files, and is known to crash on damaged ones. So a child
process decodes, among formats that are named (`decoding_process.CONTAINERS`), tells one kind from another by content
and never by name, may write no file, and is ended when it takes too long. Here only samples and pixels arrive.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avexplore.apart import Child
from avexplore.data.media.manifest import kind_of
from avexplore.errors import DataError

SECONDS = 1800.0
"""That one clip may take."""
PATIENCE = 60.0
"""Seconds between two messages of the child."""
_LARGEST_MESSAGE = 64 << 20


@dataclass(frozen=True)
class Request:
    """What is wanted of one file.

    Attributes:
        path: The file.
        start, end: The part of it, in seconds; None for its own beginning and end.
        rate: Samples per second of the sound; 0 for no sound.
        side: Pixels along each side of the square frames; 0 for no frames.
        crop: Whether frames are cut to a square, or else squeezed into one.
        every: Seconds from frame to frame.
    """

    path: str
    start: float | None = None
    end: float | None = None
    rate: int = 0
    side: int = 0
    crop: bool = False
    every: float = 1.0

    @property
    def still(self) -> bool:
        """Whether the file is a picture by its name; any other is opened as video or sound."""
        return kind_of(self.path) == "picture"


@dataclass(frozen=True)
class Sound:
    """A stretch of sound: single precision, one channel. Shape (n,)."""

    samples: NDArray[np.float32]


@dataclass(frozen=True)
class Frame:
    """One frame, RGB. Shape (side, side, 3), uint8."""

    pixels: NDArray[np.uint8]


@dataclass(frozen=True)
class Poster:
    """A small picture of the clip, as a JPEG file."""

    jpeg: bytes


@dataclass(frozen=True)
class Found:
    """What was in the file, told after everything else.

    Attributes:
        claimed: Seconds that the file claims to hold of what was asked for; None if it claims nothing.
        sound, picture: Seconds that were decoded; None where there is none (0 of a still picture).
        reached: Seconds from the clip's start to the end of what was decoded, whichever side ends last.
        frames: How many were handed over.
        damaged: Packets that could not be decoded.
    """

    claimed: float | None
    sound: float | None
    picture: float | None
    reached: float
    frames: int
    damaged: int


class Unreadable(DataError):
    """A file that cannot be decoded; `lasting` says whether another try would end the same."""

    lasting = True


class TooSlow(Unreadable):
    """A file that took too long, or on which the child died: perhaps for want of memory or time."""

    lasting = False


class Decoder:
    """A child process that decodes one file after the other; started when needed, and anew if it had to be ended."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._process: Child | None = None

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def read(self, request: Request) -> Iterator[Sound | Frame | Poster | Found]:
        """Everything that was asked for, in the order in which the file holds it; `Found` comes last.

        Raises:
            Unreadable: If the file cannot be decoded, in time and within the memory.
        """
        where = Path(request.path).name[:200]
        finished = False
        deadline = time.monotonic() + self._seconds
        try:
            process = self._started()
            process.ask(asdict(request) | {"still": request.still})
            while not finished:
                message, content = self._message(process, deadline)
                kind = message["kind"]
                if kind == "error":
                    finished = True
                    raise Unreadable(_sentence(message["reason"]), where=where, fix="Convert it, or leave it out")
                if kind == "end":
                    finished = True
                    claimed, sound, picture = (
                        None if message[k] is None else float(message[k]) for k in ("claimed", "sound", "picture")
                    )
                    frames, damaged = int(message["frames"]), int(message["damaged"])
                    yield Found(claimed, sound, picture, float(message["reached"]), frames, damaged)
                elif kind == "sound":
                    yield Sound(np.frombuffer(content, np.float32))
                elif kind == "frame":
                    side = int(message["side"])
                    yield Frame(np.frombuffer(content, np.uint8).reshape(side, side, 3))
                else:
                    yield Poster(content)
        except (OSError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, DataError):
                raise
            late = time.monotonic() >= deadline
            raise TooSlow(
                f"Decoding took more than {self._seconds:.0f} s"
                if late
                else "The decoder crashed, hung or ran out of memory on it",
                where=where,
                fix="Convert it, or leave it out",
            ) from error
        finally:
            if not finished:
                self.close()

    def _started(self) -> Child:
        if self._process is None or self._process.poll() is not None:
            self.close()
            require()
            self._process = Child(f"{__package__}.decoding_process")
        return self._process

    def _message(self, process: Child, deadline: float) -> tuple[dict[str, Any], bytes]:
        with process.patient(max(0.01, min(PATIENCE, deadline - time.monotonic()))) as stream:
            message: dict[str, Any] = json.loads(stream.readline(1 << 16))
            length = int(message["bytes"])
            if not 0 <= length <= _LARGEST_MESSAGE:
                raise ValueError("a message of absurd size")
            content = stream.read(length)
            if len(content) < length:
                raise OSError("the decoder ended")
            return message, content


def require() -> None:
    """See that PyAV is there.

    Raises:
        DataError: If it is not installed.
    """
    from importlib.util import find_spec

    if find_spec("av") is None:
        raise DataError(
            "PyAV, which decodes video and sound, is not installed",
            where="media",
            fix="Install it with pip install 'avexplore[media]'",
        )


def _sentence(reason: object) -> str:
    text = "".join(c for c in str(reason) if c.isprintable())[:200]
    return text[:1].upper() + text[1:]
