"""AA proxies by hand and by a slow loop, and what must hold for any."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import normalize

from avexplore.losses.anchor_awareness import AnchorAwareness, correlation_graph
from avexplore.losses.contrastive import ContrastiveLoss
from avexplore.losses.metric import CrossModalLoss
from avexplore.losses.triplet import TripletLoss

CLIPS = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], dtype=torch.float64)
ITSELF = torch.eye(3, dtype=torch.bool)


def test_graph_by_hand():
    """Cosines: 0-1 .6, 0-2 0, 1-2 .8."""
    assert correlation_graph(CLIPS, CLIPS, ITSELF, 2).tolist() == [[1, 2], [2, 0], [1, 0]]
    assert correlation_graph(CLIPS, CLIPS, ITSELF, 9).shape == (3, 2)


def test_proxy_by_hand():
    """k = 1, t = .5: neighbors are 1, 2, 1; anchor 0's cosines with them .6, 0, .6."""
    proxies, _ = AnchorAwareness(1, 0.5)(CLIPS, CLIPS)
    weights = [math.exp(cosine / 0.5) for cosine in (0.6, 0.0, 0.6)]
    mixed = sum(w / sum(weights) * clip for w, clip in zip(weights, CLIPS, strict=True))
    torch.testing.assert_close(proxies[0], mixed / mixed.norm())


def slow(anchors: torch.Tensor, candidates: torch.Tensor, never: list[set[int]], k: int, t: float) -> torch.Tensor:
    """The formula of the docstring, pair by pair."""
    nearest = [
        sorted((c for c in range(len(candidates)) if c not in barred), key=lambda c: -float(anchor @ candidates[c]))[:k]
        for anchor, barred in zip(anchors, never, strict=True)
    ]
    found = []
    for anchor in anchors:
        score = torch.zeros_like(anchor)
        for j in range(k):
            logits = torch.stack([anchor @ candidates[nearest[m][j]] / t for m in range(len(anchors))])
            score = score + torch.softmax(logits, 0) @ anchors / k
        found.append(score / score.norm())
    return torch.stack(found)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("neighbors_of", ["own", "other", "both"])
def test_proxies_are_those_of_a_slow_loop(k, neighbors_of, batch):
    audio, visual, _ = batch(10, 6, 3)
    found = AnchorAwareness(k, 0.2, neighbors_of)(audio, visual)
    for own, other, proxies in ((audio, visual, found[0]), (visual, audio, found[1])):
        candidates = {"own": own, "other": other, "both": torch.cat([own, other])}[neighbors_of]
        torch.testing.assert_close(proxies, slow(own, candidates, [{n, n + 10} for n in range(10)], k, 0.2))


@pytest.mark.parametrize("k", [1, 3, 7])
def test_attention_spreads_on_random_unit_vectors(k, batch):
    """Weights that are nearly the same whatever the input would make no anchor aware of anything."""
    clips, _, _ = batch(64, 28, 4, seed=9)
    awareness = AnchorAwareness(k)
    weights = awareness.attention(clips, awareness._keys((clips, clips), 0, None))
    torch.testing.assert_close(weights.sum(1), torch.ones(64, dtype=torch.float64))
    assert (weights.amax(1) > 10 * weights.amin(1)).all()
    surprise = -(weights * weights.log()).sum(1).exp()
    assert float(surprise.mean()) < 0.75 * 64
    cold, warm = (AnchorAwareness(k, t).attention(clips, clips[:, None]) for t in (0.02, 100.0))
    assert float(cold.amax(1).min()) > 0.99
    assert float(warm.amax(1).max()) < 1.05 / 64


def test_neighbors_among_all_training_clips(batch):
    """What a clip's vector was when it was last seen; clips that were never seen are nobody's neighbors."""
    audio, visual, _ = batch(10, 6, 3)
    awareness = AnchorAwareness(3, 0.2, clips=12, width=6).double()
    first, second = torch.arange(6), torch.tensor([6, 7, 8, 9])
    alone = awareness(audio[:6], visual[:6], first)
    torch.testing.assert_close(alone, AnchorAwareness(3, 0.2)(audio[:6], visual[:6]))
    proxies, _ = awareness(audio[second], visual[second], second)
    torch.testing.assert_close(proxies, slow(audio[second], audio, [{int(n)} for n in second], 3, 0.2))
    assert awareness.seen.tolist() == [True] * 10 + [False] * 2
    awareness.eval()
    awareness(visual[second], audio[second], second)
    torch.testing.assert_close(awareness.remembered[0, :10], audio)


@pytest.mark.parametrize("neighbors_of", ["own", "other", "both"])
def test_differentiable(neighbors_of, batch):
    audio, visual, _ = batch(7, 4, 2)
    awareness = AnchorAwareness(2, 0.3, neighbors_of)
    assert torch.autograd.gradcheck(awareness, (audio.requires_grad_(), visual.requires_grad_()))


@pytest.mark.parametrize("k", [1, 4, 7])
@pytest.mark.parametrize(
    "loss", [ContrastiveLoss(0.5), *(TripletLoss(0.5, mining) for mining in ("all", "semihard", "hard"))]
)
def test_papers_losses_take_the_proxies(loss, k, batch):
    """On label embeddings: the loss of proxies against the other modality's clips, in both directions."""
    audio, visual, labels = batch(9, 5, 3)
    audio, visual = (normalize((4 * x).softmax(1), dim=1) for x in (audio, visual))
    proxies = AnchorAwareness(k)(audio, visual)
    positive = labels[:, None] == labels[None]
    expected = loss(1 - proxies[0] @ visual.T, positive) + loss(1 - proxies[1] @ audio.T, positive)
    whole = CrossModalLoss(loss, AnchorAwareness(k))
    torch.testing.assert_close(whole(audio, visual, labels), expected)
    assert torch.autograd.gradcheck(lambda a, v: whole(a, v, labels), (audio.requires_grad_(), visual.requires_grad_()))


def test_a_lone_clip_stands_for_itself():
    lone = CLIPS[:1]
    assert torch.equal(AnchorAwareness(3)(lone, lone)[0], lone)
