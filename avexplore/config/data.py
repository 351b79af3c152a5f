"""Where clips come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from avexplore.config.base import Config, location, setting, within


def _train_fraction() -> Any:
    return within(
        0.0,
        1.0,
        1.0,
        help="Share of the training clips, of each class, that is kept: how much is learned from fewer clips.",
        since="0.2.0",
        open_low=True,
    )


@dataclass(frozen=True)
class SyntheticConfig(Config):
    """The synthetic benchmark with a planted class graph; hidden labels are known by construction."""

    stage: ClassVar[str] = "synthetic"
    clips: int = within(40, 1_000_000, 2400, help="Number of clips.")
    classes: int = within(2, 527, 12, help="Number of classes; each is a node in both modalities.")
    density: float = within(0.0, 1.0, 0.12, help="Share of ordered class pairs that carry a planted edge.")
    co_occurrence: float = within(
        0.0,
        1.0,
        0.5,
        label="Co-occurrence strength",
        help="Probability that the event at an edge's head joins the event at its tail.",
    )
    noise: float = within(
        0.0, 20.0, 1.0, help="Standard deviation of the feature noise, in units of a class prototype's."
    )
    statistics: Literal["random", "audioset"] = setting(
        "random", help="Where class names and co-occurrence strengths come from."
    )
    test_fraction: float = within(0.05, 0.8, 0.2, help="Share of the clips kept for the final figures.")
    validation_fraction: float = within(
        0.05, 0.8, 0.15, help="Share of the other clips used for choosing, never for training."
    )
    seed: int = within(0, 2**31 - 1, 0, help="Draws the planted graph, the events and the noise.")
    train_fraction: float = _train_fraction()


@dataclass(frozen=True)
class FeatureFileConfig(Config):
    """Features read from files; identified by content, so a moved file is still the same data."""

    stage: ClassVar[str] = "features"
    fingerprint: str = setting(
        help="SHA-256 over the files' contents, in order; `avexplore.data.feature_file` fills it in."
    )
    paths: tuple[str, ...] = location(())
    annotation: Literal["given", "random", "rarest"] = setting(
        "given", help="Which of several true labels is kept as the annotation; the others become hidden labels."
    )
    classes: tuple[str, ...] = setting((), help="Keep these classes only; empty keeps all.")
    validation_fraction: float = within(
        0.05, 0.8, 0.15, help="Share of the training clips used for choosing, where the files name no validation clips."
    )
    split_seed: int = within(0, 2**31 - 1, 0, help="Draws the validation clips.")
    reading: int = within(
        1, 2, 1, since="0.2.0", help="Rules by which the arrays are understood; `feature_file` fills it in."
    )
    train_fraction: float = _train_fraction()


@dataclass(frozen=True)
class ExtractionConfig(Config):
    """A file of features made of clips' media files; identified by those files as they were when it was asked for."""

    stage: ClassVar[str] = "extraction"
    fingerprint: str = setting(
        help="SHA-256 over clips, labels, files and weights; `avexplore.data.media.extraction` fills it in."
    )
    folder: str = location("")
    table: str = location("")
    audio: str = setting("log-mel", help="What describes sounds.")
    audio_weights: str = location("")
    visual: str = setting("color-texture", help="What describes frames.")
    visual_weights: str = location("")
    every: float = within(0.04, 3600.0, 1.0, help="Seconds from frame to frame.")


DataConfig = SyntheticConfig | FeatureFileConfig


@dataclass(frozen=True)
class ClipsConfig(Config):
    """Labels, splits and names of the clips, without their features."""

    stage: ClassVar[str] = "clips"
    data: DataConfig
