"""The metric losses of a student: both directions of retrieval, with a choice of what stands in for the anchor."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from avexplore.config import StudentConfig
from avexplore.losses.anchor_awareness import AnchorAwareness
from avexplore.losses.pairs import PairLoss, by_direction, cosine_distance, distance, same_label
from avexplore.losses.proxies import ClassProxies, ProxyLoss, class_means
from avexplore.losses.registry import record_of
from avexplore.losses.triplet import doubted


class Batch(NamedTuple):
    """What a metric loss is told of a batch of clips; see `MetricLoss.forward`."""

    audio: Tensor
    visual: Tensor
    labels: Tensor
    forgiven: Tensor | None
    margins: Tensor | None
    cosine: Tensor | None
    rows: Tensor | None
    predicted: tuple[Tensor, Tensor] | None


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
        rows: Tensor | None = None,
        predicted: tuple[Tensor, Tensor] | None = None,
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
            rows: Which training clips they are, for anchor-aware proxies with neighbors among all of them. Shape (B,).
            predicted: Class posteriors of both modalities, for losses that go by them. Shapes (B, C).

        Returns:
            A scalar: the sum over both directions.
        """
        if not len(labels):
            return audio.sum() + visual.sum()
        return self._loss(Batch(audio, visual, labels, forgiven, margins, cosine, rows, predicted))

    def _loss(self, batch: Batch) -> Tensor:
        """As `forward`, on at least one clip."""
        raise NotImplementedError


class CrossModalLoss(MetricLoss):
    """A pair loss in both directions: audio anchors among visual candidates, and the reverse.

    Args:
        pair_loss: What to ask of one direction.
        awareness: Makes the AA proxies that stand in for anchors; None if the clips stand for themselves.
        class_proxies: A learned unit vector of its class, shared by both modalities, stands in for an anchor.
    """

    def __init__(
        self,
        pair_loss: PairLoss,
        awareness: AnchorAwareness | None = None,
        class_proxies: ClassProxies | None = None,
    ) -> None:
        super().__init__()
        self.pair_loss, self.awareness, self.class_proxies = pair_loss, awareness, class_proxies

    def _loss(self, batch: Batch) -> Tensor:
        audio, visual, labels, forgiven, margins, cosine, rows, predicted = batch
        if self.pair_loss.self_distilled and predicted is not None:
            degree = doubted(predicted, labels).to(audio.dtype)
            forgiven = degree if forgiven is None else 1.0 - (1.0 - forgiven) * (1.0 - degree)
        if self.pair_loss.matched_pairs_only:
            positive = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        else:
            positive = same_label(labels)
        visual_to_audio = None
        if self.awareness is not None or self.class_proxies is not None:
            if self.awareness is not None:
                audio_anchors, visual_anchors = self.awareness(audio, visual, rows)
            else:
                assert self.class_proxies is not None
                audio_anchors = visual_anchors = self.class_proxies()[labels]
            cosine = audio_anchors @ visual.T
            visual_to_audio = cosine_distance(visual_anchors, audio)
        elif cosine is None:
            cosine = audio @ visual.T
        return self.pair_loss.both_ways(distance(cosine), visual_to_audio, positive, forgiven, margins)


class CrossModalProxyLoss(MetricLoss):
    """A loss of both modalities' clips against the same learned class proxies, which is what ties them together.

    LIR acts on a clip and a class as it acts, on average, on that clip and the batch's clips of that class [ours].

    Args:
        proxy_loss: What to ask of clips and class proxies.
        class_proxies: One per class.
        awareness: Makes the AA proxies that stand in for clips; None if they stand for themselves.
    """

    def __init__(
        self, proxy_loss: ProxyLoss, class_proxies: ClassProxies, awareness: AnchorAwareness | None = None
    ) -> None:
        super().__init__()
        self.proxy_loss, self.class_proxies, self.awareness = proxy_loss, class_proxies, awareness

    def _loss(self, batch: Batch) -> Tensor:
        audio, visual, labels, forgiven, margins, _, rows, _ = batch
        proxies = self.class_proxies()  # (C, w)
        positive = labels[:, None] == torch.arange(len(proxies), device=labels.device)  # (B, C)
        both = (audio, visual) if self.awareness is None else self.awareness(audio, visual, rows)
        total = audio.new_zeros(())
        for anchors, forgive, factor in zip(both, by_direction(forgiven), by_direction(margins), strict=True):
            forgive = None if forgive is None else class_means(forgive, positive)
            factor = None if factor is None else 1.0 - class_means(1.0 - factor, positive)
            total = total + self.proxy_loss(cosine_distance(anchors, proxies), positive, forgive, factor)
        return total


class NoMetricLoss(MetricLoss):
    """Zero, with a gradient of zeros: for the plain cross-entropy net, whose class heads do all the work."""

    def _loss(self, batch: Batch) -> Tensor:
        return (batch.audio.sum() + batch.visual.sum()) * 0.0


def build_metric_loss(config: StudentConfig, classes: int, clips: int = 0) -> MetricLoss:
    """The metric loss that a student's config names.

    Args:
        config: Names the loss, its numbers, and what stands in for anchors.
        classes: Number of classes C.
        clips: Number of training clips, for anchor-aware proxies with neighbors among all of them.

    Returns:
        A module; learned proxies are its parameters, drawn from torch's generator.

    Raises:
        ConfigError: If the loss has no record, or the config asks of it what it does not take.
    """
    record = record_of(config)
    width = config.dim if config.metric_space == "embedding" else classes
    awareness = None
    if config.proxies == "aadml":
        remembered = clips if config.neighbors_among == "training" else 0
        awareness = AnchorAwareness(
            config.neighbors, config.attention_temperature, config.neighbors_of, clips=remembered, width=width
        )
    loss = record.make(config)
    if record.kind == "none":
        return NoMetricLoss()
    if record.kind == "class-proxies":
        return CrossModalProxyLoss(loss, ClassProxies(classes, width), awareness)
    return CrossModalLoss(loss, awareness, ClassProxies(classes, width) if config.proxies == "learned" else None)
