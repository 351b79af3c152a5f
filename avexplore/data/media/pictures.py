"""A small picture of a sound: its log-mel spectrum over time, bounded in size however long the sound is."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from avexplore.data.media.spectra import FloatArray, LogMel

SIZE = (320, 96)
"""Pixels, width and height."""
_COLUMNS = 640
"""Most columns kept while listening; beyond, two neighbors become one."""
_COLORS = np.array([(0, 0, 4), (81, 18, 124), (183, 55, 121), (252, 137, 97), (252, 253, 191)], np.float64)
"""From silent to loud, as in the color map magma."""


class SoundPicture:
    """Listens to a sound piece by piece, and draws it at the end."""

    def __init__(self, rate: int) -> None:
        hop = rate // 40
        fft = 1 << (2 * hop - 1).bit_length()  # the next power of two
        self._spectra = LogMel(rate=rate, frame=2 * hop, hop=hop, fft=fft, bands=48, low=60.0, high=min(8000, rate / 2))
        self._rest = np.zeros(0, np.float32)
        self._columns: list[FloatArray] = []
        self._each = 1
        self._pending: FloatArray = np.zeros(self._spectra.bands)
        self._pending_count = 0

    def hear(self, samples: FloatArray) -> None:
        """The next stretch. Shape (n,)."""
        sound = np.concatenate([self._rest, samples])
        frame, hop = self._spectra.frame, self._spectra.hop
        count = max(0, 1 + (len(sound) - frame) // hop)
        step = 2048
        for first in range(0, count, step):
            last = min(count, first + step)
            for column in self._spectra(sound[first * hop : (last - 1) * hop + frame]):
                self._add(column)
        self._rest = sound[count * hop :]

    def _add(self, column: FloatArray) -> None:
        self._pending = self._pending + column
        self._pending_count += 1
        if self._pending_count < self._each:
            return
        self._columns.append(self._pending / self._each)
        self._pending, self._pending_count = np.zeros(self._spectra.bands), 0
        if len(self._columns) > _COLUMNS:
            pairs = len(self._columns) // 2
            merged: list[FloatArray] = [(self._columns[2 * i] + self._columns[2 * i + 1]) / 2 for i in range(pairs)]
            if len(self._columns) % 2:
                self._pending, self._pending_count = self._columns[-1] * self._each, self._each
            self._columns, self._each = merged, 2 * self._each

    def jpeg(self) -> bytes:
        """The picture as a JPEG file; b"" of a sound too short to show."""
        from PIL import Image

        if not self._columns:
            return b""
        levels = np.array(self._columns).T[::-1]
        low, high = float(levels.min()), float(levels.max())
        scaled = (levels - low) / (high - low) if high > low else np.zeros_like(levels)
        picture = Image.fromarray(_colored(scaled)).resize(SIZE, Image.Resampling.BILINEAR)
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=80)
        return out.getvalue()


def _colored(levels: FloatArray) -> NDArray[np.uint8]:
    """Levels in [0, 1] as colors. Shape (h, w) -> (h, w, 3)."""
    stops = np.linspace(0.0, 1.0, len(_COLORS))
    channels = [np.interp(levels, stops, _COLORS[:, c]) for c in range(3)]
    return np.stack(channels, axis=-1).astype(np.uint8)
