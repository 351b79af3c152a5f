"""What every pair loss has in common: one direction of retrieval, seen as a matrix of distances."""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn

DistanceName = Literal["cosine", "squared", "euclidean"]


class PairLoss(nn.Module):
    """A loss over the pairs of one direction: anchors of one modality against candidates of the other.

    Subclasses never see embeddings, only distances, so that proxies, distances and directions are separate choices.
    """

    matched_pairs_only = False
    """Whether only the two halves of one clip are positives, as in InfoNCE, rather than all of one class."""
    self_distilled = False
    """Whether the network's own class posteriors say which negatives count less."""

    @abstractmethod
    def forward(
        self, distances: Tensor, positive: Tensor, forgiven: Tensor | None = None, margins: Tensor | None = None
    ) -> Tensor:
        """One direction's loss.

        Args:
            distances: From anchor a to candidate c. Shape (B, B).
            positive: Whether they belong together. Shape (B, B), bool.
            forgiven: Degree in [0, 1) to which a negative pair stops counting as one (LIR, form "forgive"); 0 for
                positives. Shape (B, B); None forgives nothing.
            margins: Factor in [0, 1] on the margin of a negative pair (LIR, form "margin"); 1 for positives.
                Shape (B, B); None leaves all margins as they are.

        Returns:
            A scalar; 0, with a gradient of zeros, if no pair counts.
        """

    def both_ways(
        self,
        audio_to_visual: Tensor,
        visual_to_audio: Tensor | None,
        positive: Tensor,
        forgiven: Tensor | None = None,
        margins: Tensor | None = None,
    ) -> Tensor:
        """The sum over both directions.

        Args:
            audio_to_visual: Distances from audio anchors to visual candidates. Shape (B, B).
            visual_to_audio: Distances from visual anchors to audio candidates; None if they are the same ones.
                Shape (B, B).
            positive: As in `forward`, and symmetric. Shape (B, B), bool.
            forgiven, margins: As in `forward`, of (audio n, visual m). Shape (B, B), or (2, B, B) to tell
                audio -> visual from visual -> audio.
        """
        forgive, factor = by_direction(forgiven), by_direction(margins)
        first: Tensor = self(audio_to_visual, positive, forgive[0], factor[0])
        second: Tensor = self(
            audio_to_visual.T if visual_to_audio is None else visual_to_audio, positive, forgive[1], factor[1]
        )
        return first + second


def distance(cosine: Tensor, name: DistanceName = "cosine") -> Tensor:
    """The distance of unit vectors x, y from their cosine x . y.

    - "cosine": D = 1 - x . y, 0 for equal, 1 for orthogonal, 2 for opposite vectors.
    - "squared": |x - y|^2 = 2 D, in [0, 4].
    - "euclidean": |x - y|, in [0, 2]. The root has no slope at 0: it is held at 1e-6 there, so that equal vectors give
      no infinite gradient.

    Args:
        cosine: Any shape.
        name: Which.

    Returns:
        In range up to rounding. Shape of `cosine`.

    >>> distance(torch.tensor([1.0, 0.0, -1.0])), distance(torch.tensor([1.0, 0.0, -1.0]), "squared")
    (tensor([0., 1., 2.]), tensor([0., 2., 4.]))
    """
    if name == "cosine":
        return 1.0 - cosine
    squared = 2.0 * (1.0 - cosine)
    return squared if name == "squared" else squared.clamp(min=1e-12).sqrt()


def cosine_distance(anchors: Tensor, candidates: Tensor) -> Tensor:
    """D(x, y) = 1 - x . y of all pairs of unit vectors. Shapes (B, d), (G, d) -> (B, G), in [0, 2] up to rounding.

    >>> cosine_distance(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]))
    tensor([[0., 1., 2.]])
    """
    return distance(anchors @ candidates.T)


def same_label(labels: Tensor) -> Tensor:
    """Whether two clips carry the same annotation. Shape (B, B), bool; the diagonal is true.

    >>> same_label(torch.tensor([0, 1, 0])).int()
    tensor([[1, 0, 1],
            [0, 1, 0],
            [1, 0, 1]], dtype=torch.int32)
    """
    return labels[:, None] == labels[None, :]


def different_label(labels: Tensor) -> Tensor:
    """1 for two clips of different annotations and 0 for others, to multiply with. Shape (B, B), float32.

    By arithmetic, which a CPU does several times as fast as a comparison and a mask. Labels below 2^24 are exact.

    >>> different_label(torch.tensor([0, 3, 0]))
    tensor([[0., 1., 0.],
            [1., 0., 1.],
            [0., 1., 0.]])
    """
    numbers = labels.to(torch.float32)
    return (numbers[:, None] - numbers[None, :]).abs_().clamp_(max=1.0)


def by_direction(pairs: Tensor | None) -> tuple[Tensor, Tensor] | tuple[None, None]:
    """A matrix of (audio, visual) pairs as seen by the anchors of audio -> visual and of visual -> audio.

    >>> [seen.shape for seen in by_direction(torch.zeros(2, 3, 4))]
    [torch.Size([3, 4]), torch.Size([4, 3])]
    """
    if pairs is None:
        return None, None
    if pairs.ndim == 3:
        return pairs[0], pairs[1].T
    return pairs, pairs.T


def kept(positive: Tensor, forgiven: Tensor | None, dtype: torch.dtype) -> Tensor:
    """Weight of each pair as a negative: 0 for positives, 1 - forgiven for negatives. Shape (B, B)."""
    if forgiven is None:
        return (~positive).to(dtype)
    return (1.0 - forgiven.to(dtype)).masked_fill(positive, 0.0)


def shifted(distances: Tensor, margin: float, margins: Tensor | None) -> Tensor:
    """Distances of negatives as they count under a smaller margin: d + margin * (1 - factor). Shape (B, B).

    relu(factor * margin + d_p - d_n) is relu(margin + d_p - shifted d_n), so mining and sorting need no other case.
    """
    return distances if margins is None else distances + margin * (1.0 - margins.to(distances.dtype))


def mean_of_counted(total: Tensor, count: Tensor) -> Tensor:
    """total / count for a whole number of things, and 0 (with a gradient) where nothing was counted."""
    return total / count.clamp(min=1).to(total.dtype)
