"""Contrastive loss: positives together, negatives apart up to a margin."""

from __future__ import annotations

from torch import Tensor

from avexplore.losses.pairs import PairLoss, kept, mean_of_counted, shifted


class ContrastiveLoss(PairLoss):
    """Positives at distance 0, negatives beyond a margin.

    L = mean over positives of D + sum over negatives of k * relu(m - D) / number of negatives with D < m   [reported]

    in its linear form; k = 1 - forgiven (1 without LIR) [ours]. Forgiven negatives stay counted, so that forgiving one
    pair never adds to the push on another.

    Args:
        margin: m, in units of the distance.

    References:
        Hadsell, Chopra, LeCun, Dimensionality Reduction by Learning an Invariant Mapping, CVPR 2006.
    """

    def __init__(self, margin: float = 0.2) -> None:
        super().__init__()
        self.margin = margin

    def forward(
        self, distances: Tensor, positive: Tensor, forgiven: Tensor | None = None, margins: Tensor | None = None
    ) -> Tensor:
        """See `PairLoss.forward`."""
        keep = kept(positive, forgiven, distances.dtype)
        intrusion = (self.margin - shifted(distances, self.margin, margins)).relu()
        pull = mean_of_counted(distances.masked_fill(~positive, 0.0).sum(), positive.sum())
        return pull + mean_of_counted((keep * intrusion).sum(), ((intrusion > 0) & ~positive).sum())
