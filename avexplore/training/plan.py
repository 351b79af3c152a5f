"""What a training is asked for: its task and its plan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn


class Task(Protocol):
    """What is being trained, as the loop sees it."""

    module: nn.Module
    terms: tuple[str, ...]
    """Names of the summands of the loss; figures that only ride along come after them, and start with an underscore."""
    rows: Tensor
    """Row numbers of the training clips. Shape (n_train,)."""
    members: int
    """Independent networks trained side by side; each gets batches of its own."""

    def losses(self, rows: Tensor, strength: Tensor | None) -> Tensor:
        """Value of each term on a batch, weighted as it enters the loss.

        Args:
            rows: Row numbers. Shape (M, B).
            strength: How far the last term is switched on, a number on the device; None while it is off.

        Returns:
            Shape (terms,).
        """

    def measure(self) -> dict[str, float]:
        """Figures of the present weights. The module is in evaluation mode."""


@dataclass(frozen=True)
class Plan:
    """How long and how to train.

    Attributes:
        epochs: Length of the schedule.
        batch_size: Clips per step; batches are of equal size, so the few clips left over rest for that epoch.
        learning_rate: Peak of the cosine schedule of AdamW.
        weight_decay: Decoupled weight decay.
        seed: Seeds the order of clips and the dropout noise.
        measure_every: Epochs between two looks at the validation clips; the last epoch is always looked at.
        keep: Figure whose highest value decides on the epoch that is kept; "" keeps the last.
        keep_from: First epoch that may be kept.
        start_epoch: Epoch at which the last term switches on; None if there is no such term.
        ramp_epochs: Epochs over which its strength grows linearly to 1.
        clip_norm: Gradients longer than this are shortened to it.
        bfloat16: Multiply by weights in bfloat16.
        where: Name of the stage for messages.
        address: Address of the config, for the state file.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int
    measure_every: int = 1
    keep: str = ""
    keep_from: int = 0
    start_epoch: int | None = None
    ramp_epochs: int = 0
    clip_norm: float = 5.0
    bfloat16: bool = False
    where: str = "training"
    address: str = ""

    def strength(self, epoch: int) -> float:
        """How far the regularizer is switched on in an epoch, in [0, 1].

        >>> plan = Plan(10, 8, 0.1, 0.0, 0, start_epoch=4, ramp_epochs=2)
        >>> [plan.strength(epoch) for epoch in (3, 4, 5, 9)]
        [0.0, 0.5, 1.0, 1.0]
        """
        if self.start_epoch is None or epoch < self.start_epoch:
            return 0.0
        return min(1.0, (epoch - self.start_epoch + 1) / max(self.ramp_epochs, 1))

    def rate(self, epoch: int) -> float:
        """Learning rate of an epoch: half a cosine from the peak down to zero."""
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * epoch / self.epochs))
