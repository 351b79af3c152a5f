"""Writing clips and soft labels in the layouts that are read back, and files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from avexplore.artifacts import SPLITS, FeatureSet, SoftLabels
from avexplore.data.soft_label_kinds import word_of
from avexplore.errors import DataError


@contextlib.contextmanager
def whole_file(path: str | Path) -> Iterator[IO[bytes]]:
    """A file to write into, which appears under its name at the end, or not at all.

    Raises:
        DataError: If it cannot be written.
    """
    target = Path(path)
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as stream:  # a device or a pipe; of a folder the system says what it is
                yield stream
            return
        target = target.resolve()
        partial = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            with partial.open("wb") as stream:
                yield stream
            partial.replace(target)
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(
            f"The file cannot be written: {error.strerror or error}",
            where=str(path),
            fix="Check the folder, its permissions and the free space",
        ) from error


def export_features(features: FeatureSet, path: str | Path) -> None:
    """Write a feature set as npz: features, labels, splits, names and all that is known of the truth.

    Media paths are left out, since they hold on one machine only.

    Raises:
        DataError: If the file cannot be written.
    """
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
    with whole_file(path) as stream:
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]


def export_soft_labels(labels: SoftLabels, stream: IO[bytes]) -> None:
    """Write soft labels as the npz that `soft_label_file` reads back: the same numbers, kind and calibration."""
    arrays: dict[str, NDArray[Any]] = {
        "audio": labels.audio,
        "visual": labels.visual,
        "classes": np.array(labels.classes),
        "split": np.array(SPLITS)[labels.split],
        "hard_label": labels.hard_label,
        "kind": np.array(word_of(labels.kind, labels.normalized)),
    }
    if labels.kind == "logits" and labels.platt is not None:
        arrays["platt"] = labels.platt
    if labels.kind == "logits" and (labels.temperature != 1).any():
        arrays["temperature"] = labels.temperature
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
