"""One question to two runs, and their maps: what differs, clip by clip."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from avexplore.analysis.run_differences import same_clips
from avexplore.config import ClipsConfig, ProjectionConfig, StudentConfig
from avexplore.tuning.counts import TOP, Counts, first_answers
from avexplore.tuning.live_maps import MOST_CLIPS, MapPair
from avexplore.tuning.reading import clips_at
from avexplore.ui.parts import job_progress
from avexplore.ui.settings import working
from avexplore.ui.tune import board, maps, question

if TYPE_CHECKING:
    from avexplore.artifacts import Clips, Embeddings, IntArray, Projection

_BOARD, _MAPS = "compare-board", "compare-maps"


@dataclass(frozen=True)
class Pair:
    """Two runs of the same clips.

    Attributes:
        students: Both, first and second.
        names: What they are called.
        rows: The test clips, as rows of all clips.
        clips: The test clips alone.
        embeddings: Of these, of each student.
    """

    students: tuple[StudentConfig, StudentConfig]
    names: tuple[str, str]
    rows: IntArray
    clips: Clips
    embeddings: tuple[Embeddings, Embeddings]

    @property
    def key(self) -> str:
        """Tells pairs apart."""
        return "-".join(one.address[:12] for one in self.students)


def pair(students: tuple[StudentConfig, StudentConfig], names: tuple[str, str]) -> Pair | None:
    """Two runs with what they have stored; None while something is missing, or where their clips are not the same."""
    each = [job_progress.artifact(ClipsConfig(one.data), "Reading the clips", stop_page=False) for one in students]
    trained = [
        job_progress.artifact(one, f"The student of {name}", start=False, stop_page=False)
        for one, name in zip(students, names, strict=True)
    ]
    if None in each or None in trained or not same_clips(*each):
        return None
    rows = each[0].rows("test")
    first, second = (one.embeddings.at(rows) for one in trained)
    return Pair(students, names, rows, clips_at(each[0], rows), (first, second))


@st.cache_resource(show_spinner=False, max_entries=16)
def _first_answers(key: str, direction: int, _pair: Pair) -> tuple[IntArray, IntArray]:
    first, second = (first_answers(one, _pair.clips, direction) for one in _pair.embeddings)
    return first, second


@st.fragment
def draw(both: Pair) -> None:
    """Ask both runs with one clip, and show their maps."""
    working.write()
    st.subheader("One question to both", anchor=False)
    query, direction, said = _query(both)
    orders = [board.ranked(one, query, direction) for one in both.embeddings]
    name, also = board.words_of(both.clips, query)
    version = f"{both.key}-{query}-{direction}"
    board.draw(
        _BOARD,
        partial(question.clicked, _BOARD, both.rows),
        query={"how": question.ASKED[direction], "name": name, "also": also},
        counts=said,
        lists=board.lists(both.clips, query, orders, both.names),
        version=version,
    )
    st.subheader("Both maps", anchor=False)
    found = _projection(both)
    if found is not None:
        content = maps.pack(
            found,
            both.clips,
            query=query,
            direction=direction,
            orders=orders,
            titles=both.names,
            note="● heard, ■ seen. Ring: the query and its first answers. Lines lead back to where points are in the "
            "first run.",
            universe=both.key,
            version=version,
        )
        maps.draw(content, key=_MAPS, on_act=partial(question.clicked, _MAPS, both.rows))


def _query(both: Pair) -> tuple[int, int, str]:
    """The clip that is asked with, as its place among the test clips; the direction; how typical it is."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        direction = question.direction("compare-direction")
        before, after = _first_answers(both.key, direction, both)
        order = np.argsort(-np.abs(after - before), kind="stable")
        query = question.pick("compare-place", "Number, those that change most first", both.rows, order, width=280)
    gained = Counts(after, before)
    said = (
        f"Of {len(order):,} queries, {gained.gain} have more and {gained.lose} have fewer answers that share a class "
        f"among the first {TOP} by the second run"
    )
    return query, direction, said


def _projection(both: Pair) -> MapPair | None:
    config = ProjectionConfig(*both.students, seed=both.students[0].seed)
    found: Projection | None = job_progress.artifact(config, "Laying out both maps", stop_page=False)
    if found is None:
        return None
    m = len(both.rows)
    rng = np.random.default_rng(config.seed)
    places = np.arange(m) if m <= MOST_CLIPS else np.sort(rng.choice(m, MOST_CLIPS, replace=False))
    points = np.concatenate([places, m + places])
    return MapPair(found.before[points], found.after[points], places, is_stored=True, is_final=True)
