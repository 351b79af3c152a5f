"""Is a difference between two trainings more than noise? Paired over seeds, with an interval and honest p-values."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avexplore.artifacts import FloatArray
from avexplore.errors import DataError

_EXACT = 16
"""Up to this many pairs all 2^n sign patterns are counted, not sampled."""
_CELLS = 1 << 22
"""Exchanges are drawn in blocks of at most so many cells: SciPy's test takes 7 GB for 5,600 queries."""


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval; low and high are NaN for fewer than two values."""

    mean: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        """`+0.0121 ± 0.0010 (n = 5)`."""
        half = (self.high - self.low) / 2
        return f"{self.mean:+.4f} ± {half:.4f} (n = {self.count})"


def interval(values: Sequence[float] | FloatArray, level: float = 0.95) -> Interval:
    """The mean of independent values and its Student-t interval.

    Args:
        values: One per seed (or edge, or fold). Shape (n,); NaN are left out.
        level: Coverage, in (0, 1).

    >>> print(interval([0.01, 0.02, 0.03]))
    +0.0200 ± 0.0248 (n = 3)
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}")
    found = np.asarray(values, np.float64)
    found = found[~np.isnan(found)]
    count, nan = len(found), float("nan")
    if count < 2:
        return Interval(float(found[0]) if count else nan, nan, nan, count)
    from scipy.stats import t

    half = float(t.ppf(0.5 + level / 2, count - 1) * found.std(ddof=1) / np.sqrt(count))
    mean = float(found.mean())
    return Interval(mean, mean - half, mean + half, count)


def paired_difference(
    after: Sequence[float] | FloatArray, before: Sequence[float] | FloatArray, level: float = 0.95
) -> Interval:
    """Mean of after - before over pairs that share a seed, with its Student-t interval.

    Args:
        after: One figure per seed. Shape (n,).
        before: The twin's figure of the same seed. Shape (n,).
        level: Coverage.

    Raises:
        DataError: If the lengths differ: unpaired figures cannot be compared so.
    """
    return interval(_differences(after, before), level)


def _differences(after: Sequence[float] | FloatArray, before: Sequence[float] | FloatArray) -> FloatArray:
    one, other = np.asarray(after, np.float64), np.asarray(before, np.float64)
    if one.shape != other.shape or one.ndim != 1:
        raise DataError(
            f"{one.shape} figures cannot be paired with {other.shape}",
            where="paired comparison",
            fix="Pass one figure per seed for both, in the same order of seeds",
        )
    return one - other


def sign_test(after: Sequence[float] | FloatArray, before: Sequence[float] | FloatArray) -> float:
    """Two-sided p-value of "as often up as down"; ties are left out, 1 if nothing is left.

    Arguments as for `paired_difference`.

    >>> sign_test([0.1, 0.2, 0.1, 0.3, 0.2], [0.0, 0.0, 0.0, 0.0, 0.0])
    0.0625
    """
    values = _differences(after, before)
    up, down = int((values > 0).sum()), int((values < 0).sum())
    if up + down == 0:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(up, up + down).pvalue)


def permutation_test(
    after: Sequence[float] | FloatArray,
    before: Sequence[float] | FloatArray,
    *,
    resamples: int = 20_000,
    seed: int = 0,
) -> float:
    """Two-sided p-value of the mean difference under random exchange of each pair's two figures.

    All 2^n exchanges are counted up to n = 16; beyond, `resamples` random ones and the observed one.

    Args:
        after: One figure per seed. Shape (n,).
        before: The twin's figure of the same seed. Shape (n,).
        resamples: How many random exchanges.
        seed: Draws them.

    Returns:
        In (0, 1]; at least 2 / 2^n, so that few seeds can never show much.

    >>> permutation_test([0.1, 0.2, 0.1, 0.3, 0.2], [0.0, 0.0, 0.0, 0.0, 0.0])
    0.0625
    """
    return float(exchange_tests(_differences(after, before)[None], resamples=resamples, seed=seed)[0])


def exchange_tests(differences: FloatArray, *, resamples: int = 20_000, seed: int = 0) -> FloatArray:
    """`permutation_test` of several comparisons over the same pairs, by the same exchanges.

    Args:
        differences: One row per comparison, without NaN. Shape (m, n).
        resamples: How many random exchanges beyond n = 16.
        seed: Draws them.

    Returns:
        p-values, not corrected. Shape (m,), in (0, 1].
    """
    count, pairs = differences.shape
    exact = pairs <= _EXACT
    total = 2**pairs if exact else resamples
    # On a grid: sums that differ by rounding alone count as equal, whatever the order of the pairs.
    scale = np.abs(differences).sum(axis=1)
    scale[scale == 0] = 1.0
    whole = differences.sum(axis=1)
    observed = np.round(np.abs(whole) / scale, 12)
    rng = np.random.default_rng(seed)
    as_far = np.zeros(count)
    block = max(1, _CELLS // max(pairs, 1))
    for begin in range(0, total, block):
        size = min(block, total - begin)
        if exact:
            exchanged: NDArray[Any] = (np.arange(begin, begin + size)[:, None] >> np.arange(pairs)) & 1
        else:
            drawn = np.frombuffer(rng.bytes(-(-size * pairs // 8)), np.uint8)
            exchanged = np.unpackbits(drawn, count=size * pairs).reshape(size, pairs)
        sums = whole - 2 * (exchanged.astype(np.float64) @ differences.T)  # (size, m)
        as_far += (np.round(np.abs(sums) / scale, 12) >= observed).sum(axis=0)
    return as_far / total if exact else (as_far + 1) / (total + 1)


def told_apart(figures: Mapping[str, FloatArray], *, level: float = 0.05) -> list[tuple[str, ...]]:
    """Groups of arms no two of which can be told apart; an arm may belong to several.

    Every pair of arms is compared by the paired permutation test, Holm-corrected over all pairs; a group is a largest
    set of arms without a pair below `level`. With few seeds no pair can be told apart and all arms are one group: A
    arms need about log2(A (A - 1) / level) seeds.

    Args:
        figures: By arm, one figure per seed, the same seeds for all. Shape (n,).
        level: Corrected p-value up to which two arms are told apart.

    Returns:
        Arms within a group, and groups by their first arm, from the highest mean down.

    >>> seeds = np.arange(8) / 100
    >>> told_apart({"a": seeds, "b": seeds + 0.1, "c": seeds[::-1]})
    [('b',), ('a', 'c')]
    """
    import networkx as nx

    names = sorted(figures, key=lambda name: -float(np.mean(figures[name])))
    pairs = list(itertools.combinations(names, 2))
    differences = [_differences(figures[one], figures[other]) for one, other in pairs]
    corrected = holm(exchange_tests(np.array(differences)) if pairs else [])
    alike = nx.Graph()
    alike.add_nodes_from(names)
    alike.add_edges_from(pair for pair, p in zip(pairs, corrected, strict=True) if p > level)
    groups = [sorted(map(names.index, group)) for group in nx.find_cliques(alike)]
    return [tuple(names[i] for i in group) for group in sorted(groups)]


def holm(p_values: Sequence[float] | FloatArray) -> FloatArray:
    """p-values corrected for having asked several questions (Holm's step-down; family-wise error).

    Args:
        p_values: One per comparison. Shape (m,).

    Returns:
        Corrected values in the same order, in [0, 1]. Shape (m,).

    References:
        Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics, 1979.

    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    values = np.asarray(p_values, np.float64)
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    corrected = np.empty_like(values)
    corrected[order] = np.maximum.accumulate(steps).clip(max=1.0) if len(values) else steps
    return corrected


def verdict(
    difference: Interval, p_value: float, *, level: float = 0.05, words: tuple[str, str] = ("gain", "loss")
) -> str:
    """What a comparison shows, in plain words: the interval decides, and the test confirms or does not.

    Args:
        difference: With its interval.
        p_value: Of the test, corrected already if several questions were asked.
        level: Up to which p-value a difference counts as confirmed.
        words: What a rise and a fall are called.

    >>> verdict(Interval(0.012, 0.011, 0.013, 10), 0.004)
    'gain'
    >>> verdict(Interval(-0.012, -0.023, -0.001, 5), 0.06)
    'loss, not confirmed'
    >>> verdict(Interval(0.012, -0.001, 0.025, 10), 0.06)
    'no difference shown'
    """
    if not (difference.low > 0 or difference.high < 0):
        return "no difference shown"
    return words[difference.low <= 0] + ("" if p_value <= level else ", not confirmed")
