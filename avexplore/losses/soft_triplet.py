"""Soft cross-modal triplets: a network's own predictions say which negatives may be none (after MPSD)."""

from __future__ import annotations

import torch
from torch import Tensor

from avexplore.losses.triplet import TripletLoss


class SoftTripletLoss(TripletLoss):
    """Triplets in which a negative counts the less, the likelier the network itself finds a common class.

    [reported] Progressive self-distillation: soft labels come from the network that is being trained, and get more say
    as it learns; cross-modal triplets are weighed by them. [ours] With p_n the audio and q_m the visual class
    posterior of two clips, both without gradient, negative (n, m) counts with

        k_nm = 1 - c * p_n . q_m,   c = mean over the batch and both modalities of the annotated class's posterior

    so that c grows by itself from 1/C towards 1. MPSD's formulas could not be read; this is no reproduction.

    References:
        MPSD, arXiv 2501.09608.
    """

    self_distilled = True


def doubted(predicted: tuple[Tensor, Tensor], labels: Tensor) -> Tensor:
    """1 - k: how far each pair of (audio, visual) clips stops counting as a negative.

    Args:
        predicted: Class posteriors of both modalities. Shapes (B, C).
        labels: Annotated classes. Shape (B,).

    Returns:
        In [0, 1), 0 where the annotations agree. Shape (B, B).
    """
    with torch.no_grad():
        audio, visual = predicted
        own = torch.arange(len(labels), device=labels.device), labels
        confidence = (audio[own].mean() + visual[own].mean()) / 2
        degree = (confidence * (audio @ visual.T)).clamp(max=1.0 - 1e-6)
        return degree.masked_fill(labels[:, None] == labels[None, :], 0.0)
