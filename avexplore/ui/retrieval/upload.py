"""A visitor's own clip or feature vectors as queries: read without trust, embedded by the run's own students."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from avexplore.apart import apart
from avexplore.artifacts import Embeddings, FeatureSet, FloatArray, Modality
from avexplore.config import StudentConfig
from avexplore.data.files.query_vectors import Uploaded, read_vectors
from avexplore.data.media.manifest import OTHER_PICTURES, OTHER_SOUNDS, OTHER_VIDEOS, PICTURES, SOUNDS, VIDEOS
from avexplore.errors import DataError

if TYPE_CHECKING:
    from avexplore.data.media.extractors import ExtractorSpec

READING_SECONDS, READING_MEMORY = 30.0, 2 << 30
VECTORS = (".npy", ".npz")
CLIPS: Mapping[Modality, tuple[str, ...]] = {
    "audio": (*VIDEOS, *OTHER_VIDEOS, *SOUNDS, *OTHER_SOUNDS),
    "visual": (*VIDEOS, *OTHER_VIDEOS, *PICTURES, *OTHER_PICTURES),
}
"""Endings of files with a sound, and of files with a picture."""
MAX_CLIP_BYTES = 200 * 2**20


@st.cache_data(show_spinner="Reading the vectors", max_entries=50)
def vectors_of(digest: str, name: str, modality: Modality, _content: bytes) -> Uploaded:
    """Feature vectors from an uploaded file; see `read_vectors`."""
    return apart(read_vectors, name, _content, modality, seconds=READING_SECONDS, memory=READING_MEMORY)


@st.cache_data(show_spinner="Listening and looking", max_entries=50)
def described(digest: str, ending: str, spec: ExtractorSpec, every: float, _content: bytes) -> tuple[FloatArray, bytes]:
    """The vector of an uploaded clip, shape (1, d), and a small picture of it (JPEG, or b"").

    Args:
        digest: Of the content: the same file is described once.
        ending: Of its name; content decides what it is, but for pictures.
        spec: What describes it.
        every: Seconds from frame to frame.
        _content: The file.

    Raises:
        DataError: If it cannot be decoded, or lacks what is asked for.
    """
    from avexplore.data.media.query import describe_query

    with tempfile.TemporaryDirectory(prefix="avexplore-query-") as folder:
        path = Path(folder) / f"clip{ending}"
        path.write_bytes(_content)
        made = describe_query(path, spec, every)
    vector = made.audio if spec.modality == "audio" else made.visual
    assert vector is not None
    return vector[None, :], made.sound_picture if spec.modality == "audio" else made.poster


def embed_vectors(
    vectors: FloatArray, modality: Modality, config: StudentConfig, weights: Any, classes: tuple[str, ...]
) -> FloatArray:
    """Embeddings of uploaded features by a stored student. Shape (n, d).

    Raises:
        DataError: If the student's weights are not stored, or the vectors have another width than its features.
    """
    other: Modality = "visual" if modality == "audio" else "audio"
    if f"input.{modality}.mean" not in weights:
        raise DataError("The student's weights are not stored with this run", fix="Train it here to ask with vectors")
    width = len(weights[f"input.{modality}.mean"])
    if vectors.shape[1] != width:
        raise DataError(
            f"The {modality} features of this run have {width} numbers per clip, yours have {vectors.shape[1]}",
            fix="Use the same feature extractor",
        )
    from avexplore.training import embed

    n = len(vectors)
    blank = np.zeros((n, len(weights[f"input.{other}.mean"])), np.float32)
    sides = {modality: vectors, other: blank}
    features = FeatureSet(
        hard_label=np.zeros(n, int),
        classes=classes,
        split=np.full(n, 2),
        clip_ids=tuple(f"vector {i + 1}" for i in range(n)),
        audio=sides["audio"],
        visual=sides["visual"],
    )
    embedded: Embeddings = embed(features, config, weights)
    return np.asarray(getattr(embedded, modality))
