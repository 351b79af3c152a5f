"""One question whose answers show what LIR does, and how typical it is of all questions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avexplore.analysis.ranked_answers import DIRECTIONS, Direction
from avexplore.artifacts import BoolArray, Clips, Embeddings, IntArray
from avexplore.retrieval import rank

ANSWERS = 10
"""First answers that are looked at."""


@dataclass(frozen=True)
class Tally:
    """Right answers among the first ones, over all questions: each test clip asks twice.

    Attributes:
        questions: How many there are.
        gain, lose: How many have more and fewer right answers with LIR.
        mean: Right answers per question, without and with LIR.
        first: How many answers are looked at.
    """

    questions: int
    gain: int
    lose: int
    mean: tuple[float, float]
    first: int

    def __str__(self) -> str:
        """How typical a gain is.

        >>> str(Tally(960, 144, 77, (6.6, 6.7), 10))
        'Of 960 questions, 15 % get more right answers among the first 10 with LIR and 8 % fewer; on average 6.6 → 6.7.'
        """
        gain, lose = (f"{100 * part / max(self.questions, 1):.0f} %" for part in (self.gain, self.lose))
        return (
            f"Of {self.questions:,} questions, {gain} get more right answers among the first {self.first} with LIR "
            f"and {lose} fewer; on average {self.mean[0]:.1f} → {self.mean[1]:.1f}."
        )


def tally(counts: IntArray, first: int) -> Tally:
    """Sum up what all questions are answered.

    Args:
        counts: Right answers of each question. Shape (directions, 2, Q): without and with LIR.
        first: How many answers are looked at.
    """
    gained = counts[:, 1] - counts[:, 0]
    return Tally(
        questions=gained.size,
        gain=int((gained > 0).sum()),
        lose=int((gained < 0).sum()),
        mean=(float(counts[:, 0].mean()), float(counts[:, 1].mean())),
        first=first,
    )


@dataclass(frozen=True)
class OpeningQuestion:
    """A clip that asks, and what it is answered.

    Attributes:
        clip: Row of the clip.
        direction: Which modality asks which.
        answers: Rows of the first answers, without and with LIR. Shape (2, k).
        right: Whether they share a class with the question. Shape (2, k).
        tally: The same over all questions.
    """

    clip: int
    direction: Direction
    answers: IntArray
    right: BoolArray
    tally: Tally


def opening_question(before: Embeddings, after: Embeddings, clips: Clips, split: str = "test") -> OpeningQuestion:
    """The question that gains most right answers: the clearest case, and it is to be shown as that.

    An answer is right if it shares a true class with the question, or the annotated one where only that is known. Of
    questions that gain as much, one with a true class that nobody annotated comes first.

    Args:
        before, after: Embeddings of all clips without and with LIR.
        clips: Labels and splits.
        split: Whose clips ask and answer; at least one.
    """
    rows = clips.rows(split)
    several = np.zeros(len(rows)) if clips.true_labels is None else clips.true_labels[rows].sum(axis=1) > 1
    found: dict[Direction, tuple[IntArray, BoolArray]] = {
        direction: first_answers(before, after, clips, rows, direction) for direction in DIRECTIONS
    }
    count = np.stack([right.sum(axis=2) for _, right in found.values()])  # (direction, when, Q)
    gained = count[:, 1] - count[:, 0]
    where = np.unravel_index(int(np.argmax(gained + 0.5 * several)), gained.shape)
    direction, position = list(DIRECTIONS)[int(where[0])], int(where[1])
    answers, right = found[direction]
    return OpeningQuestion(
        clip=int(rows[position]),
        direction=direction,
        answers=rows[answers[:, position]],
        right=right[:, position],
        tally=tally(count, answers.shape[2]),
    )


def first_answers(
    before: Embeddings, after: Embeddings, clips: Clips, rows: IntArray, direction: Direction
) -> tuple[IntArray, BoolArray]:
    """First answers of every question without and with LIR, as places in `rows`, and whether they are right.

    Args:
        before, after: Embeddings of all clips without and with LIR.
        clips: Labels.
        rows: Clips that ask and answer. Shape (Q,).
        direction: Which modality asks which.

    Returns:
        Two arrays of shape (2, Q, k).
    """
    places, right = [], []
    for embeddings in (before, after):
        both = embeddings.audio[rows], embeddings.visual[rows]
        queries, gallery = both if direction == "audio-to-visual" else both[::-1]
        first = rank(np.asarray(queries), np.asarray(gallery), min(ANSWERS, len(rows))).indices
        places.append(first)
        right.append(shares_class(clips, rows, rows[first]))
    return np.stack(places), np.stack(right)


def shares_class(clips: Clips, queries: IntArray, answers: IntArray) -> BoolArray:
    """Whether answers share a class with their query: any true one where those are known, else the annotated one.

    Args:
        clips: All clips.
        queries: Shape (Q,).
        answers: Shape (Q, k).
    """
    if clips.true_labels is None:
        return np.asarray(clips.hard_label[answers] == clips.hard_label[queries][:, None])
    return np.asarray((clips.true_labels[answers] & clips.true_labels[queries][:, None, :]).any(axis=2))
