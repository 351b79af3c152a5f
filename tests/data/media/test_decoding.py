"""Decoding in a child process: what made files hold arrives, and hostile ones get a sentence."""

from __future__ import annotations

import os
import signal
import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avexplore.data.media.decoding import Decoder, Found, Frame, Poster, Request, Sound, TooSlow, Unreadable

RATE = 16_000


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as child:
        yield child


@dataclass
class All:
    """Everything of a file at once."""

    sound: np.ndarray
    frames: list[np.ndarray]
    posters: int
    found: Found


def everything(
    decoder: Decoder, path: Path, start: float | None = None, end: float | None = None, **more: object
) -> All:
    request = Request(str(path), start, end, **({"rate": RATE, "side": 32} | more))  # type: ignore[arg-type]
    parts = list(decoder.read(request))
    sounds = [part.samples for part in parts if isinstance(part, Sound)]
    return All(
        np.concatenate(sounds) if sounds else np.zeros(0, np.float32),
        [part.pixels for part in parts if isinstance(part, Frame)],
        sum(isinstance(part, Poster) for part in parts),
        parts[-1],  # type: ignore[arg-type]
    )


def pitch(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples))
    return float(spectrum.argmax() * RATE / len(samples))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm", "a.avi", "a.mov", "a.ts"])
def test_sound_and_frames_of_a_video(tmp_path: Path, media: Any, decoder: Decoder, name: str) -> None:
    got = everything(decoder, media.video(name, seconds=3.0))
    assert abs(len(got.sound) / RATE - 3.0) < 0.1
    assert abs(pitch(got.sound) - 440) < 2
    assert len(got.frames) == 3
    assert got.posters >= 1
    red, green = got.frames[1][16, 4], got.frames[1][4, 28]
    assert red[0] > 200 > 60 > red[1]
    assert green[1] > 200 > 60 > green[0]
    assert got.found.damaged == 0
    assert abs((got.found.claimed or 0) - 3.0) < 0.15
    assert abs((got.found.picture or 0) - 3.0) < 0.15


def test_a_segment_is_cut_exactly(tmp_path: Path, media: Any, decoder: Decoder) -> None:
    path = media.video("a.mp4", seconds=6.0, late=2.5)
    got = everything(decoder, path, 2.0, 4.0)
    assert len(got.sound) == 2 * RATE
    first = np.flatnonzero(np.abs(got.sound) > 0.05)[0] / RATE
    assert abs(first - 0.5) < 0.03, "sound starts half a second into this segment"
    assert len(got.frames) == 2
    assert got.found.claimed == pytest.approx(2.0)


def test_sound_that_starts_late_stays_where_it_is(tmp_path: Path, media: Any, decoder: Decoder) -> None:
    got = everything(decoder, media.video("a.mp4", late=1.0))
    assert abs(np.flatnonzero(np.abs(got.sound) > 0.05)[0] / RATE - 1.0) < 0.03
    assert got.found.sound == pytest.approx(2.0, abs=0.1), "silence that was put in does not count"


def test_no_sound_and_no_picture(tmp_path: Path, media: Any, decoder: Decoder) -> None:
    got = everything(decoder, media.video("a.mp4", sound=False))
    assert (got.found.sound, len(got.sound), len(got.frames)) == (None, 0, 2)
    got = everything(decoder, media.video("b.mp4", picture=False))
    assert (got.found.picture, got.frames) == (None, [])
    assert len(got.sound) > 0


@pytest.mark.parametrize("name", ["a.mp4", "a.webm"])
def test_one_side_alone_of_a_file_that_has_both(media: Any, decoder: Decoder, name: str) -> None:
    path = media.video(name)
    heard, seen = everything(decoder, path, side=0), everything(decoder, path, rate=0)
    assert (heard.frames, heard.found.picture, len(seen.sound), seen.found.sound) == ([], None, 0, None)
    assert len(heard.sound) > 1.9 * RATE
    assert len(seen.frames) == 2


@pytest.mark.parametrize(("pixels", "layout"), [("yuv420p10le", "5.1"), ("yuv444p", "stereo")])
def test_more_bits_and_more_channels(tmp_path: Path, decoder: Decoder, pixels: str, layout: str) -> None:
    av = pytest.importorskip("av")
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as out:
        video, audio = out.add_stream("ffv1", rate=10), out.add_stream("pcm_f32le", rate=RATE)
        video.width, video.height, video.pix_fmt = 64, 48, pixels
        audio.layout = layout
        for i in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), (200, 30, 60), np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 10)
            out.mux(video.encode(frame))
        tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
        many = np.repeat(tone, audio.layout.nb_channels)[None]
        block = av.AudioFrame.from_ndarray(many, format="flt", layout=layout)
        block.rate, block.pts, block.time_base = RATE, 0, Fraction(1, RATE)
        out.mux(audio.encode(block))
        out.mux([*video.encode(), *audio.encode()])
    got = everything(decoder, path)
    assert abs(pitch(got.sound) - 440) < 2
    assert np.abs(got.sound).max() == pytest.approx(0.5, abs=0.01), "the mean of the channels, not their sum"
    assert np.allclose(got.frames[0][16, 16], (200, 30, 60), atol=6)


def test_frames_that_come_at_odd_times(tmp_path: Path, media: Any, decoder: Decoder) -> None:
    got = everything(decoder, media.video("a.mkv", seconds=4.0, times=[0, 0.1, 0.2, 3.2, 3.8]))
    assert len(got.frames) == 4, "one per second, whatever is on screen then"


def test_less_than_one_interval_still_gives_a_frame(tmp_path: Path, media: Any, decoder: Decoder) -> None:
    got = everything(decoder, media.video("a.mp4", seconds=0.2))
    assert len(got.frames) == 1
    assert 0.1 < len(got.sound) / RATE < 0.3


def test_a_turned_video_stands_upright(tmp_path: Path, media: Any, decoder: Decoder) -> None:
    got = everything(decoder, media.turned("a.mp4"))
    frame = got.frames[0]
    # Turned clockwise, the left half lies on top, and the upper right at the lower right.
    assert frame[4, 16][0] > 200
    assert frame[28, 28][1] > 200
    assert frame[28, 4].max() < 60


def test_cropping_keeps_the_shape(tmp_path: Path, media: Any, decoder: Decoder) -> None:
    path = media.video("a.mp4", size=(96, 32))
    squeezed, cut = (everything(decoder, path, crop=crop).frames[0] for crop in (False, True))
    assert squeezed.shape == cut.shape == (32, 32, 3)
    assert squeezed[16, 14][0] > 200
    assert squeezed[8, 18][1] > 200
    assert cut[24, 2][0] > 200
    assert cut[8, 30][1] > 200


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.bmp", "a.gif"])
def test_still_pictures(tmp_path: Path, media: Any, decoder: Decoder, name: str) -> None:
    got = everything(decoder, media.picture(name, color=(0, 0, 255)))
    assert len(got.frames) == 1
    assert got.frames[0][16, 16][2] > 200
    assert (got.found.picture, got.found.sound) == (0.0, None)


def test_a_truncated_file_says_how_much_there_was(tmp_path: Path, media: Any, decoder: Decoder) -> None:
    path = media.video("a.mp4", seconds=8.0, movflags="faststart")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    got = everything(decoder, path)
    assert got.found.claimed == pytest.approx(8.0, abs=0.2)
    assert 0.5 < (got.found.sound or 0) < 7.0


SCRIPTS = {
    "concat": "ffconcat version 1.0\nfile secret.mp4\n",
    "playlist": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nsecret.mp4\n#EXT-X-ENDLIST\n",
    "text": "hello\n" * 50,
    "page": "<html><body>no video</body></html>",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="secret.png"/></svg>',
}


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("ending", [".mp4", ".wav", ".png"])
def test_scripts_under_other_names_are_refused(
    tmp_path: Path, media: Any, decoder: Decoder, script: str, ending: str
) -> None:
    media.video("secret.mp4")
    path = tmp_path / f"a{ending}"
    path.write_text(SCRIPTS[script])
    with pytest.raises(Unreadable, match=r"no kind that is decoded|no picture that can be read"):
        everything(decoder, path)


@pytest.mark.parametrize("content", [b"", b"\x00" * 5000, bytes(range(256)) * 40, b"RIFF\xff\xff\xff\xffWAVEfmt "])
@pytest.mark.parametrize("ending", [".mp4", ".wav", ".jpg"])
def test_rubbish_is_refused(tmp_path: Path, decoder: Decoder, content: bytes, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    path.write_bytes(content)
    try:
        got = everything(decoder, path)
    except Unreadable:
        return
    assert (len(got.sound), got.frames) == (0, [])


def test_names_that_ffmpeg_would_take_for_addresses(
    tmp_path: Path, media: Any, decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "http:%03d.mp4"
    media.video("b.mp4").rename(path)
    assert len(everything(decoder, path).frames) == 2


def test_damage_never_ends_in_anything_but_a_sentence(tmp_path: Path, media: Any, decoder: Decoder) -> None:
    rng = np.random.default_rng(0)
    good = media.video("a.mp4", seconds=1.0).read_bytes()
    path = tmp_path / "b.mp4"
    for _ in range(40):
        content = bytearray(good)
        for at in rng.integers(len(content), size=30):
            content[at] = rng.integers(256)
        path.write_bytes(content)
        try:
            got = everything(decoder, path)
        except Unreadable:
            continue
        assert len(got.sound) <= 600 * RATE


def test_a_child_that_dies_is_replaced(media: Any) -> None:
    path = media.video("a.mp4", seconds=5.0)
    with Decoder() as decoder:
        parts = decoder.read(Request(str(path), rate=RATE))
        next(parts)
        assert decoder._process is not None
        os.kill(decoder._process.pid, signal.SIGKILL)
        with pytest.raises(TooSlow, match="crashed"):
            list(parts)
        assert everything(decoder, path).found.sound == pytest.approx(5.0, abs=0.1)


def long_file(path: Path, minutes: int) -> Path:
    """A picture every ten seconds and a tone, whose pitch rises in the last minute."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as out:
        video, audio = out.add_stream("mpeg4", rate=10), out.add_stream("pcm_s16le", rate=8000)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.time_base = Fraction(1, 10)
        audio.layout = "mono"
        for minute in range(minutes):
            for ten in range(6):
                frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), (200, 30, 60), np.uint8), format="rgb24")
                frame.pts, frame.time_base = 100 * (6 * minute + ten), Fraction(1, 10)
                out.mux(video.encode(frame))
            hertz = 1000 if minute == minutes - 1 else 440
            tone = (10_000 * np.sin(2 * np.pi * hertz * np.arange(480_000) / 8000)).astype(np.int16)
            for first in range(0, len(tone), 8000):
                block = av.AudioFrame.from_ndarray(tone[None, first : first + 8000], format="s16", layout="mono")
                block.rate, block.pts, block.time_base = 8000, 480_000 * minute + first, Fraction(1, 8000)
                out.mux(audio.encode(block))
        out.mux([*video.encode(), *audio.encode()])
    return path


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory of a process is read from /proc")
def test_an_hour_takes_the_memory_of_a_minute(tmp_path: Path) -> None:
    held = []
    for minutes in (1, 60):
        path = long_file(tmp_path / f"{minutes}.mkv", minutes)
        with Decoder() as decoder:
            parts = decoder.read(Request(str(path), rate=RATE, side=32))
            samples, frames, found = 0, 0, None
            for part in parts:  # nothing is kept here either
                if isinstance(part, Sound):
                    samples += len(part.samples)
                frames += isinstance(part, Frame)
                found = part
            assert isinstance(found, Found)
            assert abs(samples / RATE - 60 * minutes) < 1
            assert abs(frames - 60 * minutes) <= 10, "the last picture stays for its own time"
            assert decoder._process is not None
            status = Path(f"/proc/{decoder._process.pid}/status").read_text()
            [peak] = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
            held.append(peak)
            end = everything(decoder, path, 60.0 * minutes - 3, 60.0 * minutes - 1)
            assert abs(pitch(end.sound) - 1000) < 2
    assert held[1] - held[0] < 16_000, f"kilobytes: {held}"


def test_a_reader_that_stops_midway_leaves_nothing_behind(tmp_path: Path, media: Any) -> None:
    first, second = media.video("a.mp4", seconds=5.0), media.video("b.mp4", hertz=880.0)
    with Decoder() as decoder:
        parts = decoder.read(Request(str(first), rate=RATE))
        next(parts)
        parts.close()
        assert abs(pitch(everything(decoder, second).sound) - 880) < 2


def test_what_takes_too_long_is_ended(media: Any) -> None:
    path = media.video("a.mp4")
    with Decoder(seconds=0.01) as decoder, pytest.raises(TooSlow, match=r"more than 0 s"):
        everything(decoder, path)


def vast_picture(path: Path) -> Path:
    """A PNG of some kilobytes that claims 3.6 billion pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(5_000_000), 9))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + data + chunk(b"IEND", b""))
    return path


def test_a_picture_of_billions_of_pixels_is_refused(tmp_path: Path, decoder: Decoder) -> None:
    with pytest.raises((Unreadable, TooSlow)):
        everything(decoder, vast_picture(tmp_path / "vast.png"))


def test_no_thumbnail_of_it_is_made_either(tmp_path: Path) -> None:
    from avexplore.ui.parts import clip_media

    path = vast_picture(tmp_path / "vast.png")
    tracemalloc.start()
    assert clip_media.thumbnail(path) == ""
    assert tracemalloc.get_traced_memory()[1] < 50 << 20
    tracemalloc.stop()
