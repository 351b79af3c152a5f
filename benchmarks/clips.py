"""What features of media files cost, per clip and per hour of a file, in time and in memory.

    python benchmarks/clips.py                                   # 10,000 short clips, one file of an hour
    python benchmarks/clips.py --clips 500 --minutes 10 --json

Clips are made here: a second of a moving picture (96 x 64) with a tone, in WebM; forty different ones under many names.
The peer decodes the same clips with PyAV in a plain loop, in this process and without any limit, and describes them by
the same extractors: what the child process, the records, the pictures and the account cost stands in the ratio.
CPU seconds of this process and its children; peak memory is each process's own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from avexplore.data.media.decoding import Decoder, Found, Request
from avexplore.data.media.descriptors import ColorTextureStatistics, LogMelStatistics
from avexplore.data.media.extraction import extract
from avexplore.data.media.extractors import parse

DIFFERENT = 40
PEER_CLIPS = 400


def clip(path: Path, seconds: float, seed: int, fps: int = 10) -> None:
    """A picture that moves and a tone."""
    rng = np.random.default_rng(seed)
    still = rng.integers(0, 256, (64, 160, 3)).astype(np.uint8)
    with av.open(str(path), "w") as out:
        video: Any = out.add_stream("libvpx", rate=fps)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        video.options = {"deadline": "realtime", "cpu-used": "8"}
        audio: Any = out.add_stream("libopus", rate=48_000)
        audio.layout = "mono"
        for second in range(max(1, round(seconds))):
            for i in range(fps):
                shift = (second * fps + i) % 64
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(still[:, shift : shift + 96]), format="rgb24")
                frame.pts, frame.time_base = second * fps + i, Fraction(1, fps)
                out.mux(video.encode(frame))
            at = second * 48_000 + np.arange(48_000)
            tone = (0.4 * np.sin(2 * np.pi * (300 + 40 * seed) * at / 48_000)).astype(np.float32)
            for first in range(0, 48_000, 960):
                block = av.AudioFrame.from_ndarray(tone[None, first : first + 960], format="flt", layout="mono")
                block.rate, block.pts, block.time_base = 48_000, second * 48_000 + first, Fraction(1, 48_000)
                out.mux(audio.encode(block))
        out.mux(video.encode())
        out.mux(audio.encode())


def cpu() -> float:
    """CPU seconds of this process and of those of its children that have ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def peak(process: int | str = "self") -> float:
    """The most memory that a process has held, in MB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float("nan")


def peer(paths: list[Path]) -> float:
    """CPU seconds per clip of a plain loop."""
    sound, picture = LogMelStatistics(), ColorTextureStatistics()
    began = time.process_time()
    for path in paths:
        with av.open(str(path)) as container:
            resampler = av.AudioResampler(format="flt", layout="mono", rate=sound.rate)
            heard: list[Any] = []
            seen: list[Any] = []
            for packet in container.demux():
                for frame in packet.decode():
                    if isinstance(frame, av.AudioFrame):
                        heard += [part.to_ndarray()[0] for part in resampler.resample(frame)]
                    elif isinstance(frame, av.VideoFrame) and len(seen) < 1:
                        seen.append(frame.reformat(picture.side, picture.side, "rgb24").to_ndarray())
        samples = np.concatenate(heard)
        sound(np.resize(samples, sound.window)[None])
        picture(np.stack(seen))
    return (time.process_time() - began) / len(paths)


def many(folder: Path, count: int) -> dict[str, float]:
    """Many short clips, from a table to features, and the same once more."""
    made = folder / "made"
    made.mkdir()
    for i in range(DIFFERENT):
        clip(made / f"{i}.webm", 1.0, i)
    clips = folder / "clips"
    clips.mkdir()
    lines = ["file,label"]
    for i in range(count):
        os.link(made / f"{i % DIFFERENT}.webm", clips / f"{i:05d}.webm")
        lines.append(f"{i:05d}.webm,{'AB'[i % 2]}")
    (folder / "labels.csv").write_text("\n".join(lines))
    paths = sorted(clips.iterdir())[:PEER_CLIPS]
    specs = parse("audio", "log-mel"), parse("visual", "color-texture")
    alone = peer(paths)
    before, began = peak(), cpu()
    first = extract(clips, folder / "labels.csv", folder / "out.npz", *specs)
    from avexplore.data.media import extraction

    decoder = extraction._decoder(1800.0)
    assert decoder._process is not None
    child = peak(decoder._process.pid)
    decoder.close()
    seconds = (cpu() - began) / count
    began = cpu()
    again = extract(clips, folder / "labels.csv", folder / "out.npz", *specs)
    assert (first.used, again.fresh) == (count, 0)
    kept = sum(path.stat().st_size for path in (folder / "out.media").rglob("*") if path.is_file())
    return {
        "clips": count,
        "ms_per_clip": 1000 * seconds,
        "ms_per_clip_of_the_peer": 1000 * alone,
        "ratio": seconds / alone,
        "ms_per_clip_known": 1000 * (cpu() - began) / count,
        "mb_of_the_decoder": child,
        "mb_more_here": peak() - before,
        "kb_on_disk_per_clip": kept / count / 1024,
    }


def long(folder: Path, minutes: int) -> dict[str, float]:
    """One long file beside a short one: time per hour, the child's memory, and a segment near the end."""
    found: dict[str, float] = {"minutes": minutes}
    for name, seconds in (("short", 10), ("long", 60 * minutes)):
        path = folder / f"{name}.webm"
        clip(path, seconds, 1, fps=4)
        with Decoder() as decoder:
            began = time.perf_counter()
            for part in decoder.read(Request(str(path), rate=16_000, side=128)):
                if isinstance(part, Found):
                    assert abs((part.sound or 0) - seconds) < 1
            assert decoder._process is not None
            found[f"seconds_{name}"] = time.perf_counter() - began
            found[f"mb_of_the_decoder_{name}"] = peak(decoder._process.pid)
            if name == "long":
                began = time.perf_counter()
                list(decoder.read(Request(str(path), seconds - 20, seconds - 10, rate=16_000, side=128)))
                found["seconds_for_ten_near_the_end"] = time.perf_counter() - began
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="avexplore-clips-"))
    os.environ["AVEXPLORE_HOME"] = str(folder / "home")
    try:
        figures = {"many": many(folder, options.clips), "long": long(folder, options.minutes)}
    finally:
        shutil.rmtree(folder)
    if options.json:
        print(json.dumps(figures, indent=1))
        return
    for title, values in figures.items():
        print(title)
        for name, value in values.items():
            print(f"  {name.replace('_', ' '):34} {value:10.2f}")


if __name__ == "__main__":
    main()
