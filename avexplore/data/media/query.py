"""A clip that a data set has never seen, described as its own clips were: by the same extractor and weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avexplore.artifacts import Modality
from avexplore.data.files.open import open_arrays
from avexplore.data.media.clip_list import Clip
from avexplore.data.media.decoding import Decoder
from avexplore.data.media.describe import EVERY, Described, describe
from avexplore.data.media.extractors import ExtractorSpec, load
from avexplore.data.media.weights import digest, known_place
from avexplore.errors import DataError

QUERY_SECONDS = 60.0
"""That decoding a query may take: somebody waits."""


@dataclass(frozen=True)
class Provenance:
    """How a file of features was made.

    Attributes:
        extractors: By modality, an extractor's kind and the SHA-256 of its weights ("" for none).
        every: Seconds from frame to frame.
    """

    extractors: dict[str, tuple[str, str]]
    every: float


def provenance(paths: Sequence[str | Path]) -> Provenance | None:
    """How features were made, as `avexplore features` noted it; None of features that come from elsewhere.

    Raises:
        DataError: If the files cannot be read.
    """
    npz = [Path(path) for path in paths if str(path).lower().endswith(".npz")]
    if len(npz) != 1:
        return None
    with open_arrays(npz) as file:
        if "provenance" not in file.headers:
            return None
        try:
            told: Any = json.loads(str(file.read("provenance").reshape(-1)[0]))
            found = {}
            for modality in ("audio", "visual"):
                kind, _, weights = str(told["extractors"][modality]).partition(" ")
                found[modality] = kind, weights
            return Provenance(found, float(told["every"]))
        except (ValueError, KeyError, TypeError, IndexError, RecursionError):
            return None


def extractor_of(made: Provenance, modality: Modality) -> ExtractorSpec:
    """The extractor that made a modality's features, with its weights where they were last seen.

    Raises:
        DataError: If its weights are not on this machine any more.
    """
    kind, weights = made.extractors[modality]
    if not weights:
        return ExtractorSpec(modality, kind)
    place = known_place(weights)
    if place is None or digest(place) != weights:
        raise DataError(
            f"The weights of {kind} that made these features (SHA-256 {weights[:12]}…) are not where they were",
            where=modality,
            fix="Put them back, or run `avexplore features` with them once on this machine",
        )
    return ExtractorSpec(modality, kind, str(place))


def describe_query(path: Path, spec: ExtractorSpec, every: float = EVERY, *, device: str | None = None) -> Described:
    """Describe one side of a video, a sound or a picture.

    Raises:
        DataError: If it cannot be decoded, or lacks that side.
    """
    extractor = load(spec, device)
    is_sound = spec.modality == "audio"
    clip = Clip("query", str(path) if is_sound else "", "" if is_sound else str(path))
    with Decoder(seconds=QUERY_SECONDS) as decoder:
        made = describe(clip, decoder, extractor if is_sound else None, None if is_sound else extractor, every=every)
    if (made.audio if is_sound else made.visual) is None:
        raise DataError(
            f"It holds no {'sound' if is_sound else 'picture'}",
            where=path.name,
            fix="Give a file that does, or ask in the other direction",
        )
    return made
