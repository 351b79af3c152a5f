"""Fewer training clips, to see what is learned from them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from avexplore.artifacts import MODALITIES, FeatureSet
from avexplore.large_arrays import taken

FEWEST = 2
"""A class keeps at least so many training clips, if it has them."""


def thinned(features: FeatureSet, fraction: float, seed: int) -> FeatureSet:
    """The same clips with a part of the training clips of each class; validation and test clips stay.

    Of one seed, a smaller part lies within every larger one, so that along an axis of sizes clips are only added.

    Args:
        features: All clips.
        fraction: In (0, 1].
        seed: Draws which clips stay.

    Returns:
        `features` itself for a fraction of 1. Clips keep their order.
    """
    if fraction >= 1.0:
        return features
    train = features.rows("train")
    order = train[np.random.default_rng(seed).permutation(len(train))]
    labels = features.hard_label[order]
    keep = np.ones(len(features.hard_label), bool)
    for label in np.unique(labels):
        members = order[labels == label]
        count = max(int(np.ceil(fraction * len(members) - 1e-9)), FEWEST)
        keep[members[count:]] = False
    rows = np.flatnonzero(keep)
    changed: dict[str, Any] = {name: taken(getattr(features, name), rows) for name in MODALITIES}
    changed |= {name: getattr(features, name)[rows] for name in ("hard_label", "split")}
    for name in ("true_labels", "true_audio", "true_visual"):
        if getattr(features, name) is not None:
            changed[name] = getattr(features, name)[rows]
    changed["clip_ids"] = tuple(features.clip_ids[row] for row in rows)
    if features.media:
        changed["media"] = tuple(features.media[row] for row in rows)
    return replace(features, **changed)
