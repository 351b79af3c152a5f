"""Files that somebody brings: the config that they make, what is in them, and what is to be said of it.

A server calls these functions `apart`, in a process with limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from avexplore.artifacts import Clips, FeatureSet, SoftLabels
from avexplore.config import ClipsConfig, FeatureFileConfig, SoftLabelFileConfig
from avexplore.data import feature_file, load_features, load_soft_labels, media_manifest, soft_label_file
from avexplore.errors import AvexploreError
from avexplore.workbench.media_files import attach_manifest

Annotation = Literal["auto", "random", "rarest", "given"]


def look_at(
    paths: Sequence[str], annotation: Annotation, folder: Path
) -> tuple[FeatureFileConfig, str, tuple[str, ...]]:
    """The config of some files, what is in them, and how they were read.

    Args:
        paths: The files; a manifest of media files that is among them, or beside them, is taken.
        annotation: Which of several true labels is kept.
        folder: Where it is noted which media files the clips have.

    Raises:
        DataError: If they make no data set.
    """
    config = config_of(paths, annotation)
    features = load_features(config)
    counts = ", ".join(f"{len(features.rows(split)):,} {split}" for split in ("train", "validation", "test"))
    widths = " and ".join(f"{features.reading[f'{name}_width']} {name}" for name in ("audio", "visual"))
    named = ", ".join(features.classes[:8]) + (" …" if len(features.classes) > 8 else "")
    found = f"{len(features.classes)} classes; {counts} clips; {widths} features per clip."
    return config, found, (f"Classes: {named}", *features.notes, *_media(paths, features.clips(), folder))


def config_of(paths: Sequence[str | Path], annotation: Annotation) -> FeatureFileConfig:
    """The config of some files; see `avexplore.data.feature_file`."""
    return feature_file(*paths, annotation=annotation)


def config_of_soft_labels(path: Path, training_rows: int, names: tuple[str, ...], kind: str) -> SoftLabelFileConfig:
    """The config of a file of soft labels; see `avexplore.data.soft_label_file`."""
    return soft_label_file(path, training_rows=training_rows, class_names=names, kind=kind)


def read(config: FeatureFileConfig | ClipsConfig | SoftLabelFileConfig) -> FeatureSet | Clips | SoftLabels:
    """What the files of a config hold; of clips without their features."""
    if isinstance(config, SoftLabelFileConfig):
        return load_soft_labels(config)
    return load_features(config.data).clips() if isinstance(config, ClipsConfig) else load_features(config)


def _media(paths: Sequence[str], clips: Clips, folder: Path) -> tuple[str, ...]:
    try:
        manifest = media_manifest(paths)
        if manifest is None:
            return ()
        return (attach_manifest(folder, clips, manifest).sentence(len(clips.clip_ids)),)
    except AvexploreError as error:
        return (f"Their media files are not shown: {error}",)
