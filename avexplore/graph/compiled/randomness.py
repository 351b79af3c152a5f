"""Random numbers inside compiled code: splitmix64, its whole state one word that the caller owns.

numba's `np.random` has one hidden state per thread, so results would depend on which thread did what before.

References:
    Steele, Lea, Flood 2014, Fast splittable pseudorandom number generators.
"""

from __future__ import annotations

import numpy as np

from avexplore.artifacts import IntArray
from avexplore.graph.compiled.numba_cache import Int, compiled


@compiled
def scramble(x: Int) -> Int:
    """A bijection of 64-bit words whose output bits each depend on all input bits."""
    z = np.uint64(x)
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return np.int64(z)


@compiled
def below(bound: Int, state: IntArray) -> Int:
    """A whole number in [0, bound), for bounds below 2^31. `state`: shape (1,), int64, changed."""
    state[0] += np.int64(-0x61C8864680B583EB)  # 2^64 / golden ratio, as a signed word
    high = np.uint64(scramble(state[0])) >> np.uint64(33)
    return np.int64((high * np.uint64(bound)) >> np.uint64(31))


@compiled
def shuffle(values: IntArray, state: IntArray) -> None:
    """Fisher-Yates, in place."""
    for k in range(len(values) - 1, 0, -1):
        j = below(k + 1, state)
        values[k], values[j] = values[j], values[k]
