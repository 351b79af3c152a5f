"""How probable it is that two classes come together, from the soft labels alone.

How often a link comes back over bootstraps is repeatability: what a softmax makes of competing classes comes back,
too. The probability here is another thing: a logistic regression on six features of a class pair, fitted on simulated
worlds (`simulated_worlds`) in which it is known which classes come together. It needs no search.

Two classes **come together** if one is there in more than a tenth of the clips that hold the other one, and more than
1.25 times as often as by chance.

What it does not say: in which modality, and in which direction. And classes that merely look alike are told from
classes that come together only in part: see `LIMITS`.

Definitions are ours; `python benchmarks/pair_probability.py --fit` writes the coefficients anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray, SoftLabels

FEATURES = ("within", "across", "agreement", "presence", "commoner", "own")
"""See `pair_features`."""
MOST_CLIPS = 50_000
"""Of more clips, so many are looked at, evenly spaced: more no longer change the third digit."""
FITTED_CLASSES, FITTED_CLIPS = (6, 60), (200, 5000)
"""Classes and clips of the simulated worlds."""
LIMITS = (
    "It is about classes in a clip, not about modality or direction, and classes that only look or sound alike can "
    "pass: in {null:.0%} of simulated worlds where nothing comes together, some pair does. It compares a pair with the "
    "others of the same data: where a third of all pairs come together, it is too low."
)
"""What a reader must know beside any such probability; `limits()` fills in the figure."""


@dataclass(frozen=True)
class PairProbability:
    """How probable it is that two classes come together.

    Attributes:
        classes: Names of the C classes.
        probability: Shape (C, C), symmetric, in [0, 1]; NaN on the diagonal.
        probably_true: Pairs from here on are called "probably true": nine in ten of them are, in simulated worlds,
            also of a kind of teacher that the fit has not seen.
        warnings: What makes these probabilities less sure, in sentences.
    """

    classes: tuple[str, ...]
    probability: FloatArray
    probably_true: float
    warnings: tuple[str, ...] = ()

    @property
    def likely(self) -> BoolArray:
        """Which class pairs are probably true. Shape (C, C)."""
        found: BoolArray = np.nan_to_num(self.probability) >= self.probably_true
        return found

    def of_nodes(self, nodes: tuple[str, ...]) -> FloatArray:
        """Probabilities of pairs of class nodes, by their classes: modality plays no part.

        Args:
            nodes: p names `audio:X` and `visual:X`.

        Returns:
            Shape (p, p); NaN for nodes of one class, and of classes that are unknown here.
        """
        place = {name: k for k, name in enumerate(self.classes)}
        index = np.array([place.get(name.split(":", 1)[-1], -1) for name in nodes], int)
        found: FloatArray = self.probability[np.ix_(index, index)].copy()
        found[index < 0] = np.nan
        found[:, index < 0] = np.nan
        return found


def pair_probability(soft_labels: SoftLabels) -> PairProbability:
    """How probable it is that two classes come together, by what a teacher says of the training clips.

    Args:
        soft_labels: Of any kind. All clips are used where none is a training clip.

    Returns:
        Probabilities of all C (C - 1) / 2 pairs of classes; of fewer than four classes they say nothing, and are NaN.
    """
    model = coefficients()
    count = len(soft_labels.classes)
    found: FloatArray = np.full((count, count), np.nan)
    if count >= 4:
        values, _ = pair_features(soft_labels)
        i, j = np.triu_indices(count, 1)
        found[i, j] = found[j, i] = predict(model, values)
    return PairProbability(soft_labels.classes, found, float(model["probably_true"]), _warnings(soft_labels))


def _warnings(soft_labels: SoftLabels) -> tuple[str, ...]:
    rows, count = rows_looked_at(soft_labels), len(soft_labels.classes)
    found = []
    if count < 4:
        found.append("Of fewer than four classes it cannot be told which pairs stand out.")
    if soft_labels.kind == "probabilities" and soft_labels.normalized:
        found.append(
            "These soft labels are a softmax: a clip's classes compete, which hides classes that come together. "
            "Logits, or independent probabilities, tell more."
        )
    if (soft_labels.hard_label[rows] < 0).any():
        found.append("Not all clips are annotated; where not, the highest soft label stands in.")
    outside = []
    if not FITTED_CLIPS[0] <= len(rows):
        outside.append(f"{len(rows):,} clips")
    if not FITTED_CLASSES[0] <= count <= 2 * FITTED_CLASSES[1]:
        outside.append(f"{count:,} classes")
    if outside and count >= 4:
        found.append(
            f"{' and '.join(outside)} are outside of what the probabilities were fitted on ({FITTED_CLASSES[0]} to "
            f"{FITTED_CLASSES[1]} classes, {FITTED_CLIPS[0]} to {FITTED_CLIPS[1]:,} clips)."
        )
    return tuple(found)


def limits() -> str:
    """What a reader must know beside any of these probabilities, with the figure of the held-out worlds."""
    return LIMITS.format(null=coefficients()["held_out"]["unrelated_worlds_with_a_pair"])


def pair_features(soft_labels: SoftLabels) -> tuple[FloatArray, IntArray]:
    """What is known of every pair of classes, in numbers that mean the same on every data set.

    With x the standardized soft labels, r their correlations, and "in i" the clips annotated with class i:

    - `within`, `across`: r inside the modalities (mean of both), and between them (mean of both ways), as robust
      z-scores over all pairs: minus the median, over the distance from the 16th percentile to it. Pairs that come
      together rarely reach the lower half.
    - `agreement`: correlation of what is heard of j with what is seen of j, in i; mean of both ways. An event that is
      there is there in both modalities; a mere likeness errs in each on its own.
    - `presence`: log of how often class j reaches in both modalities what 70 % of its own clips reach, in i over in all
      clips; mean of both ways.
    - `commoner`: log share of the commoner class among the annotations.
    - `own`: how far the correlation of a class with itself across modalities stands out (median, in standard deviations
      over other pairs): the data set's own yardstick, one number.

    Returns:
        One row per pair i < j in the order of `np.triu_indices`, one column per `FEATURES`; and the annotated (or
        most probable) class of each clip used. Shapes (C (C - 1) / 2, 6) and (n,).
    """
    rows, count = rows_looked_at(soft_labels), len(soft_labels.classes)
    label = _annotated_or_top(soft_labels, rows)
    x = soft_labels.matrix(rows)
    n, other = len(x), ~np.eye(count, dtype=bool)
    x -= x.mean(axis=0)
    x /= np.maximum(x.std(axis=0), 1e-9)
    r = x.T @ x / n
    across = r[:count, count:]
    one = np.zeros((n, count))
    one[np.arange(n), label] = 1.0
    size = one.sum(axis=0)

    inside = x - (one.T @ x / np.maximum(size, 1)[:, None])[label]
    heard, seen = inside[:, :count], inside[:, count:]
    power = (one.T @ heard**2) * (one.T @ seen**2)
    agreement = (one.T @ (heard * seen) / np.sqrt(np.maximum(power, 1e-12))).clip(-0.95, 0.95)

    reached = x >= _reached_by_most(x, label, size)
    both = (reached[:, :count] & reached[:, count:]).astype(np.float64)
    usual = both.mean(axis=0)
    in_i = (one.T @ both + 2 * usual) / (size[:, None] + 2)
    presence = np.log((in_i + 0.01) / (usual + 0.01))

    share = (size + 1) / (n + count)
    spread = max(float(across[other].std()), 1e-6)
    own = (float(np.median(np.diagonal(across))) - float(np.median(across[other]))) / spread
    i, j = np.triu_indices(count, 1)
    matrices = {
        "within": (_robust_z(r[:count, :count], other) + _robust_z(r[count:, count:], other)) / 2,
        "across": _robust_z((across + across.T) / 2, other),
        "agreement": (agreement + agreement.T) / 2,
        "presence": (presence + presence.T) / 2,
        "commoner": np.log(np.maximum.outer(share, share)),
        "own": np.full((count, count), own),
    }
    return np.stack([matrices[name][i, j] for name in FEATURES], axis=1), label


def rows_looked_at(soft_labels: SoftLabels) -> IntArray:
    """Training clips, or all where none is one; of very many, `MOST_CLIPS` evenly spaced ones. Shape (n,)."""
    rows = soft_labels.rows("train")
    rows = rows if len(rows) else soft_labels.rows("all")
    if len(rows) > MOST_CLIPS:
        rows = rows[np.linspace(0, len(rows) - 1, MOST_CLIPS).astype(int)]
    return rows


def _annotated_or_top(soft_labels: SoftLabels, rows: IntArray) -> IntArray:
    label = soft_labels.hard_label[rows].astype(np.int64)
    unknown = np.flatnonzero(label < 0)
    if len(unknown):
        label[unknown] = soft_labels.probabilities(rows[unknown]).mean(axis=0).argmax(axis=1)
    return label


def _robust_z(values: FloatArray, where: BoolArray) -> FloatArray:
    low, middle = np.quantile(values[where], (0.16, 0.5))
    z: FloatArray = (values - middle) / max(float(middle - low), 1e-6)
    return z


def _reached_by_most(x: FloatArray, label: IntArray, size: FloatArray) -> FloatArray:
    """What 70 % of a class's own clips reach, per node; without three such clips, as much as its share of all clips.

    Shape (2C,).
    """
    n, count = len(x), len(size)
    first = np.cumsum(size).astype(int) - size.astype(int)
    at = np.minimum(first + np.floor(0.3 * np.maximum(size - 1, 0)).astype(int), n - 1)
    found = np.empty(2 * count)
    for half in (0, count):
        own = x[np.arange(n), label + half]
        found[half : half + count] = own[np.lexsort((own, label))][at]
    for j in np.flatnonzero(size < 3):
        found[[j, j + count]] = np.quantile(x[:, [j, j + count]], 1 - (size[j] + 1) / (n + count), axis=0)
    return found


def design(features: FloatArray) -> FloatArray:
    """Columns of the regression; the tails of z-scores are squashed, and may bend twice. Shape (m, 10)."""
    columns = []
    for name, values in zip(FEATURES, features.T, strict=True):
        if name in ("within", "across"):
            squashed = np.arcsinh(values)
            columns += [squashed, np.maximum(squashed - 0.9, 0), np.maximum(squashed - 1.8, 0)]
        else:
            columns.append(values)
    return np.stack(columns, axis=1)


def predict(model: Mapping[str, Any], features: FloatArray) -> FloatArray:
    """Probabilities of rows of features. Shape (m,)."""
    x = ((design(features) - np.array(model["center"])) / np.array(model["scale"])).clip(-8, 8)
    odds = x @ np.array(model["coefficients"][1:]) + model["coefficients"][0]
    probability: FloatArray = 1 / (1 + np.exp(-odds.clip(-30, 30)))
    return probability


@lru_cache(maxsize=1)
def coefficients() -> Mapping[str, Any]:
    """The fitted regression, and how it did on held-out worlds; `benchmarks/pair_probability.py` writes it."""
    text = files("avexplore.graph.evidence").joinpath("pair_probability.json").read_text(encoding="utf-8")
    model: Mapping[str, Any] = json.loads(text)
    return model
