"""Points that were drawn around, as one word of an address: one bit per clip and modality, packed and compressed.

Clips rather than the polygon: another map of the same run, and the retrieval page, then show the same points.
"""

from __future__ import annotations

import base64
import binascii
import zlib

import numpy as np

from avexplore.artifacts import IntArray

LONGEST = 6000
"""So many letters at most: browsers and proxies refuse addresses beyond some 8,000."""


def write(places: IntArray) -> str:
    """Points, each as twice its clip's row and 1 more if seen, as a word; "" for none, and for more than it may hold.

    >>> read(write(np.array([19, 10])), clips=10)
    array([10, 19])
    """
    if not len(places):
        return ""
    bits = np.zeros(int(places.max()) + 1, dtype=np.uint8)
    bits[places] = 1
    word = base64.urlsafe_b64encode(zlib.compress(np.packbits(bits).tobytes(), 9)).decode().rstrip("=")
    return word if len(word) <= LONGEST else ""


def read(word: str, clips: int) -> IntArray:
    """The points of a word that comes from a visitor and is not to be trusted, in order; none if it is none.

    Args:
        word: As `write` gives it.
        clips: Number of clips of the run; points of further clips are left out, and never unpacked.
    """
    if not word or len(word) > LONGEST:
        return np.zeros(0, np.int64)
    try:
        packed = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))
        content = zlib.decompressobj().decompress(packed, -(-2 * clips // 8))
    except (ValueError, binascii.Error, zlib.error):
        return np.zeros(0, np.int64)
    places = np.flatnonzero(np.unpackbits(np.frombuffer(content, np.uint8)))
    return places[places < 2 * clips]
