"""Triplets against loops and against two other libraries."""

from __future__ import annotations

import pytest
import torch
from pytorch_metric_learning import distances, losses, miners

from avexplore.losses.metric import CrossModalLoss
from avexplore.losses.pairs import cosine_distance, distance, same_label
from avexplore.losses.triplet import TripletLoss

MARGIN = 0.4


def loop(D, positive, mining, keep, factors, average="violated"):
    """Triplet by triplet, as the docstring says it."""
    total = count = 0.0
    for a in range(len(D)):
        positives = [p for p in range(len(D)) if positive[a, p]]
        negatives = [n for n in range(len(D)) if not positive[a, n]]
        if mining == "hard":
            if not positives or not negatives:
                continue
            positives = [max(positives, key=lambda p: D[a, p])]
            reach = MARGIN + D[a, positives[0]]

            def after_weight(n, a=a, reach=reach):
                violation = reach - D[a, n] - MARGIN * (1 - factors[a, n])
                return keep[a, n] * violation if violation > 0 else violation

            negatives = [max(negatives, key=after_weight)]
        for p in positives:
            for n in negatives:
                far = D[a, n] + MARGIN * (1 - factors[a, n])
                if mining == "semihard" and not (D[a, p] < far < D[a, p] + MARGIN):
                    continue
                violation = max(0.0, MARGIN + D[a, p] - far)
                total += keep[a, n] * violation
                count += violation > 0 or average == "all"
    return total / count if count else 0.0


@pytest.mark.parametrize("lir", ["none", "forgive", "margin", "both"])
@pytest.mark.parametrize("mining", ["all", "semihard", "hard"])
@pytest.mark.parametrize("seed", [0, 1])
def test_is_the_loop(mining, lir, seed, batch):
    audio, visual, labels = batch(14, 4, 4, seed=seed)
    D, positive = cosine_distance(audio, visual), same_label(labels)
    degree = torch.rand(14, 14, generator=torch.Generator().manual_seed(seed), dtype=D.dtype).masked_fill(positive, 0.0)
    forgiven = degree if lir in ("forgive", "both") else None
    margins = 1 - degree.flip(0, 1).masked_fill(positive, 0.0) if lir in ("margin", "both") else None
    keep = torch.ones_like(D) if forgiven is None else 1 - forgiven
    factors = torch.ones_like(D) if margins is None else margins
    expected = loop(D.numpy(), positive.numpy(), mining, keep.numpy(), factors.numpy())
    found = TripletLoss(MARGIN, mining)(D, positive, forgiven, margins)
    assert found.item() == pytest.approx(expected, rel=1e-9)


def test_average_over_all(batch):
    audio, visual, labels = batch(10, 4, 3)
    D, positive = cosine_distance(audio, visual), same_label(labels)
    ones = torch.ones_like(D).numpy()
    expected = loop(D.numpy(), positive.numpy(), "all", ones, ones, "all")
    assert TripletLoss(MARGIN, average="all")(D, positive).item() == pytest.approx(expected)


def test_agrees_with_torch(batch):
    """One anchor, one positive, one negative each: torch's own TripletMarginLoss, on Euclidean distances."""
    audio, visual, _ = batch(6, 5, 2, seed=4)
    for positive, negative in [(0, 1), (3, 2)]:
        anchor = audio[:1]
        D = distance(anchor @ visual[[positive, negative]].T, "euclidean")
        ours = TripletLoss(1.0)(D, torch.tensor([[True, False]]))
        theirs = torch.nn.TripletMarginLoss(1.0, eps=0.0)(anchor, visual[[positive]], visual[[negative]])
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("clips", [9, 40])
def test_all_triplets_and_their_gradient_agree_with_pytorch_metric_learning(clips, batch):
    audio, visual, labels = batch(clips, 6, 4, seed=2)
    peer = losses.TripletMarginLoss(MARGIN, distance=distances.CosineSimilarity())
    gradients = []
    for loss in (
        lambda a, v: CrossModalLoss(TripletLoss(MARGIN))(a, v, labels),
        lambda a, v: (
            peer(a, labels, ref_emb=v, ref_labels=labels.clone())
            + peer(v, labels, ref_emb=a, ref_labels=labels.clone())
        ),
    ):
        a, v = audio.clone().requires_grad_(), visual.clone().requires_grad_()
        value = loss(a, v)
        value.backward()
        gradients.append((value.detach(), a.grad, v.grad))
    # Their cosine renormalizes unit vectors, which takes the radial part off the gradient: compare the tangential part.
    tangential = [
        [g - (g * x).sum(1, keepdim=True) * x for g, x in zip(one[1:], (audio, visual), strict=True)]
        for one in gradients
    ]
    torch.testing.assert_close(gradients[0][0], gradients[1][0])
    torch.testing.assert_close(tangential[0], tangential[1])


def test_semihard_agrees_with_pytorch_metric_learning(batch):
    audio, visual, labels = batch(30, 6, 4, seed=2)
    cosine = distances.CosineSimilarity()
    miner = miners.TripletMarginMiner(MARGIN, "semihard", distance=cosine)
    peer = losses.TripletMarginLoss(MARGIN, distance=cosine)
    mined = miner(audio, labels, ref_emb=visual, ref_labels=labels.clone())
    theirs = peer(audio, labels, mined, ref_emb=visual, ref_labels=labels.clone())
    ours = TripletLoss(MARGIN, "semihard")(cosine_distance(audio, visual), same_label(labels))
    torch.testing.assert_close(ours, theirs)


def test_hard_agrees_with_pytorch_metric_learning(batch):
    audio, visual, labels = batch(30, 6, 4, seed=2)
    cosine = distances.CosineSimilarity()
    mined = miners.BatchHardMiner(distance=cosine)(audio, labels, ref_emb=visual, ref_labels=labels.clone())
    peer = losses.TripletMarginLoss(MARGIN, distance=cosine)
    theirs = peer(audio, labels, mined, ref_emb=visual, ref_labels=labels.clone())
    ours = TripletLoss(MARGIN, "hard")(cosine_distance(audio, visual), same_label(labels))
    torch.testing.assert_close(ours, theirs)


def test_float32_sums_stay_exact_enough(batch):
    audio, visual, labels = batch(300, 16, 5)
    D, positive = cosine_distance(audio, visual), same_label(labels)
    single = TripletLoss(MARGIN)(D.float(), positive)
    torch.testing.assert_close(single.double(), TripletLoss(MARGIN)(D, positive), rtol=1e-5, atol=0)


@pytest.mark.parametrize(("mining", "expected"), [("all", 0.3), ("hard", 0.3), ("semihard", 0.0)])
def test_clips_that_all_tie(mining, expected):
    """Every triplet is violated by exactly the margin, and none is semi-hard; rounding must not part the two sides."""
    for apart in (0.0, 0.1, 1 / 3):
        D = torch.full((12, 12), apart)
        positive = same_label(torch.arange(12) % 4)
        assert TripletLoss(0.3, mining)(D, positive).item() == pytest.approx(expected, abs=1e-6)
