"""Proxy losses against loops and pytorch-metric-learning."""

from __future__ import annotations

import math

import pytest
import torch
from pytorch_metric_learning import losses

from avexplore.losses.metric import CrossModalProxyLoss
from avexplore.losses.pairs import cosine_distance
from avexplore.losses.proxies import ClassProxies, ProxyAnchorLoss, ProxyTripletLoss, class_means


def test_proxy_triplet_is_the_loop(batch):
    audio, _, labels = batch(9, 5, 3)
    proxies, _, _ = batch(3, 5, 3, seed=5)
    D = cosine_distance(audio, proxies)
    forgiven = torch.rand(9, 3, generator=torch.Generator().manual_seed(1), dtype=D.dtype)
    positive = labels[:, None] == torch.arange(3)
    total = count = 0.0
    for a in range(9):
        for c in range(3):
            violation = 0.5 + D[a, labels[a]].item() - D[a, c].item()
            if c != labels[a] and violation > 0:
                total += (1 - forgiven[a, c].item()) * violation
                count += 1
    assert ProxyTripletLoss(0.5)(D, positive, forgiven).item() == pytest.approx(total / count)


def test_proxy_anchor_agrees_with_pytorch_metric_learning(batch):
    audio, _, labels = batch(12, 6, 3)
    labels = labels % 2  # class 2 has no clip: its proxy has no positives
    peer = losses.ProxyAnchorLoss(3, 6, margin=0.1, alpha=10).double()
    proxies = torch.nn.functional.normalize(peer.proxies.detach(), dim=1)
    positive = labels[:, None] == torch.arange(3)
    ours = ProxyAnchorLoss(0.1, 0.1)(cosine_distance(audio, proxies), positive)
    torch.testing.assert_close(ours, peer(audio, labels).detach())


def test_proxy_anchor_forgives_by_hand():
    """One clip, own proxy at similarity 1, another at 0: log(1 + e^{-a(1-m)}) + (log(1 + k e^{a m})) / 2."""
    D, positive, forgiven = torch.tensor([[0.0, 1.0]]), torch.tensor([[True, False]]), torch.tensor([[0.0, 0.75]])
    expected = math.log(1 + math.exp(-0.9 * 2)) + math.log(1 + 0.25 * math.exp(0.2)) / 2
    assert ProxyAnchorLoss(0.5, 0.1)(D, positive, forgiven).item() == pytest.approx(expected, rel=1e-5)


def test_clip_pairs_become_clip_class_pairs():
    pairs = torch.tensor([[0.0, 0.2, 0.6]])
    positive = torch.tensor([[True, False, False], [False, True, False], [False, True, False]])
    torch.testing.assert_close(class_means(pairs, positive), torch.tensor([[0.0, 0.4, 0.0]]))


def test_both_modalities_meet_at_shared_proxies(batch):
    """Audio and visual clips of a class end up together without ever being compared."""
    audio, visual, labels = batch(12, 6, 3)
    torch.manual_seed(0)
    loss = CrossModalProxyLoss(ProxyTripletLoss(0.5), ClassProxies(3, 6)).double()
    free = [audio.clone().requires_grad_(), visual.clone().requires_grad_()]
    optimizer = torch.optim.Adam([*free, *loss.parameters()], 0.05)
    for _ in range(100):
        optimizer.zero_grad()
        loss(*(torch.nn.functional.normalize(x, dim=1) for x in free), labels).backward()
        optimizer.step()
    a, v = (torch.nn.functional.normalize(x.detach(), dim=1) for x in free)
    assert (labels[(a @ v.T).argmax(1)] == labels).all()
