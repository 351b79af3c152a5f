"""Media files made with PyAV itself."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

av = pytest.importorskip("av", reason="PyAV is not installed")

RATE = 16_000


def make_media(
    path: Path,
    *,
    seconds: float = 2.0,
    hertz: float = 440.0,
    color: tuple[int, int, int] = (255, 0, 0),
    sound: bool = True,
    picture: bool = True,
    late: float = 0.0,
    times: Sequence[float] | None = None,
    fps: int = 10,
    size: tuple[int, int] = (64, 48),
    **options: Any,
) -> Path:
    """A file with a tone and a picture whose left half has the color, and whose upper right is green."""
    codecs = ("libvpx", "libopus") if path.suffix == ".webm" else ("mpeg4", "aac")
    rate = 48_000 if path.suffix in (".webm", ".ogg") else 44_100
    with av.open(str(path), "w", options=options) as out:
        if picture:
            video = out.add_stream(codecs[0], rate=fps)
            video.width, video.height, video.pix_fmt = *size, "yuv420p"
            video.codec_context.time_base = Fraction(1, 1000)
        if sound:
            audio = out.add_stream({".wav": "pcm_s16le", ".ogg": "libopus"}.get(path.suffix, codecs[1]), rate=rate)
            audio.layout = "mono"
        if picture:
            image = np.zeros((size[1], size[0], 3), np.uint8)
            image[:, : size[0] // 2] = color
            image[: size[1] // 2, size[0] // 2 :] = (0, 255, 0)
            for t in times if times is not None else np.arange(int(seconds * fps)) / fps:
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = round(t * 1000), Fraction(1, 1000)
                out.mux(video.encode(frame))
            out.mux(video.encode())
        if sound:
            samples = np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
            samples = (0.5 * samples).astype(np.float32)
            for first in range(0, len(samples), 960):
                block = av.AudioFrame.from_ndarray(samples[None, first : first + 960], format="fltp", layout="mono")
                block.rate, block.pts, block.time_base = rate, first + round(late * rate), Fraction(1, rate)
                if audio.format.name != "fltp":
                    block = av.AudioResampler(format=audio.format.name, layout="mono", rate=rate).resample(block)[0]
                    block.pts = first + round(late * rate)
                out.mux(audio.encode(block))
            out.mux(audio.encode())
    return path


def turn(path: Path) -> Path:
    """Mark an mp4 as to be shown turned by 90 degrees clockwise, as phones do."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 40
    one = 1 << 16
    content[at : at + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 48 * one, 0, 1 << 30)
    path.write_bytes(content)
    return path


def make_picture(path: Path, color: tuple[int, int, int] = (255, 0, 0), size: tuple[int, int] = (90, 60)) -> Path:
    """A picture of one color."""
    from PIL import Image

    Image.new("RGB", size, color).save(path)
    return path


class Media:
    """Makes files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def video(self, name: str, **how: Any) -> Path:
        """A video, or a sound by its ending."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".wav", ".ogg"):
            how["picture"] = False
        return make_media(path, **how)

    def picture(self, name: str, **how: Any) -> Path:
        """A still picture."""
        return make_picture(self.folder / name, **how)

    def turned(self, name: str) -> Path:
        """A video that is to be shown turned by 90 degrees clockwise."""
        return turn(self.video(name))


@pytest.fixture
def media(tmp_path: Path) -> Media:
    """Makes files in this test's folder."""
    return Media(tmp_path)
