"""Features as the networks see them: an affine map that only training clips had a say in."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from avexplore.artifacts import MODALITIES, FeatureSet, FloatArray, IntArray
from avexplore.data.scaling import Standardizer, means
from avexplore.errors import DataError
from avexplore.large_arrays import blocks, filled, summed

InputKind = Literal["whitened", "standardized"]

_ROWS_PER_COMPONENT = 5
"""A principal direction needs a few clips to be more than noise blown up to unit variance."""


@dataclass(frozen=True)
class InputMap:
    """x -> (x - mean) @ matrix of one modality; a scale per feature is kept as a vector.

    Attributes:
        mean: Shape (d,), float32.
        matrix: Shape (d, k), or (d,) for a scale per feature; float32.
    """

    mean: FloatArray
    matrix: FloatArray

    @property
    def width(self) -> int:
        """Columns of what comes out."""
        return int(self.matrix.shape[-1])

    def __call__(self, values: FloatArray) -> FloatArray:
        """Inputs of shape (n, k), float32, of features of shape (n, d).

        Raises:
            DataError: If the features have another width than those that the map was fitted on.
        """
        if values.shape[1] != len(self.mean):
            raise DataError(
                f"The network was trained on {len(self.mean)} features per clip, got {values.shape[1]}",
                where="features",
                fix="Use the features it was trained on, or train it again",
            )
        centered = values.astype(np.float32) - self.mean
        result: FloatArray = centered * self.matrix if self.matrix.ndim == 1 else centered @ self.matrix
        return result

    def of_rows(self, values: FloatArray, rows: IntArray) -> FloatArray:
        """Inputs of some of the features, block by block. Shape (len(rows), k), float32."""
        parts = blocks(len(rows), 8 * values.shape[1])
        return filled(parts, len(rows), lambda part: [self(values[rows[part]])])[0]


_last: tuple[weakref.ref[FeatureSet], InputKind, int, tuple[InputMap, InputMap]] | None = None


def fit_inputs(features: FeatureSet, kind: InputKind, components: int) -> tuple[InputMap, InputMap]:
    """Fit one map per modality on the training clips, audio first.

    "whitened" keeps the leading principal components, scaled to unit variance: at most `components` of them and at
    most one for five training clips. Video-level features vary along a few directions that all classes share; the
    directions that tell classes apart are small, and dropout and weight decay treat small ones as noise. On
    yt8m_demo28 whitening was the largest single gain in validation MAP (see `avexplore.config.presets`).

    The last fit is remembered: teacher, prefix, twin and student of one run see the same inputs of the same clips.

    Raises:
        DataError: If there are fewer than two training clips.
    """
    global _last
    if _last is not None and _last[0]() is features and _last[1:3] == (kind, components):
        return _last[3]
    rows = features.rows("train")
    if len(rows) < 2:
        raise DataError(f"There are {len(rows)} training clips", where="split", fix="A network needs at least two")
    fit = _whitening if kind == "whitened" else _standardizing
    maps = fit(features.audio, rows, components), fit(features.visual, rows, components)
    _last = weakref.ref(features), kind, components, maps
    return maps


def _standardizing(values: FloatArray, rows: IntArray, components: int) -> InputMap:
    standardizer = Standardizer.fit(values, rows)
    return InputMap(standardizer.mean, (1.0 / standardizer.scale).astype(np.float32))


def _whitening(values: FloatArray, rows: IntArray, components: int) -> InputMap:
    mean = means(values, rows)

    def products(block: FloatArray) -> FloatArray:
        centered = block - mean
        return centered.T @ centered

    width = values.shape[1]
    most = max(1, min(components, width, len(rows) // _ROWS_PER_COMPONENT))
    covariance = summed(values, rows, products) / len(rows)
    variance, directions = scipy.linalg.eigh(covariance, subset_by_index=(width - most, width - 1))
    variance, directions = variance[::-1], directions[:, ::-1]
    kept = max(1, int((variance > 1e-7 * max(variance[0], 1e-30)).sum()))
    directions = directions[:, :kept]
    # An eigenvector's sign is arbitrary; its largest entry shall be positive.
    largest = np.abs(directions).argmax(axis=0)
    directions = directions * np.sign(directions[largest, np.arange(kept)])
    matrix = directions / np.sqrt(np.maximum(variance[:kept], 1e-30))
    return InputMap(mean.astype(np.float32), matrix.astype(np.float32))


def inputs_to_arrays(maps: tuple[InputMap, InputMap]) -> dict[str, NDArray[Any]]:
    """The maps by name, to be stored beside a network's weights."""
    return {
        f"input.{modality}.{part}": getattr(each, part)
        for modality, each in zip(MODALITIES, maps, strict=True)
        for part in ("mean", "matrix")
    }


def inputs_from_arrays(arrays: Mapping[str, NDArray[Any]]) -> tuple[InputMap, InputMap]:
    """Read what `inputs_to_arrays` wrote."""
    audio, visual = (
        InputMap(np.asarray(arrays[f"input.{modality}.mean"]), np.asarray(arrays[f"input.{modality}.matrix"]))
        for modality in MODALITIES
    )
    return audio, visual
