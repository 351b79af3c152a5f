"""The whole path from features to embeddings, as an estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, check_is_fitted, column_or_1d

from avexplore import pipeline
from avexplore.artifacts import (
    MODALITIES,
    SPLITS,
    ClassGraph,
    FeatureSet,
    FloatArray,
    GraphStability,
    IntArray,
    SoftLabels,
    TrainedStudent,
    silent,
)
from avexplore.config import Config, FeatureFileConfig, StudentConfig, override
from avexplore.config.presets import preset
from avexplore.data.splits import TRAIN, VALIDATION, split_off_validation
from avexplore.errors import DataError
from avexplore.estimators.tables import HasClassGraph, fingerprint, like_input
from avexplore.pipeline import Track


class LatentInteractionStudent(HasClassGraph, BaseEstimator):
    """Teacher, class graph and student with LIR: learns where audio and visual features lie in one space.

    Args:
        preset: "tiny", "quick", "long" or "paper"; see `avexplore.config.presets`.
        settings: Changes to it by stage and field, as {"student": {"epochs": 80}, "regularizer": {"weight": 3.0}}.
        lir: Train with LIR; False trains the twin without, which needs no teacher and no graph.
        validation_fraction: Share of the clips of each class that choose the epoch, where no split is given.
        random_state: A whole number: seeds every stage.
        device: "cpu", "cuda" ...; None takes the fastest there is.
        track: Told of every measured epoch; see `avexplore.pipeline.Track`.

    Attributes:
        config_: All settings, with seeds.
        student_: What was trained: weights, history, best epoch.
        soft_labels_, graph_, stability_: Of the clips that it was fitted on; None without LIR.
        classes_: The labels, sorted.
        n_features_in_: Widths of the audio and visual features, added up.

    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 3, 90)
    >>> heard, seen = (np.eye(3)[labels] + 0.3 * rng.normal(size=(90, 3)) for _ in range(2))
    >>> student = LatentInteractionStudent(preset="tiny", random_state=1).fit(heard, seen, labels)
    >>> [z.shape for z in student.transform(heard[:4], seen[:4])]
    [(4, 21), (4, 21)]
    """

    def __init__(
        self,
        *,
        preset: str = "quick",
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        lir: bool = True,
        validation_fraction: float = 0.15,
        random_state: int = 0,
        device: str | None = None,
        track: Track | None = None,
    ) -> None:
        self.preset, self.settings, self.lir = preset, settings, lir
        self.validation_fraction, self.random_state = validation_fraction, random_state
        self.device, self.track = device, track

    def fit(self, audio: Any, visual: Any, labels: Any, *, split: Any = None) -> Self:
        """Train.

        Args:
            audio: One row per clip. Shape (n, d_audio).
            visual: Of the same clips, in the same order. Shape (n, d_visual).
            labels: The annotated class of each clip: names or numbers. Shape (n,).
            split: "train", "validation" or "test" per clip; test clips take no part. Without it, all train; where no
                clip validates, a share of the training clips of each class does. Shape (n,).

        Raises:
            ValueError: If the arrays do not fit together, or there are too few clips.
        """
        features = self._features(audio, visual, labels, split)
        data = FeatureFileConfig(
            fingerprint(features.audio, features.visual, features.hard_label, features.split),
            split_seed=self.random_state,
            validation_fraction=self.validation_fraction,
        )
        student = override(
            preset(self.preset, data, self.random_state),  # type: ignore[arg-type]
            self.settings or {},
            where="settings",
        )
        self.config_: StudentConfig = student if self.lir else student.twin
        results = _Results(features, data, self.device, self.track)
        self.student_: TrainedStudent = results.get(self.config_)
        self.soft_labels_: SoftLabels | None = None
        self.graph_: ClassGraph | None = None
        self.stability_: GraphStability | None = None
        if (stability := self.config_.stability) is not None:
            self.soft_labels_ = pipeline.soft_labels(stability.graph.soft_labels, results.get)
            self.graph_, self.stability_ = results.get(stability.graph), results.get(stability)
        self._widths = features.audio.shape[1], features.visual.shape[1]
        self.n_features_in_ = sum(self._widths)
        return self

    def transform(self, audio: Any, visual: Any) -> tuple[Any, Any]:
        """Where clips lie.

        Args:
            audio, visual: As in `fit`.

        Returns:
            Unit vectors of both modalities, as arrays or as pandas tables with the input's index. Shapes (n, d).
        """
        from avexplore.training import embed

        check_is_fitted(self, "student_")
        values = self._both(audio, visual)
        n = len(values[0])
        for modality, width, array in zip(MODALITIES, self._widths, values, strict=True):
            if array.shape[1] != width:
                raise DataError(f"X has {array.shape[1]} features, but {width} were fitted", where=modality)
        features = FeatureSet(
            audio=values[0],
            visual=values[1],
            hard_label=np.zeros(n, np.int64),
            classes=tuple(map(str, range(max(2, len(self.classes_))))),
            split=np.zeros(n, np.int8),
            clip_ids=tuple(map(str, range(n))),
        )
        found = embed(features, self.config_, self.student_.weights)
        return like_input(np.asarray(found.audio), audio, "audio_z"), like_input(
            np.asarray(found.visual), visual, "visual_z"
        )

    def fit_transform(self, audio: Any, visual: Any, labels: Any, *, split: Any = None) -> tuple[Any, Any]:
        """`fit`, then `transform` of the same clips."""
        return self.fit(audio, visual, labels, split=split).transform(audio, visual)

    def score(self, audio: Any, visual: Any, labels: Any) -> float:
        """MAP of these clips among each other, mean of audio -> visual and visual -> audio."""
        from avexplore.retrieval import retrieval_map

        heard, seen = (np.asarray(z) for z in self.transform(audio, visual))
        numbers = np.unique(column_or_1d(labels), return_inverse=True)[1]
        return float(np.mean(retrieval_map(heard, seen, numbers)))

    def _features(self, audio: Any, visual: Any, labels: Any, split: Any) -> FeatureSet:
        values = self._both(audio, visual)
        n = len(values[0])
        named = column_or_1d(labels, warn=True)
        if len(named) != n:
            raise DataError(f"{len(named)} labels for {n} clips", where="labels")
        self.classes_, hard = np.unique(named, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError("There is 1 class", where="labels", fix="A class graph needs at least two")
        return FeatureSet(
            audio=values[0],
            visual=values[1],
            hard_label=hard,
            classes=tuple(map(str, self.classes_)),
            split=self._split(split, hard),
            clip_ids=tuple(map(str, range(n))),
        )

    def _split(self, split: Any, hard: IntArray) -> IntArray:
        """Index into `SPLITS` per clip; validation clips are drawn where none are given, as of files."""
        found: IntArray = np.full(len(hard), TRAIN, np.int8)
        if split is not None:
            named = column_or_1d(split)
            if len(named) != len(hard) or not set(named.tolist()) <= set(SPLITS):
                raise DataError(f"Expected {len(hard)} of the words {', '.join(SPLITS)}", where="split")
            found = np.array([SPLITS.index(word) for word in named], np.int8)
        if not (found == VALIDATION).any():
            found = split_off_validation(found, hard, self.validation_fraction, self.random_state)
        for index in (TRAIN, VALIDATION):
            if not (found == index).any():
                raise DataError(f"There are no {SPLITS[index]} clips", where="split", fix="Give more clips of a class")
        return found

    def _both(self, audio: Any, visual: Any) -> tuple[FloatArray, FloatArray]:
        values: list[FloatArray] = [
            check_array(given, dtype=np.float32, ensure_min_samples=1, estimator=self, input_name=name)
            for name, given in zip(MODALITIES, (audio, visual), strict=True)
        ]
        if len(values[0]) != len(values[1]):
            raise DataError(
                f"{len(values[0])} audio rows but {len(values[1])} visual rows",
                where="features",
                fix="Both modalities must list the same clips in the same order",
            )
        indices = [getattr(given, "index", None) for given in (audio, visual)]
        if all(hasattr(index, "equals") for index in indices) and not indices[0].equals(indices[1]):  # type: ignore[union-attr]
            raise DataError("Audio and visual tables list other clips, or in another order", where="index")
        return values[0], values[1]


class _Results:
    """The stages of the path, each made once and kept in memory."""

    def __init__(self, features: FeatureSet, data: FeatureFileConfig, device: str | None, track: Track | None) -> None:
        self._made: dict[str, Any] = {data.address: features}
        self._device, self._track = device, track

    def get(self, config: Config) -> Any:
        if config.address not in self._made:
            context = pipeline.Context(self.get, pipeline.tracked(self._track, config, silent), device=self._device)
            self._made[config.address] = pipeline.stage_of(config).compute(config, context)
        return self._made[config.address]
