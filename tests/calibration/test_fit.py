from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avexplore.calibration.fit import Calibrator, calibrate, cross_fitted, fit_platt, fit_temperature
from avexplore.calibration.reliability import reliability_diagram


def clips(n: int = 4000, classes: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax is the true distribution of the labels."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes)) * 1.5
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (p.cumsum(1) < rng.random((n, 1))).sum(1)
    return logits, labels


@pytest.mark.parametrize("true_temperature", [0.3, 1.0, 4.0])
def test_temperature_is_found_again(true_temperature: float) -> None:
    logits, labels = clips()
    assert fit_temperature(logits * true_temperature, labels, normalized=True) == pytest.approx(
        true_temperature, rel=0.07
    )


def test_temperature_of_sigmoids_is_found_again() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 1)) - 1
    present = rng.random((20_000, 1)) < 1 / (1 + np.exp(-logits))
    # two complementary columns, so that every clip has one label
    both, labels = np.hstack([logits, -logits]), np.where(present[:, 0], 0, 1)
    assert fit_temperature(both * 3, labels, normalized=False) == pytest.approx(3, rel=0.07)


@pytest.mark.parametrize("normalized", [True, False])
def test_platt_gradient_agrees_with_differences_in_that_its_optimum_beats_neighbors(normalized: bool) -> None:
    logits, labels = clips(800)
    logits = logits * np.array([3, 1, 0.5, 1, 2]) + np.array([0, 2, -1, 0, 1])
    fitted = fit_platt(logits, labels, normalized=normalized, prior=0.0)

    def likelihood(platt: np.ndarray) -> float:
        p = Calibrator(1.0, platt, normalized)(logits).clip(1e-12, 1 - 1e-12)
        onehot = np.eye(5)[labels]
        if normalized:
            return float(np.log(p[np.arange(len(p)), labels]).mean())
        count = onehot.sum(0)
        target = np.where(onehot > 0, (count + 1) / (count + 2), 1 / (len(p) - count + 2))
        return float((target * np.log(p) + (1 - target) * np.log(1 - p)).sum(1).mean())

    best = likelihood(fitted)
    for entry in np.ndindex(5, 2):
        for step in (-0.05, 0.05):
            moved = fitted.copy()
            moved[entry] += step
            assert likelihood(moved) <= best + 1e-7


def test_platt_undoes_slopes_and_offsets_better_than_a_temperature() -> None:
    logits, labels = clips()
    bent = logits * np.array([3, 1, 0.5, 1, 2]) + np.array([0, 2, -1, 0, 1])
    confidence = {}
    for method in ("temperature", "platt"):
        p = calibrate(bent, labels, method, normalized=True)(bent)
        confidence[method] = np.log(p[np.arange(len(p)), labels]).mean()
    assert confidence["platt"] > confidence["temperature"] + 0.05


@pytest.mark.parametrize("method", ["temperature", "platt"])
@pytest.mark.parametrize("normalized", [True, False])
def test_calibrated_probabilities_sum_and_order_as_they_should(method: str, normalized: bool) -> None:
    logits, labels = clips(300)
    p = calibrate(logits * 2, labels, method, normalized=normalized)(logits * 2)
    assert p.min() >= 0
    assert p.max() <= 1
    if normalized:
        np.testing.assert_allclose(p.sum(1), 1)
    if method == "temperature":  # a temperature never changes which class is likelier
        np.testing.assert_array_equal(p.argsort(1), logits.argsort(1))
    else:  # slopes are positive: within a class, a higher logit is a higher probability (of sigmoids)
        assert (fit_platt(logits * 2, labels, normalized=normalized)[:, 0] > 0).all()


def test_overconfidence_shows_in_the_error_and_calibration_removes_it() -> None:
    logits, labels = clips()
    over = logits * 4
    raw = Calibrator(1.0, None, True)(over)
    before = reliability_diagram(raw.max(1), raw.argmax(1) == labels)
    p = cross_fitted(over, labels, "temperature", normalized=True, seed=0)
    after = reliability_diagram(p.max(1), p.argmax(1) == labels)
    assert before.error > 0.15
    assert after.error < 0.04


def test_reliability_by_hand() -> None:
    diagram = reliability_diagram(np.array([0.05, 0.95, 0.95, 1.0]), np.array([False, True, False, True]), bins=10)
    assert diagram.count.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 3]
    assert diagram.accuracy[9] == pytest.approx(2 / 3)
    assert diagram.error == pytest.approx((0.05 + abs(2.9 - 2)) / 4)


@given(st.integers(0, 2**31), st.integers(1, 60), st.integers(1, 30))
def test_reliability_error_is_that_of_a_loop(seed: int, n: int, bins: int) -> None:
    rng = np.random.default_rng(seed)
    confidence, correct = rng.random(n), rng.random(n) < 0.5
    expected = 0.0
    for b in range(bins):
        inside = (confidence > b / bins) & (confidence <= (b + 1) / bins)
        if inside.any():
            expected += inside.mean() * abs(confidence[inside].mean() - correct[inside].mean())
    assert reliability_diagram(confidence, correct, bins).error == pytest.approx(expected)
