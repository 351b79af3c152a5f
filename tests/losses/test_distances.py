from __future__ import annotations

import pytest
import torch

from avexplore.losses.pairs import cosine_distance, distance


@pytest.mark.parametrize(("name", "power"), [("euclidean", 1), ("squared", 2)])
def test_are_those_of_torch(name, power, batch):
    audio, visual, _ = batch(8, 5, 2)
    torch.testing.assert_close(distance(audio @ visual.T, name), torch.cdist(audio, visual) ** power)


def test_cosine(batch):
    audio, visual, _ = batch(8, 5, 2)
    expected = 1 - torch.nn.functional.cosine_similarity(audio[:, None], visual[None], dim=2)
    torch.testing.assert_close(cosine_distance(audio, visual), expected)


def test_equal_vectors_have_a_finite_slope():
    clip = torch.tensor([[0.6, 0.8]], requires_grad=True)
    distance(clip @ clip.detach().T, "euclidean").sum().backward()
    assert torch.isfinite(clip.grad).all()
