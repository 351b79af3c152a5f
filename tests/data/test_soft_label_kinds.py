"""What numbers are: told where that is sure, asked otherwise, said in file, command and app, and written as read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avexplore.artifacts import SoftLabels
from avexplore.config import SoftLabelFileConfig
from avexplore.data import export_soft_labels, load_soft_labels, soft_label_file
from avexplore.data.soft_label_kinds import KINDS, as_before, tell, understand, word_of
from avexplore.errors import DataError

Write = Callable[..., Path]
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(-2, 2, (60, 5))


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(values: np.ndarray, **more: Any) -> Path:
        np.savez(tmp_path / "soft.npz", audio=values, visual=values[::-1], **more)
        return tmp_path / "soft.npz"

    return _write


def with_cell(values: np.ndarray, cell: float) -> np.ndarray:
    changed = values.copy()
    changed[7, 3] = cell
    return changed


ONE_HOT = np.eye(5)[np.arange(60) % 5]
VOTES = 3 * ONE_HOT + 4 * np.roll(ONE_HOT, 1, 1)
TOLD: list[tuple[str, np.ndarray, str, np.ndarray, bool]] = [
    # what it is, values, the kind told, the probabilities that follow, whether classes stand alone
    ("softmax", softmax(LOGITS), "probabilities", softmax(LOGITS), False),
    ("softmax in half precision", softmax(LOGITS).astype(np.float16), "probabilities", softmax(LOGITS), False),
    ("sigmoids", sigmoid(LOGITS), "independent-probabilities", sigmoid(LOGITS), True),
    ("a hair below 0", with_cell(sigmoid(LOGITS), -1e-9), "independent-probabilities", sigmoid(LOGITS), True),
    ("a hair above 1", with_cell(sigmoid(LOGITS), 1 + 1e-6), "independent-probabilities", sigmoid(LOGITS), True),
    ("softmax in percent", 100 * softmax(LOGITS), "percentages", softmax(LOGITS), False),
    ("rounded percent", np.rint(100 * ONE_HOT), "percentages", ONE_HOT, False),
    ("logarithms of a softmax", np.log(softmax(LOGITS)), "log-probabilities", softmax(LOGITS), False),
    ("seven votes a clip", VOTES, "votes", VOTES / 7, False),
    ("labels, several", (LOGITS > -2) * 1, "labels", (LOGITS > -2) * 1, True),
    ("labels, one each", ONE_HOT, "labels", ONE_HOT, False),
    ("labels as booleans of numbers", ONE_HOT.astype(np.uint8), "labels", ONE_HOT, False),
    ("centered logits", LOGITS - LOGITS.mean(axis=1, keepdims=True), "logits", softmax(LOGITS), False),
    ("regression to one-hot", ONE_HOT + RNG.normal(0, 0.05, (60, 5)), "scores", ONE_HOT, True),
]  # fmt: skip


@pytest.mark.parametrize(("values", "kind", "expected", "independent"), [t[1:] for t in TOLD], ids=[t[0] for t in TOLD])
def test_kinds_that_are_sure_are_told(
    write: Write, values: np.ndarray, kind: str, expected: np.ndarray, independent: bool
) -> None:
    config = soft_label_file(write(values))
    assert config.kind == kind
    soft = load_soft_labels(config)
    rough = {"scores": 0.3}.get(kind, 2e-3 if values.dtype == np.float16 else 1e-4)
    cells = np.delete(np.arange(60 * 5), 7 * 5 + 3)
    assert np.allclose(soft.probabilities()[0].ravel()[cells], expected.ravel()[cells], atol=rough)
    assert 0 <= soft.probabilities().min() <= soft.probabilities().max() <= 1
    assert soft.normalized is not independent
    assert soft.reading["kind"] == kind
    assert soft.reading["independent"] is independent
    assert any("Read as" in sentence for sentence in soft.warnings)


ASKED: list[tuple[str, np.ndarray, str]] = [
    ("logits", LOGITS, "`independent-logits`"),
    ("logits of positive numbers only", LOGITS - LOGITS.min() + 0.1, "`percentages`, `logits`"),
    ("sigmoids in percent", 100 * sigmoid(LOGITS), "`percentages`"),
    ("whole numbers of different totals", np.rint(np.abs(LOGITS)) * 2 + 2, "`votes` or `percentages`"),
    ("cosines", np.tanh(LOGITS / 4 + 0.3), "`cosines`"),
    ("all negative", -np.abs(LOGITS) - 0.1, "`log-probabilities`"),
    ("logarithms of sigmoids", np.log(sigmoid(LOGITS)), "`log-probabilities`"),
    ("large numbers", 300 * LOGITS, "`independent-logits`"),
]


@pytest.mark.parametrize(("values", "choice"), [a[1:] for a in ASKED], ids=[a[0] for a in ASKED])
def test_kinds_that_are_not_sure_are_asked_for(write: Write, values: np.ndarray, choice: str) -> None:
    with pytest.raises(DataError, match=choice) as error:
        soft_label_file(write(values))
    assert "--kind" in str(error.value)


@pytest.mark.parametrize("cell", [-0.3, 1.2, 7.0])
@pytest.mark.parametrize("kind", ["auto", "probabilities", "independent-probabilities"])
def test_one_bad_cell_is_pointed_at(write: Write, kind: str, cell: float) -> None:
    with pytest.raises(DataError, match=r"row 7, column 3 \(audio in soft.npz\)") as error:
        soft_label_file(write(with_cell(sigmoid(LOGITS), cell)), kind=kind)
    assert f"{cell:g}" in str(error.value)


@pytest.mark.parametrize(
    ("kind", "cell"),
    [("labels", 0.5), ("cosines", 1.5), ("votes", -1.0), ("log-probabilities", 0.5), ("percentages", 180)],
)  # fmt: skip
def test_a_cell_that_cannot_be_of_the_kind_is_pointed_at(write: Write, kind: str, cell: float) -> None:
    values = {"labels": ONE_HOT, "cosines": 0.5 * ONE_HOT, "votes": ONE_HOT * 3, "percentages": 80 * ONE_HOT}
    with pytest.raises(DataError, match="row 7, column 3"):
        soft_label_file(write(with_cell(values.get(kind, -ONE_HOT), cell)), kind=kind)


SAID: list[tuple[str, np.ndarray, np.ndarray, bool]] = [
    ("logits", LOGITS, softmax(LOGITS), False),
    ("independent-logits", LOGITS, sigmoid(LOGITS), True),
    ("log-probabilities", np.log(sigmoid(LOGITS)), sigmoid(LOGITS), True),
    ("percentages", 100 * sigmoid(LOGITS), sigmoid(LOGITS), True),
    ("votes", np.rint(10 * sigmoid(LOGITS)) + (np.arange(300).reshape(60, 5) == 0) * 10, None, True),  # type: ignore[list-item]
    ("cosines", np.tanh(LOGITS), np.tanh(LOGITS).clip(0, 1), True),
    ("independent-probabilities", softmax(LOGITS), softmax(LOGITS), True),
    ("scores", LOGITS, LOGITS.clip(0, 1), True),
]


@pytest.mark.parametrize("how", ["file", "argument"])
@pytest.mark.parametrize(("kind", "values", "expected", "independent"), SAID, ids=[s[0] for s in SAID])
def test_a_kind_can_be_said(
    write: Write, how: str, kind: str, values: np.ndarray, expected: np.ndarray | None, independent: bool
) -> None:
    path = write(values, kind=np.array(kind)) if how == "file" else write(values)
    config = soft_label_file(path) if how == "file" else soft_label_file(path, kind=kind)
    soft = load_soft_labels(config)
    wanted = values / values.max() if expected is None else expected
    assert np.allclose(soft.probabilities()[0], wanted, atol=1e-5)
    assert soft.normalized is not independent
    assert soft.reading["kind"] == kind


def test_what_is_said_goes_before_what_the_file_says(write: Write) -> None:
    path = write(LOGITS, kind=np.array("logits"))
    assert load_soft_labels(soft_label_file(path)).normalized
    assert not load_soft_labels(soft_label_file(path, kind="independent-logits")).normalized


def test_configs_of_before_mean_what_they_meant(write: Write) -> None:
    """Results under them are stored: nothing is asked, and nothing is told anew."""
    for values, kind in ((LOGITS, "logits"), (softmax(LOGITS), "probabilities"), (100 * softmax(LOGITS), "logits")):
        told = soft_label_file(write(values), kind="logits" if kind == "logits" else "auto")
        before = told.replace(kind="auto")
        assert load_soft_labels(before).reading["kind"] == kind == as_before((values, values))
        assert before.address != told.address
    assert SoftLabelFileConfig(fingerprint="0" * 64).kind == "auto"


@pytest.mark.parametrize(
    "more",
    [
        {"temperature": np.ones(3)},
        {"temperature": np.array([1.0, 0.0])},
        {"temperature": np.array([1.0, np.nan])},
        {"platt": np.ones((2, 4, 2))},
        {"platt": np.full((2, 5, 2), "x")},
        {"kind": np.array("sigmoid")},
        {"kind": np.array(["logits", "logits"])},
        {"kind": np.array("probabilities"), "temperature": np.ones(2)},
    ],
)
def test_calibration_and_kind_are_checked(write: Write, more: dict[str, np.ndarray]) -> None:
    values = softmax(LOGITS) if more.get("kind", np.array("")).ravel()[0] == "probabilities" else LOGITS
    with pytest.raises(DataError):
        soft_label_file(write(values, **({"kind": np.array("logits")} | more)))


@settings(max_examples=60)
@given(data=st.data())
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Every kind of teacher: head, calibration, splits, names, unknown annotations."""
    n, count = data.draw(st.integers(2, 30)), data.draw(st.integers(2, 6))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    kind = data.draw(st.sampled_from(["logits", "scores", "probabilities"]))
    normalized = data.draw(st.booleans())
    logits = rng.normal(0, 3, (2, n, count)).astype(np.float32)
    squashed = np.stack([softmax(part) for part in logits]) if normalized else sigmoid(logits)
    values = squashed.astype(np.float32) if kind == "probabilities" else logits
    calibration: dict[str, Any] = {}
    if kind == "logits" and data.draw(st.booleans()):
        calibration["temperature"] = rng.uniform(0.1, 5, 2)
    if kind == "logits" and data.draw(st.booleans()):
        calibration["platt"] = rng.normal(1, 0.3, (2, count, 2))
    split = rng.integers(0, 3, n)
    split[0] = 0
    soft = SoftLabels(
        *values,
        kind=kind,
        classes=tuple(f"Glöckchen, {i}" for i in range(count)),
        split=split,
        hard_label=rng.integers(-1, count, n),
        normalized=normalized,
        **calibration,
    )
    path = tmp_path_factory.mktemp("soft") / "soft.npz"
    with path.open("wb") as stream:
        export_soft_labels(soft, stream)
    again = load_soft_labels(soft_label_file(path))
    assert np.array_equal(again.probabilities(), soft.probabilities())
    assert again.kind == soft.kind
    assert kind == "scores" or again.normalized == normalized
    for name in ("audio", "visual", "split", "hard_label", "classes", "temperature"):
        assert np.array_equal(getattr(again, name), getattr(soft, name)), name
    assert again.reading["not_read"] == ()


def test_every_kind_is_said_in_the_same_words() -> None:
    from typing import get_args, get_type_hints

    from avexplore.config import SoftLabelWord
    from avexplore.ui.soft_labels.data import _KINDS as OFFERED

    assert get_args(SoftLabelWord) == KINDS
    assert get_args(get_type_hints(SoftLabelFileConfig)["kind"]) == ("auto", *KINDS) == tuple(OFFERED)
    assert {word_of(kind, both) for kind in ("logits", "scores", "probabilities") for both in (True, False)} <= {*KINDS}  # type: ignore[arg-type]


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(DataError, match="Unknown kind"):
        understand("magic", (LOGITS, LOGITS))


def test_other_arrays_are_named_and_seconds_are_not_averaged(write: Write) -> None:
    soft = load_soft_labels(soft_label_file(write(softmax(LOGITS), loss=np.zeros(3), meta=np.array({}, dtype=object))))
    assert soft.reading["not_read"][0] == "loss"
    assert soft.reading["not_read"][1].startswith("meta (")
    assert any("Not read" in sentence for sentence in soft.warnings)
    with pytest.raises(DataError, match="mean and their maximum"):
        soft_label_file(write(np.zeros((60, 10, 5))))


class TestRealCases:
    """Files rebuilt from public reports."""

    def read(self, cases: Path, name: str, kind: str = "auto") -> SoftLabels:
        return load_soft_labels(soft_label_file(cases / "soft_labels" / name, kind=kind))

    def top(self, soft: SoftLabels) -> float:
        return round(float(soft.probabilities().max(axis=2).mean()), 3)

    def total(self, soft: SoftLabels) -> float:
        return round(float(soft.probabilities().sum(axis=2).mean()), 2)

    def test_logits_of_sigmoids(self, shared_cases: Path) -> None:
        with pytest.raises(DataError, match="independent-logits"):
            self.read(shared_cases, "sigmoid_logits.npz")
        soft = self.read(shared_cases, "sigmoid_logits.npz", "independent-logits")
        assert (self.top(soft), self.total(soft)) == (0.268, 0.41)

    def test_a_hair_below_zero(self, shared_cases: Path) -> None:
        soft = self.read(shared_cases, "sigmoid_-1e-9.npz")
        assert (self.top(soft), self.total(soft)) == (0.646, 1.35)
        assert any("brought back" in sentence for sentence in soft.warnings)

    def test_percent(self, shared_cases: Path) -> None:
        soft = self.read(shared_cases, "softmax_percent.npz")
        assert (self.top(soft), self.total(soft)) == (0.661, 1.0)
        assert soft.reading["kind"] == "percentages"


def test_nothing_is_guessed_for_two_clips() -> None:
    assert tell((np.array([[0.2, 0.8], [0.5, 0.5]]),) * 2) == "probabilities"
    with pytest.raises(DataError, match="do not tell"):
        tell((np.array([[0.2, 0.8], [0.5, 3.5]]),) * 2)
