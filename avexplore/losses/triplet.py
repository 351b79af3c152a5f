"""Triplet losses over all pairs of a batch, without a loop and without a tensor of B x B x B."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from avexplore.losses.mining import hardest_negative, hardest_positive
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

    All triplets of B clips cost O(B^2 log B): with an anchor's negatives sorted by distance and their weights summed
    up in that order, the negatives within reach of a positive are a prefix, found by bisection.

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
        far = torch.finfo(distances.dtype).max
        ascending, order = negatives.masked_fill(positive, far).sort(dim=1)  # positives last, with weight 0
        zero = distances.new_zeros(len(distances), 1)
        weight = keep.gather(1, order)
        sums = torch.cat([zero, (weight * ascending.masked_fill(weight == 0, 0.0)).cumsum(1)], 1)
        weights = torch.cat([zero, weight.cumsum(1)], 1)  # (B, B + 1): weight of the n nearest negatives
        with torch.no_grad():
            reach = torch.searchsorted(ascending, distances + self.margin)  # (B, B): negatives nearer than d_p + m
            count = reach if self.average == "violated" else (~positive).sum(1, keepdim=True)
        mass, total = weights.gather(1, reach), sums.gather(1, reach)
        if self.mining == "semihard":
            with torch.no_grad():
                nearer = torch.searchsorted(ascending, distances, right=True)
                count = reach - nearer
            mass, total = mass - weights.gather(1, nearer), total - sums.gather(1, nearer)
        violations = (mass * (distances + self.margin) - total).masked_fill(~positive, 0.0)
        return mean_of_counted(violations.sum(), (count * positive).sum())
