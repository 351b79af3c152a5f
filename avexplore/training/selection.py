"""Mean average precision where the embeddings are, for the curves and for choosing the epoch to keep."""

from __future__ import annotations

import torch
from torch import Tensor


def mean_average_precision(similarity: Tensor, relevant: Tensor) -> Tensor:
    """MAP of a small gallery, textbook definition, without leaving the device.

    AP(q) = 1/R sum_k precision@k relevant[q, k]; a query without a relevant answer scores 0. Reported figures come
    from `avexplore.retrieval`; this one decides between epochs and must not wait for a copy to the host.

    Args:
        similarity: Shape (Q, G).
        relevant: Bool, shape (Q, G).

    Returns:
        One number in [0, 1], shape ().

    >>> mean_average_precision(torch.tensor([[0.9, 0.5, 0.1]]), torch.tensor([[True, False, True]]))
    tensor(0.8333)
    """
    order = similarity.argsort(dim=1, descending=True, stable=True)
    hit = relevant.gather(1, order).to(torch.float32)
    ranks = torch.arange(1, hit.shape[1] + 1, device=hit.device, dtype=torch.float32)
    precision = hit.cumsum(1) / ranks
    return ((precision * hit).sum(1) / hit.sum(1).clamp(min=1)).mean()


def cross_modal_map(audio: Tensor, visual: Tensor, labels: Tensor) -> Tensor:
    """Mean of A->V and V->A MAP of unit-length embeddings (n, d) with labels (n,), relevant = same label."""
    similarity = audio @ visual.T
    same = labels[:, None] == labels[None, :]
    both = mean_average_precision(similarity, same) + mean_average_precision(similarity.T, same)
    return both / 2
