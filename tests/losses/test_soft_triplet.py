"""Soft triplets by hand, and what the network's own doubt does."""

from __future__ import annotations

import torch

from avexplore.losses.metric import CrossModalLoss
from avexplore.losses.triplet import SoftTripletLoss, TripletLoss, doubted

LABELS = torch.tensor([0, 1, 1])
AUDIO = torch.tensor([[0.8, 0.2], [0.5, 0.5], [0.0, 1.0]], dtype=torch.float64)
VISUAL = torch.tensor([[0.6, 0.4], [0.3, 0.7], [0.1, 0.9]], dtype=torch.float64)


def test_doubt_by_hand():
    confidence = (0.8 + 0.5 + 1.0 + 0.6 + 0.7 + 0.9) / 6
    found = doubted((AUDIO, VISUAL), LABELS)
    for n in range(3):
        for m in range(3):
            alike = AUDIO[n] @ VISUAL[m] if LABELS[n] != LABELS[m] else 0.0
            assert abs(float(found[n, m]) - confidence * float(alike)) < 1e-12


def test_a_negative_counts_by_what_is_left_of_it(batch):
    audio, visual, labels = batch(3, 5, 2)
    plain, soft = CrossModalLoss(TripletLoss(0.5)), CrossModalLoss(SoftTripletLoss(0.5))
    degree = doubted((AUDIO, VISUAL), labels)
    expected = plain(audio, visual, labels, forgiven=degree)
    torch.testing.assert_close(soft(audio, visual, labels, predicted=(AUDIO, VISUAL)), expected)
    torch.testing.assert_close(plain(audio, visual, labels, predicted=(AUDIO, VISUAL)), plain(audio, visual, labels))
    linked = degree * 0.5
    both = soft(audio, visual, labels, forgiven=linked, predicted=(AUDIO, VISUAL))
    torch.testing.assert_close(both, plain(audio, visual, labels, forgiven=1 - (1 - linked) * (1 - degree)))


def test_predictions_get_no_gradient(batch):
    audio, visual, labels = batch(3, 5, 2)
    predicted = AUDIO.clone().requires_grad_(), VISUAL.clone().requires_grad_()
    value = CrossModalLoss(SoftTripletLoss(0.5))(audio.requires_grad_(), visual, labels, predicted=predicted)
    value.backward()
    assert predicted[0].grad is predicted[1].grad is None
    assert audio.grad is not None


def test_an_untrained_network_doubts_little_and_never_all(batch):
    even = torch.full((4, 4), 0.25)
    assert float(doubted((even, even), torch.arange(4)).max()) == 0.25 * 0.25
    sure = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert float(doubted((sure, sure), torch.tensor([0, 1])).max()) < 1.0
