"""What every metric loss must do, whatever it computes. A loss that is not listed here fails `test_all_are_tested`."""

from __future__ import annotations

import typing
from dataclasses import fields

import pytest
import torch
from torch import Tensor

from avexplore.config import StudentConfig, SyntheticConfig
from avexplore.errors import ConfigError
from avexplore.losses.metric import MetricLoss, build_metric_loss
from avexplore.losses.pairs import PairLoss
from avexplore.losses.proxies import ProxyLoss
from avexplore.losses.registry import AA_FIELDS, LOSSES, record_of

CLASSES, DIM, CLIPS = 3, 6, 12
LEARNING = tuple(name for name, record in LOSSES.items() if record.kind != "none")
EACH = [(name, proxies) for name, record in LOSSES.items() for proxies in record.proxies]
TAUGHT = [pair for pair in EACH if pair[0] in LEARNING]


def built(name: str, proxies: str) -> MetricLoss:
    torch.manual_seed(0)
    config = StudentConfig(data=SyntheticConfig(), loss=name, proxies=proxies, dim=DIM, margin=0.5, neighbors=2)
    return build_metric_loss(config, CLASSES)


def linked(labels: Tensor, seed: int = 1) -> Tensor:
    """Some degree of forgiveness for each pair of different classes."""
    generator = torch.Generator().manual_seed(seed)
    degree = torch.rand(len(labels), len(labels), generator=generator, dtype=torch.float64) * 0.9
    return degree.masked_fill(labels[:, None] == labels[None], 0.0)


def test_the_choices_of_the_config_are_those_with_a_record():
    hints = typing.get_type_hints(StudentConfig)
    assert set(LOSSES) == set(typing.get_args(hints["loss"]))
    assert {proxies for _, proxies in EACH} == set(typing.get_args(hints["proxies"])) - {"anchor_aware"}


def test_a_loss_without_a_record_is_named(monkeypatch):
    monkeypatch.delitem(LOSSES, "triplet")
    with pytest.raises(ConfigError, match=r"'triplet' has no record.*registry"):
        built("triplet", "none")


@pytest.mark.parametrize(("name", "proxies"), EACH)
def test_a_loss_reads_what_it_says_and_nothing_else(name, proxies, batch):
    """Another value of a field changes the loss if the record says so, and only then."""
    audio, visual, labels = batch(CLIPS, DIM, CLASSES, seed=11)
    student = StudentConfig(
        SyntheticConfig(), loss=name, proxies=proxies, dim=DIM, margin=0.5, neighbors=2, attention_temperature=0.5
    )
    others = {"margin": 0.9, "temperature": 0.5, "neighbors": 4, "attention_temperature": 0.05, "neighbors_of": "both"}
    read = {one.field for record in LOSSES.values() for one in record.parameters}
    assert read | set(AA_FIELDS) == {*others, "neighbors_among"}

    def value(config):
        torch.manual_seed(0)
        return build_metric_loss(config, CLASSES).double()(audio, visual, labels)

    for field, other in others.items():
        changed = not torch.equal(value(student), value(student.replace(**{field: other})))
        assert changed == (field in record_of(student).reads(student)), field


def test_ranges_lie_within_those_of_the_config():
    ranges = {f.name: f.metadata for f in fields(StudentConfig)}
    for record in LOSSES.values():
        for one in record.parameters:
            assert ranges[one.field]["low"] <= one.low <= min(one.tried or (one.low,))
            assert max(one.tried or (one.high,)) <= one.high <= ranges[one.field]["high"]


def test_what_a_loss_makes_nothing_of_is_refused():
    with pytest.raises(ConfigError, match="Cross-entropy alone does not take"):
        built("cross-entropy", "aadml")
    with pytest.raises(ConfigError, match=r"does not take the proxies 'anchor_aware'.*aadml"):
        built("triplet", "anchor_aware")
    with pytest.raises(ConfigError, match=r"makes nothing of temperature 1e-05"):
        build_metric_loss(StudentConfig(SyntheticConfig(), temperature=1e-5), CLASSES)


def test_all_are_tested():
    def leaves(cls: type) -> set[type]:
        below = cls.__subclasses__()
        return {cls}.union(*map(leaves, below)) if below else {cls}

    kinds = {type(part) for name, proxies in EACH for part in built(name, proxies).modules()}
    concrete = (leaves(PairLoss) | leaves(ProxyLoss) | leaves(MetricLoss)) - {PairLoss, ProxyLoss, MetricLoss}
    untested = {cls.__name__ for cls in concrete - kinds if cls.__module__.startswith("avexplore")}
    assert not untested


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("name", "proxies"), EACH)
def test_is_a_finite_scalar_of_the_input_dtype(name, proxies, dtype, batch):
    audio, visual, labels = batch(CLIPS, DIM, CLASSES, dtype=dtype)
    value = built(name, proxies).to(dtype)(audio.requires_grad_(), visual, labels)
    assert value.shape == ()
    assert value.dtype == dtype
    assert torch.isfinite(value)
    value.backward()
    assert torch.isfinite(audio.grad).all()


@pytest.mark.parametrize("lir", ["none", "forgive", "margin", "directed"])
@pytest.mark.parametrize(("name", "proxies"), EACH)
def test_gradient_is_right(name, proxies, lir, batch):
    audio, visual, labels = batch(8, DIM, CLASSES, seed=3)
    loss = built(name, proxies).double()
    degree = linked(labels)
    extra = {
        "none": {},
        "forgive": {"forgiven": degree},
        "margin": {"margins": 1 - degree},
        "directed": {"forgiven": torch.stack([degree, linked(labels, 2)])},
    }[lir]
    audio, visual = audio.requires_grad_(), visual.requires_grad_()
    parameters = tuple(loss.parameters())
    if parameters:
        assert torch.autograd.gradcheck(lambda a, v, *_: loss(a, v, labels, **extra), (audio, visual, *parameters))
    else:
        assert torch.autograd.gradcheck(lambda a, v: loss(a, v, labels, **extra), (audio, visual))


@pytest.mark.parametrize(("name", "proxies"), EACH)
def test_ignores_batch_order(name, proxies, batch):
    audio, visual, labels = batch(CLIPS, DIM, CLASSES)
    loss, degree = built(name, proxies).double(), linked(labels)
    order = torch.randperm(CLIPS, generator=torch.Generator().manual_seed(5))
    here = loss(audio, visual, labels, forgiven=degree)
    there = loss(audio[order], visual[order], labels[order], forgiven=degree[order][:, order])
    torch.testing.assert_close(here, there, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "proxies"), EACH)
def test_known_cosines_change_nothing(name, proxies, batch):
    audio, visual, labels = batch(CLIPS, DIM, CLASSES)
    loss = built(name, proxies).double()
    sides = []
    for known in (False, True):
        a, v = (side.clone().requires_grad_() for side in (audio, visual))
        value = loss(a, v, labels, forgiven=linked(labels), cosine=a @ v.T if known else None)
        sides.append((value, *torch.autograd.grad(value, (a, v))))
    torch.testing.assert_close(*sides)


def gap(audio: Tensor, visual: Tensor, labels: Tensor) -> float:
    """How much more alike clips of one class are than clips of two."""
    same, similarity = labels[:, None] == labels[None], (audio @ visual.T).detach()
    return float(similarity[same].mean() - similarity[~same].mean())


@pytest.mark.parametrize(("name", "proxies"), TAUGHT)
def test_ten_steps_improve(name, proxies, batch):
    # Semi-hard triplets are mined anew in each step, so their mean violation is no objective: judged by the gap.
    audio, visual, labels = batch(CLIPS, DIM, CLASSES, seed=2)
    loss = built(name, proxies).double()
    free = [audio.clone().requires_grad_(), visual.clone().requires_grad_()]
    optimizer = torch.optim.Adam([*free, *loss.parameters()], 0.05)
    values = []
    for _ in range(11):
        unit = [torch.nn.functional.normalize(x, dim=1) for x in free]
        value = loss(*unit, labels)
        values.append(value.item() if "semihard" not in name else -gap(*unit, labels))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    assert values[-1] < values[0]


@pytest.mark.parametrize(("name", "proxies"), EACH)
def test_empty_batch_is_zero_with_a_gradient(name, proxies):
    audio, visual = torch.zeros(2, 0, DIM).unbind()
    audio = audio.requires_grad_()
    value = built(name, proxies)(audio, visual, torch.zeros(0, dtype=torch.int64))
    value.backward()
    assert value.item() == 0.0
    assert audio.grad.shape == (0, DIM)


@pytest.mark.parametrize("name", ["triplet", "triplet-semihard", "triplet-hard", "contrastive"])
def test_without_negatives_nothing_is_pushed(name, batch):
    audio, _, labels = batch(4, DIM, 1)
    audio = audio.requires_grad_()
    value = built(name, "none").double()(audio, audio.detach()[[0, 0, 0, 0]], labels)
    value.backward()
    assert torch.isfinite(audio.grad).all()
    if name != "contrastive":  # which still pulls the positives
        assert value.item() == 0.0


@pytest.mark.parametrize(("name", "proxies"), EACH)
def test_one_clip_alone_is_fine(name, proxies, batch):
    audio, visual, labels = batch(1, DIM, 1)
    audio = audio.requires_grad_()
    value = built(name, proxies).double()(audio, visual, labels)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(audio.grad).all()


@pytest.mark.parametrize(("name", "proxies"), TAUGHT)
def test_forgiving_lowers_the_push(name, proxies, batch):
    """Forgiveness of nothing changes nothing; of nearly everything, the negatives' share of the gradient shrinks."""
    audio, visual, labels = batch(CLIPS, DIM, CLASSES, seed=7)
    loss = built(name, proxies).double()
    plain = loss(audio, visual, labels)
    none = torch.zeros(CLIPS, CLIPS, dtype=torch.float64)
    torch.testing.assert_close(loss(audio, visual, labels, forgiven=none), plain)
    torch.testing.assert_close(loss(audio, visual, labels, margins=none + 1), plain)
    same = labels[:, None] == labels[None]
    most = none.masked_fill(~same, 0.95)
    # A smaller margin may leave fewer, worse violations to average over.
    assert loss(audio, visual, labels, margins=1 - most) < plain or "triplet" in name or name == "contrastive"
    assert loss(audio, visual, labels, forgiven=most) < plain
