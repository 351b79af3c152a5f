"""Clips as PyTorch's own kind of data set, for anybody's loop."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from avexplore.artifacts import FeatureSet, SoftLabels
from avexplore.errors import DataError
from avexplore.large_arrays import taken


class ClipDataset(Dataset[dict[str, Tensor]]):
    """The clips of one split, each as tensors by name.

    An item holds `audio` (d_audio,) and `visual` (d_visual,), float32 and unscaled; `label`, the annotated class;
    `row`, its row in the feature set; and with soft labels `audio_soft` and `visual_soft` (C,), calibrated
    probabilities. Many items are fetched at once, so a `DataLoader` needs no workers.

    Args:
        features: All clips.
        split: "train", "validation", "test" or "all".
        soft_labels: Of a teacher, over the same clips.
    """

    def __init__(self, features: FeatureSet, split: str = "train", soft_labels: SoftLabels | None = None) -> None:
        if soft_labels is not None and len(soft_labels.hard_label) != len(features.hard_label):
            raise DataError(
                f"{len(soft_labels.hard_label)} soft labels for {len(features.hard_label)} clips", where="soft labels"
            )
        rows = features.rows(split)
        self.classes = features.classes
        self._parts = {
            "audio": torch.from_numpy(taken(features.audio, rows, np.float32)),
            "visual": torch.from_numpy(taken(features.visual, rows, np.float32)),
            "label": torch.tensor(features.hard_label[rows].astype(np.int64)),
            "row": torch.tensor(rows.astype(np.int64)),
        }
        if soft_labels is not None:
            audio, visual = soft_labels.probabilities(rows)
            self._parts["audio_soft"] = torch.tensor(audio, dtype=torch.float32)
            self._parts["visual_soft"] = torch.tensor(visual, dtype=torch.float32)

    def __len__(self) -> int:
        return len(self._parts["row"])

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {name: values[index] for name, values in self._parts.items()}

    def __getitems__(self, indices: Sequence[int]) -> list[dict[str, Tensor]]:
        """Several items at once, as PyTorch's loader asks for them."""
        chosen = {name: values[list(indices)] for name, values in self._parts.items()}
        return [{name: values[k] for name, values in chosen.items()} for k in range(len(indices))]
