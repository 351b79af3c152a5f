"""AA scores and proxies by hand on three clips, and what must hold for any."""

from __future__ import annotations

import math

import pytest
import torch

from avexplore.losses import AnchorAwareness
from avexplore.losses.anchor_awareness import correlation_graph

CLIPS = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], dtype=torch.float64)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_graph_by_hand():
    """Cosines: 0-1 .6, 0-2 0, 1-2 .8."""
    assert correlation_graph(CLIPS, 2).tolist() == [[1, 2], [2, 0], [1, 0]]
    assert correlation_graph(CLIPS, 9).shape == (3, 2)


def test_scores_by_hand():
    """alpha = sigmoid((cosine - 1) / t) for each neighbor, t = sqrt(2)."""
    t = math.sqrt(2)
    expected = [
        (sigmoid(-0.4 / t) + sigmoid(-1 / t)) / 2,
        (sigmoid(-0.2 / t) + sigmoid(-0.4 / t)) / 2,
        (sigmoid(-0.2 / t) + sigmoid(-1 / t)) / 2,
    ]
    torch.testing.assert_close(AnchorAwareness(2).scores(CLIPS), torch.tensor(expected, dtype=torch.float64))


def test_proxies_by_hand():
    """k = 1, t = .5: clip 0 with clip 1, clip 1 with clip 2, clip 2 with clip 1."""
    proxies = AnchorAwareness(1, temperature=0.5)(CLIPS)
    for n, m, cosine in [(0, 1, 0.6), (1, 2, 0.8), (2, 1, 0.8)]:
        alpha = sigmoid((cosine - 1) / 0.5)
        mixed = (1 - alpha) * CLIPS[n] + alpha * CLIPS[m]
        torch.testing.assert_close(proxies[n], mixed / mixed.norm())


def test_attention_is_scaled_dot_product_attention(batch):
    """Each manifold pair, through torch's own attention, with the anchor as query."""
    clips, _, _ = batch(10, 6, 3)
    k = 3
    proxies = AnchorAwareness(k)(clips)
    nearest = correlation_graph(clips, k)
    for n in range(10):
        pairs = torch.stack([torch.stack([clips[n], clips[m]]) for m in nearest[n]])  # (k, 2, d)
        query = clips[n].expand(k, 1, 6)
        outcome = torch.nn.functional.scaled_dot_product_attention(query, pairs, pairs).mean((0, 1))
        torch.testing.assert_close(proxies[n], outcome / outcome.norm())


def test_differentiable(batch):
    clips, _, _ = batch(7, 4, 2)
    awareness = AnchorAwareness(2, temperature=0.3)
    assert torch.autograd.gradcheck(awareness, (clips.requires_grad_(),))
    assert torch.autograd.gradcheck(awareness.scores, (clips,))


def test_a_proxy_lies_nearer_to_its_neighbors_than_the_clip(batch):
    clips, _, _ = batch(30, 8, 3)
    proxies, nearest = AnchorAwareness(3, temperature=0.2)(clips), correlation_graph(clips, 3)
    nearer = (proxies[:, None] * clips[nearest]).sum((1, 2)) > (clips[:, None] * clips[nearest]).sum((1, 2))
    assert nearer.all()
    torch.testing.assert_close(proxies.norm(dim=1), torch.ones(30, dtype=torch.float64))


def test_a_lone_clip_stands_for_itself():
    lone = CLIPS[:1]
    assert torch.equal(AnchorAwareness(3)(lone), lone)
    assert AnchorAwareness(3).scores(lone).tolist() == [0.0]


def test_neighbors_from_the_other_modality_leave_out_the_own_half(batch):
    audio, visual, _ = batch(6, 4, 2)
    visual = torch.where(torch.arange(6)[:, None] == 0, audio, visual)  # clip 0's halves are equal
    proxies = AnchorAwareness(1, temperature=0.5)(audio, source=visual)
    best = (audio @ visual.T).fill_diagonal_(-2).argmax(1)
    alpha = torch.sigmoid(((audio * visual[best]).sum(1) - 1) / 0.5)[:, None]
    expected = torch.nn.functional.normalize((1 - alpha) * audio + alpha * visual[best], dim=1)
    torch.testing.assert_close(proxies, expected)


@pytest.mark.parametrize("k", [1, 3, 7])
def test_scores_stay_below_a_half(k, batch):
    clips, _, _ = batch(20, 8, 3)
    scores = AnchorAwareness(k).scores(clips)
    assert ((scores > 0) & (scores <= 0.5)).all()
