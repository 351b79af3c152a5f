"""Plain descriptors of sound and pictures: no network, no weights, nothing to fetch.

They are far below what a trained network gives, and far above chance: enough to walk the whole path with clips of one's
own before a network is at hand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avexplore.data.media.spectra import FloatArray, LogMel


class LogMelStatistics:
    """Of each second of sound: mean and standard deviation of each log-mel band over time [ours]. 128 numbers."""

    name = "log-mel statistics"
    width = 128
    rate = 16_000
    window = 15_600
    hop = 15_360
    batch = 32

    def __init__(self) -> None:
        self._spectra = LogMel()

    def __call__(self, samples: FloatArray) -> FloatArray:
        """From stretches of sound, shape (b, window), to vectors, shape (b, 128)."""
        spectra = self._spectra(samples)
        return np.concatenate([spectra.mean(axis=1), spectra.std(axis=1)], axis=1)


class ColorTextureStatistics:
    """Of each frame, on a 4 x 4 grid: colors and directions of edges [ours]. 256 numbers.

    Per cell: mean and standard deviation of lightness and of two color differences (6), a histogram of eight directions
    of edges, weighted by their strength, relative to that of the whole frame (8), and two measures of texture: how
    strong edges are on average at the frame's own scale and at half of it (2).
    """

    name = "color and texture statistics"
    width = 256
    side = 128
    crop = False
    batch = 32
    _GRID = 4
    _DIRECTIONS = 8

    def __call__(self, frames: NDArray[np.uint8]) -> FloatArray:
        """From frames, shape (b, 128, 128, 3), to vectors, shape (b, 256)."""
        red, green, blue = np.moveaxis(frames.astype(np.float32) / 255.0, -1, 0)
        light = 0.299 * red + 0.587 * green + 0.114 * blue
        planes = np.stack([light, red - green, 0.5 * (red + green) - blue])
        cells = self._cells(planes)
        colors = np.concatenate([cells.mean(-1), cells.std(-1)])
        strength, direction = _edges(light)
        bins = np.floor(direction / np.pi * self._DIRECTIONS).astype(int) % self._DIRECTIONS
        histogram = np.stack([self._cells(np.where(bins == k, strength, 0)).mean(-1) for k in range(self._DIRECTIONS)])
        histogram = np.sqrt(histogram / (strength.mean(axis=(1, 2)) + 1e-3)[None, :, None, None])
        half = light.reshape(len(light), self.side // 2, 2, self.side // 2, 2).mean(axis=(2, 4))
        textures = np.stack([self._cells(strength).mean(-1), self._cells(_edges(half)[0]).mean(-1)])
        every = np.concatenate([2 * colors, 0.5 * histogram, 4 * textures])  # on scales that compare
        return np.ascontiguousarray(np.moveaxis(every, 1, 0).reshape(len(frames), -1), np.float32)

    def _cells(self, planes: FloatArray) -> FloatArray:
        """The pixels of each cell of the grid: (..., h, w) -> (..., grid, grid, pixels)."""
        *rest, height, width = planes.shape
        g = self._GRID
        parts = planes.reshape(*rest, g, height // g, g, width // g)
        return np.swapaxes(parts, -3, -2).reshape(*rest, g, g, -1)


def _edges(light: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Strength of the change of lightness at each pixel, and its direction in [0, pi). Shape (b, h, w) each."""
    down, right = np.gradient(light, axis=(1, 2))
    return np.hypot(down, right), np.mod(np.arctan2(down, right), np.pi)
