from __future__ import annotations

import pytest
import torch
from pytorch_metric_learning import distances, losses

from avexplore.losses.contrastive import ContrastiveLoss
from avexplore.losses.pairs import cosine_distance, distance, same_label


def test_by_hand():
    """Positive at .3; negatives at .1 (intrudes by .4) and .9 (beyond the margin of .5)."""
    D, positive = torch.tensor([[0.3, 0.1, 0.9]]), torch.tensor([[True, False, False]])
    assert ContrastiveLoss(0.5)(D, positive).item() == pytest.approx(0.3 + 0.4)


def test_forgiven_intruders_stay_counted():
    D, positive = torch.tensor([[0.3, 0.1, 0.2]]), torch.tensor([[True, False, False]])
    forgiven = torch.tensor([[0.0, 0.5, 0.0]])
    expected = 0.3 + (0.5 * 0.4 + 1.0 * 0.3) / 2
    assert ContrastiveLoss(0.5)(D, positive, forgiven).item() == pytest.approx(expected)


def test_margin_factor_shrinks_the_margin():
    D, positive = torch.tensor([[0.3, 0.1, 0.2]]), torch.tensor([[True, False, False]])
    margins = torch.tensor([[1.0, 0.5, 0.2]])  # margins of .25 and .1: the second no longer intrudes
    assert ContrastiveLoss(0.5)(D, positive, None, margins).item() == pytest.approx(0.3 + 0.15)


def test_agrees_with_pytorch_metric_learning(batch):
    audio, visual, labels = batch(20, 6, 4, seed=1)
    peer = losses.ContrastiveLoss(0.0, 0.8, distance=distances.LpDistance())
    theirs = peer(audio, labels, ref_emb=visual, ref_labels=labels.clone())
    ours = ContrastiveLoss(0.8)(distance(audio @ visual.T, "euclidean"), same_label(labels))
    torch.testing.assert_close(ours, theirs)
    assert cosine_distance(audio, visual).shape == (20, 20)
