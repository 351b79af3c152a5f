"""The process that touches media files: `python -m avexplore.data.media.decoding_process` answers requests.

A request is one line of JSON (`Request` of `decoding`). The answer is a series of messages, each a line of JSON and as
many raw bytes as its `bytes` say: `sound` (single-precision samples of one channel), `frame` (RGB), `poster` (JPEG),
and at the end `end` with what was found, or `error` with a reason. Nothing kept grows with the length of a file.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avexplore.apart import bound

CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,wav,w64,aiff,au,caf,mp3,flac,aac,ac3,"
    "amr,m4v,h264,hevc,obu,ivf,dv,nut"
)
"""Kinds of files that are decoded: none that names other files (playlists, concat scripts), and no raw device."""
PICTURES = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
LARGEST_PICTURE = 64_000_000
"""Pixels."""
MEMORY = 2 << 30
CPU_SECONDS = 1800
"""Of one request."""
POSTER = (320, 320)
_GAP = 0.1
"""Seconds by which sound may lag before silence is put in; what is less is the rounding of time stamps."""

_BLOCK = 1 << 15
"""Samples that are sent at once: a message for every frame of a codec would cost more than its decoding."""

Send = Callable[..., None]


class Refused(Exception):
    """A file that cannot be decoded; its text is the reason."""


def answer(request: Mapping[str, Any], send: Send) -> dict[str, Any]:
    """Decode what a request names, and return what was found."""
    return _still(request, send) if request["still"] else _moving(request, send)


# --- pictures -----------------------------------------------------------------------------------------------------


def _still(request: Mapping[str, Any], send: Send) -> dict[str, Any]:
    from PIL import Image, ImageOps

    try:
        with Image.open(request["path"], formats=PICTURES) as opened:
            if opened.width * opened.height > LARGEST_PICTURE:
                raise Refused(f"the picture has more than {LARGEST_PICTURE:,} pixels")
            upright = ImageOps.exif_transpose(opened).convert("RGBA")
            # On white, as drawings with a transparent ground are meant to be seen.
            picture = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright).convert("RGB")
    except Refused:
        raise
    except MemoryError as error:
        raise Refused("the picture takes too much memory") from error
    except Exception as error:  # a decoder raises whatever it likes on damaged files
        raise Refused("it is no picture that can be read, or it is damaged") from error
    side = request["side"]
    if side:
        box = _crop_box(picture.width, picture.height) if request["crop"] else None
        square = picture.resize((side, side), Image.Resampling.BILINEAR, box=box, reducing_gap=3.0)
        send("frame", np.asarray(square).tobytes(), side=side)
        send("poster", _poster(picture))
    return {"claimed": 0.0, "sound": None, "picture": 0.0, "reached": 0.0, "frames": 1, "damaged": 0}


def _crop_box(width: int, height: int) -> tuple[float, float, float, float]:
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return (left, top, left + side, top + side)


def _poster(picture: Any) -> bytes:
    small = picture.copy()
    small.thumbnail(POSTER)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=80)
    return out.getvalue()


# --- video and sound ----------------------------------------------------------------------------------------------


def _moving(request: Mapping[str, Any], send: Send) -> dict[str, Any]:
    import av

    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
    try:
        container = av.open("file:" + request["path"], options=options)
    except (av.error.InvalidDataError, av.error.ArgumentError) as error:  # not known, or known and not on the list
        raise Refused("its content is of no kind that is decoded, or it is damaged") from error
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise Refused(f"it cannot be opened: {_words(error)}") from error
    with container:
        try:
            return _streams(container, request, send)
        except (av.error.FFmpegError, ValueError) as error:
            raise Refused(f"it cannot be decoded: {_words(error)}") from error


def _words(error: BaseException) -> str:
    text = getattr(error, "strerror", "") or str(error)
    return "".join(c for c in text if c.isprintable())[:120] or type(error).__name__


def _streams(container: Any, request: Mapping[str, Any], send: Send) -> dict[str, Any]:
    import av

    covers = av.stream.Disposition.attached_pic
    sounds = list(container.streams.audio)
    pictures = [stream for stream in container.streams.video if not stream.disposition & covers]
    base = (container.start_time or 0) / av.time_base
    whole = container.duration / av.time_base if container.duration else None
    start = request["start"] or 0.0
    end = request["end"]
    claimed = None if whole is None else max(0.0, (whole if end is None else min(whole, end)) - start)
    readers: dict[int, _Sound | _Frames] = {}
    if sounds and request["rate"]:
        sounds[0].thread_count = 1
        readers[sounds[0].index] = _Sound(sounds[0], base, start, end, request["rate"], send)
    if pictures and request["side"]:
        pictures[0].thread_count = 1
        readers[pictures[0].index] = _Frames(pictures[0], base, start, end, claimed, request, send)
    damaged = 0
    if readers:
        if start > 0:
            container.seek(int((base + start) * av.time_base), backward=True, any_frame=False)
        for packet in _packets(container, [container.streams[index] for index in readers]):
            reader = readers.get(packet.stream_index)  # at its end, a file flushes also what nobody asked for
            if reader is None:
                continue
            if reader.done:
                if all(one.done for one in readers.values()):
                    break
                continue
            try:
                frames = packet.decode()
            except (av.error.FFmpegError, ValueError):
                damaged += 1
                continue
            for frame in frames:
                reader.take(frame)
        for reader in readers.values():
            reader.finish()
    sound = next((r for r in readers.values() if isinstance(r, _Sound)), None)
    picture = next((r for r in readers.values() if isinstance(r, _Frames)), None)
    return {
        "claimed": claimed,
        "sound": None if sound is None else sound.seconds,
        "picture": None if picture is None else picture.seconds,
        "reached": max([reader.reached for reader in readers.values()], default=0.0),
        "frames": 0 if picture is None else picture.count,
        "damaged": damaged,
    }


def _packets(container: Any, streams: list[Any]) -> Iterator[Any]:
    """All packets up to the end, or to where the file cannot be read on."""
    import av

    with contextlib.suppress(av.error.FFmpegError, ValueError):
        yield from container.demux(streams)


class _Sound:
    """One channel at the rate asked for, from the start of the clip on: where sound begins late, silence stands."""

    def __init__(self, stream: Any, base: float, start: float, end: float | None, rate: int, send: Send) -> None:
        self._zero, self._end, self._rate, self._send = base + start, end, rate, send
        self._limit = None if end is None else round((end - start) * rate)
        self._resampler: Any = None
        self._sent = 0
        self._block: list[NDArray[np.float32]] = []
        self._waiting = 0
        self._next = 0.0
        self.done = False
        self.seconds = 0.0
        """Of sound that was there, silence put in not counted."""

    @property
    def reached(self) -> float:
        """Seconds into the clip."""
        return self._sent / self._rate

    def take(self, frame: Any) -> None:
        """One decoded frame, in order."""
        at = self._next if frame.time is None else float(frame.time) - self._zero
        length = frame.samples / frame.rate
        self._next = at + length
        if self._next <= 0:
            return
        samples = self._resampled(frame)
        if at < 0:  # only the first frame lies across the start
            samples = samples[min(len(samples), round(-at * self._rate)) :]
        else:
            behind = round(at * self._rate) - self._sent
            if behind > _GAP * self._rate:
                self._silence(behind)
        self._emit(samples)

    def _resampled(self, frame: Any) -> NDArray[np.float32]:
        import av

        for fresh in (False, True):
            if self._resampler is None or fresh:
                self._resampler = av.AudioResampler(format="fltp", layout=None, rate=self._rate)
            try:
                parts = [_mono(out) for out in self._resampler.resample(frame)]
                return np.concatenate(parts) if parts else np.zeros(0, np.float32)
            except ValueError:  # the stream changed its rate or its channels
                continue
        return np.zeros(0, np.float32)

    def _silence(self, count: int) -> None:
        if self._limit is not None:
            count = min(count, self._limit - self._sent)
        for first in range(0, count, _BLOCK):
            self._raw(np.zeros(min(_BLOCK, count - first), np.float32))

    def _emit(self, samples: NDArray[np.float32]) -> None:
        if self._limit is not None:
            samples = samples[: max(0, self._limit - self._sent)]
        if len(samples):
            self.seconds += len(samples) / self._rate
            self._raw(np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0))
        self.done = self._limit is not None and self._sent >= self._limit

    def _raw(self, samples: NDArray[np.float32]) -> None:
        self._sent += len(samples)
        self._block.append(samples)
        self._waiting += len(samples)
        if self._waiting >= _BLOCK:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._send("sound", np.concatenate(self._block).astype(np.float32, copy=False).tobytes())
            self._block, self._waiting = [], 0

    def finish(self) -> None:
        """What the resampler still holds."""
        if self._resampler is not None and not self.done:
            for out in self._resampler.resample(None):
                self._emit(_mono(out))
        self._flush()
        self.done = True


def _mono(frame: Any) -> NDArray[np.float32]:
    """The mean of its channels, as networks were trained on; a mix for listening would be louder."""
    return np.asarray(frame.to_ndarray().mean(axis=0), np.float32)


class _Frames:
    """The frame on screen in the middle of each interval; at least one, and a poster from the middle of the clip."""

    def __init__(
        self,
        stream: Any,
        base: float,
        start: float,
        end: float | None,
        claimed: float | None,
        request: Mapping[str, Any],
        send: Send,
    ) -> None:
        self._zero, self._length = base + start, None if end is None else end - start
        self._every, self._side, self._crop, self._send = request["every"], request["side"], request["crop"], send
        rate = float(stream.average_rate or stream.guessed_rate or 25)
        self._step = 1 / rate if 0.1 < rate < 1000 else 0.04
        self._middle = int((claimed or 0.0) / 2 / self._every)
        self._held: Any = None
        self._held_at = 0.0
        self._first: float | None = None
        self._k = 0
        self.done = False
        self.count = 0
        self.seconds = 0.0
        self.reached = 0.0
        """Seconds into the clip."""

    def take(self, frame: Any) -> None:
        """One decoded frame, in order of showing."""
        at = self._held_at + self._step if frame.time is None else float(frame.time) - self._zero
        if at >= 0 and self._first is None:
            self._first = at if self._held is None else 0.0
        if self._length is not None and at >= self._length:
            self._end(self._length)
            return
        self._show_until(at)
        self._held, self._held_at = frame, at

    def _show_until(self, at: float) -> None:
        while (target := (self._k + 0.5) * self._every) < at:
            if self._held is not None:
                self._emit(self._held)
            elif at - target > 100 * self._every:
                self._k = int(at / self._every) - 1  # a stream that begins long after the others
            self._k += 1

    def _emit(self, frame: Any) -> None:
        width, height = self._shape(frame)
        if self._crop:
            scale = self._side / min(width, height)
            wide = max(self._side, round(width * scale)), max(self._side, round(height * scale))
        else:
            wide = self._side, self._side
        pixels = _pixels(frame, *wide)
        left, top = (wide[0] - self._side) // 2, (wide[1] - self._side) // 2
        square = pixels[top : top + self._side, left : left + self._side]
        self._send("frame", np.ascontiguousarray(square).tobytes(), side=self._side)
        if self.count == 0 or self._k == self._middle:
            from PIL import Image

            scale = min(1.0, POSTER[0] / max(width, height))
            size = max(1, round(width * scale)), max(1, round(height * scale))
            self._send("poster", _poster(Image.fromarray(_pixels(frame, *size))))
        self.count += 1

    @staticmethod
    def _shape(frame: Any) -> tuple[int, int]:
        """Width and height as shown: with the shape of its pixels, and upright."""
        if frame.width * frame.height > LARGEST_PICTURE:
            raise Refused(f"its frames have more than {LARGEST_PICTURE:,} pixels")
        width, height = frame.width, frame.height
        return (height, width) if frame.rotation % 180 else (width, height)

    def finish(self) -> None:
        """The last frame stays on screen for its own time."""
        if not self.done:
            last = self._held_at + self._step
            self._end(last if self._length is None else min(last, self._length))

    def _end(self, last: float) -> None:
        self.done = True
        if self._held is None or last <= 0:
            return
        self._show_until(last)
        self.reached = last
        self.seconds = max(0.0, last - (self._first or 0.0))
        if self.count == 0:
            self._emit(self._held)


def _pixels(frame: Any, width: int, height: int) -> NDArray[np.uint8]:
    """A frame in RGB, scaled and upright. Shape (height, width, 3)."""
    turned = frame.rotation % 360
    size = (height, width) if turned % 180 else (width, height)
    small = frame.reformat(width=size[0], height=size[1], format="rgb24", interpolation="AREA")
    return np.ascontiguousarray(np.rot90(small.to_ndarray(), turned // 90))


# --- the process --------------------------------------------------------------------------------------------------


def serve() -> None:
    """Answer requests on standard input until it ends."""
    out = sys.stdout.buffer
    for line in sys.stdin.buffer:
        request = json.loads(line)

        def send(kind: str, content: bytes = b"", **more: Any) -> None:
            out.write(json.dumps({"kind": kind, "bytes": len(content), **more}).encode() + b"\n")
            out.write(content)
            if kind != "sound":
                out.flush()

        bound(CPU=int(time.process_time()) + CPU_SECONDS)
        try:
            send("end", **answer(request, send))
        except Refused as refused:
            send("error", reason=str(refused))
        except MemoryError:
            send("error", reason="it takes too much memory")
        out.flush()


if __name__ == "__main__":
    # FFmpeg writes its complaints to this process's own error stream, which nobody reads.
    os.environ["AV_LOG_FORCE_NOCOLOR"] = "1"
    bound(AS=MEMORY, CORE=0, FSIZE=0)  # and no file to write
    serve()
