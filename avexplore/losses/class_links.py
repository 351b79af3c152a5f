"""LIR at a student's class heads: a class that the graph links to a clip stops counting against that clip."""

from __future__ import annotations

import torch
from torch import Tensor

from avexplore.losses.graph_regularizer import CEILING


def class_links(
    weights: Tensor, audio: Tensor, visual: Tensor, labels: Tensor, true_labels: Tensor | None = None
) -> Tensor:
    """How strongly each clip is linked to each class that it is not annotated with.

    [ours] W_nc = min(1, sum over j of s_n[j] * A_jc), and 0 for the annotated class, with s_n the mean of both
    modalities' soft labels and A the largest weight of a pair of classes among its four pairs of nodes. With A = I it
    is the teacher's own belief in the class.

    Args:
        weights: A-hat over class nodes, audio nodes first. Shape (2C, 2C).
        audio, visual: Probabilities. Shape (n, C).
        labels: Annotated classes. Shape (n,).
        true_labels: All true classes, which decide instead where they are given (a ceiling, not a method).
            Shape (n, C), bool.

    Returns:
        In [0, 1]. Shape (n, C).

    >>> A = torch.tensor([[1.0, 0.5], [0.5, 1.0]]).repeat(2, 2)
    >>> s = torch.tensor([[0.8, 0.2]])
    >>> class_links(A, s, s, torch.tensor([0]))
    tensor([[0.0000, 0.6000]])
    """
    classes = audio.shape[1]
    if true_labels is not None:
        linked = true_labels.to(audio.dtype)
    else:
        pairs = weights.to(audio).reshape(2, classes, 2, classes).amax(dim=(0, 2))
        linked = ((audio + visual) / 2 @ pairs).clamp(max=1.0)
    return linked.scatter(1, labels[:, None], 0.0)


def forgiving_offsets(links: Tensor, degree: float | Tensor) -> Tensor:
    """What to add to a class head's outputs, so that a linked class leaves the softmax's denominator by degree.

    [ours] log(1 - min(.95, degree * W_c)): the cross-entropy of l_c plus this with the annotated class is

        -log( e^{l_y} / sum over c of k_c e^{l_c} ),   k_c = 1 - min(.95, degree * W_c),

    what `forgive` does to pairs of clips, done to a clip and a class. A sigmoid's "absent" is asked for less, too.

    Args:
        links: W of some clips. Shape (B, C).
        degree: >= 0; 0 changes nothing.

    Returns:
        <= 0. Shape (B, C).

    >>> forgiving_offsets(torch.tensor([[0.0, 0.5]]), 1.0).exp()
    tensor([[1.0000, 0.5000]])
    """
    return torch.log1p(-(degree * links).clamp(max=CEILING))
