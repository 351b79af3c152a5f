"""Sets of variables as bits, 64 to a word.

A set is a row of a (rows, words) table of int64; two's complement makes all 64 bits usable. Callers name table and
row apart, since a slice would cost more than what is done with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.cpython.unsafe.numbers import trailing_zeros

from avexplore.artifacts import BoolArray, IntArray
from avexplore.graph.compiled.numba_cache import Int, Truth, compiled

_trailing_zeros: Any = trailing_zeros  # numba's intrinsics take one argument less than their definition


def word_count(variables: int) -> int:
    """Words that a set of `variables` variables takes.

    >>> word_count(64), word_count(65)
    (1, 2)
    """
    return (variables + 63) >> 6


def pack(matrix: BoolArray) -> IntArray:
    """Rows of booleans as sets. Shape (m, p) -> (m, words).

    >>> pack(np.array([[True, False, True]]))
    array([[5]])
    """
    m, p = matrix.shape
    padded = np.zeros((m, word_count(p) * 64), np.uint8)
    padded[:, :p] = matrix
    words: IntArray = np.packbits(padded, axis=1, bitorder="little").view("<i8").astype(np.int64)
    return words


def unpack(sets: IntArray, variables: int) -> BoolArray:
    """The inverse of `pack`. Shape (m, words) -> (m, p).

    >>> unpack(np.array([[5]]), 3)
    array([[ True, False,  True]])
    """
    octets = np.ascontiguousarray(sets).astype("<i8").view(np.uint8)
    return np.unpackbits(octets, axis=1, bitorder="little")[:, :variables].astype(bool)


@compiled
def contains(sets: IntArray, row: Int, x: Int) -> Truth:
    """Whether x is in the set."""
    return (sets[row, x >> 6] >> (x & 63)) & 1 != 0


@compiled
def insert(sets: IntArray, row: Int, x: Int) -> None:
    """Put x into the set."""
    sets[row, x >> 6] |= np.int64(1) << (x & 63)


@compiled
def discard(sets: IntArray, row: Int, x: Int) -> None:
    """Take x out of the set."""
    sets[row, x >> 6] &= ~(np.int64(1) << (x & 63))


@compiled
def copy(source: IntArray, source_row: Int, target: IntArray, target_row: Int) -> None:
    """Make one set equal to another."""
    for w in range(source.shape[1]):
        target[target_row, w] = source[source_row, w]


@compiled
def lowest(word: Int) -> Int:
    """Index of the lowest bit that is set in a word that is not 0."""
    return np.int64(_trailing_zeros(word))


@compiled
def pop(sets: IntArray, row: Int) -> Int:
    """Take out the smallest element and return it; -1 if the set is empty."""
    for w in range(sets.shape[1]):
        word = sets[row, w]
        if word != 0:
            sets[row, w] = word & (word - 1)
            return 64 * w + lowest(word)
    return np.int64(-1)
