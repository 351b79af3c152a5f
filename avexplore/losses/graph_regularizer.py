"""LIR, the Latent Interaction Regularizer: class-pair weights act on pairs of clips."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from avexplore.artifacts import Affinity, Clips, SoftLabels
from avexplore.config import RegularizerConfig
from avexplore.errors import ConfigError, DataError
from avexplore.losses.pairs import different_label

Form = Literal["pull", "forgive", "margin"]
Level = Literal["class", "node"]

CEILING = 0.95
"""A linked negative keeps at least 5 % of its weight: a pair that weighs nothing would put log 0 into the softmax."""
_SAMPLE = 2048


class GraphRegularizer:
    """How strongly each pair of clips is linked, and what that does to a loss.

    Made once, when LIR switches on, from the soft labels of all training clips; then asked for batches of rows.
    All that a batch costs is one product of (B, C) by (C, B) and one pass over its pairs.

    [ours] With s_n[i] the soft label of clip n for class node i, zeroed up to tau, and A-hat the node weights:

        W_nm = sum over i, j of s_n[i] * A_ij * s_m[j], and 0 where n and m carry the same annotation.

    `level="class"` takes for a pair of classes the largest weight among their nodes' pairs, so that an edge within one
    modality links clips across modalities, too; `level="node"` takes audio-visual edges for audio-visual pairs only.
    The anchor carries an edge's source: with asymmetric weights, audio -> visual and visual -> audio differ.

    Args:
        weights: A-hat, weights[i, j] links clips with soft label i to clips with soft label j, in [0, 1].
            Shape (2C, 2C), audio nodes first.
        audio: Probabilities from audio. Shape (n, C).
        visual: Probabilities from visual. Shape (n, C).
        labels: Annotated classes. Shape (n,).
        form: "pull", "forgive" or "margin".
        weight: lambda >= 0.
        tau: Soft labels up to this do not count, in [0, 1].
        level: See above; "pull" always acts on nodes' own modalities with "node", across them with "class".
        percentile: The links' quantile that is forgiven fully ("forgive") or loses all its margin ("margin").
        true_labels: All true classes, to link the pairs that truly share one instead (the ceiling of any pairwise
            regularizer, not a method). Shape (n, C), bool.

    Raises:
        ConfigError: If the shapes do not fit.
    """

    def __init__(
        self,
        weights: Tensor,
        audio: Tensor,
        visual: Tensor,
        labels: Tensor,
        *,
        form: Form = "forgive",
        weight: float = 1.0,
        tau: float = 0.0,
        level: Level = "class",
        percentile: float = 0.98,
        true_labels: Tensor | None = None,
    ) -> None:
        classes = audio.shape[1]
        if weights.shape != (2 * classes, 2 * classes) or visual.shape != audio.shape or len(labels) != len(audio):
            raise ConfigError(
                f"Weights {tuple(weights.shape)}, soft labels {tuple(audio.shape)} and {tuple(visual.shape)} and "
                f"{len(labels)} labels do not fit",
                where="graph regularizer",
                fix="Pass (2C, 2C) weights, two (n, C) matrices and n labels",
            )
        self.form, self.weight, self.level, self.percentile = form, weight, level, percentile
        self.labels = labels
        weights = weights.to(audio.dtype).to(audio.device)
        self._audio, self._visual = audio * (audio > tau), visual * (visual > tau)
        self._blocks = _blocks(weights, classes, level)
        self._total = max(1e-12, float(sum(block.sum() for block in self._blocks.values())))
        label_count = int(labels.max()) + 1 if len(labels) else 1  # here, since reading it back stalls a GPU
        self._label_numbers = torch.arange(label_count, device=labels.device)
        self._true = None if true_labels is None else true_labels.to(audio.dtype)
        across, back = self._blocks["audio_visual"], self._blocks["visual_audio"]
        self.directed = self._true is None and not torch.equal(across, back.T)
        if self._true is not None:
            self._left = [(self._true, self._true)]
        else:
            self._left = [(self._audio @ across, self._visual)]
            if self.directed:
                self._left.append((self._audio @ back.T, self._visual))
        self.scale = self._quantile()

    @classmethod
    def from_config(
        cls, config: RegularizerConfig, affinity: Affinity, soft_labels: SoftLabels, clips: Clips, rows: Tensor
    ) -> GraphRegularizer:
        """The regularizer of a student, over the clips `rows` (indices into `clips`), on their device.

        Batches are then named by their positions in `rows`.

        Raises:
            DataError: If true pairs are asked for but no true labels are known.
        """
        device, index = rows.device, rows.cpu().numpy()
        audio, visual = torch.tensor(soft_labels.probabilities(index), dtype=torch.float32, device=device)
        true = None
        if affinity.true_pairs:
            if clips.true_labels is None:
                raise DataError("True pairs need true labels, which these clips lack", where="affinity")
            true = torch.tensor(clips.true_labels[index], device=device)
        return cls(
            torch.tensor(affinity.weights, dtype=torch.float32, device=device),
            audio,
            visual,
            torch.tensor(clips.hard_label[index], dtype=torch.int64, device=device),
            form=config.form,
            weight=config.weight,
            tau=config.tau,
            level=config.level,
            percentile=config.percentile,
            true_labels=true,
        )

    def links(self, rows: Tensor) -> Tensor:
        """W of the pairs (audio n, visual m).

        Args:
            rows: Indices of the batch's clips. Shape (B,).

        Returns:
            >= 0, and 0 where annotations agree. Shape (B, B), or (2, B, B) if the weights are directed: as seen
            by audio anchors, then by visual anchors; rows are audio clips in both.
        """
        return self._linked(rows, 1.0, float("inf"))

    def forgiven(self, rows: Tensor, strength: float = 1.0) -> Tensor:
        """How far each pair stops counting as a negative: .95 * lambda * min(1, W / q), at most .95 [ours].

        q is the `percentile` of W over the training pairs, so that the same pair is forgiven alike in every batch.

        Args:
            rows: Indices of the batch's clips. Shape (B,).
            strength: In [0, 1], for a ramp.

        Returns:
            In [0, .95]. Shapes as in `links`.
        """
        degree = self.weight * strength
        return self._linked(rows, CEILING * degree / self.scale, CEILING * min(1.0, degree))

    def margins(self, rows: Tensor, strength: float = 1.0) -> Tensor:
        """Factor on each pair's margin [ours]: 1 - forgiven, in [.05, 1]. Arguments and shapes as in `forgiven`.

        [measured] The authors' released margin matrix gives linked class pairs a margin of their own; how it was used
        is not public.
        """
        return 1.0 - self.forgiven(rows, strength)

    def pull(
        self, audio: Tensor, visual: Tensor, rows: Tensor, strength: float = 1.0, *, cosine: Tensor | None = None
    ) -> Tensor:
        """Draws linked clips together.

        [reported] Dependency-linked but unlabeled pairs are pulled together in proportion to their soft-label
        probabilities. [ours]

            lambda * sum over edges (i, j) of A_ij * weighted mean over S_ij of D(z_n, z_m) / sum over edges of A_ij

        S_ij = pairs of the batch with s_n[i] > tau, s_m[j] > tau and different annotations; weights s_n[i] * s_m[j].
        Each edge acts on the embeddings of its own modalities. Dividing by the total weight keeps lambda's meaning
        when edges come and go. With true pairs: the mean of D over the pairs that share a true class.

        Args:
            audio: Unit vectors. Shape (B, d).
            visual: Unit vectors. Shape (B, d).
            rows: Indices of the batch's clips. Shape (B,).
            strength: In [0, 1], for a ramp.
            cosine: audio @ visual.T where a metric loss needs it, too: most of what a pull costs. Shape (B, B).

        Returns:
            A scalar >= 0.
        """
        factor = self.weight * strength
        if self._true is not None:
            W = self._linked(rows, 1.0, 1.0).to(audio.dtype)
            total = W.sum()
            return factor * (total - _weighted_cosine(W, audio, visual, cosine)) / total.clamp(min=1.0)
        s, z = {"audio": self._audio[rows], "visual": self._visual[rows]}, {"audio": audio, "visual": visual}
        different = different_label(self.labels[rows])
        across = self._blocks["audio_visual"] + self._blocks["visual_audio"].T
        terms = [("audio", "visual", across)]
        if self.level == "node":
            terms += [(m, m, self._blocks[f"{m}_{m}"]) for m in ("audio", "visual")]
        loss = audio.new_zeros(())
        for source, target, A in terms:
            reached = self._pair_mass(s[source], s[target], self.labels[rows])  # (C, C)
            met = A * (reached > 1e-12)  # by pairs of the batch; their weights add up to just this
            W = (s[source] @ (met / reached.clamp(min=1e-12))) @ s[target].T
            W = W.mul_(different).to(audio.dtype)  # (B, B)
            known = cosine if source != target else None
            loss = loss + met.sum() - _weighted_cosine(W, z[source], z[target], known)
        return factor / self._total * loss

    def _pair_mass(self, left: Tensor, right: Tensor, labels: Tensor) -> Tensor:
        """Sum over pairs with different annotations of s_n[i] * s_m[j], for all i, j. Shape (C, C)."""
        own = (labels[:, None] == self._label_numbers).to(left.dtype)  # (B, labels)
        same = (left.T @ own) @ (own.T @ right)
        return left.sum(0)[:, None] * right.sum(0)[None, :] - same

    def _linked(self, rows: Tensor, factor: float, ceiling: float) -> Tensor:
        different = different_label(self.labels[rows])
        found = []
        for left, right in self._left:
            W = (left[rows] * factor) @ right[rows].T
            if self._true is not None:  # any shared class links fully
                W = (W > 0).to(W.dtype) * min(ceiling, 1.0)
            found.append(W.clamp_(max=ceiling).mul_(different))
        return torch.stack(found) if len(found) > 1 else found[0]

    def _quantile(self) -> float:
        """The links' quantile over training pairs, a regular sample of at most 2,048 x 2,048 of them."""
        n = len(self.labels)
        if self._true is not None or n == 0:
            return 1.0
        rows = torch.arange(0, n, -(-n // _SAMPLE), device=self.labels.device)
        W = self.links(rows).reshape(-1)
        quantile = _quantile(W, self.percentile)
        if quantile <= 1e-6 and bool((W > 0).any()):  # few links at all: the quantile of those
            quantile = _quantile(W[W > 0], self.percentile)
        return max(quantile, 1e-12)


def _weighted_cosine(W: Tensor, left: Tensor, right: Tensor, cosine: Tensor | None) -> Tensor:
    """Sum over pairs of W * cosine; unless cosines are known, one product of (B, B) by (B, d) less without them."""
    return ((W @ right) * left).sum() if cosine is None else (W * cosine).sum()


def _quantile(values: Tensor, share: float) -> float:
    """The smallest value that at least `share` of all values do not exceed; torch.quantile sorts, this selects."""
    rank = max(1, min(values.numel(), int(torch.ceil(torch.tensor(share * values.numel())).item())))
    return float(values.kthvalue(rank).values)


def _blocks(weights: Tensor, classes: int, level: Level) -> dict[str, Tensor]:
    """A-hat by the modalities of source and target, each (C, C)."""
    halves = {"audio": slice(0, classes), "visual": slice(classes, None)}
    blocks = {f"{s}_{t}": weights[halves[s], halves[t]] for s in halves for t in halves}
    if level == "class":
        largest = torch.stack(list(blocks.values())).amax(0)
        return {"audio_visual": largest, "visual_audio": largest}
    return blocks
