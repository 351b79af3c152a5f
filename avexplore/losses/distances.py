"""How far apart two embeddings are. They have unit length, so every distance here is a function of the cosine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import Tensor

DistanceName = Literal["cosine", "squared", "euclidean"]
Distance = Callable[[Tensor, Tensor], Tensor]


def cosine_distance(anchors: Tensor, candidates: Tensor) -> Tensor:
    """D(x, y) = 1 - x . y for unit vectors: 0 for equal, 1 for orthogonal, 2 for opposite.

    Args:
        anchors: Unit vectors. Shape (B, d).
        candidates: Unit vectors. Shape (G, d).

    Returns:
        Values in [0, 2] up to rounding. Shape (B, G).

    >>> import torch
    >>> cosine_distance(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]))
    tensor([[0., 1., 2.]])
    """
    return 1.0 - anchors @ candidates.T


def squared_distance(anchors: Tensor, candidates: Tensor) -> Tensor:
    """|x - y|^2 = 2 D(x, y) for unit vectors, in [0, 4]. Shapes as in `cosine_distance`."""
    return 2.0 * cosine_distance(anchors, candidates)


def euclidean_distance(anchors: Tensor, candidates: Tensor) -> Tensor:
    """|x - y| for unit vectors, in [0, 2]. Shapes as in `cosine_distance`.

    The root has no slope at 0: distances below 1e-6 are held there, so that equal vectors give no infinite gradient.
    """
    return squared_distance(anchors, candidates).clamp(min=1e-12).sqrt()


DISTANCES: dict[DistanceName, Distance] = {
    "cosine": cosine_distance,
    "squared": squared_distance,
    "euclidean": euclidean_distance,
}
