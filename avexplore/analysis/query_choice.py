"""Which clips to ask about: those of a class, the ones that LIR changed most, some at random, or those drawn around."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from avexplore.analysis.ranked_answers import Direction
from avexplore.artifacts import Clips, IntArray, RetrievalReport

Pick = Literal["gained", "lost", "class", "random", "lasso", "own"]
PICKS: Mapping[Pick, str] = {
    "gained": "Best change",
    "lost": "Worst change",
    "class": "By class",
    "random": "At random",
    "lasso": "From the map",
    "own": "Own clip",
}
LASSO = "lasso_clips"
"""Session key: clips that were drawn around on the map."""
OFFERED = 200
"""At most so many queries are listed."""


def changes(before: RetrievalReport, after: RetrievalReport, direction: Direction) -> dict[int, tuple[float, float]]:
    """Average precision of each query clip without and with LIR."""
    d = 0 if direction == "audio-to-visual" else 1
    pairs = zip(before.rows, before.average_precision[d], after.average_precision[d], strict=True)
    return {int(row): (float(b), float(a)) for row, b, a in pairs}


def candidates(
    clips: Clips,
    pick: Pick,
    change: Mapping[int, tuple[float, float]],
    *,
    label: int = 0,
    seed: int = 0,
    lasso: tuple[int, ...] = (),
) -> list[int]:
    """Query clips in the order in which they are offered.

    Args:
        clips: All clips.
        pick: How to choose. "own" offers none.
        change: Average precision without and with LIR per possible query clip.
        label: Class for "class".
        seed: Draws for "random".
        lasso: Clips that were drawn around.
    """
    rows = sorted(change)
    gain = {row: after - before for row, (before, after) in change.items()}
    match pick:
        case "gained":
            rows.sort(key=lambda row: -gain[row])
        case "lost":
            rows.sort(key=gain.__getitem__)
        case "class":
            rows = sorted((row for row in rows if clips.hard_label[row] == label), key=lambda row: -abs(gain[row]))
        case "random":
            rows = np.random.default_rng(seed).permutation(np.array(rows, int)).tolist()
        case "lasso":
            rows = sorted(set(rows) & set(lasso))
        case "own":
            return []
    return rows[:OFFERED]


def unmeasured(
    clips: Clips,
    pick: Pick,
    rows: IntArray,
    *,
    label: int = 0,
    seed: int = 0,
    lasso: tuple[int, ...] = (),
) -> list[int]:
    """Query clips of a gallery whose queries have not all been ranked, so that no change is known.

    Args:
        clips: All clips.
        pick: How to choose. "own", "gained" and "lost" offer none.
        rows: The gallery's clips. Shape (g,).
        label: Class for "class".
        seed: Draws for "random".
        lasso: Clips that were drawn around.
    """
    match pick:
        case "class":
            chosen = rows[np.asarray(clips.hard_label)[rows] == label]
        case "random":
            draws = np.random.default_rng(seed).choice(len(rows), min(OFFERED, len(rows)), replace=False)
            chosen = rows[draws]
        case "lasso":
            chosen = rows[np.isin(rows, lasso)]
        case _:
            return []
    return [int(row) for row in chosen[:OFFERED]]
