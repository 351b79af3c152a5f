"""VGGish (Hershey et al., CNN Architectures for Large-Scale Audio Classification, 2017): 128 numbers per .96 s.

Weights: a state dict with the names of its common PyTorch port, `features.0.weight` ... `embeddings.4.bias`. AudioSet's
published features are these after a PCA and 8-bit rounding, neither of which changes much once features are whitened.
"""

from __future__ import annotations

import torch
from torch import nn


class VGGish(nn.Module):
    """From log-mel spectra, shape (b, 96, 64), to vectors, shape (b, 128)."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for width in (64, 0, 128, 0, 256, 256, 0, 512, 512, 0):
            if width:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
                channels = width
            else:
                layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.embeddings = nn.Sequential(
            nn.Linear(512 * 6 * 4, 4096), nn.ReLU(inplace=True),
            nn.Linear(4096, 4096), nn.ReLU(inplace=True),
            nn.Linear(4096, 128), nn.ReLU(inplace=True),
        )  # fmt: skip

    def forward(self, spectra: torch.Tensor) -> torch.Tensor:
        """The activations of its last layer."""
        maps = self.features(spectra[:, None])
        # Its weights count places before channels, as TensorFlow does.
        return self.embeddings(maps.permute(0, 2, 3, 1).flatten(1))  # type: ignore[no-any-return]
