"""Layers that hold M independent members side by side, so that an ensemble trains in one pass.

Every tensor has the members as its first axis: (M, B, width). A single network is M = 1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def keep_mask(shape: torch.Size, rate: float, device: torch.device, generator: torch.Generator | None) -> Tensor:
    """Which entries dropout keeps, each with probability 1 - rate up to 1/256.

    One 64-bit random number decides eight entries, a byte each: on a CPU, where random numbers cost more than the
    matrix product they thin out, this is four times faster than `torch.nn.functional.dropout`; and its generator is
    given, so that a stopped training can continue with the same noise.

    Args:
        shape: Shape of the mask.
        rate: Share to drop, in [0, 1).
        device: Where the mask is needed.
        generator: Source of randomness on that device; None uses PyTorch's global one.

    Returns:
        Bool tensor of that shape.

    >>> mask = keep_mask(torch.Size((4, 1000)), 0.25, torch.device("cpu"), torch.Generator().manual_seed(0))
    >>> mask.shape, 0.7 < float(mask.float().mean()) < 0.8
    (torch.Size([4, 1000]), True)
    """
    count = shape.numel()
    words = torch.empty((count + 7) // 8, dtype=torch.int64, device=device)
    words.random_(-(2**63), None, generator=generator)
    return words.view(torch.uint8)[:count].view(shape) >= dropped_levels(rate)


def dropped_levels(rate: float) -> int:
    """How many of the 256 values of a byte mean "drop"; at least one is kept."""
    return min(round(rate * 256), 255)


class Dropout(nn.Module):
    """Dropout with a generator of its own, in steps of 1/256.

    Args:
        rate: Share of entries set to zero while training, in [0, 1).
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.generator: torch.Generator | None = None

    def forward(self, values: Tensor) -> Tensor:
        """Zero some entries and scale the rest, so that the expectation stays. Any shape."""
        if not self.training or dropped_levels(self.rate) == 0:
            return values
        kept = keep_mask(values.shape, self.rate, values.device, self.generator)
        return values * kept.to(values.dtype).mul_(256 / (256 - dropped_levels(self.rate)))


def draw_noise_from(generator: torch.Generator | None, module: nn.Module) -> None:
    """Let every dropout layer within `module` draw from this generator; None is PyTorch's global one."""
    for layer in module.modules():
        if isinstance(layer, Dropout):
            layer.generator = generator


class MemberLinear(nn.Module):
    """M independent affine maps. Input (M, B, d_in) or (B, d_in), output (M, B, d_out).

    >>> MemberLinear(3, 8, 5)(torch.zeros(10, 8)).shape
    torch.Size([3, 10, 5])
    """

    def __init__(self, members: int, inputs: int, outputs: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        # PyTorch's own default for nn.Linear
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound, generator=generator))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs).uniform_(-bound, bound, generator=generator))
        self.in_bfloat16 = False

    def forward(self, values: Tensor) -> Tensor:
        """Apply each member's map to its own rows, or to the rows that all members share."""
        if values.dim() == 2:
            values = values.unsqueeze(0)
        weight: Tensor = self.weight
        bias: Tensor = self.bias
        if self.in_bfloat16:
            values, weight, bias = values.bfloat16(), weight.bfloat16(), bias.bfloat16()
        if weight.shape[0] == 1:
            # a plain product is faster than a batched product of one
            product = torch.addmm(bias[0], values[0], weight[0]).unsqueeze(0)
        else:
            product = torch.baddbmm(bias, values.expand(weight.shape[0], -1, -1), weight)
        return product.float() if self.in_bfloat16 else product


def multiply_in_bfloat16(choice: bool, module: nn.Module) -> None:
    """Let every linear layer within `module` multiply in bfloat16, or in its own precision.

    Layers only: losses take differences of cosines near 1, which bfloat16's eight bits would drown.
    """
    for layer in module.modules():
        if isinstance(layer, MemberLinear):
            layer.in_bfloat16 = choice


class MemberNorm(nn.Module):
    """Batch normalization of M members, each over its own batch. Shape (M, B, width) in and out.

    References:
        Ioffe, Szegedy, Batch Normalization, ICML 2015.
    """

    running_mean: Tensor
    running_variance: Tensor

    def __init__(self, members: int, width: int, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.scale = nn.Parameter(torch.ones(members, width))
        self.shift = nn.Parameter(torch.zeros(members, width))
        self.register_buffer("running_mean", torch.zeros(members, width))
        self.register_buffer("running_variance", torch.ones(members, width))

    def forward(self, values: Tensor) -> Tensor:
        """Normalize by the batch while training, by the running statistics otherwise."""
        members, batch, width = values.shape
        # Members become channels of one batch: PyTorch's fused kernel serves them all.
        flat = values[0] if members == 1 else values.transpose(0, 1).reshape(batch, members * width)
        normal = nn.functional.batch_norm(
            flat,
            self.running_mean.view(-1),
            self.running_variance.view(-1),
            self.scale.view(-1),
            self.shift.view(-1),
            training=self.training,
            momentum=self.momentum,
            eps=self.eps,
        )
        return normal.unsqueeze(0) if members == 1 else normal.view(batch, members, width).transpose(0, 1)
