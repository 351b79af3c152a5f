"""Making a teacher's probabilities mean what they say, and measuring how far off they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from avexplore.artifacts import FloatArray, IntArray

_FOLDS = 5


def fit_temperature(logits: FloatArray, labels: IntArray, *, normalized: bool) -> float:
    """T > 0 that makes softmax(logits / T) (or sigmoids) likeliest on held-out clips.

    Args:
        logits: Shape (n, C).
        labels: Annotated class per clip. Shape (n,).
        normalized: Classes compete (softmax) rather than stand alone (sigmoid).

    Returns:
        A number in [0.02, 50].

    References:
        Guo et al., ICML 2017, section 4.2.
    """
    found = minimize_scalar(
        lambda log_t: _negative_log_likelihood(logits / np.exp(log_t), labels, normalized),
        bounds=(np.log(0.02), np.log(50.0)),
        method="bounded",
    )
    return float(np.exp(found.x))


def fit_platt(logits: FloatArray, labels: IntArray, *, normalized: bool, prior: float = 0.05) -> NDArray[np.floating]:
    """Slope and offset per class that make slope * logit + offset likeliest on held-out clips.

    With sigmoids this is Platt's scaling, his smoothed targets included; with softmax its joint form over the classes
    (vector scaling). Slopes are held to the best single one, and offsets to zero, by a quadratic prior [ours]: with
    ten held-out clips per class, free slopes fit noise.

    Args:
        logits: Shape (n, C).
        labels: Annotated class per clip. Shape (n,).
        normalized: Classes compete (softmax) rather than stand alone (sigmoid).
        prior: Weight of the quadratic prior per class.

    Returns:
        Shape (C, 2): slopes > 0, offsets.

    References:
        Platt, Probabilistic outputs for support vector machines, 1999; Guo et al., ICML 2017, section 4.2.
    """
    n, classes = logits.shape
    common = 1.0 / fit_temperature(logits, labels, normalized=normalized)
    onehot = np.eye(classes)[labels]
    if not normalized:
        positives = onehot.sum(0)
        onehot = np.where(onehot > 0, (positives + 1) / (positives + 2), 1 / (n - positives + 2))

    def objective(flat: FloatArray) -> tuple[float, FloatArray]:
        # slopes are exp(u) of the common slope, so that they stay positive
        u, offset = flat[:classes], flat[classes:]
        slope = common * np.exp(u)
        scaled = logits * slope + offset
        if normalized:
            log_p = scaled - _log_sum_exp(scaled)
            value, slack = -(onehot * log_p).sum() / n, (np.exp(log_p) - onehot) / n
        else:
            value = (np.logaddexp(0, scaled) - onehot * scaled).sum() / n
            slack = (_sigmoid(scaled) - onehot) / n
        value += prior * ((u**2).sum() + (offset**2).sum()) / classes
        gradient_u = (slack * logits).sum(0) * slope + 2 * prior * u / classes
        gradient_offset = slack.sum(0) + 2 * prior * offset / classes
        return float(value), np.concatenate([gradient_u, gradient_offset])

    found = minimize(objective, np.zeros(2 * classes), jac=True, method="L-BFGS-B", bounds=[(-4, 4)] * (2 * classes))
    return np.stack([common * np.exp(found.x[:classes]), found.x[classes:]], axis=1)


def cross_fitted(logits: FloatArray, labels: IntArray, method: str, *, normalized: bool, seed: int) -> FloatArray:
    """Calibrated probabilities of clips that had no say in their own calibration, by five folds. Shape (n, C).

    A calibration judged on the clips it was fitted on looks better than it is.
    """
    fold = np.random.default_rng(seed).permutation(len(labels)) % min(_FOLDS, len(labels))
    result = np.empty(logits.shape)
    for k in range(fold.max() + 1):
        held = fold == k
        rest = ~held if (~held).any() else held
        result[held] = calibrate(logits[rest], labels[rest], method, normalized=normalized)(logits[held])
    return result


def calibrate(logits: FloatArray, labels: IntArray, method: str, *, normalized: bool) -> Calibrator:
    """Fit "temperature" or "platt"; "none" leaves the logits as they are."""
    if method == "platt":
        return Calibrator(1.0, fit_platt(logits, labels, normalized=normalized), normalized)
    temperature = fit_temperature(logits, labels, normalized=normalized) if method == "temperature" else 1.0
    return Calibrator(temperature, None, normalized)


@dataclass(frozen=True)
class Calibrator:
    """A fitted calibration of one modality: by the temperature or, where given, the slopes and offsets (C, 2)."""

    temperature: float
    platt: FloatArray | None
    normalized: bool

    def __call__(self, logits: FloatArray) -> FloatArray:
        """Probabilities (n, C) from logits (n, C)."""
        scaled = logits / self.temperature if self.platt is None else logits * self.platt[:, 0] + self.platt[:, 1]
        return np.exp(scaled - _log_sum_exp(scaled)) if self.normalized else _sigmoid(scaled)


def _negative_log_likelihood(scaled: FloatArray, labels: IntArray, normalized: bool) -> float:
    own = scaled[np.arange(len(labels)), labels]
    if normalized:
        return float((_log_sum_exp(scaled)[:, 0] - own).mean())
    return float((np.logaddexp(0, scaled).sum(1) - own).mean())


def _log_sum_exp(values: FloatArray) -> FloatArray:
    top = values.max(axis=1, keepdims=True)
    result: FloatArray = top + np.log(np.exp(values - top).sum(axis=1, keepdims=True))
    return result


def _sigmoid(values: FloatArray) -> FloatArray:
    result: FloatArray = 1.0 / (1.0 + np.exp(-values.clip(-500, 500)))
    return result
