"""AV-SAL: both modalities predict the annotated class, and agree on everything else."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

Head = Literal["probability", "independent", "score"]
Alignment = Literal["kl", "js"]


def smoothed_targets(labels: Tensor, classes: int, smoothing: float, dtype: torch.dtype) -> Tensor:
    """One-hot labels with a share `smoothing` spread evenly over all classes. Shape (B, C), rows sum to 1.

    >>> smoothed_targets(torch.tensor([1]), 2, 0.2, torch.float32)
    tensor([[0.1000, 0.9000]])
    """
    return nn.functional.one_hot(labels, classes).to(dtype) * (1.0 - smoothing) + smoothing / classes


def label_term(logits: Tensor, labels: Tensor, *, head: Head = "probability", label_smoothing: float = 0.0) -> Tensor:
    """How badly one modality predicts the annotated class: the mean over clips.

    [ours] Cross-entropy for "probability", binary cross-entropy summed over classes for "independent", squared error
    to the targets summed over classes for "score".

    Args:
        logits: Outputs of the class head. Shape (B, C).
        labels: Annotated classes. Shape (B,).
        head: What the outputs mean.
        label_smoothing: Share of the target spread evenly over all classes, in [0, 1).
    """
    if head == "probability":
        return nn.functional.cross_entropy(logits, labels, label_smoothing=label_smoothing, reduction="sum") / max(
            1, len(labels)
        )
    targets = smoothed_targets(labels, logits.shape[1], label_smoothing, logits.dtype)
    if head == "independent":
        entries = nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
    else:
        entries = (logits - targets).square().sum()
    return entries / max(1, len(labels))


def alignment_term(
    audio: Tensor, visual: Tensor, *, head: Head = "probability", alignment: Alignment = "kl", temperature: float = 1.0
) -> Tensor:
    """How far the two modalities' soft labels disagree: the mean over clips.

    [ours] With p and q the soft labels at temperature T (softmax, or a Bernoulli per class for "independent"):
    "kl": T^2 * (KL(p | q) + KL(q | p)); "js": T^2 * (KL(p | m) + KL(q | m)) / 2 with m = (p + q) / 2. The factor T^2
    keeps the gradients' size when T changes, as in distillation. "score" takes the squared distance instead,
    whatever `alignment` and `temperature` say.

    Args:
        audio: Outputs of the audio branch's class head. Shape (B, C).
        visual: Outputs of the visual branch's class head. Shape (B, C).
        head: What the outputs mean.
        alignment: Symmetric Kullback-Leibler, or Jensen-Shannon divergence.
        temperature: T > 0.
    """
    if head == "score":
        return (audio - visual).square().sum() / max(1, len(audio))
    if head == "probability":
        p, q = (audio / temperature).log_softmax(1), (visual / temperature).log_softmax(1)
    else:  # log probabilities of "present" and "absent", side by side: (B, 2C)
        p, q = (
            torch.cat([nn.functional.logsigmoid(x / temperature), nn.functional.logsigmoid(-x / temperature)], 1)
            for x in (audio, visual)
        )
    if alignment == "kl":  # KL(p|q) + KL(q|p) in one product
        total = ((p.exp() - q.exp()) * (p - q)).sum()
    else:
        middle = torch.logaddexp(p, q) - math.log(2.0)
        total = (p.exp() * (p - middle) + q.exp() * (q - middle)).sum() / 2
    return temperature**2 * total / max(1, len(audio))


class SemanticAlignmentLoss(nn.Module):
    """AV-SAL, the Audio-Visual Semantic Alignment Loss.

    [reported] It yields soft labels that agree between the modalities, with probability left for events that nobody
    annotated. [ours] L = label term of audio + label term of visual + alpha * alignment term.

    Args:
        head: What the class heads' outputs mean: "probability" (softmax), "independent" (sigmoid), "score" (linear).
        alignment: "kl" or "js".
        alpha: Weight of the alignment term, >= 0.
        temperature: Softens both soft labels in the alignment term, > 0.
        label_smoothing: In [0, 1).

    >>> perfect = torch.tensor([[20.0, 0.0], [0.0, 20.0]])
    >>> SemanticAlignmentLoss(label_smoothing=0.0)(perfect, perfect, torch.tensor([0, 1])).item() < 1e-6
    True
    """

    def __init__(
        self,
        head: Head = "probability",
        alignment: Alignment = "kl",
        alpha: float = 0.5,
        temperature: float = 1.0,
        label_smoothing: float = 0.1,
    ) -> None:
        super().__init__()
        self.head, self.alignment = head, alignment
        self.alpha, self.temperature, self.label_smoothing = alpha, temperature, label_smoothing

    def terms(self, audio: Tensor, visual: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The label term of both branches and the alignment term, unweighted. Arguments as in `forward`."""
        label = label_term(audio, labels, head=self.head, label_smoothing=self.label_smoothing)
        label = label + label_term(visual, labels, head=self.head, label_smoothing=self.label_smoothing)
        align = alignment_term(audio, visual, head=self.head, alignment=self.alignment, temperature=self.temperature)
        return label, align

    def forward(self, audio: Tensor, visual: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch.

        Args:
            audio: Outputs of the audio branch's class head. Shape (B, C).
            visual: Outputs of the visual branch's class head. Shape (B, C).
            labels: Annotated classes. Shape (B,).

        Returns:
            A scalar.
        """
        label, align = self.terms(audio, visual, labels)
        return label + self.alpha * align
