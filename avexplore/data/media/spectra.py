"""Log-mel spectra of sound, in NumPy: what the built-in descriptor, VGGish and the pictures of sounds start from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]


def _mel(hertz: FloatArray | float) -> FloatArray:
    """HTK's mel scale: 1127 ln(1 + f / 700)."""
    return np.asarray(1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0))


@dataclass(frozen=True)
class LogMel:
    """Log-mel spectra: frames by a periodic Hann window, magnitudes, triangular bands in mel.

    The defaults are VGGish's [reported by its released code]: 16 kHz, frames of 25 ms every 10 ms, 64 bands from 125 to
    7500 Hz, log(magnitude + 0.01).

    Attributes:
        rate: Samples per second.
        frame, hop: Samples of a frame, and from frame to frame.
        fft: Points of the transform, at least `frame`.
        bands: How many.
        low, high: Edges of the bands in hertz.
        floor: Added before the logarithm.
    """

    rate: int = 16_000
    frame: int = 400
    hop: int = 160
    fft: int = 512
    bands: int = 64
    low: float = 125.0
    high: float = 7500.0
    floor: float = 0.01

    @cached_property
    def weights(self) -> FloatArray:
        """What each band takes of each frequency. Shape (fft / 2 + 1, bands)."""
        edges = np.linspace(_mel(self.low), _mel(self.high), self.bands + 2)
        at = _mel(np.linspace(0.0, self.rate / 2, self.fft // 2 + 1))[:, None]
        rising = (at - edges[:-2]) / (edges[1:-1] - edges[:-2])
        falling = (edges[2:] - at) / (edges[2:] - edges[1:-1])
        weights = np.maximum(0.0, np.minimum(rising, falling))
        weights[0] = 0.0  # a constant offset is no sound
        return weights.astype(np.float32)

    @cached_property
    def _window(self) -> FloatArray:
        return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.frame) / self.frame)).astype(np.float32)

    def __call__(self, samples: FloatArray) -> FloatArray:
        """Spectra of stretches of sound.

        Args:
            samples: Shape (..., n), n >= `frame`.

        Returns:
            Shape (..., 1 + (n - frame) // hop, bands), float32.

        >>> LogMel()(np.zeros((2, 15_600))).shape
        (2, 96, 64)
        """
        frames = np.lib.stride_tricks.sliding_window_view(samples, self.frame, axis=-1)[..., :: self.hop, :]
        from scipy.fft import rfft

        magnitudes = np.abs(rfft(frames * self._window, self.fft, axis=-1)).astype(np.float32)
        levels: FloatArray = np.log(magnitudes @ self.weights + np.float32(self.floor))
        return levels
