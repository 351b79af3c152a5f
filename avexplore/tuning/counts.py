"""How typical a query is: over all queries, how many gain and how many lose relevant answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avexplore.analysis.opening_question import shares_class
from avexplore.artifacts import Clips, Embeddings, IntArray
from avexplore.retrieval import rank

TOP = 8
"""So many first answers are looked at."""


@dataclass(frozen=True)
class Counts:
    """Over all queries of one direction, against the twin.

    Attributes:
        relevant: Of the first answers of each query, how many share a class with it, see `first_answers`. Shape (Q,).
        twin: How many of the twin's. Shape (Q,).

    >>> found = Counts(np.array([3, 1, 2]), np.array([2, 2, 2]))
    >>> found.gain, found.lose
    (1, 1)
    """

    relevant: IntArray
    twin: IntArray

    @property
    def gained(self) -> IntArray:
        """By how many more than the twin's. Shape (Q,)."""
        return self.relevant - self.twin

    @property
    def gain(self) -> int:
        """How many queries have more relevant first answers than by the twin."""
        return int((self.gained > 0).sum())

    @property
    def lose(self) -> int:
        """How many have fewer."""
        return int((self.gained < 0).sum())


def first_answers(embeddings: Embeddings, clips: Clips, direction: int) -> IntArray:
    """How many of the first `TOP` answers of every clip share a class with it.

    Args:
        embeddings: Of the clips, which are queries and gallery.
        clips: The clips.
        direction: 0 audio asks visual, 1 visual asks audio.

    Returns:
        Shape (Q,), in 0..TOP.
    """
    both = embeddings.audio, embeddings.visual
    queries, gallery = both if direction == 0 else both[::-1]
    found = rank(queries, gallery, TOP).indices
    counted: IntArray = shares_class(clips, np.arange(len(queries)), found).sum(axis=1)
    return counted
