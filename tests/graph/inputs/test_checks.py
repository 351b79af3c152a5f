from __future__ import annotations

import numpy as np
import pytest

from avexplore.artifacts import SoftLabels, class_nodes
from avexplore.errors import GraphError
from avexplore.graph.inputs.checks import (
    check_columns,
    choose_rows,
    describe_kind,
    describe_values,
    require_finite,
)

NODES = class_nodes(tuple("ABCD"))


def noise(n: int = 200, p: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, p))


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x)
    return powers / powers.sum(axis=1, keepdims=True)


def test_clean_columns_pass_without_a_word() -> None:
    checked = check_columns(noise(), NODES)
    assert checked.columns.tolist() == list(range(8))
    assert checked.warnings == ()
    assert 1 < checked.condition < 10


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused_by_name(bad: float) -> None:
    matrix = noise()
    matrix[17, 5] = bad
    with pytest.raises(GraphError, match=r"1 value\(s\) of visual:B are NaN or infinite .*clip 17"):
        require_finite(matrix, NODES)
    with pytest.raises(GraphError, match="visual:B"):
        check_columns(matrix, NODES)


def test_constant_columns_are_named_whatever_their_size() -> None:
    matrix = noise()
    matrix[:, 1], matrix[:, 6] = 0.1, 1e8 + 1e-9 * matrix[:, 6]
    checked = check_columns(matrix, NODES)
    assert checked.dropped == {1: "it is constant", 6: "it is constant"}
    assert "audio:B stands alone in the graph: it is constant." in checked.warnings


def test_duplicates_are_found_up_to_scale_and_shift() -> None:
    matrix = noise()
    matrix[:, 4], matrix[:, 7] = 3 * matrix[:, 0] + 2, -matrix[:, 0]
    checked = check_columns(matrix, NODES)
    assert checked.dropped == {4: "it repeats audio:A", 7: "it repeats audio:A with the sign reversed"}


def test_what_knowledge_mentions_is_kept() -> None:
    matrix = noise()
    matrix[:, 4] = matrix[:, 0]
    assert set(check_columns(matrix, NODES, keep=frozenset({4})).dropped) == {0}
    rows = np.c_[softmax(noise(p=4)), softmax(noise(p=4, seed=1))]
    free = set(check_columns(rows, NODES).dropped)
    held = frozenset(free)
    assert not set(check_columns(rows, NODES, keep=held).dropped) & held


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_that_sum_to_one_lose_one_class_per_modality(dtype: type) -> None:
    rows = np.c_[softmax(noise(p=4)), softmax(noise(p=4, seed=1))].astype(dtype).astype(np.float64)
    checked = check_columns(rows, NODES)
    assert len(checked.columns) == 6
    assert sorted(NODES[k].split(":")[0] for k in checked.dropped) == ["audio", "visual"]
    for k, reason in checked.dropped.items():
        assert reason.startswith(f"the {NODES[k].split(':')[0]} values of a clip sum to a constant")
    assert np.linalg.cond(np.corrcoef(rows[:, checked.columns].T)) < 1e3


def test_an_exact_combination_of_both_modalities_is_named() -> None:
    matrix = noise()
    matrix[:, 3] = matrix[:, 0] + 2 * matrix[:, 5]
    checked = check_columns(matrix, NODES)
    ((dropped, reason),) = checked.dropped.items()
    assert dropped in (0, 3, 5)
    others = {NODES[k] for k in (0, 3, 5) if k != dropped}
    assert reason.startswith("it is an exact linear function of")
    assert set(reason.removeprefix("it is an exact linear function of ").split(", ")) == others


def test_many_dependencies_leave_a_regular_rest() -> None:
    basis = noise(p=3)
    matrix = basis @ np.random.default_rng(1).normal(size=(3, 8))
    checked = check_columns(matrix, NODES)
    assert len(checked.columns) == 3
    assert np.linalg.matrix_rank(matrix[:, checked.columns]) == 3


def test_fewer_rows_than_nodes_is_a_warning_not_a_crash() -> None:
    checked = check_columns(noise(n=6), NODES)
    assert len(checked.columns) == 8
    assert any("6 clips for 8 nodes" in warning for warning in checked.warnings)


def test_near_singularity_is_told_with_its_condition_number() -> None:
    rows = np.c_[softmax(noise(p=4)), noise(p=4, seed=1)]
    rows[:, 0] += 1e-3 * noise(p=1, seed=2)[:, 0]
    checked = check_columns(rows, NODES)
    assert checked.dropped == {}
    assert checked.condition > 1e3
    assert any("nearly singular" in warning and "audio" in warning for warning in checked.warnings)


def labels(split: np.ndarray, kind: str = "logits") -> SoftLabels:
    x = noise(n=len(split), p=4)
    return SoftLabels(x[:, :2], x[:, 2:], kind, ("A", "B"), split, np.zeros(len(split), int))  # type: ignore[arg-type]


def test_rows_are_training_clips_unless_all_are_asked_for() -> None:
    split = np.array([0] * 6 + [1] * 2 + [2] * 2)
    rows, said = choose_rows(labels(split), "train")
    assert rows.tolist() == list(range(6))
    assert said == ()
    rows, said = choose_rows(labels(split), "all")
    assert len(rows) == 10
    assert "4 of them validation or test clips" in said[0]
    assert choose_rows(labels(np.zeros(6, int)), "all")[1] == ()


def test_too_few_clips_are_refused() -> None:
    with pytest.raises(GraphError, match=r"3 clip\(s\) to learn from"):
        choose_rows(labels(np.array([0, 0, 0, 2, 2])), "train")


def test_kinds_that_need_care_are_described() -> None:
    split = np.zeros(5, int)
    assert "not probabilities" in describe_kind(labels(split, "scores"))[0]
    assert "logits give a truer graph" in describe_kind(labels(split, "probabilities"))[0]
    assert describe_kind(labels(split)) == ()


def of_values(matrix: np.ndarray) -> SoftLabels:
    zero = np.zeros(len(matrix), int)
    half = matrix.shape[1] // 2
    names = tuple(f"class {k}" for k in range(half))
    return SoftLabels(matrix[:, :half], matrix[:, half:], "probabilities", names, zero, zero, normalized=False)


def test_zero_one_labels_are_recognized_and_the_right_score_is_named() -> None:
    rng = np.random.default_rng(0)
    soft = of_values((rng.random((60, 6)) < 0.3).astype(float))
    (text,) = describe_values(soft, np.arange(60), "bic")
    assert "Choose BDeu" in text
    assert describe_values(soft, np.arange(60), "bdeu") == ()
    assert describe_values(of_values(rng.random((60, 6))), np.arange(60), "bic") == ()


def test_copied_clips_are_noticed() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((60, 6))
    values[50:55] = values[3]
    values[55] = values[4]
    values[56, 0] = values[5, 0]  # one value alone is no copy
    (text,) = describe_values(of_values(values), np.arange(60), "bic")
    assert "6 of 60 clips repeat" in text
    assert describe_values(of_values(values), np.arange(50), "bic") == (), "of the clips in use"
    votes = rng.integers(0, 3, (60, 6)) / 2
    assert describe_values(of_values(votes), np.arange(60), "bic") == (), "with few values that is no surprise"
