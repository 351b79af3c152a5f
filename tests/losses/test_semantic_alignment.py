"""AV-SAL by hand, against torch's own divergences, and its contract."""

from __future__ import annotations

import itertools
import math
import typing

import pytest
import torch

from avexplore.config import TeacherConfig
from avexplore.losses.semantic_alignment import SemanticAlignmentLoss, alignment_term, label_term, smoothed_targets

HEADS, ALIGNMENTS = ("probability", "independent", "score"), ("kl", "js")
EACH = list(itertools.product(HEADS, ALIGNMENTS))


@pytest.fixture
def outputs():
    generator = torch.Generator().manual_seed(0)
    audio, visual = torch.randn(2, 7, 4, generator=generator, dtype=torch.float64)
    return audio, visual, torch.arange(7) % 4


def test_all_choices_are_tested():
    hints = typing.get_type_hints(TeacherConfig)
    assert set(typing.get_args(hints["head"])) == set(HEADS)
    assert set(typing.get_args(hints["alignment"])) == set(ALIGNMENTS)


def test_two_classes_by_hand():
    """p = (3/4, 1/4), q = (1/4, 3/4): KL + KL = ln 3; cross-entropies -ln 3/4 and -ln 1/4."""
    logits = torch.tensor([[math.log(3.0), 0.0]])
    loss = SemanticAlignmentLoss(alpha=0.5, label_smoothing=0.0)
    found = loss(logits, -logits, torch.tensor([0]))
    assert found.item() == pytest.approx(-math.log(0.75) - math.log(0.25) + 0.5 * math.log(3.0))


def divergence(p, q):
    return float((p * (p / q).log()).sum())


@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize(("head", "alignment"), [(h, a) for h, a in EACH if h != "score"])
def test_alignment_is_the_loop(head, alignment, temperature, outputs):
    audio, visual, _ = outputs
    total = 0.0
    for a, v in zip(audio / temperature, visual / temperature, strict=True):
        if head == "probability":
            pairs = [(a.softmax(0), v.softmax(0))]
        else:
            pairs = [(torch.stack([x, 1 - x]), torch.stack([y, 1 - y])) for x, y in zip(a.sigmoid(), v.sigmoid())]  # noqa: B905
        for p, q in pairs:
            if alignment == "kl":
                total += divergence(p, q) + divergence(q, p)
            else:
                middle = (p + q) / 2
                total += (divergence(p, middle) + divergence(q, middle)) / 2
    found = alignment_term(audio, visual, head=head, alignment=alignment, temperature=temperature)
    assert found.item() == pytest.approx(temperature**2 * total / 7)


def test_labels_of_independent_heads_are_bernoullis(outputs):
    audio, _, labels = outputs
    targets = smoothed_targets(labels, 4, 0.1, audio.dtype)
    p = audio.sigmoid()
    expected = -(targets * p.log() + (1 - targets) * (1 - p).log()).sum() / 7
    torch.testing.assert_close(label_term(audio, labels, head="independent", label_smoothing=0.1), expected)


def test_score_heads_regress(outputs):
    audio, visual, labels = outputs
    loss = SemanticAlignmentLoss("score", alpha=2.0, label_smoothing=0.0)
    one_hot = torch.eye(4, dtype=torch.float64)[labels]
    expected = ((audio - one_hot) ** 2 + (visual - one_hot) ** 2 + 2 * (audio - visual) ** 2).sum() / 7
    torch.testing.assert_close(loss(audio, visual, labels), expected)


@pytest.mark.parametrize(("head", "alignment"), EACH)
def test_contract(head, alignment, outputs):
    audio, visual, labels = outputs
    loss = SemanticAlignmentLoss(head, alignment, temperature=1.5)
    value = loss(audio, visual, labels)
    assert value.shape == ()
    assert loss(audio.float(), visual.float(), labels).dtype == torch.float32
    order = torch.tensor([3, 1, 6, 0, 2, 5, 4])
    torch.testing.assert_close(loss(audio[order], visual[order], labels[order]), value)
    torch.testing.assert_close(loss(visual, audio, labels), value)  # no modality comes first
    audio, visual = audio.requires_grad_(), visual.requires_grad_()
    assert torch.autograd.gradcheck(lambda a, v: loss(a, v, labels), (audio, visual))
    a, v = audio.detach().clone().requires_grad_(), visual.detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([a, v], 0.05)
    for _ in range(10):
        optimizer.zero_grad()
        loss(a, v, labels).backward()
        optimizer.step()
    assert loss(a, v, labels) < value
    empty = torch.zeros(0, 4, requires_grad=True)
    nothing = loss(empty, empty, labels[:0])
    nothing.backward()
    assert nothing.item() == 0.0


@pytest.mark.parametrize(("head", "alignment"), EACH)
def test_agreement_costs_nothing_and_extremes_stay_finite(head, alignment, outputs):
    audio, visual, _ = outputs
    assert alignment_term(audio, audio, head=head, alignment=alignment).item() == pytest.approx(0.0, abs=1e-12)
    extreme = (audio * 300).float().requires_grad_()
    value = alignment_term(extreme, (visual * 300).float(), head=head, alignment=alignment)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(extreme.grad).all()
