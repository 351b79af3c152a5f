"""Clips as a PyTorch data set hold what the feature set holds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from avexplore.artifacts import SoftLabels
from avexplore.config import SyntheticConfig
from avexplore.data import load_features
from avexplore.errors import DataError
from avexplore.training.clip_dataset import ClipDataset

FEATURES = load_features(SyntheticConfig(clips=120, classes=4))


@pytest.mark.parametrize("split", ["train", "validation", "test", "all"])
def test_a_loader_gives_each_clip_of_the_split_once(split: str) -> None:
    clips = ClipDataset(FEATURES, split)
    batches = list(DataLoader(clips, batch_size=16, shuffle=True, generator=torch.Generator().manual_seed(0)))
    rows = torch.cat([one["row"] for one in batches]).numpy()
    assert sorted(rows) == list(FEATURES.rows(split))
    assert len(clips) == len(rows)
    for name in ("audio", "visual"):
        values = torch.cat([one[name] for one in batches]).numpy()
        assert values.dtype == np.float32
        assert np.array_equal(values, getattr(FEATURES, name)[rows])
    assert np.array_equal(torch.cat([one["label"] for one in batches]).numpy(), FEATURES.hard_label[rows])


def test_one_item_is_the_loaders_and_soft_labels_come_along() -> None:
    n, count = len(FEATURES.hard_label), len(FEATURES.classes)
    logits = np.random.default_rng(0).normal(size=(2, n, count)).astype(np.float32)
    labels = SoftLabels(*logits, "logits", FEATURES.classes, FEATURES.split, FEATURES.hard_label)
    clips = ClipDataset(FEATURES, "test", labels)
    item, [same] = clips[3], clips.__getitems__([3])
    assert all(torch.equal(item[name], same[name]) for name in same)
    row = FEATURES.rows("test")[3]
    assert torch.allclose(item["audio_soft"], torch.tensor(logits[0, row]).softmax(0), atol=1e-6)
    assert item["visual_soft"].sum().item() == pytest.approx(1)
    few = SoftLabels(*logits[:, :5], "logits", FEATURES.classes, FEATURES.split[:5], FEATURES.hard_label[:5])
    with pytest.raises(DataError, match="5 soft labels for 120 clips"):
        ClipDataset(FEATURES, "test", few)
