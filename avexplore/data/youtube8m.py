"""YouTube-8M as it is distributed: TFRecord shards of video-level features."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avexplore.artifacts import Report
from avexplore.config import FeatureFileConfig
from avexplore.data.assembly import RawClips
from avexplore.data.limits import Limits
from avexplore.data.tables import ClassNames
from avexplore.errors import DataError


def read_shards(
    paths: Sequence[Path], config: FeatureFileConfig, names: ClassNames | None, report: Report, limits: Limits
) -> RawClips:
    """Read the clips of several shards."""
    raise DataError("TFRecord shards are not read yet", where=paths[0].name)
