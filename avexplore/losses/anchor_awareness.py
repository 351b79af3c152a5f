"""Anchor-aware proxies (AADML): attention over manifold pairs says what stands in for an anchor."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

NeighborsOf = Literal["own", "other", "both"]


def correlation_graph(vectors: Tensor, candidates: Tensor, own: Tensor, neighbors: int) -> Tensor:
    """Each clip's nearest other clips, by cosine: AADML's correlation graph [reported].

    Args:
        vectors: Unit vectors of the clips. Shape (B, w).
        candidates: Unit vectors of who may be a neighbor. Shape (G, w).
        own: Which candidates are the clip itself, or may not be its neighbor. Shape (B, G), bool.
        neighbors: k >= 1.

    Returns:
        Rows of the k' = min(k, B - 1) nearest candidates, nearest first. Shape (B, k').

    >>> clips = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    >>> correlation_graph(clips, clips, torch.eye(3, dtype=torch.bool), 1).ravel()
    tensor([1, 0, 1])
    """
    with torch.no_grad():
        similarity = (vectors @ candidates.T).masked_fill(own, -torch.inf)
        nearest: Tensor = similarity.topk(max(0, min(neighbors, len(vectors) - 1)), dim=1).indices
    return nearest


class AnchorAwareness(nn.Module):
    """Anchor-aware (AA) scores, which stand in for their anchors as proxies.

    [reported] Anchors are the queries and the values, and the j-th neighbor of a clip makes a manifold pair with it.
    Attention with the anchor as query scores the pairs; the mean over the k neighbors is the AA score, and "this score
    is used as an anchor proxy" in the metric loss. Queries, keys and values are predicted label embeddings.

    [ours] With P the unit vectors of a batch (rows), K_j those of each clip's j-th neighbor, and a softmax over the
    clips of the batch:

        AA = 1/k * sum over j of softmax( P K_j^T / t ) P,   proxy = AA at unit length

    so that an anchor's proxy is a mean of anchors, each weighed by how near its neighbors are to this anchor. In one
    modality two clips with the same neighbors get the same weight. Proxies are differentiable; which clips are
    neighbors is not. P is what the caller passes: unit class posteriors for the label space, or the embedding [ours].

    Args:
        neighbors: k, 1 to 7 in the paper's ablation.
        temperature: t > 0.
        neighbors_of: Where neighbors come from: the anchor's "own" modality, the "other" one, or "both". A clip's own
            other half is no neighbor.
        clips: Number of training clips, whose last vectors are then remembered, so that neighbors come from all of
            them; keys from there carry no gradient. 0: neighbors come from the batch.
        width: Columns w of a vector, where vectors are remembered.

    References:
        Zeng, Wang, Ikeda, Yu, Anchor-aware Deep Metric Learning for Audio-visual Retrieval, ICMR 2024.
    """

    remembered: Tensor
    seen: Tensor

    def __init__(
        self,
        neighbors: int = 3,
        temperature: float = 0.1,
        neighbors_of: NeighborsOf = "own",
        *,
        clips: int = 0,
        width: int = 0,
    ) -> None:
        super().__init__()
        self.neighbors, self.temperature, self.neighbors_of = neighbors, temperature, neighbors_of
        if clips:
            self.register_buffer("remembered", torch.zeros(2, clips, width))
            self.register_buffer("seen", torch.zeros(clips, dtype=torch.bool))
        self.clips = clips

    def forward(self, audio: Tensor, visual: Tensor, rows: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """AA proxies of both modalities.

        Args:
            audio: Unit vectors. Shape (B, w).
            visual: Unit vectors of the same clips. Shape (B, w).
            rows: Which training clips they are, to remember them; None looks for neighbors in the batch. Shape (B,).

        Returns:
            Unit vectors; a lone clip stands for itself. Shapes (B, w), (B, w).
        """
        if not self.clips:
            rows = None
        if rows is not None and self.training:
            with torch.no_grad():
                self.remembered[:, rows] = torch.stack([audio, visual]).to(self.remembered.dtype)
                self.seen[rows] = True
        pair = audio, visual
        found = [nn.functional.normalize(self._scores(pair, side, rows), dim=1) for side in (0, 1)]
        return found[0], found[1]

    def attention(self, anchors: Tensor, keys: Tensor) -> Tensor:
        """Weight of each anchor in each anchor's score. Shapes (B, w), (B, k, w) -> (B, B), rows sum to 1."""
        clips, k, width = keys.shape
        alike = (anchors @ keys.reshape(clips * k, width).T).reshape(clips, clips, k)
        return (alike / self.temperature).softmax(1).mean(2)

    def _scores(self, pair: tuple[Tensor, Tensor], side: int, rows: Tensor | None) -> Tensor:
        anchors = pair[side]
        keys = self._keys(pair, side, rows)
        return self.attention(anchors, keys) @ anchors if keys.shape[1] else anchors

    def _keys(self, pair: tuple[Tensor, Tensor], side: int, rows: Tensor | None) -> Tensor:
        """Vectors of each anchor's neighbors. Shape (B, k', w)."""
        sides = {"own": (side,), "other": (1 - side,), "both": (side, 1 - side)}[self.neighbors_of]
        anchors = pair[side]
        if rows is None:
            candidates = torch.cat([pair[s] for s in sides])
            barred = torch.eye(len(anchors), dtype=torch.bool, device=anchors.device)
        else:
            candidates = torch.cat([self.remembered[s] for s in sides]).to(anchors.dtype)
            every = torch.arange(self.clips, device=anchors.device)
            barred = (rows[:, None] == every) | ~self.seen
        nearest = correlation_graph(anchors, candidates, barred.repeat(1, len(sides)), self.neighbors)
        return candidates[nearest]
