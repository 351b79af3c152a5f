"""Our losses for one set of embeddings, called as pytorch-metric-learning's are."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from avexplore.errors import ConfigError
from avexplore.losses.pairs import DistanceName, PairLoss, cosine_distance, distance
from avexplore.losses.proxies import ClassProxies, ProxyLoss


class EmbeddingLoss(nn.Module):
    """A pair loss or a proxy loss of one set of embeddings, or of one set against another.

    Takes the place of a loss of pytorch-metric-learning: `loss(embeddings, labels)`, or with `ref_emb` and `ref_labels`
    as candidates. No embedding is its own positive or negative. Both modalities of clips at once, with LIR, are the
    business of `losses.metric.CrossModalLoss`.

    Args:
        loss: A `PairLoss`, such as `TripletLoss(0.2)`, or a `ProxyLoss` with its `proxies`.
        proxies: One per class, whose parameters are trained along.
        distance: How far an embedding is from a candidate.

    >>> from avexplore.losses.triplet import TripletLoss
    >>> loss = EmbeddingLoss(TripletLoss(0.2))
    >>> loss(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]]), torch.tensor([0, 0, 1])).shape
    torch.Size([])
    """

    def __init__(
        self, loss: PairLoss | ProxyLoss, proxies: ClassProxies | None = None, *, distance: DistanceName = "cosine"
    ) -> None:
        super().__init__()
        if isinstance(loss, ProxyLoss) != (proxies is not None):
            raise ConfigError("A proxy loss, and no other, takes class proxies", where="proxies")
        self.loss, self.proxies, self.distance = loss, proxies, distance

    def forward(
        self,
        embeddings: Tensor,
        labels: Tensor,
        indices_tuple: object = None,
        ref_emb: Tensor | None = None,
        ref_labels: Tensor | None = None,
    ) -> Tensor:
        """The loss of a batch.

        Args:
            embeddings: Of any length; they are scaled to 1. Shape (B, d).
            labels: Whole numbers. Shape (B,).
            indices_tuple: A miner's choice, which is refused: these losses mine for themselves.
            ref_emb: Candidates, in place of the embeddings themselves. Shape (R, d).
            ref_labels: Theirs. Shape (R,).

        Returns:
            A scalar.

        Raises:
            ConfigError: If something is given that the loss makes nothing of.
        """
        if indices_tuple is not None:
            raise ConfigError(
                "These losses mine for themselves", where="indices_tuple", fix="Choose the mining of the loss"
            )
        anchors = normalize(embeddings, dim=1)
        if self.proxies is not None:
            if ref_emb is not None:
                raise ConfigError("A proxy loss has its proxies as candidates", where="ref_emb")
            known = self.proxies()
            positive = labels[:, None] == torch.arange(len(known), device=labels.device)
            found: Tensor = self.loss(cosine_distance(anchors, known), positive)
            return found
        if (ref_emb is None) != (ref_labels is None):
            raise ConfigError("Candidates and their labels go together", where="ref_emb")
        is_matched = isinstance(self.loss, PairLoss) and self.loss.matched_pairs_only
        if ref_emb is None or ref_labels is None:
            if is_matched:
                raise ConfigError(
                    "This loss pairs each embedding with its own other half",
                    where="ref_emb",
                    fix="Give the other halves",
                )
            candidates, positive = anchors, labels[:, None] == labels[None, :]
            others = ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
            apart = distance(anchors @ candidates.T, self.distance)
            if len(labels) < 2:
                return embeddings.sum() * 0.0
            rows = len(labels), len(labels) - 1
            return self.loss(apart[others].view(rows), positive[others].view(rows))  # type: ignore[no-any-return]
        candidates = normalize(ref_emb, dim=1)
        if is_matched:
            positive = torch.eye(len(labels), len(ref_labels), dtype=torch.bool, device=labels.device)
        else:
            positive = labels[:, None] == ref_labels[None, :]
        found = self.loss(distance(anchors @ candidates.T, self.distance), positive)
        return found
