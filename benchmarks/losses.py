"""Losses on a batch of 400, forward and backward, beside what others offer. Ratios within one run are what counts.

python -m benchmarks.losses
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from avexplore.losses.graph_regularizer import GraphRegularizer
from avexplore.losses.metric import CrossModalLoss
from avexplore.losses.pairs import cosine_distance
from avexplore.losses.supervised_contrastive import SupervisedContrastiveLoss
from avexplore.losses.triplet import TripletLoss

PairLoss = Callable[[Tensor, Tensor], Tensor]

BATCH, DIM, CLASSES = 400, 128, 28


def seconds(work: Callable[[], object], repeats: int = 15) -> float:
    """Median CPU time of one call, after a warm-up."""
    work()
    found = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return sorted(found)[repeats // 2]


def stepped(loss: PairLoss, audio: Tensor, visual: Tensor) -> Callable[[], Tensor]:
    """Forward and backward."""

    def step() -> Tensor:
        audio.grad = visual.grad = None
        value = loss(audio, visual)
        torch.autograd.backward(value)
        return value.detach()

    return step


def pair_loop(affinity: Tensor, s_audio: Tensor, s_visual: Tensor, labels: Tensor, pairs: int) -> PairLoss:
    """LIR as one writes it down: a loop over pairs of clips, here the first `pairs` of them."""

    def loss(audio: Tensor, visual: Tensor) -> Tensor:
        total, mass, done = audio.new_zeros(()), 0.0, 0
        for n in range(len(audio)):
            for m in range(len(visual)):
                if done == pairs:
                    return total / max(mass, 1e-9)
                done += 1
                if labels[n] == labels[m]:
                    continue
                weight = s_audio[n] @ affinity @ s_visual[m]
                total = total + weight * (1 - audio[n] @ visual[m])
                mass += float(weight)
        return total / max(mass, 1e-9)

    return loss


def matched_loop(affinity: Tensor, labels: Tensor) -> PairLoss:
    """The shape of the released regularizer: a loop over matched clips alone, with table look-ups per clip."""
    import pandas as pd

    table = pd.DataFrame(affinity.numpy())

    def loss(audio: Tensor, visual: Tensor) -> Tensor:
        total = audio.new_zeros(())
        for n in range(len(audio)):
            label, weight = int(labels[n].item()), 1.0
            for _ in range(4):
                if table.iloc[label, label] == 1:
                    weight *= 0.4
            total = total + weight * torch.norm(audio[n] - visual[n], p=2)
        return total

    return loss


def broadcast_triplets(margin: float) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """All triplets as a tensor of B x B x B."""

    def loss(audio: Tensor, visual: Tensor, labels: Tensor) -> Tensor:
        same, total = labels[:, None] == labels[None], audio.new_zeros(())
        for D in ((d := cosine_distance(audio, visual)), d.T):
            violation = (margin + D[:, :, None] - D[:, None, :]).relu() * (same[:, :, None] & ~same[:, None, :])
            total = total + violation.sum() / (violation > 0).sum().clamp(min=1)
        return total

    return loss


def line(what: str, own: float, peer: str = "", other: float = 0.0) -> None:
    """One row of the table, in ms."""
    beside = f"{peer:<26}{other * 1e3:10.2f} ms   x {other / own:,.1f}" if peer else ""
    print(f"{what:<34}{own * 1e3:8.2f} ms   {beside}")


def main() -> None:
    from pytorch_metric_learning import distances, losses

    torch.set_num_threads(1)
    torch.manual_seed(0)
    audio, visual = torch.nn.functional.normalize(torch.randn(2, BATCH, DIM), dim=2)
    audio, visual = audio.clone().requires_grad_(), visual.clone().requires_grad_()
    labels = torch.randint(0, CLASSES, (BATCH,))
    again = labels.clone()  # told apart from `labels`, or the peer leaves a clip's other half out
    s_audio, s_visual = torch.randn(2, BATCH, CLASSES).mul(2).softmax(2)
    weights = torch.rand(2 * CLASSES, 2 * CLASSES)
    weights = (weights + weights.T) / 2
    rows, cosine = torch.arange(BATCH), distances.CosineSimilarity()
    print(f"batch {BATCH}, {DIM} dimensions, {CLASSES} classes, one thread, forward and backward, CPU time\n")

    def peer(loss: torch.nn.Module) -> Callable[[Tensor, Tensor], Tensor]:
        return lambda a, v: loss(a, labels, ref_emb=v, ref_labels=again) + loss(v, labels, ref_emb=a, ref_labels=again)

    def timed(loss: Callable[[Tensor, Tensor], Tensor], repeats: int = 15) -> float:
        return seconds(stepped(loss, audio, visual), repeats)

    ours = CrossModalLoss(SupervisedContrastiveLoss(0.1))
    own = timed(lambda a, v: ours(a, v, labels), 31)
    other = timed(peer(losses.SupConLoss(0.1, distance=cosine)))
    line("supervised contrastive", own, "pytorch-metric-learning", other)

    triplets = CrossModalLoss(TripletLoss(0.2))
    own = timed(lambda a, v: triplets(a, v, labels))
    line("all triplets", own, "pytorch-metric-learning", timed(peer(losses.TripletMarginLoss(0.2, distance=cosine)), 3))
    plain = broadcast_triplets(0.2)
    line("", own, "B x B x B", timed(lambda a, v: plain(a, v, labels), 1))

    lir = GraphRegularizer(weights, s_audio, s_visual, labels, form="pull")
    own, pairs = timed(lambda a, v: lir.pull(a, v, rows), 31), 4000
    across = weights[:CLASSES, CLASSES:]
    loop = timed(pair_loop(across, s_audio, s_visual, labels, pairs), 1) * BATCH * BATCH / pairs
    line("LIR over all pairs, pull", own, "loop over pairs", loop)
    line("", own, "loop over matched clips", timed(matched_loop((across > 0.5).float(), labels), 3))

    forgive = GraphRegularizer(weights, s_audio, s_visual, labels)
    without = timed(lambda a, v: ours(a, v, labels), 51)
    with_lir = timed(lambda a, v: ours(a, v, labels, forgiven=forgive.forgiven(rows)), 51)
    line("LIR, forgive: added to a step", with_lir - without)


if __name__ == "__main__":
    main()
