"""Softmax over the batch: supervised contrastive loss, and InfoNCE as its special case without labels."""

from __future__ import annotations

from torch import Tensor

from avexplore.losses.pairs import PairLoss, by_direction


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
        return _cross_entropy(self._logits(distances, self._offsets(forgiven, margins)), _shares(positive, distances))

    def both_ways(
        self,
        audio_to_visual: Tensor,
        visual_to_audio: Tensor | None,
        positive: Tensor,
        forgiven: Tensor | None = None,
        margins: Tensor | None = None,
    ) -> Tensor:
        """See `PairLoss.both_ways`; what both directions share is computed once."""
        share, offsets = _shares(positive, audio_to_visual), by_direction(self._offsets(forgiven, margins))
        logits = self._logits(audio_to_visual, offsets[0])
        directed = any(pairs is not None and pairs.ndim == 3 for pairs in (forgiven, margins))
        if visual_to_audio is None and not directed:
            return _cross_entropy(logits, share) + _cross_entropy(logits, share.T, dim=0)
        return_logits = self._logits(audio_to_visual.T if visual_to_audio is None else visual_to_audio, offsets[1])
        return _cross_entropy(logits, share) + _cross_entropy(return_logits, share)

    def _logits(self, distances: Tensor, offset: Tensor | None) -> Tensor:
        logits = distances / -self.temperature  # = (s - 1) / T: the softmax does not see the constant
        return logits if offset is None else logits + offset.to(logits.dtype)

    def _offsets(self, forgiven: Tensor | None, margins: Tensor | None) -> Tensor | None:
        """What LIR adds to the logits of negatives, <= 0."""
        found = None if forgiven is None else forgiven.neg().log1p_()
        if margins is not None:
            off = (margins - 1.0) * (self.margin / self.temperature)
            found = off if found is None else found + off
        return found


def _shares(positive: Tensor, like: Tensor) -> Tensor:
    """What each positive pair weighs in the mean over anchors of the mean over their positives. Shape (B, B)."""
    mask = positive.to(like.dtype)
    count = mask.sum(1, keepdim=True)
    return mask / (count.clamp(min=1.0) * (count > 0).sum().clamp(min=1))


def _cross_entropy(logits: Tensor, share: Tensor, dim: int = 1) -> Tensor:
    """Of the softmax along `dim` with the positives. Nothing is taken off their logits, so one log-softmax serves."""
    return -(logits.log_softmax(dim) * share).sum()


class InfoNCELoss(SupervisedContrastiveLoss):
    """The other half of the same clip should win a softmax over the batch; annotations play no part.

    L = - mean over clips n of log( e^{s_nn/T} / sum over m of k_nm e^{s_nm/T} )   [reported]; k as above [ours].

    References:
        Oord, Li, Vinyals, Representation Learning with Contrastive Predictive Coding, arXiv 1807.03748.
    """

    matched_pairs_only = True
