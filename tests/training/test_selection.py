from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from avexplore.training.selection import cross_modal_map, mean_average_precision


def test_agrees_with_scikit_learn() -> None:
    generator = torch.Generator().manual_seed(0)
    similarity = torch.randn(40, 70, generator=generator)
    relevant = torch.rand(40, 70, generator=generator) < 0.2
    relevant[:, 0] = True
    expected = np.mean([average_precision_score(r, s) for r, s in zip(relevant, similarity, strict=True)])
    assert abs(float(mean_average_precision(similarity, relevant)) - expected) < 1e-6


def test_a_query_without_a_relevant_answer_scores_zero() -> None:
    relevant = torch.tensor([[True, False], [False, False]])
    assert float(mean_average_precision(torch.tensor([[2.0, 1.0], [2.0, 1.0]]), relevant)) == 0.5


def test_among_equal_answers_the_relevant_ones_come_last() -> None:
    relevant = torch.tensor([[True, False, False], [False, True, False]])
    assert abs(float(mean_average_precision(torch.zeros(2, 3), relevant)) - 1 / 3) < 1e-6  # collapse is no success
    mixed = torch.tensor([[-0.5, -0.5, 0.5]])
    assert float(mean_average_precision(mixed, torch.tensor([[True, False, True]]))) == pytest.approx((1 + 2 / 3) / 2)


def test_both_directions_count_alike() -> None:
    generator = torch.Generator().manual_seed(1)
    audio, visual = (torch.nn.functional.normalize(torch.randn(30, 4, generator=generator), dim=1) for _ in range(2))
    labels = torch.arange(30) % 3
    assert torch.isclose(cross_modal_map(audio, visual, labels), cross_modal_map(visual, audio, labels))
    assert float(cross_modal_map(audio, audio, torch.arange(30))) == 1.0
