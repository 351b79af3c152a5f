"""One clip -> two vectors, a poster and a picture of its sound: decoded piece by piece, described batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from avexplore.data.media.clip_list import Clip
from avexplore.data.media.decoding import Decoder, Found, Frame, Poster, Request, Sound
from avexplore.data.media.extractors import PictureExtractor, SoundExtractor
from avexplore.data.media.pictures import SoundPicture
from avexplore.data.media.spectra import FloatArray

EVERY = 1.0
"""Seconds from frame to frame, as in the papers' features."""
SHORT = 0.05
"""Share of a clip's seconds that may be missing without a word; half a second in any case."""


@dataclass
class Described:
    """What was made of one clip.

    Attributes:
        audio, visual: Its vectors; None where there is no such side, or no extractor was given for it.
        poster, sound_picture: JPEG files, b"" for none.
        claimed: Seconds that the files claim to hold of the clip; None if they claim nothing.
        sound_seconds, picture_seconds: Seconds that were there; None where there is no such side, 0 of a still picture.
        notes: What a reader should know: damaged, shorter than claimed, late.
    """

    audio: FloatArray | None = None
    visual: FloatArray | None = None
    poster: bytes = b""
    sound_picture: bytes = b""
    claimed: float | None = None
    sound_seconds: float | None = None
    picture_seconds: float | None = None
    notes: list[str] = field(default_factory=list)


def describe(
    clip: Clip,
    decoder: Decoder,
    sound: SoundExtractor | None,
    picture: PictureExtractor | None,
    *,
    every: float = EVERY,
) -> Described:
    """Decode a clip and describe both its sides.

    Args:
        clip: Its files and its part of them.
        decoder: The process that decodes.
        sound, picture: What describes each side; None leaves it out.
        every: Seconds from frame to frame.

    Returns:
        Averages over the clip's stretches of sound and over its frames.

    Raises:
        Unreadable: If a file cannot be decoded.
    """
    made = Described()
    hearing = _Hearing(sound) if sound is not None else None
    seeing = _Mean(picture) if picture is not None else None
    for request in _requests(clip, sound, picture, every):
        for part in decoder.read(request):
            match part:
                case Sound(samples) if hearing is not None:
                    hearing.hear(samples)
                case Frame(pixels) if seeing is not None:
                    seeing.add(pixels)
                case Poster(jpeg):
                    made.poster = jpeg
                case Found():
                    _note(made, part, request, clip)
    if hearing is not None and made.sound_seconds:
        made.audio, made.sound_picture = hearing.vector(), hearing.picture.jpeg()
    if seeing is not None and made.picture_seconds is not None:
        made.visual = seeing.vector()
    return made


def _requests(
    clip: Clip, sound: SoundExtractor | None, picture: PictureExtractor | None, every: float
) -> Iterator[Request]:
    rate = sound.rate if sound is not None and clip.sound else 0
    side, crop = (picture.side, picture.crop) if picture is not None and clip.picture else (0, False)
    if clip.sound == clip.picture:
        yield Request(clip.sound, clip.start, clip.end, rate, side, crop, every)
        return
    if rate:
        yield Request(clip.sound, clip.start, clip.end, rate=rate)
    if side:
        yield Request(clip.picture, clip.start, clip.end, side=side, crop=crop, every=every)


def _note(made: Described, found: Found, request: Request, clip: Clip) -> None:
    if request.rate:
        made.sound_seconds = found.sound
    if request.side:
        made.picture_seconds = found.picture if found.frames else None
    if request.still:
        return
    if found.claimed is not None:
        made.claimed = max(found.claimed, made.claimed or 0.0)
    wanted = found.claimed
    if clip.end is not None:
        asked = clip.end - (clip.start or 0.0)
        if found.claimed is not None and asked - found.claimed > max(0.5, SHORT * asked):
            made.notes.append(f"the file holds {found.claimed:.1f} s of the {asked:.1f} s asked for")
    if wanted is not None and wanted - found.reached > max(0.5, SHORT * wanted):
        made.notes.append(f"only {found.reached:.1f} of {wanted:.1f} s could be decoded")
    elif wanted and found.sound and found.picture:
        for side, seconds in (("sound", found.sound), ("picture", found.picture)):
            if wanted - seconds > max(0.5, SHORT * wanted):
                made.notes.append(f"{side} in {seconds:.1f} of {wanted:.1f} s")
    if found.damaged:
        made.notes.append(f"{found.damaged} damaged packet{'s' if found.damaged > 1 else ''} left out")


class _Mean:
    """Average of vectors that come batch by batch; in double precision, so that it does not depend on the batches."""

    def __init__(self, extractor: Any) -> None:
        self._extractor = extractor
        self._items: list[Any] = []
        self._sum = np.zeros(extractor.width)
        self._count = 0

    def add(self, item: Any) -> None:
        self._items.append(item)
        if len(self._items) == self._extractor.batch:
            self._flush()

    def _flush(self) -> None:
        if self._items:
            vectors = np.asarray(self._extractor(np.stack(self._items)), np.float64)
            self._sum += vectors.sum(axis=0)
            self._count += len(vectors)
            self._items = []

    def vector(self) -> FloatArray | None:
        self._flush()
        if not self._count:
            return None
        mean: FloatArray = (self._sum / self._count).astype(np.float32)
        return mean if np.isfinite(mean).all() else None


class _Hearing:
    """Cuts sound into the extractor's stretches. What is left at the end counts only where there is nothing else."""

    def __init__(self, extractor: SoundExtractor) -> None:
        self._mean = _Mean(extractor)
        self._window, self._hop = extractor.window, extractor.hop
        self._rest = np.zeros(0, np.float32)
        self._heard = False
        self.picture = SoundPicture(extractor.rate)

    def hear(self, samples: FloatArray) -> None:
        self.picture.hear(samples)
        self._rest = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        first = 0
        while first + self._window <= len(self._rest):
            self._mean.add(self._rest[first : first + self._window])
            self._heard = True
            first += self._hop
        self._rest = self._rest[first:]

    def vector(self) -> FloatArray | None:
        if not self._heard and len(self._rest):
            self._mean.add(np.pad(self._rest, (0, self._window - len(self._rest))))
            self._rest = np.zeros(0, np.float32)
        return self._mean.vector()
