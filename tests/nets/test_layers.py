from __future__ import annotations

import pytest
import torch
from torch import nn

from avexplore.nets.layers import Dropout, MemberLinear, MemberNorm, keep_mask, multiply_in_bfloat16


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.9])
def test_dropout_keeps_the_expectation_and_drops_the_share_asked_for(rate: float) -> None:
    layer = Dropout(rate)
    layer.generator = generator()
    out = layer(torch.ones(400, 500))
    # four standard deviations of a mean of 200,000 coin flips, and half a step of 1/256
    assert abs(float((out == 0).float().mean()) - rate) < 4 * (rate * (1 - rate) / 2e5) ** 0.5 + 1 / 512
    assert abs(float(out.mean()) - 1) < 4 * (rate / (1 - rate) / 2e5) ** 0.5


def test_neighboring_entries_are_dropped_independently() -> None:
    # eight entries share one random word: their bytes must not be related
    mask = keep_mask(torch.Size((20_000, 8)), 0.5, torch.device("cpu"), generator()).float()
    correlation = torch.corrcoef(mask.T)
    assert float((correlation - torch.eye(8)).abs().max()) < 0.03


def test_dropout_is_silent_in_evaluation_and_at_rate_zero() -> None:
    values = torch.randn(5, 7)
    assert torch.equal(Dropout(0.0)(values), values)
    assert torch.equal(Dropout(0.9).eval()(values), values)


def test_dropout_draws_from_its_own_generator_only() -> None:
    layer = Dropout(0.5)
    layer.generator = generator(3)
    before = torch.get_rng_state()
    first = layer(torch.ones(10, 10))
    assert torch.equal(before, torch.get_rng_state())
    layer.generator = generator(3)
    assert torch.equal(first, layer(torch.ones(10, 10)))


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("shared", [True, False])
def test_member_linear_is_a_loop_over_plain_layers(members: int, shared: bool) -> None:
    layer = MemberLinear(members, 6, 4, generator())
    values = torch.randn(10, 6) if shared else torch.randn(members, 10, 6)
    out = layer(values)
    for m in range(members):
        own = values if shared else values[m]
        expected = nn.functional.linear(own, layer.weight[m].T, layer.bias[m, 0])
        torch.testing.assert_close(out[m], expected)


@pytest.mark.parametrize("members", [1, 3])
def test_member_norm_is_a_loop_over_batch_norms(members: int) -> None:
    layer = MemberNorm(members, 5)
    loop = [nn.BatchNorm1d(5) for _ in range(members)]
    for _ in range(3):  # running statistics move as theirs do
        values = torch.randn(members, 12, 5) * 3 + 1
        out = layer(values)
        for m in range(members):
            torch.testing.assert_close(out[m], loop[m](values[m]))
    layer.eval()
    for m in range(members):
        torch.testing.assert_close(layer.running_mean[m], loop[m].running_mean)
        torch.testing.assert_close(layer.running_variance[m], loop[m].running_var)
        torch.testing.assert_close(layer(values)[m], loop[m].eval()(values[m]))


@pytest.mark.parametrize("members", [1, 3])
def test_bfloat16_is_for_products_and_what_comes_out_is_float32(members: int) -> None:
    layer = MemberLinear(members, 16, 4, generator())
    values = torch.randn(members, 10, 16, generator=generator(1))
    exact = layer(values)
    multiply_in_bfloat16(True, nn.Sequential(layer))
    rough = layer(values)
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, rtol=0.02, atol=0.02)
    assert not torch.equal(rough, exact)
    rough.sum().backward()
    assert layer.weight.grad.dtype == torch.float32
    multiply_in_bfloat16(False, layer)
    assert torch.equal(layer(values), exact)
