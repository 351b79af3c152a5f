"""Supervised contrastive loss and InfoNCE against a loop, PyTorch and pytorch-metric-learning."""

from __future__ import annotations

import math

import pytest
import torch
from pytorch_metric_learning import distances, losses

from avexplore.losses.metric import CrossModalLoss
from avexplore.losses.pairs import cosine_distance, same_label
from avexplore.losses.supervised_contrastive import InfoNCELoss, SupervisedContrastiveLoss


def test_three_clips_by_hand():
    """Similarities 1, 0, 0 at T = 1: the positive wins against e^0 + e^0, one of which is half forgiven."""
    D, positive = torch.tensor([[0.0, 1.0, 1.0]]), torch.tensor([[True, False, False]])
    loss = SupervisedContrastiveLoss(1.0)
    assert loss(D, positive).item() == pytest.approx(-math.log(math.e / (math.e + 2)))
    forgiven = torch.tensor([[0.0, 0.5, 0.0]])
    assert loss(D, positive, forgiven).item() == pytest.approx(-math.log(math.e / (math.e + 1.5)))


def test_margin_factor_takes_off_similarity():
    D, positive = torch.tensor([[0.0, 1.0]]), torch.tensor([[True, False]])
    found = SupervisedContrastiveLoss(0.5, margin=0.2)(D, positive, None, torch.tensor([[1.0, 0.25]]))
    assert found.item() == pytest.approx(math.log(1 + math.exp((-1 - 0.2 * 0.75) / 0.5)), rel=1e-5)


@pytest.mark.parametrize("with_lir", [False, True])
def test_is_the_loop(with_lir, batch):
    audio, visual, labels = batch(11, 5, 3)
    S, positive = (audio @ visual.T).numpy(), same_label(labels)
    forgiven = torch.rand(11, 11, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    forgiven = forgiven.masked_fill(positive, 0.0)
    total = 0.0
    for a in range(11):
        inner, positives = 0.0, [p for p in range(11) if positive[a, p]]
        below = sum((1 - float(forgiven[a, c]) * with_lir) * math.exp(S[a, c] / 0.2) for c in range(11))
        for p in positives:
            inner += math.log(math.exp(S[a, p] / 0.2) / below)
        total -= inner / len(positives)
    loss = SupervisedContrastiveLoss(0.2)
    found = loss(cosine_distance(audio, visual), positive, forgiven if with_lir else None)
    assert found.item() == pytest.approx(total / 11)


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("kind", ["forgiven", "margins"])
def test_both_ways_is_one_way_and_the_other(kind, directed, batch):
    """What both directions share is computed once; each alone, with rows = anchors, must add up to the same."""
    audio, visual, labels = batch(9, 5, 3)
    D, positive = cosine_distance(audio, visual), same_label(labels)
    pairs = torch.rand(2, 9, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 0.9
    pairs = pairs.masked_fill(positive, 0.0) if kind == "forgiven" else pairs.masked_fill(positive, 1.0)
    given = pairs if directed else pairs[0]
    loss = SupervisedContrastiveLoss(0.2)
    there, back = loss(D, positive, **{kind: pairs[0]}), loss(D.T, positive, **{kind: pairs[int(directed)].T})
    torch.testing.assert_close(CrossModalLoss(loss)(audio, visual, labels, **{kind: given}), there + back)


def test_agrees_with_pytorch_metric_learning(batch):
    audio, visual, labels = batch(20, 6, 4, dtype=torch.float32)
    peer = losses.SupConLoss(0.1, distance=distances.CosineSimilarity())
    theirs = peer(audio, labels, ref_emb=visual, ref_labels=labels.clone()) + peer(
        visual, labels, ref_emb=audio, ref_labels=labels.clone()
    )
    torch.testing.assert_close(CrossModalLoss(SupervisedContrastiveLoss(0.1))(audio, visual, labels), theirs)


def test_infonce_is_cross_entropy_on_the_diagonal(batch):
    audio, visual, labels = batch(20, 6, 4)
    S = audio @ visual.T / 0.1
    target = torch.arange(20)
    expected = torch.nn.functional.cross_entropy(S, target) + torch.nn.functional.cross_entropy(S.T, target)
    torch.testing.assert_close(CrossModalLoss(InfoNCELoss(0.1))(audio, visual, labels), expected)


def test_infonce_ignores_annotations(batch):
    audio, visual, labels = batch(12, 6, 4)
    loss = CrossModalLoss(InfoNCELoss(0.1))
    assert loss(audio, visual, labels).item() == loss(audio, visual, labels * 0).item()


def test_cold_temperatures_do_not_overflow(batch):
    audio, visual, labels = batch(12, 6, 4, dtype=torch.float32)
    audio = audio.requires_grad_()
    value = CrossModalLoss(SupervisedContrastiveLoss(1e-3))(audio, visual, labels)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(audio.grad).all()


def test_an_anchor_without_positives_does_not_count(batch):
    audio, visual, _ = batch(3, 4, 3)
    D = cosine_distance(audio, visual)
    positive = torch.tensor([[True, False, False], [False, True, False], [False, False, False]])
    both = SupervisedContrastiveLoss(0.1)(D, positive)
    torch.testing.assert_close(both, SupervisedContrastiveLoss(0.1)(D[:2], positive[:2]))
