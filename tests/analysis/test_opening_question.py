"""The question on the opening page is the clearest one, and the counts beside it are of all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avexplore.analysis.loaded_run import LoadedRun
from avexplore.analysis.opening_question import ANSWERS, opening_question


@pytest.mark.parametrize("hidden", [True, False])
def test_it_gains_most_and_the_counts_are_those_of_a_slow_loop(loaded: LoadedRun, hidden: bool) -> None:
    clips = loaded.clips if hidden else replace(loaded.clips, true_labels=None)
    found = opening_question(loaded.before, loaded.after, clips)
    rows = clips.rows("test")
    counts = {}
    sides = {"audio-to-visual": ("audio", "visual"), "visual-to-audio": ("visual", "audio")}
    for direction, (asks, gives) in sides.items():
        for row in rows:
            pair = []
            for embeddings in (loaded.before, loaded.after):
                cosine = getattr(embeddings, gives)[rows] @ getattr(embeddings, asks)[row]
                first = rows[np.argsort(-cosine, kind="stable")[:ANSWERS]]
                if hidden:
                    pair.append(int((clips.true_labels[first] & clips.true_labels[row]).any(axis=1).sum()))
                else:
                    pair.append(int((clips.hard_label[first] == clips.hard_label[row]).sum()))
            counts[direction, int(row)] = tuple(pair)
    gained = {key: after - before for key, (before, after) in counts.items()}
    assert gained[found.direction, found.clip] == max(gained.values())
    assert tuple(found.right.sum(axis=1)) == counts[found.direction, found.clip]
    assert (found.tally.questions, found.tally.gain, found.tally.lose) == (
        len(gained), sum(g > 0 for g in gained.values()), sum(g < 0 for g in gained.values())
    )  # fmt: skip
    assert found.tally.mean == pytest.approx(tuple(np.mean(list(counts.values()), axis=0)))
