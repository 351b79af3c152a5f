"""Our losses in the place of pytorch-metric-learning's, and in anybody's loop."""

from __future__ import annotations

import pytest
import torch
from pytorch_metric_learning import distances, losses, reducers
from torch.nn.functional import normalize

from avexplore.errors import ConfigError
from avexplore.losses.contrastive import ContrastiveLoss
from avexplore.losses.embedding_loss import EmbeddingLoss
from avexplore.losses.graph_regularizer import GraphRegularizer
from avexplore.losses.metric import CrossModalLoss
from avexplore.losses.proxies import ClassProxies, ProxyAnchorLoss
from avexplore.losses.supervised_contrastive import InfoNCELoss, SupervisedContrastiveLoss
from avexplore.losses.triplet import TripletLoss


def batch(seed: int, count: int = 18, classes: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    embeddings = torch.randn(count, 6, generator=generator, dtype=torch.float64)
    return embeddings, torch.randint(classes, (count,), generator=generator)


class CosineDistance(distances.CosineSimilarity):
    """1 - cosine, as a distance of theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.is_inverted = False

    def compute_mat(self, query_emb: torch.Tensor, ref_emb: torch.Tensor | None) -> torch.Tensor:
        return 1 - super().compute_mat(query_emb, ref_emb)

    def pairwise_distance(self, query_emb: torch.Tensor, ref_emb: torch.Tensor) -> torch.Tensor:
        return 1 - super().pairwise_distance(query_emb, ref_emb)


PAIRS = {
    "triplet": (TripletLoss(0.3), losses.TripletMarginLoss(0.3, distance=CosineDistance())),
    "supervised contrastive": (SupervisedContrastiveLoss(0.1), losses.SupConLoss(0.1)),
    "contrastive": (
        ContrastiveLoss(0.5),
        losses.ContrastiveLoss(
            0,
            0.5,
            distance=CosineDistance(),
            reducer=reducers.MultipleReducers(
                {"pos_loss": reducers.MeanReducer(), "neg_loss": reducers.AvgNonZeroReducer()}
            ),
        ),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("seed", range(3))
def test_value_and_gradient_are_theirs(name: str, seed: int) -> None:
    ours, theirs = PAIRS[name]
    found = []
    for loss in (EmbeddingLoss(ours), theirs):
        embeddings, labels = batch(seed)
        embeddings.requires_grad_()
        value = loss(embeddings, labels)
        value.backward()
        found.append((value.item(), embeddings.grad))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-9)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-9)


@pytest.mark.parametrize("name", ["triplet", "contrastive"])
def test_against_other_embeddings_too(name: str) -> None:
    ours, theirs = PAIRS[name]
    embeddings, labels = batch(0)
    ref_emb, ref_labels = batch(1, count=11)
    given = {"ref_emb": ref_emb, "ref_labels": ref_labels}
    assert EmbeddingLoss(ours)(embeddings, labels, **given).item() == pytest.approx(
        theirs(embeddings, labels, **given).item(), rel=1e-9
    )


def test_proxies_are_theirs() -> None:
    embeddings, labels = batch(0)
    theirs = losses.ProxyAnchorLoss(4, 6, margin=0.1, alpha=10).double()
    proxies = ClassProxies(4, 6).double()
    with torch.no_grad():
        proxies.directions.copy_(theirs.proxies)
    ours = EmbeddingLoss(ProxyAnchorLoss(temperature=0.1, margin=0.1), proxies)
    assert ours(embeddings, labels).item() == pytest.approx(theirs(embeddings, labels).item(), rel=1e-6)
    assert any(parameter is proxies.directions for parameter in ours.parameters()), "an optimizer finds them"


def test_matched_halves_are_the_cross_modal_loss() -> None:
    audio, labels = batch(0)
    visual = batch(1)[0]
    one_way = EmbeddingLoss(InfoNCELoss(0.2))
    both = one_way(audio, labels, ref_emb=visual, ref_labels=labels) + one_way(
        visual, labels, ref_emb=audio, ref_labels=labels
    )
    expected = CrossModalLoss(InfoNCELoss(0.2))(normalize(audio, dim=1), normalize(visual, dim=1), labels)
    assert both.item() == pytest.approx(expected.item())


def test_a_batch_of_one_has_no_pair() -> None:
    embeddings = torch.ones(1, 3, requires_grad=True)
    loss = EmbeddingLoss(TripletLoss())(embeddings, torch.tensor([0]))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(embeddings.grad, torch.zeros(1, 3))


def test_what_it_makes_nothing_of_is_refused() -> None:
    embeddings, labels = batch(0)
    triplet = EmbeddingLoss(TripletLoss())
    with pytest.raises(ConfigError, match="mine for themselves"):
        triplet(embeddings, labels, (labels, labels, labels))
    with pytest.raises(ConfigError, match="go together"):
        triplet(embeddings, labels, ref_emb=embeddings)
    with pytest.raises(ConfigError, match="own other half"):
        EmbeddingLoss(InfoNCELoss())(embeddings, labels)
    with pytest.raises(ConfigError, match="takes class proxies"):
        EmbeddingLoss(ProxyAnchorLoss())
    with pytest.raises(ConfigError, match="its proxies as candidates"):
        EmbeddingLoss(ProxyAnchorLoss(), ClassProxies(4, 6))(embeddings, labels, ref_emb=embeddings, ref_labels=labels)


def test_a_loop_of_ones_own_learns_with_lir() -> None:
    """Two linear layers, a metric loss and LIR: what is linked ends up nearer than without."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(40) % 4
    audio, visual = (torch.eye(4)[labels] + 0.2 * torch.randn(40, 4, generator=generator) for _ in range(2))
    soft = torch.eye(4)[labels] * 0.9
    weights = torch.zeros(8, 8)
    weights[0, 5] = weights[5, 0] = 1.0  # audio of class 0, visual of class 1
    lir = GraphRegularizer(weights, soft, soft, labels, form="pull", level="node")
    apart = {}
    for strength in (0.0, 3.0):
        torch.manual_seed(0)
        layers = torch.nn.ModuleList([torch.nn.Linear(4, 3), torch.nn.Linear(4, 3)])
        metric = CrossModalLoss(TripletLoss(0.3))
        optimizer = torch.optim.Adam(layers.parameters(), lr=0.05)
        values = []
        for _ in range(40):
            rows = torch.randperm(40, generator=generator)[:32]
            a, v = (normalize(layer(x[rows]), dim=1) for layer, x in zip(layers, (audio, visual), strict=True))
            loss = metric(a, v, labels[rows]) + strength * lir.pull(a, v, rows)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            values.append(loss.item())
        assert sum(values[-5:]) < sum(values[:5])
        a, v = (normalize(layer(x), dim=1) for layer, x in zip(layers, (audio, visual), strict=True))
        apart[strength] = (1 - a[labels == 0] @ v[labels == 1].T).mean().item()
    assert apart[3.0] < apart[0.0] - 0.1
