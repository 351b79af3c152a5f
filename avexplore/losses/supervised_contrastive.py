"""Softmax over the batch: supervised contrastive loss, and InfoNCE as its special case without labels."""

from __future__ import annotations

import torch
from torch import Tensor

from avexplore.losses.pairs import PairLoss


class SupervisedContrastiveLoss(PairLoss):
    """Every positive should win a softmax over all candidates of the batch.

    L = - mean over anchors a of 1/|P(a)| * sum over p in P(a) of log( e^{s_ap/T} / sum over c of k_ac e^{s_ac/T} )

    with s the cosine similarity [reported]; k_ac = 1 - forgiven for negatives and 1 otherwise: a linked negative
    leaves the denominator by degree [ours]. Under margin factors f, a negative counts with
    s_ac - margin * (1 - f) [ours].

    Args:
        temperature: T > 0.
        margin: What a margin factor of 0 takes off a negative's similarity; unused without factors.

    References:
        Khosla et al., Supervised Contrastive Learning, NeurIPS 2020 (their L_out, across modalities).
    """

    def __init__(self, temperature: float = 0.1, margin: float = 0.2) -> None:
        super().__init__()
        self.temperature, self.margin = temperature, margin

    def forward(
        self, distances: Tensor, positive: Tensor, forgiven: Tensor | None = None, margins: Tensor | None = None
    ) -> Tensor:
        """See `PairLoss.forward`; distances are cosine distances."""
        logits = distances / -self.temperature  # = (s - 1) / T: the softmax does not see the constant
        weighted = logits
        if forgiven is not None:
            weighted = weighted + torch.log1p(-forgiven.to(logits.dtype))
        if margins is not None:
            weighted = weighted + (margins.to(logits.dtype) - 1.0) * (self.margin / self.temperature)
        mask = positive.to(logits.dtype)
        count = mask.sum(1)
        mean_positive = (logits * mask).sum(1) / count.clamp(min=1.0)
        per_anchor = (weighted.logsumexp(1) - mean_positive) * (count > 0)
        return per_anchor.sum() / (count > 0).sum().clamp(min=1)


class InfoNCELoss(SupervisedContrastiveLoss):
    """The other half of the same clip should win a softmax over the batch; annotations play no part.

    L = - mean over clips n of log( e^{s_nn/T} / sum over m of k_nm e^{s_nm/T} )   [reported]; k as above [ours].

    References:
        Oord, Li, Vinyals, Representation Learning with Contrastive Predictive Coding, arXiv 1807.03748.
    """

    matched_pairs_only = True
