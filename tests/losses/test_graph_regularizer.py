"""LIR by hand on a graph of two edges, against loops, and what it must leave alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from avexplore.artifacts import Affinity, Clips, SoftLabels, class_nodes
from avexplore.config import (
    AffinityConfig,
    GraphConfig,
    RegularizerConfig,
    StabilityConfig,
    StudentConfig,
    SyntheticConfig,
    TeacherConfig,
)
from avexplore.errors import ConfigError, DataError
from avexplore.losses.graph_regularizer import GraphRegularizer
from avexplore.losses.metric import build_metric_loss

DOUBLE = torch.float64

# Two classes, nodes audio:0, audio:1, visual:0, visual:1. Edges audio:0 - visual:1 (1.0) and audio:0 - audio:1 (0.5).
EDGES = torch.zeros(4, 4, dtype=DOUBLE)
EDGES[0, 3] = EDGES[3, 0] = 1.0
EDGES[0, 1] = EDGES[1, 0] = 0.5
# Three clips, annotated 0, 1, 1.
AUDIO = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.0, 1.0]], dtype=DOUBLE)
VISUAL = torch.tensor([[0.7, 0.3], [0.4, 0.6], [0.1, 0.9]], dtype=DOUBLE)
LABELS = torch.tensor([0, 1, 1])
ALL = torch.arange(3)


def unit(*rows):
    return torch.nn.functional.normalize(torch.tensor(rows, dtype=DOUBLE), dim=1)


Z_AUDIO, Z_VISUAL = unit([1, 0], [0, 1], [1, 1]), unit([1, 0.5], [0.2, 1], [1, -1])


def two_edges(**choices):
    return GraphRegularizer(EDGES, AUDIO, VISUAL, LABELS, **choices)


def test_links_between_modalities_by_hand():
    """Node level: only audio:0 - visual:1 joins audio to visual; five pairs share an annotation."""
    W = two_edges(level="node").links(ALL)
    expected = torch.tensor([[0, 0.9 * 0.6, 0.9 * 0.9], [0.2 * 0.3, 0, 0], [0.0 * 0.3, 0, 0]], dtype=DOUBLE)
    torch.testing.assert_close(W, expected)


def test_links_of_classes_by_hand():
    """Class level: classes 0 and 1 are linked by 1.0 (the larger edge) in both orders."""
    W = two_edges(level="class").links(ALL)
    pair = lambda a, v: AUDIO[a, 0] * VISUAL[v, 1] + AUDIO[a, 1] * VISUAL[v, 0]  # noqa: E731
    assert W[0, 1].item() == pytest.approx(pair(0, 1).item())
    assert W[1, 0].item() == pytest.approx(pair(1, 0).item())
    assert W[1, 2] == W[0, 0] == 0


def test_pull_by_hand():
    """Both edges as weighted means of D, weights 1 (counted both ways: 2) and .5 (1) of a total of 3."""
    found = two_edges(form="pull", level="node", weight=0.7).pull(Z_AUDIO, Z_VISUAL, ALL)
    D = 1 - Z_AUDIO @ Z_VISUAL.T
    pairs = {(0, 1): 0.9 * 0.6, (0, 2): 0.9 * 0.9, (1, 0): 0.2 * 0.3, (2, 0): 0.0}
    across = sum(w * D[p].item() for p, w in pairs.items()) / sum(pairs.values())
    D = 1 - Z_AUDIO @ Z_AUDIO.T
    pairs = {(0, 1): 0.9 * 0.8, (0, 2): 0.9 * 1.0, (1, 0): 0.2 * 0.1, (2, 0): 0.0}
    audio = sum(w * D[p].item() for p, w in pairs.items()) / sum(pairs.values())
    assert found.item() == pytest.approx(0.7 * (2 * across + 1 * audio) / 3)


def random_scene(n=9, classes=4, seed=0, directed=False):
    generator = torch.Generator().manual_seed(seed)
    audio, visual = torch.rand(2, n, classes, generator=generator, dtype=DOUBLE)
    weights = torch.rand(2 * classes, 2 * classes, generator=generator, dtype=DOUBLE)
    weights *= torch.rand(2 * classes, 2 * classes, generator=generator) < 0.4
    weights = weights if directed else torch.maximum(weights, weights.T)
    labels = torch.randint(0, classes, (n,), generator=generator)
    z = torch.nn.functional.normalize(torch.randn(2, n, 5, generator=generator, dtype=DOUBLE), dim=2)
    return weights, audio, visual, labels, z


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("tau", [0.0, 0.4])
def test_pull_is_the_loop_over_edges_and_pairs(tau, directed):
    weights, audio, visual, labels, (za, zv) = random_scene(directed=directed)
    C = audio.shape[1]
    s = torch.cat([audio, visual], 1)
    z = [za] * C + [zv] * C
    total = 0.0
    for i, j in itertools.product(range(2 * C), repeat=2):
        up = down = 0.0
        for n, m in itertools.product(range(len(labels)), repeat=2):
            if s[n, i] > tau and s[m, j] > tau and labels[n] != labels[m]:
                w = float(s[n, i] * s[m, j])
                up += w * float(1 - z[i][n] @ z[j][m])
                down += w
        total += float(weights[i, j]) * up / down if down else 0.0
    lir = GraphRegularizer(weights, audio, visual, labels, form="pull", level="node", tau=tau, weight=0.3)
    found = lir.pull(za, zv, torch.arange(len(labels)))
    assert found.item() == pytest.approx(0.3 * total / float(weights.sum()))


@pytest.mark.parametrize("level", ["class", "node"])
@pytest.mark.parametrize("directed", [False, True])
def test_links_are_the_loop_with_the_source_at_the_anchor(directed, level):
    weights, audio, visual, labels, _ = random_scene(directed=directed)
    C, n = audio.shape[1], len(labels)
    blocks = [weights[:C, :C], weights[:C, C:], weights[C:, :C], weights[C:, C:]]
    largest = torch.stack(blocks).amax(0)
    there, back = (largest, largest) if level == "class" else (blocks[1], blocks[2])
    expected = torch.zeros(2, n, n, dtype=DOUBLE)
    for a, v, i, j in itertools.product(range(n), range(n), range(C), range(C)):
        if labels[a] != labels[v]:
            expected[0, a, v] += audio[a, i] * there[i, j] * visual[v, j]
            expected[1, a, v] += visual[v, i] * back[i, j] * audio[a, j]
    found = GraphRegularizer(weights, audio, visual, labels, level=level).links(torch.arange(n))
    if directed:
        torch.testing.assert_close(found, expected)
    else:
        torch.testing.assert_close(found, expected[0])
        torch.testing.assert_close(expected[0], expected[1])


def test_forgiven_by_the_quantile_of_all_pairs():
    weights, audio, visual, labels, _ = random_scene(n=40)
    lir = GraphRegularizer(weights, audio, visual, labels, percentile=0.9)
    rows = torch.arange(40)
    W = lir.links(rows)
    q = float(np.quantile(W.numpy(), 0.9, method="inverted_cdf"))
    torch.testing.assert_close(lir.forgiven(rows), 0.95 * (W / q).clamp(max=1))
    some = torch.tensor([3, 30, 17])
    torch.testing.assert_close(lir.forgiven(some), lir.forgiven(rows)[some][:, some])  # alike in every batch
    torch.testing.assert_close(lir.margins(some), 1 - lir.forgiven(some))


@pytest.mark.parametrize(("weight", "strength"), [(0.5, 1.0), (1.0, 0.25), (2.0, 1.0), (3.0, 0.1), (0.0, 1.0)])
def test_lambda_and_ramp_scale_forgiveness_up_to_the_ceiling(weight, strength):
    weights, audio, visual, labels, _ = random_scene(n=20)
    rows = torch.arange(20)
    one = GraphRegularizer(weights, audio, visual, labels).forgiven(rows)
    other = GraphRegularizer(weights, audio, visual, labels, weight=weight).forgiven(rows, strength)
    torch.testing.assert_close(other, (one * weight * strength).clamp(max=0.95))


def test_same_annotations_are_never_linked():
    weights, audio, visual, labels, (za, zv) = random_scene()
    same = labels[:, None] == labels[None]
    assert (GraphRegularizer(weights, audio, visual, labels).links(torch.arange(9))[same] == 0).all()
    alone = GraphRegularizer(weights, audio, visual, labels * 0, form="pull")
    assert alone.pull(za, zv, torch.arange(9)).item() == pytest.approx(0.0, abs=1e-12)
    assert alone.forgiven(torch.arange(9)).abs().max() == 0


def test_an_empty_graph_does_nothing():
    weights, audio, visual, labels, (za, zv) = random_scene()
    lir = GraphRegularizer(weights * 0, audio, visual, labels)
    za = za.clone().requires_grad_()
    value = lir.pull(za, zv, torch.arange(9))
    value.backward()
    assert value.item() == 0.0
    assert (za.grad == 0).all()
    assert (lir.forgiven(torch.arange(9)) == 0).all()


def test_few_links_are_measured_among_themselves():
    """With 98 % of pairs unlinked, the quantile over all is 0; then that of the links counts."""
    weights = torch.zeros(8, 8, dtype=DOUBLE)
    weights[0, 5] = weights[5, 0] = 1.0
    audio, visual = torch.zeros(2, 40, 4, dtype=DOUBLE)
    audio[0, 0], visual[1, 1], visual[2, 1] = 1.0, 0.5, 1.0
    lir = GraphRegularizer(weights, audio, visual, torch.arange(40), level="node")
    forgiven = lir.forgiven(torch.arange(40))
    assert forgiven[0, 2].item() == pytest.approx(0.95)
    assert forgiven[0, 1].item() == pytest.approx(0.475)
    assert (forgiven > 0).sum() == 2


def test_true_pairs():
    weights, audio, visual, labels, (za, zv) = random_scene()
    true = torch.eye(4, dtype=torch.bool)[labels]
    true[0] = True
    lir = GraphRegularizer(weights, audio, visual, labels, true_labels=true)
    expected = torch.tensor(
        [[bool((true[n] & true[m]).any()) and labels[n] != labels[m] for m in range(9)] for n in range(9)]
    )
    rows = torch.arange(9)
    torch.testing.assert_close(lir.forgiven(rows), expected.double() * 0.95)
    D = 1 - za @ zv.T
    torch.testing.assert_close(lir.pull(za, zv, rows), D[expected].mean())


@pytest.mark.parametrize("level", ["class", "node"])
@pytest.mark.parametrize("true", [False, True])
def test_a_pull_by_known_cosines_is_the_same(level, true):
    weights, audio, visual, labels, z = random_scene(n=20)
    lir = GraphRegularizer(
        weights, audio, visual, labels, form="pull", level=level, true_labels=audio > 0.7 if true else None
    )
    sides = []
    for known in (False, True):
        za, zv = (side.clone().requires_grad_() for side in z)
        value = lir.pull(za, zv, torch.arange(20), cosine=za @ zv.T if known else None)
        sides.append((value, *torch.autograd.grad(value, (za, zv))))
    torch.testing.assert_close(*sides)


def test_pull_gradient_and_improvement():
    weights, audio, visual, labels, z = random_scene()
    lir, rows = GraphRegularizer(weights, audio, visual, labels, form="pull", level="node"), torch.arange(9)
    za, zv = (x.clone().requires_grad_() for x in z)
    assert torch.autograd.gradcheck(lambda a, v: lir.pull(a, v, rows), (za, zv))
    optimizer = torch.optim.Adam([za, zv], 0.05)
    values = []
    for _ in range(11):
        value = lir.pull(*(torch.nn.functional.normalize(x, dim=1) for x in (za, zv)), rows)
        values.append(value.item())
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    assert values[-1] < values[0]


def test_forgiven_clips_drift_together():
    """What LIR is for: linked negatives end up closer than without it, in each metric loss that has negatives."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(30) % 3
    soft = torch.eye(3)[labels].double() * 0.8 + 0.1 * (torch.eye(3)[(labels + 1) % 3]).double()
    weights = torch.zeros(6, 6, dtype=DOUBLE)
    weights[0, 4] = weights[4, 0] = 1.0  # classes 0 and 1 are linked, 2 is not
    lir = GraphRegularizer(weights, soft, soft, labels, percentile=0.5)
    start = torch.randn(2, 30, 8, generator=generator, dtype=DOUBLE)
    linked = (labels[:, None] == 0) & (labels[None] == 1)
    for name in ("supervised-contrastive", "triplet", "proxy-anchor", "contrastive"):
        closeness = []
        for degree in (None, lir.forgiven(torch.arange(30))):
            torch.manual_seed(0)
            config = StudentConfig(data=SyntheticConfig(), loss=name, dim=8, margin=1.2)
            loss = build_metric_loss(config, 3).double()
            free = [x.clone().requires_grad_() for x in start]
            optimizer = torch.optim.SGD([*free, *loss.parameters()], 0.5)
            for _ in range(60):
                optimizer.zero_grad()
                loss(*(torch.nn.functional.normalize(x, dim=1) for x in free), labels, forgiven=degree).backward()
                optimizer.step()
            a, v = (torch.nn.functional.normalize(x.detach(), dim=1) for x in free)
            closeness.append((a @ v.T)[linked].mean().item())
        assert closeness[1] > closeness[0], name


def test_from_config():
    n, C = 12, 3
    rng = np.random.default_rng(0)
    data = SyntheticConfig()
    graph = GraphConfig(soft_labels=TeacherConfig(data=data))
    config = RegularizerConfig(affinity=AffinityConfig(stability=StabilityConfig(graph=graph)), form="margin", tau=0.1)
    classes = ("a", "b", "c")
    shared = {"classes": classes, "split": np.zeros(n, int), "hard_label": rng.integers(C, size=n)}
    soft = SoftLabels(audio=rng.normal(size=(n, C)), visual=rng.normal(size=(n, C)), kind="logits", **shared)
    clips = Clips(clip_ids=tuple(map(str, range(n))), **shared)
    weights = np.ones((6, 6))
    rows = torch.tensor([1, 4, 5, 7, 11])
    lir = GraphRegularizer.from_config(config, Affinity(class_nodes(classes), weights), soft, clips, rows)
    p = soft.probabilities()[:, rows.numpy()] * (soft.probabilities()[:, rows.numpy()] > 0.1)
    W = p[0] @ np.ones((C, C)) @ p[1].T
    y = clips.hard_label[rows.numpy()]
    W[y[:, None] == y[None]] = 0
    np.testing.assert_allclose(lir.links(torch.arange(5)).numpy(), W, rtol=1e-5)
    assert lir.form == "margin"
    with pytest.raises(DataError, match="true labels"):
        GraphRegularizer.from_config(
            config, Affinity(class_nodes(classes), weights, true_pairs=True), soft, clips, rows
        )


def test_wrong_shapes_are_refused():
    with pytest.raises(ConfigError, match="do not fit"):
        GraphRegularizer(EDGES[:3, :3], AUDIO, VISUAL, LABELS)
