"""Batches of embeddings that several tests of losses start from."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

Batch = tuple[Tensor, Tensor, Tensor]


@pytest.fixture
def batch() -> Callable[..., Batch]:
    """Makes unit vectors of both modalities and labels, from a seed."""

    def make(
        clips: int = 12, dim: int = 6, classes: int = 3, seed: int = 0, dtype: torch.dtype = torch.float64
    ) -> Batch:
        generator = torch.Generator().manual_seed(seed)
        audio, visual = torch.randn(2, clips, dim, generator=generator, dtype=torch.float64)
        labels = torch.arange(clips) % classes
        audio, visual = (torch.nn.functional.normalize(x, dim=1).to(dtype) for x in (audio, visual))
        return audio, visual, labels[torch.randperm(clips, generator=generator)]

    return make
