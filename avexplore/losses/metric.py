"""The metric losses by name: both directions of retrieval, with a choice of what stands in for the anchor."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from avexplore.config import StudentConfig
from avexplore.losses.anchor_awareness import AnchorAwareness
from avexplore.losses.contrastive import ContrastiveLoss
from avexplore.losses.distances import DistanceName, distance
from avexplore.losses.mining import same_label
from avexplore.losses.pairs import PairLoss, by_direction
from avexplore.losses.proxies import (
    ClassProxies,
    ProxyAnchorLoss,
    ProxyLoss,
    ProxyTripletLoss,
    class_means,
    proxy_distances,
)
from avexplore.losses.supervised_contrastive import InfoNCELoss, SupervisedContrastiveLoss
from avexplore.losses.triplet import TripletLoss

Proxies = Literal["none", "anchor_aware", "learned"]


class Batch(NamedTuple):
    """What a metric loss is told of a batch of clips; see `MetricLoss.forward`."""

    audio: Tensor
    visual: Tensor
    labels: Tensor
    forgiven: Tensor | None
    margins: Tensor | None
    cosine: Tensor | None


class MetricLoss(nn.Module):
    """Base of the metric losses of a student: a batch of clips in, a scalar out."""

    def forward(
        self,
        audio: Tensor,
        visual: Tensor,
        labels: Tensor,
        *,
        forgiven: Tensor | None = None,
        margins: Tensor | None = None,
        cosine: Tensor | None = None,
    ) -> Tensor:
        """The loss of a batch.

        Args:
            audio: Unit vectors. Shape (B, d).
            visual: Unit vectors of the same clips. Shape (B, d).
            labels: Annotated classes. Shape (B,), integers.
            forgiven: Degree in [0, 1) to which (audio n, visual m) stops counting as a negative pair, 0 where the
                annotations agree. Shape (B, B), or (2, B, B) to tell audio -> visual from visual -> audio.
            margins: Factor in [0, 1] on the margin of (audio n, visual m). Shapes as `forgiven`.
            cosine: audio @ visual.T if it is known already; losses without proxies need it. Shape (B, B).

        Returns:
            A scalar: the sum over both directions.
        """
        if not len(labels):
            return audio.sum() + visual.sum()
        return self.both(Batch(audio, visual, labels, forgiven, margins, cosine))

    def both(self, batch: Batch) -> Tensor:
        """As `forward`, on at least one clip."""
        raise NotImplementedError


class CrossModalLoss(MetricLoss):
    """A pair loss in both directions: audio anchors among visual candidates, and the reverse.

    Args:
        pair_loss: What to ask of one direction.
        proxies: What stands in for an anchor: "none" (the clip itself), "anchor_aware" (its AA proxy, from its own
            modality), "learned" (a learned unit vector of its class, shared by both modalities).
        neighbors: k of the anchor-aware proxies.
        classes: Number of classes, for learned proxies.
        dim: Length of an embedding, for learned proxies.
        distance: How far an anchor is from a candidate.
    """

    def __init__(
        self,
        pair_loss: PairLoss,
        proxies: Proxies = "none",
        *,
        neighbors: int = 3,
        classes: int = 0,
        dim: int = 0,
        distance: DistanceName = "cosine",
    ) -> None:
        super().__init__()
        self.pair_loss, self.proxies, self.distance = pair_loss, proxies, distance
        self.awareness = AnchorAwareness(neighbors) if proxies == "anchor_aware" else None
        self.class_proxies = ClassProxies(classes, dim) if proxies == "learned" else None

    def both(self, batch: Batch) -> Tensor:
        """See `MetricLoss.both`."""
        audio, visual, labels, forgiven, margins, cosine = batch
        if self.pair_loss.matched_pairs_only:
            positive = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        else:
            positive = same_label(labels)
        back = None
        if self.proxies != "none":
            cosine = self._anchors(audio, labels) @ visual.T
            back = distance(self._anchors(visual, labels) @ audio.T, self.distance)
        elif cosine is None:
            cosine = audio @ visual.T
        there = distance(cosine, self.distance)
        return self.pair_loss.both_ways(there, back, positive, forgiven, margins)

    def _anchors(self, embedding: Tensor, labels: Tensor) -> Tensor:
        if self.awareness is not None:
            proxies: Tensor = self.awareness(embedding)
            return proxies
        assert self.class_proxies is not None
        chosen: Tensor = self.class_proxies()[labels]
        return chosen


class CrossModalProxyLoss(MetricLoss):
    """A loss of both modalities' clips against the same learned class proxies, which is what ties them together.

    LIR acts on a clip and a class as it acts, on average, on that clip and the batch's clips of that class [ours].

    Args:
        proxy_loss: What to ask of clips and class proxies.
        classes: Number of classes.
        dim: Length of an embedding.
        anchor_aware: Whether a clip's AA proxy stands in for the clip.
        neighbors: k of the anchor-aware proxies.
    """

    def __init__(
        self, proxy_loss: ProxyLoss, classes: int, dim: int, *, anchor_aware: bool = False, neighbors: int = 3
    ) -> None:
        super().__init__()
        self.proxy_loss, self.class_proxies = proxy_loss, ClassProxies(classes, dim)
        self.awareness = AnchorAwareness(neighbors) if anchor_aware else None

    def both(self, batch: Batch) -> Tensor:
        """See `MetricLoss.both`."""
        audio, visual, labels, forgiven, margins, _ = batch
        proxies = self.class_proxies()  # (C, d)
        positive = labels[:, None] == torch.arange(len(proxies), device=labels.device)  # (B, C)
        total = audio.new_zeros(())
        directions = zip((audio, visual), by_direction(forgiven), by_direction(margins), strict=True)
        for embedding, forgive, factor in directions:
            anchors = embedding if self.awareness is None else self.awareness(embedding)
            forgive = None if forgive is None else class_means(forgive, positive)
            factor = None if factor is None else 1.0 - class_means(1.0 - factor, positive)
            total = total + self.proxy_loss(proxy_distances(anchors, proxies), positive, forgive, factor)
        return total


class NoMetricLoss(MetricLoss):
    """Zero, with a gradient of zeros: for the plain cross-entropy net, whose class heads do all the work."""

    def both(self, batch: Batch) -> Tensor:
        """See `MetricLoss.both`."""
        return (batch.audio.sum() + batch.visual.sum()) * 0.0


def build_metric_loss(config: StudentConfig, classes: int) -> MetricLoss:
    """The metric loss that a student's config names.

    "proxy-triplet" and "proxy-anchor" have learned class proxies by nature: for them `proxies="learned"` means the
    same as "none". `proxies` means nothing to "cross-entropy".

    Args:
        config: Names the loss and its numbers.
        classes: Number of classes C.

    Returns:
        A module; learned proxies are its parameters, drawn from torch's generator.
    """
    if config.loss == "cross-entropy":
        return NoMetricLoss()
    if config.loss in ("proxy-triplet", "proxy-anchor"):
        proxy_loss = (
            ProxyTripletLoss(config.margin)
            if config.loss == "proxy-triplet"
            else ProxyAnchorLoss(config.temperature, config.margin)
        )
        aware = config.proxies == "anchor_aware"
        return CrossModalProxyLoss(proxy_loss, classes, config.dim, anchor_aware=aware, neighbors=config.neighbors)
    pair_loss: PairLoss
    match config.loss:
        case "supervised-contrastive":
            pair_loss = SupervisedContrastiveLoss(config.temperature, config.margin)
        case "infonce":
            pair_loss = InfoNCELoss(config.temperature, config.margin)
        case "contrastive":
            pair_loss = ContrastiveLoss(config.margin)
        case "triplet":
            pair_loss = TripletLoss(config.margin, "all")
        case "triplet-semihard":
            pair_loss = TripletLoss(config.margin, "semihard")
        case "triplet-hard":
            pair_loss = TripletLoss(config.margin, "hard")
    return CrossModalLoss(pair_loss, config.proxies, neighbors=config.neighbors, classes=classes, dim=config.dim)
