from __future__ import annotations

import numpy as np
import pytest

from avexplore.errors import ConfigError
from avexplore.graph.stability.nulls import null_sample

C = 3
COLUMNS = np.arange(2 * C)


def planted(n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Class means, and beyond them audio:0 -> audio:1 and audio:0 -> visual:2 within every class."""
    rng = np.random.default_rng(0)
    classes = rng.integers(0, C, n)
    matrix = rng.normal(size=(n, 2 * C)) + 4 * np.tile(np.eye(C), (1, 2))[classes]
    shared = rng.normal(size=n)
    matrix[:, [0, 1, 5]] += 2 * shared[:, None]
    return matrix, classes


def within(sample: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Correlation with the class means removed."""
    centered = sample.copy()
    for k in range(C):
        centered[groups == k] -= centered[groups == k].mean(axis=0)
    return np.corrcoef(centered.T)


def sampled(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    matrix, classes = planted()
    rng = np.random.default_rng(1)
    sample = null_sample(matrix, classes, COLUMNS, C, name, rng)
    drawn = np.random.default_rng(1).integers(0, len(matrix), size=(len(matrix),))
    return sample, np.sort(classes[drawn], kind="stable"), matrix


def test_the_planted_relations_are_there_to_begin_with() -> None:
    matrix, classes = planted()
    relation = within(matrix, classes)
    assert relation[0, 1] > 0.5
    assert relation[0, 5] > 0.5


def test_within_class_shuffling_leaves_class_means_and_nothing_else() -> None:
    sample, groups, matrix = sampled("within-class")
    relation = within(sample, groups)
    assert np.abs(relation - np.eye(2 * C)).max() < 0.1
    for k in range(C):
        np.testing.assert_allclose(sample[groups == k].mean(axis=0), matrix[planted()[1] == k].mean(axis=0), atol=0.3)
        for j in range(2 * C):
            assert np.isin(sample[groups == k, j], matrix[planted()[1] == k, j]).all()


def test_decoupling_leaves_relations_within_a_modality() -> None:
    sample, groups, matrix = sampled("decoupled")
    relation = within(sample, groups)
    assert relation[0, 1] > 0.5
    assert abs(relation[0, 5]) < 0.1
    rows = {row.tobytes() for row in np.ascontiguousarray(matrix[:, C:])}
    assert all(row.tobytes() in rows for row in np.ascontiguousarray(sample[:, C:]))


def test_one_hot_holds_the_annotation_alone() -> None:
    sample, groups, _ = sampled("one-hot")
    np.testing.assert_array_equal(sample[:, :C].argmax(axis=1), groups)
    np.testing.assert_array_equal(sample[:, C:].argmax(axis=1), groups)
    assert np.abs(within(sample, groups) - np.eye(2 * C)).max() < 0.1


def test_columns_that_were_dropped_are_not_missed() -> None:
    matrix, classes = planted(500)
    columns = np.array([0, 2, 4])
    sample = null_sample(matrix[:, columns], classes, columns, C, "one-hot", np.random.default_rng(0))
    assert sample.shape == (500, 3)
    assert np.corrcoef(sample.T)[0, 2] < 0  # audio:0 and visual:1 exclude each other


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ConfigError, match="no null model"):
        null_sample(np.zeros((4, 2)), np.zeros(4, int), np.arange(2), 1, "nothing", np.random.default_rng(0))
