"""How far apart two embeddings are. They have unit length, so every distance here is a function of the cosine."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

DistanceName = Literal["cosine", "squared", "euclidean"]


def distance(cosine: Tensor, name: DistanceName = "cosine") -> Tensor:
    """The distance of unit vectors x, y from their cosine x . y.

    - "cosine": D = 1 - x . y, 0 for equal, 1 for orthogonal, 2 for opposite vectors.
    - "squared": |x - y|^2 = 2 D, in [0, 4].
    - "euclidean": |x - y|, in [0, 2]. The root has no slope at 0: it is held at 1e-6 there, so that equal vectors give
      no infinite gradient.

    Args:
        cosine: Any shape.
        name: Which.

    Returns:
        In range up to rounding. Shape of `cosine`.

    >>> import torch
    >>> distance(torch.tensor([1.0, 0.0, -1.0])), distance(torch.tensor([1.0, 0.0, -1.0]), "squared")
    (tensor([0., 1., 2.]), tensor([0., 2., 4.]))
    """
    if name == "cosine":
        return 1.0 - cosine
    squared = 2.0 * (1.0 - cosine)
    return squared if name == "squared" else squared.clamp(min=1e-12).sqrt()


def cosine_distance(anchors: Tensor, candidates: Tensor) -> Tensor:
    """D(x, y) = 1 - x . y of all pairs of unit vectors. Shapes (B, d), (G, d) -> (B, G), in [0, 2] up to rounding.

    >>> import torch
    >>> cosine_distance(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]))
    tensor([[0., 1., 2.]])
    """
    return distance(anchors @ candidates.T)
