from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from avexplore.losses.class_links import class_links, forgiving_offsets


def case(n: int = 6, classes: int = 4, seed: int = 0) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(2 * classes, 2 * classes, generator=generator, dtype=torch.float64) / 2
    audio, visual = torch.rand(2, n, classes, generator=generator, dtype=torch.float64).softmax(2)
    return weights, audio, visual, torch.arange(n) % classes


def test_links_are_those_of_a_loop() -> None:
    weights, audio, visual, labels = case()
    found = class_links(weights, audio, visual, labels)
    for n in range(6):
        for c in range(4):
            expected = 0.0
            if c != labels[n]:
                for j in range(4):
                    A = max(float(weights[a, b]) for a in (j, j + 4) for b in (c, c + 4))
                    expected += float(audio[n, j] + visual[n, j]) / 2 * A
            assert float(found[n, c]) == pytest.approx(min(1.0, expected))


def test_true_labels_decide_where_given() -> None:
    weights, audio, visual, labels = case()
    true = torch.zeros(6, 4, dtype=torch.bool)
    true[torch.arange(6), labels] = True
    true[0, 3] = True
    found = class_links(weights, audio, visual, labels, true)
    assert found.sum() == found[0, 3] == 1


def test_forgiven_cross_entropy_is_a_softmax_with_lighter_negatives() -> None:
    generator = torch.Generator().manual_seed(1)
    logits, links = torch.randn(6, 4, generator=generator), torch.rand(6, 4, generator=generator)
    labels = torch.arange(6) % 4
    links = links.scatter(1, labels[:, None], 0.0)
    keep = 1 - (2.0 * links).clamp(max=0.95)
    own = logits.gather(1, labels[:, None])[:, 0].exp()
    expected = -(own / (keep * logits.exp()).sum(1)).log().mean()
    torch.testing.assert_close(cross_entropy(logits + forgiving_offsets(links, 2.0), labels), expected)


def test_degree_zero_changes_nothing_and_any_degree_stays_finite() -> None:
    logits, links = torch.randn(5, 3), torch.ones(5, 3)
    assert torch.equal(logits + forgiving_offsets(links, 0.0), logits)
    assert torch.isfinite(forgiving_offsets(links, 1e6)).all()
