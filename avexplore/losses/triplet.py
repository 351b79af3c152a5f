"""Triplet losses over all pairs of a batch, without a loop and without a tensor of B x B x B."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from avexplore.losses.pairs import PairLoss, kept, mean_of_counted, shifted

TripletMining = Literal["all", "semihard", "hard"]


class TripletLoss(PairLoss):
    """Each positive closer to the anchor than each negative, by a margin.

    L = sum over (a, p, n) of k_an * relu(m + D(a, p) - D(a, n)) / number of violated (a, p, n)   [reported]

    with k_an = 1 - forgiven (1 without LIR) [ours]. Dividing by the violated triplets only keeps the step size when
    most are satisfied (Hermans et al.); forgiven ones stay counted, so that forgiving one pair never adds to the push
    on another. Mining:

    - "all": every triplet.
    - "semihard": those with D(a, p) < D(a, n), so that a negative is never nearer than the positive (Schroff et al.).
    - "hard": the farthest positive and the most violating negative of each anchor (Hermans et al.).

    All triplets of B clips cost O(B^2 log B): with an anchor's negatives sorted by distance, those within reach of a
    positive are a prefix, found by bisection.

    Args:
        margin: m, in units of the distance.
        mining: Which triplets count.
        average: "violated" as above, or "all" to divide by all triplets (of "hard": by all anchors that have one).

    References:
        Schroff et al., FaceNet, CVPR 2015. Hermans et al., In Defense of the Triplet Loss, arXiv 1703.07737.
    """

    def __init__(
        self, margin: float = 0.2, mining: TripletMining = "all", average: Literal["violated", "all"] = "violated"
    ) -> None:
        super().__init__()
        self.margin, self.mining, self.average = margin, mining, average

    def forward(
        self, distances: Tensor, positive: Tensor, forgiven: Tensor | None = None, margins: Tensor | None = None
    ) -> Tensor:
        """See `PairLoss.forward`."""
        keep = kept(positive, forgiven, distances.dtype)
        negatives = shifted(distances, self.margin, margins)
        if self.mining == "hard":
            return self._hard(distances, negatives, positive, keep)
        return self._sorted(distances, negatives, positive, keep)

    def _hard(self, distances: Tensor, negatives: Tensor, positive: Tensor, keep: Tensor) -> Tensor:
        far = hardest_positive(distances, positive)  # (B,)
        violation, weight = hardest_negative(far[:, None] + self.margin - negatives, keep, positive)  # (B,), (B,)
        violation = violation.relu()
        mined = positive.any(1) & ~positive.all(1)
        counted = mined & (violation > 0) if self.average == "violated" else mined
        return mean_of_counted((weight * violation * mined).sum(), counted.sum())

    def _sorted(self, distances: Tensor, negatives: Tensor, positive: Tensor, keep: Tensor) -> Tensor:
        distances, negatives = distances.contiguous(), negatives.contiguous()  # bisection copies what is not
        # In how many violated triplets a pair is changes at single points only. So the sum over triplets is one over
        # pairs, each times a constant; what sorts and counts needs no gradient, and has one sum on every device.
        with torch.no_grad():
            far = torch.finfo(distances.dtype).max
            ascending, order = negatives.masked_fill(positive, far).sort(dim=1)  # positives last, with weight 0
            weight = keep.gather(1, order)
            # Equal queries cost next to nothing; -far finds no negative.
            reach = torch.searchsorted(ascending, (distances + self.margin).masked_fill(~positive, -far))
            mass, met = _reached(weight, reach, positive)
            count = reach if self.average == "violated" else (~positive).sum(1, keepdim=True)
            if self.mining == "semihard":
                nearer = torch.searchsorted(ascending, distances.masked_fill(~positive, -far), right=True)
                nearer_mass, nearer_met = _reached(weight, nearer, positive)
                mass, met, count = mass - nearer_mass, met - nearer_met, reach - nearer
            pushed = torch.zeros_like(met).scatter(1, order, weight * met)
        violations = ((distances + self.margin) * mass).sum() - (negatives * pushed).sum()
        return mean_of_counted(violations, (count * positive).sum())


def _reached(weight: Tensor, reach: Tensor, positive: Tensor) -> tuple[Tensor, Tensor]:
    """How the positives and the negatives of an anchor meet if a positive reaches its first so many negatives.

    Args:
        weight: Of each negative, in the order in which they are reached. Shape (B, B).
        reach: How many negatives a positive reaches. Shape (B, B), integers in [0, B].
        positive: Shape (B, B), bool.

    Returns:
        The weight that each positive reaches, and the number of positives that reach each negative, in that order.
        Shapes (B, B), (B, B).
    """
    first = torch.cat([weight.new_zeros(len(weight), 1), weight.cumsum(1)], 1)  # (B, B + 1): of the n first
    mass = first.gather(1, reach) * positive
    ending = torch.zeros_like(first).scatter_add(1, reach, positive.to(weight.dtype))  # whole numbers: any order sums
    met = positive.sum(1, keepdim=True) - ending[:, :-1].cumsum(1)
    return mass, met


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
