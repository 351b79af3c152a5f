"""The network of teacher and student: one branch per modality, a shared embedding size, a class head each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avexplore.nets.layers import Dropout, MemberLinear, MemberNorm


class BranchOutputs(NamedTuple):
    """What the network says of B clips, per member.

    Attributes:
        audio, visual: Embeddings before scaling to unit length. Shape (M, B, dim).
        audio_logits, visual_logits: Outputs of the class heads, before any squashing. Shape (M, B, C).
    """

    audio: Tensor
    visual: Tensor
    audio_logits: Tensor
    visual_logits: Tensor


class Branch(nn.Module):
    """dropout -> linear -> batch norm -> ReLU -> dropout -> linear."""

    def __init__(
        self,
        members: int,
        inputs: int,
        hidden: int,
        outputs: int,
        input_dropout: float,
        dropout: float,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.thin_input = Dropout(input_dropout)
        self.first = MemberLinear(members, inputs, hidden, generator)
        self.norm = MemberNorm(members, hidden)
        self.thin_hidden = Dropout(dropout)
        self.last = MemberLinear(members, hidden, outputs, generator)

    def forward(self, values: Tensor) -> Tensor:
        """Features (B, d) or (M, B, d) to embeddings (M, B, outputs)."""
        hidden = torch.relu_(self.norm(self.first(self.thin_input(values))))
        out: Tensor = self.last(self.thin_hidden(hidden))
        return out


class TwoBranch(nn.Module):
    """Two branches and their class heads, M members side by side.

    Args:
        audio_width, visual_width: Columns of the (standardized) features.
        classes: Number of classes C.
        hidden: Width of the hidden layer of each branch.
        dim: Width of the embedding.
        input_dropout, dropout: Rates before the first and the last layer, in [0, 1).
        members: Number of independent networks M.
        generator: Draws the initial weights (on the CPU); None uses PyTorch's global one.

    >>> net = TwoBranch(16, 64, 5, hidden=32, dim=8, input_dropout=0.3, dropout=0.5, members=3)
    >>> out = net(torch.zeros(10, 16), torch.zeros(10, 64))
    >>> out.audio.shape, out.visual_logits.shape
    (torch.Size([3, 10, 8]), torch.Size([3, 10, 5]))
    """

    def __init__(
        self,
        audio_width: int,
        visual_width: int,
        classes: int,
        *,
        hidden: int,
        dim: int,
        input_dropout: float,
        dropout: float,
        members: int = 1,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.audio = Branch(members, audio_width, hidden, dim, input_dropout, dropout, generator)
        self.visual = Branch(members, visual_width, hidden, dim, input_dropout, dropout, generator)
        self.audio_head = MemberLinear(members, dim, classes, generator)
        self.visual_head = MemberLinear(members, dim, classes, generator)

    def forward(self, audio: Tensor, visual: Tensor) -> BranchOutputs:
        """Standardized features, (B, d) for all members or (M, B, d) for each its own, to embeddings and logits."""
        a, v = self.audio(audio), self.visual(visual)
        return BranchOutputs(a, v, self.audio_head(a), self.visual_head(v))


def to_arrays(module: nn.Module) -> dict[str, NDArray[Any]]:
    """Parameters and buffers by name, copied."""
    return {name: value.detach().cpu().numpy().copy() for name, value in module.state_dict().items()}


def from_arrays(module: nn.Module, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Load what `to_arrays` gave.

    Raises:
        RuntimeError: If names or shapes differ.
    """
    module.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in arrays.items()})
