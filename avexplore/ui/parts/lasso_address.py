"""Points that were drawn around, as one word of an address: one bit per clip and modality, packed and compressed.

Clips rather than the polygon: another map of the same run, and the retrieval page, then show the same points.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterable

import numpy as np

from avexplore.artifacts import MODALITIES

LONGEST = 6000
"""So many letters at most: browsers and proxies refuse addresses beyond some 8,000."""


def write(names: Iterable[str]) -> str:
    """Points, each as modality and clip row, as a word; "" for none, and for more than an address holds.

    >>> read(write(["visual-9", "audio-5"]), clips=10)
    ('audio-5', 'visual-9')
    """
    places = np.array([_place(name) for name in names], dtype=np.int64)
    if not len(places):
        return ""
    bits = np.zeros(int(places.max()) + 1, dtype=np.uint8)
    bits[places] = 1
    word = base64.urlsafe_b64encode(zlib.compress(np.packbits(bits).tobytes(), 9)).decode().rstrip("=")
    return word if len(word) <= LONGEST else ""


def read(word: str, clips: int) -> tuple[str, ...]:
    """The points of a word that comes from a visitor and is not to be trusted; () if it is none.

    Args:
        word: As `write` gives it.
        clips: Number of clips of the run; points of further clips are left out, and never unpacked.
    """
    if not word or len(word) > LONGEST:
        return ()
    try:
        packed = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))
        content = zlib.decompressobj().decompress(packed, -(-2 * clips // 8))
    except (ValueError, binascii.Error, zlib.error):
        return ()
    places = np.flatnonzero(np.unpackbits(np.frombuffer(content, np.uint8)))
    return tuple(f"{MODALITIES[place % 2]}-{place // 2}" for place in places if place < 2 * clips)


def _place(name: str) -> int:
    modality, _, row = name.rpartition("-")
    return 2 * int(row) + MODALITIES.index(modality)
