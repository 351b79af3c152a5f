"""What the search finds when there is nothing to find: data with the classes' relations taken out.

On the authors' released scores half or more of the edges come back under these (docs/graph_truth.md), so an edge's
frequency means little without its frequency here.
"""

from __future__ import annotations

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray
from avexplore.errors import ConfigError

NULLS = ("none", "within-class", "decoupled", "one-hot")
_ONE_HOT_NOISE = 0.1


def null_sample(
    matrix: FloatArray, classes: IntArray, columns: IntArray, count: int, name: str, rng: np.random.Generator
) -> FloatArray:
    """One data set without the relations in question, its clips resampled with replacement.

    - `within-class`: each column shuffled among the clips of one annotated class. Left: which classes are annotated
      together with which soft labels on average.
    - `decoupled`: the visual rows shuffled against the audio rows within each class. Left: relations within a modality.
    - `one-hot`: the annotation alone in both modalities, plus independent noise of standard deviation 0.1.

    Args:
        matrix: Transformed soft labels of the searched nodes. Shape (n, k).
        classes: Annotated class of each clip, in [0, C). Shape (n,).
        columns: Node index of each column, audio nodes below C. Shape (k,), ascending.
        count: Number of classes C.
        name: Null model.
        rng: Draws the resample and the shuffles.

    Returns:
        Shape (n, k).

    >>> x = np.arange(8.0).reshape(4, 2)
    >>> null_sample(x, np.zeros(4, int), np.array([0, 1]), 1, "decoupled", np.random.default_rng(0)).shape
    (4, 2)
    """
    if name not in NULLS[1:]:
        raise ConfigError(f"There is no null model {name!r}", where="stability.null", fix=f"Use one of {NULLS[1:]}")
    n, k = matrix.shape
    drawn: IntArray = rng.integers(0, n, size=(n,))
    drawn = drawn[np.argsort(classes[drawn], kind="stable")]
    groups = classes[drawn]
    if name == "one-hot":
        belongs: BoolArray = np.equal.outer(groups, np.remainder(columns, count))
        sample: FloatArray = belongs.astype(np.float64)
        sample += rng.normal(scale=_ONE_HOT_NOISE, size=(n, k))
        return sample
    sample = matrix[drawn]
    # Sorting by (class, random number) shuffles within every class at once.
    if name == "decoupled":
        visual = columns >= count
        sample[:, visual] = sample[np.ix_(np.lexsort((rng.random((n,)), groups)), visual)]
        return sample
    for j in range(k):
        sample[:, j] = sample[np.lexsort((rng.random((n,)), groups)), j]
    return sample
