"""Writing clips in the layout that `load_features` reads back."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avexplore.artifacts import SPLITS, FeatureSet
from avexplore.errors import DataError


def export_features(features: FeatureSet, path: str | Path) -> None:
    """Write a feature set as npz: features, labels, splits, names and all that is known of the truth.

    The file appears whole or not at all. Media paths are left out, since they hold on one machine only.

    Raises:
        DataError: If the file cannot be written.
    """
    target = Path(path)
    arrays: dict[str, NDArray[Any]] = {
        "audio": features.audio,
        "visual": features.visual,
        "labels": features.hard_label if features.true_labels is None else features.true_labels.astype(np.uint8),
        "hard_label": features.hard_label,
        "classes": np.array(features.classes),
        "split": np.array(SPLITS)[features.split],
        "clip_ids": np.array(features.clip_ids),
    }
    for name in ("true_audio", "true_visual", "true_graph"):
        values = getattr(features, name)
        if values is not None:
            arrays[name] = values.astype(np.uint8)
    if features.source:
        arrays["source"] = np.array([features.source[:500]])
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with partial.open("wb") as stream:
            np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
        partial.replace(target)
    except OSError as error:
        raise DataError(
            f"The file cannot be written: {error.strerror or error}",
            where=target.name,
            fix="Check the folder, its permissions and the free space",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
