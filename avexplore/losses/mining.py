"""Which clips of a batch belong together, and which of them a loss should look at."""

from __future__ import annotations

import torch
from torch import Tensor


def same_label(labels: Tensor) -> Tensor:
    """Whether two clips carry the same annotation. Shape (B, B), bool; the diagonal is true.

    >>> same_label(torch.tensor([0, 1, 0])).int()
    tensor([[1, 0, 1],
            [0, 1, 0],
            [1, 0, 1]], dtype=torch.int32)
    """
    return labels[:, None] == labels[None, :]


def different_label(labels: Tensor) -> Tensor:
    """1 for two clips of different annotations and 0 for others, to multiply with. Shape (B, B), float32.

    By arithmetic, which a CPU does several times as fast as a comparison and a mask. Labels below 2^24 are exact.

    >>> different_label(torch.tensor([0, 3, 0]))
    tensor([[0., 1., 0.],
            [1., 0., 1.],
            [0., 1., 0.]])
    """
    numbers = labels.to(torch.float32)
    return (numbers[:, None] - numbers[None, :]).abs_().clamp_(max=1.0)


def hardest_positive(distances: Tensor, positive: Tensor) -> Tensor:
    """Distance to the farthest positive of each anchor; 0 for an anchor without one. Shape (B,)."""
    return distances.masked_fill(~positive, 0.0).amax(1) if distances.numel() else distances.sum(1)


def hardest_negative(violation: Tensor, keep: Tensor, positive: Tensor) -> tuple[Tensor, Tensor]:
    """The negative that violates most, after its weight, per anchor.

    Args:
        violation: How far each candidate intrudes, m + d_p - d_n. Shape (B, B).
        keep: Weight of each negative. Shape (B, B), in [0, 1], 0 for positives.
        positive: Shape (B, B), bool.

    Returns:
        Its violation and its weight. Shapes (B,), (B,).
    """
    if not violation.numel():
        return violation.sum(1), keep.sum(1)
    with torch.no_grad():
        weighted = torch.where(violation > 0, keep * violation, violation)
        hardest = weighted.masked_fill(positive, -torch.inf).argmax(1, keepdim=True)
    return violation.gather(1, hardest).squeeze(1), keep.gather(1, hardest).squeeze(1)
