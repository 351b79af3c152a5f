from __future__ import annotations

import pytest
import torch

from avexplore.nets.two_branch import TwoBranch, from_arrays, to_arrays


def network(members: int = 1, seed: int = 0) -> TwoBranch:
    generator = torch.Generator().manual_seed(seed)
    shape = {"hidden": 16, "dim": 4, "input_dropout": 0.3, "dropout": 0.5}
    return TwoBranch(5, 9, 3, **shape, members=members, generator=generator)


def test_members_do_not_see_each_other() -> None:
    net = network(members=3)
    out = net(torch.randn(8, 5), torch.randn(8, 9))
    out.audio[1].sum().backward()
    touched = net.audio.first.weight.grad
    assert touched is not None
    assert touched[1].abs().sum() > 0
    assert touched[0].abs().sum() == touched[2].abs().sum() == 0


def test_branches_do_not_see_each_other() -> None:
    net = network().eval()
    audio = torch.randn(8, 5)
    first, second = (net(audio, torch.randn(8, 9)) for _ in range(2))
    assert torch.equal(first.audio, second.audio)
    assert torch.equal(first.audio_logits, second.audio_logits)
    assert not torch.equal(first.visual, second.visual)


def test_weights_survive_arrays() -> None:
    net, other = network(seed=0).eval(), network(seed=1).eval()
    inputs = torch.randn(8, 5), torch.randn(8, 9)
    assert not torch.equal(net(*inputs).audio, other(*inputs).audio)
    from_arrays(other, to_arrays(net))
    assert torch.equal(net(*inputs).audio, other(*inputs).audio)


def test_weights_of_another_shape_are_refused() -> None:
    with pytest.raises(RuntimeError):
        from_arrays(network(members=2), to_arrays(network()))


def test_the_seed_decides_the_initial_weights() -> None:
    before = torch.get_rng_state()
    a, b, c = network(seed=5), network(seed=5), network(seed=6)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(a.visual.last.weight, b.visual.last.weight)
    assert not torch.equal(a.visual.last.weight, c.visual.last.weight)
