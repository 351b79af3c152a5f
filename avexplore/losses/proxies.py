"""Losses against one learned proxy per class instead of against other clips."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from avexplore.losses.pairs import kept, mean_of_counted, shifted


class ClassProxies(nn.Module):
    """One learned unit vector per class, shared by both modalities.

    Parameters start as independent Gaussian directions, from torch's generator.
    """

    def __init__(self, classes: int, dim: int) -> None:
        super().__init__()
        self.directions = nn.Parameter(torch.randn(classes, dim))

    def forward(self) -> Tensor:
        """Unit vectors. Shape (C, d)."""
        return nn.functional.normalize(self.directions, dim=1)


class ProxyLoss(nn.Module):
    """Base of losses of anchors (B) against class proxies (C); `forward` as in `PairLoss`, with shapes (B, C)."""


class ProxyTripletLoss(ProxyLoss):
    """Each clip closer to its class's proxy than to every other class's, by a margin.

    L = sum over (a, c != y_a) of k_ac * relu(m + D(a, p_y) - D(a, p_c)) / number of violated (a, c)   [reported for
    triplets; with proxies for positives and negatives as in Movshovitz-Attias et al.]; k = 1 - forgiven [ours].

    References:
        Movshovitz-Attias et al., No Fuss Distance Metric Learning using Proxies, ICCV 2017.
    """

    def __init__(self, margin: float = 0.2) -> None:
        super().__init__()
        self.margin = margin

    def forward(
        self, distances: Tensor, positive: Tensor, forgiven: Tensor | None = None, margins: Tensor | None = None
    ) -> Tensor:
        """See `PairLoss.forward`; candidates are the C proxies."""
        keep = kept(positive, forgiven, distances.dtype)
        own = (distances * positive).sum(1, keepdim=True)  # (B, 1): exactly one positive proxy each
        violation = (self.margin + own - shifted(distances, self.margin, margins)).relu()
        return mean_of_counted((keep * violation).sum(), ((violation > 0) & ~positive).sum())


class ProxyAnchorLoss(ProxyLoss):
    """Each proxy is an anchor that attracts its class's clips and repels the others, the hardest most.

    L = mean over proxies p with positives of log(1 + sum over its clips x of e^{-a (s_xp - m)})
      + mean over all proxies p of log(1 + sum over other clips x of k_xp e^{a (s_xp + m)})   [reported]

    with a = 1 / temperature, and k = 1 - forgiven [ours].

    References:
        Kim, Kim, Cho, Kwak, Proxy Anchor Loss for Deep Metric Learning, CVPR 2020.
    """

    def __init__(self, temperature: float = 0.1, margin: float = 0.1) -> None:
        super().__init__()
        self.temperature, self.margin = temperature, margin

    def forward(
        self, distances: Tensor, positive: Tensor, forgiven: Tensor | None = None, margins: Tensor | None = None
    ) -> Tensor:
        """See `PairLoss.forward`; candidates are the C proxies."""
        similarity, scale = 1.0 - distances, 1.0 / self.temperature
        attract = (-scale * (similarity - self.margin)).masked_fill(~positive, -torch.inf)
        margin = self.margin if margins is None else self.margin * margins.to(distances.dtype)
        repel = scale * (similarity + margin)
        if forgiven is not None:
            repel = repel + torch.log1p(-forgiven.to(distances.dtype))
        repel = repel.masked_fill(positive, -torch.inf)
        present = positive.any(0)
        attracted = torch.where(present, _log_one_plus_sum(attract), torch.zeros_like(distances[0]))
        return mean_of_counted(attracted.sum(), present.sum()) + _log_one_plus_sum(repel).mean()


def _log_one_plus_sum(exponents: Tensor) -> Tensor:
    """log(1 + sum over rows of e^x), without overflow. Shape (B, C) -> (C,)."""
    return torch.cat([torch.zeros_like(exponents[:1]), exponents]).logsumexp(0)


def class_means(pairs: Tensor, positive: Tensor) -> Tensor:
    """A matrix of clip pairs as one of clips and classes: mean over the batch's clips of each class.

    Args:
        pairs: Clip by clip. Shape (B, B).
        positive: Which class each candidate carries. Shape (B, C), bool.

    Returns:
        0 for classes without a clip in the batch. Shape (B, C).
    """
    members = positive.to(pairs.dtype)
    return (pairs @ members) / members.sum(0).clamp(min=1.0)
