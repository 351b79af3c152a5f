"""LIR in the embedding: a class that the graph links to what a clip is annotated with becomes likelier there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CEILING = 0.95
"""No link makes a class certain."""
SMALL = 1e-3
"""Added to probabilities before one is divided by another."""
_ENTRIES = 4_000_000


def association(soft_labels: NDArray[Any], labels: NDArray[Any], classes: int) -> NDArray[Any]:
    """How much more a teacher finds of class j in clips annotated with i than in clips at large.

    Z_ij = mean over clips annotated with i of (s_nj - mean s_j) / sd s_j, the mean of both modalities; 0 where that is
    negative, and for i = j [ours]. On logits: a softmax of clips that it was trained on has hardly anything left for a
    second class.

    Args:
        soft_labels: Of training clips, one column per class node, audio nodes first. Shape (n, 2C).
        labels: Annotated classes, in 0..C-1. Shape (n,).
        classes: C.

    Returns:
        In standard deviations, >= 0. Shape (C, C), float64.

    >>> association(np.array([[2.0, 1, 2, 1], [0, 0, 0, 0]]), np.array([0, 1]), 2)
    array([[0., 1.],
           [0., 0.]])
    """
    columns = np.asarray(soft_labels, np.float64)
    spread = columns.std(axis=0)
    standardized = np.divide(columns - columns.mean(axis=0), spread, out=np.zeros_like(columns), where=spread > 0)
    member = np.zeros((len(labels), classes))
    member[np.arange(len(labels)), labels] = 1.0
    means = (member / np.maximum(member.sum(axis=0), 1.0)).T @ standardized  # (C, 2C)
    found: NDArray[Any] = np.maximum(means.reshape(classes, 2, classes).mean(axis=1), 0.0) * (1.0 - np.eye(classes))
    return found


class LinkedPosteriors:
    """From the probability of each annotation to the probability that a class is present, annotated or not.

    A class head gives p_c, the probability that a clip is annotated with c. A clip has one annotation and may hold more
    events. [ours] Each class i that it may be annotated with brings class j with probability r_ij, independently of the
    others (a noisy or):

        q_j = 1 - (1 - p_j) * prod over i of (1 - p_i r_ij),   r_ij = m_ij L_j / (m_ij L_j + 1 - m_ij).

    m_ij is what the link alone says of j where i is annotated, and L_j = p_j / pi_j what the clip says of j: how much
    likelier its features make that annotation than its share pi_j of all clips is. r is Bayes' rule in odds. A link
    without evidence in the clip adds next to nothing, and so does evidence without a link.

    Audio and visual posteriors each have links of their own.

    Args:
        presence: m, `presence[k, i, j]` for posteriors of modality k (0 audio, 1 visual), in [0, 1), with zeros where
            i = j. Shape (2, C, C).
        share: pi, the share of each class among annotations. Shape (C,).

    >>> links = LinkedPosteriors(np.array([[[0, 0.5], [0, 0]]] * 2), np.array([0.5, 0.5]))
    >>> links(torch.tensor([[0.8, 0.2]]), 0).round(decimals=2)
    tensor([[0.8000, 0.3800]])
    """

    def __init__(self, presence: NDArray[Any], share: NDArray[Any], device: torch.device | str = "cpu") -> None:
        self.presence, self.share = np.asarray(presence, np.float32), np.asarray(share, np.float32)
        self._share = torch.tensor(self.share, device=device)  # a copy: what comes from the store is read-only
        self._edges = []
        for block in self.presence:
            source, target = np.nonzero(block)
            each = (source, target, _entering(target, len(block)), block[source, target])
            self._edges.append(tuple(torch.from_numpy(values).to(device) for values in each))

    @classmethod
    def from_weights(
        cls,
        weights: NDArray[Any],
        association: NDArray[Any],
        share: NDArray[Any],
        strength: float,
        level: Literal["class", "node"] = "class",
        device: torch.device | str = "cpu",
        *,
        largest: float | None = None,
    ) -> LinkedPosteriors:
        """Links from A-hat, which says between what, and the soft labels of annotated clips, which say how strong.

        m_ij = strength * Z_ij / (largest Z of a link, or `largest`) if A_ij > 0, else 0 [ours]. Two classes are
        linked if any of their nodes' pairs is; with `level="node"` only pairs that start from a node of the
        posterior's own modality count. Z has a direction: a rare class may bring a common one more often than the
        reverse.

        Args:
            weights: A-hat over class nodes, audio nodes first, source in rows. Shape (2C, 2C), >= 0.
            association: Z, how much more of class j clips annotated with i show, >= 0. Shape (C, C).
            share: Share of each class among annotations. Shape (C,).
            strength: Probability that the strongest link's other class is present, without evidence, in [0, 1].
            level: See above.
            device: Where posteriors will lie.
            largest: The Z that has the full strength; None for the largest of a link. With one for all choices of
                links, another choice leaves the strength of each link alone.
        """
        count = len(share)
        linked = np.asarray(weights).reshape(2, count, 2, count).max(axis=2) > 0  # over the target's modality
        if level == "class":
            linked = np.broadcast_to(linked.any(axis=0), linked.shape)
        between = np.where(linked, association, 0.0) * (1.0 - np.eye(count))
        scaled = between / max(float(between.max(initial=0.0)) if largest is None else largest, 1e-12)
        return cls(np.minimum(strength * scaled, CEILING), share, device)

    def __call__(self, posterior: Tensor, modality: int) -> Tensor:
        """q of some clips.

        Args:
            posterior: p. Shape (B, C), in [0, 1].
            modality: 0 audio, 1 visual.

        Returns:
            Shape (B, C), in [0, 1], nowhere below p.
        """
        source, target, entering, m = self._edges[modality]
        if not len(m):
            return posterior
        step = max(1, _ENTRIES // entering.numel())
        return torch.cat([self._linked(part, source, target, entering, m) for part in torch.split(posterior, step)])

    def _linked(self, p: Tensor, source: Tensor, target: Tensor, entering: Tensor, m: Tensor) -> Tensor:
        evidence = (p + SMALL) / (self._share + SMALL)
        odds = m * evidence[:, target]
        brought = odds / (odds + (1.0 - m))
        missed = torch.log1p(-(p[:, source] * brought).clamp(max=1.0 - 1e-6))
        padded = torch.cat([missed, missed.new_zeros(len(p), 1)], 1)
        absent = (1.0 - p) * padded[:, entering].sum(2).exp()
        return 1.0 - absent

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """By name, to be stored beside a network's weights."""
        return {"links.presence": self.presence, "links.share": self.share}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> LinkedPosteriors | None:
        """Read what `to_arrays` wrote; None if a student has no links."""
        if "links.presence" not in arrays:
            return None
        return cls(np.asarray(arrays["links.presence"]), np.asarray(arrays["links.share"]))


def _entering(target: NDArray[Any], classes: int) -> NDArray[Any]:
    """The edges that enter each class, filled up with the number of edges: sums over these rows have one order, where
    adding edge by edge would have any on a GPU. Shape (C, most edges of a class)."""
    order = np.argsort(target, kind="stable")
    degree = np.bincount(target, minlength=classes)
    place = np.arange(len(target)) - np.repeat(np.cumsum(degree) - degree, degree)
    found = np.full((classes, degree.max(initial=0)), len(target))
    found[target[order], place] = order
    return found
