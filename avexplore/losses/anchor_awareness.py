"""Anchor-aware proxies (AADML): a clip seen together with its nearest neighbors stands in for the clip itself."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def correlation_graph(embedding: Tensor, neighbors: int) -> Tensor:
    """Each clip's nearest other clips of the batch, by cosine: AADML's correlation graph of one modality [reported].

    Args:
        embedding: Unit vectors of one modality. Shape (B, d).
        neighbors: k >= 1; at most B - 1 are found.

    Returns:
        Rows of the k' = min(k, B - 1) nearest, nearest first. Shape (B, k').

    >>> correlation_graph(torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]), 1).ravel()
    tensor([1, 0, 1])
    """
    with torch.no_grad():
        similarity = (embedding @ embedding.T).fill_diagonal_(-torch.inf)
        nearest: Tensor = similarity.topk(max(0, min(neighbors, len(embedding) - 1)), dim=1).indices
    return nearest


class AnchorAwareness(nn.Module):
    """Scores and proxies of anchors from their manifold pairs.

    [reported] An anchor and each of its k nearest clips in the correlation graph form a manifold pair; attention with
    the anchor as query scores each pair; the mean score is the anchor-aware (AA) score, and what attention gives
    stands in for the anchor in the metric loss.

    [ours] Pair m of anchor n is the two vectors (z_n, z_m), keys and values alike, with z_n as the query:

        alpha_nm = softmax( z_n . z_n / t, z_n . z_m / t )[second] = sigmoid( (z_n . z_m - z_n . z_n) / t )
        AA score of n = mean over m of alpha_nm,   in (0, 1/2] for unit vectors
        AA proxy of n = unit( mean over m of (1 - alpha_nm) z_n + alpha_nm z_m )

    so the AA score is the share that the neighbors have in the proxy. Scores and proxies are differentiable;
    which clips are neighbors is not. The paper works on predicted label embeddings, we on the student's embeddings.

    Args:
        neighbors: k, 1 to 7 in the paper's ablation.
        temperature: t > 0; None is the square root of d, as in scaled dot-product attention.

    References:
        Zeng, Wang, Ikeda, Yu, Anchor-aware Deep Metric Learning for Audio-visual Retrieval, ICMR 2024.
    """

    def __init__(self, neighbors: int = 3, temperature: float | None = None) -> None:
        super().__init__()
        self.neighbors, self.temperature = neighbors, temperature

    def attention(self, anchors: Tensor, keys: Tensor) -> Tensor:
        """alpha: what each neighbor gets of its manifold pair's attention. Shapes (B, d), (B, k, d) -> (B, k)."""
        scale = math.sqrt(anchors.shape[1]) if self.temperature is None else self.temperature
        own = (anchors * anchors).sum(1, keepdim=True)  # (B, 1)
        other = (keys @ anchors[:, :, None]).squeeze(2)  # (B, k)
        return torch.sigmoid((other - own) / scale)

    def scores(self, embedding: Tensor, source: Tensor | None = None) -> Tensor:
        """AA score of each clip; 0 without any neighbor. Shape (B,). Arguments as in `forward`."""
        keys = self._neighbors(embedding, source)
        if not keys.shape[1]:
            return embedding.sum(1) * 0.0
        return self.attention(embedding, keys).mean(1)

    def forward(self, embedding: Tensor, source: Tensor | None = None) -> Tensor:
        """AA proxies.

        Args:
            embedding: Unit vectors of the anchors' modality. Shape (B, d).
            source: Where neighbors come from, if not from the anchors' own modality: the other modality's unit
                vectors of the same clips. Shape (B, d). A clip's own other half is no neighbor.

        Returns:
            Unit vectors; a clip without neighbors stands for itself. Shape (B, d).
        """
        keys = self._neighbors(embedding, source)
        if not keys.shape[1]:
            return embedding
        alpha = self.attention(embedding, keys)
        mixed = (1.0 - alpha.mean(1, keepdim=True)) * embedding + (alpha[:, :, None] * keys).mean(1)
        return nn.functional.normalize(mixed, dim=1)

    def _neighbors(self, embedding: Tensor, source: Tensor | None) -> Tensor:
        keys = embedding if source is None else source
        if source is None:
            nearest = correlation_graph(embedding, self.neighbors)
        else:
            with torch.no_grad():
                similarity = (embedding @ source.T).fill_diagonal_(-torch.inf)
                nearest = similarity.topk(max(0, min(self.neighbors, len(embedding) - 1)), dim=1).indices
        return keys[nearest]  # (B, k', d)
