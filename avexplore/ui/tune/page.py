"""The page Tune: settings on the left; what they do to figures, lists, links and maps on the right.

All of it is one fragment, drawn in the order in which it matters: figures and lists, then links, then maps, so that a
browser shows the first while the server makes the last. Bootstraps and trainings go on behind; while something is to
come, the board asks again by itself.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from avexplore.errors import AvexploreError
from avexplore.tuning.counts import TOP, Counts, first_answers
from avexplore.tuning.settings import WorkingSettings
from avexplore.ui.parts import job_progress, without_student
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.parts.told import Telling
from avexplore.ui.settings import bar, working
from avexplore.ui.shell import session
from avexplore.ui.tune import board, controls, graph_pane, maps, question
from avexplore.ui.tune.opened import Opened, opened
from avexplore.ui.tune.tried import Pin, pinned, tried_so_far

if TYPE_CHECKING:
    from avexplore.artifacts import Embeddings, IntArray
    from avexplore.tuning.tuning import Answer
    from avexplore.workbench.runs import Run

STYLE = """<style>
.stMainBlockContainer { padding: var(--avx-top, 3.75rem) 1.6rem var(--avx-bottom, 1rem); }
.st-key-tune-controls { padding-top: .35rem; }
.tune-links { font-size: 13px; line-height: 1.3; padding: 3px 2px 0; }
@media (max-height: 800px) { .stElementContainer:has(> .stHeading) + .stElementContainer { display: none; } }
.stMainBlockContainer [data-testid="stVerticalBlock"] { gap: .6rem; }
.st-key-tune-controls [data-testid="stExpander"] summary { padding-block: .3rem; min-height: 0; }
@media (min-width: 900px) {
  .stColumn:has(.st-key-tune-controls) { position: sticky; top: var(--avx-top, 3.6rem); align-self: flex-start; }
  .st-key-tune-controls { max-height: calc(100vh - 4.4rem); overflow: hidden auto; padding-right: .3rem; }
}
</style>"""
BOARD, MAPS = "tune-board", "tune-maps"


def draw(run: Run) -> None:
    """The whole page below its heading."""
    if run.student is None or run.student.regularizer is None:
        bar.draw()
        without_student.draw("no rankings to tune")
        return
    assert run.student.stability is not None
    # A training needs its bootstraps, not the graph itself: a new run may not have it yet.
    if job_progress.artifact(run.student.stability.graph, "The class graph", stop_page=False) is None:
        bar.draw()
        return
    st.html(STYLE)
    try:
        held = opened(run.key, run.student)
    except AvexploreError as error:
        bar.draw()
        st.error(as_markdown(str(error)))
        return
    _tune(run, held)


@dataclass(frozen=True)
class _Sides:
    """What stands on the left of lists and maps: the twin, or a pinned setting."""

    name: str
    embeddings: Embeddings
    answers: IntArray


@st.fragment
def _tune(run: Run, held: Opened) -> None:
    bar.draw()
    left, right = st.columns([0.23, 0.77], gap="medium")
    with left, st.container(key="tune-controls"):
        asked = controls.draw(run, held.tuning)
    with right, Telling():
        answer = held.tuning.ask(working.config(run), f"{session.visitor()}-{run.key}")
        controls.take_pin(run, answer, working.current())
        with left, st.container(key="tune-training"):
            state = controls.training(run, held.tuning, answer)
        if state is not None and state.state == "done":
            answer = held.tuning.ask(working.config(run), f"{session.visitor()}-{run.key}")
        _show(run, held, answer, asked)


def _show(run: Run, held: Opened, answer: Answer, asked: controls.Asked) -> None:
    tuning, clips = held.tuning, held.tuning.run.test_clips
    settings, pin = working.current(), pinned(run.key)
    before = _before(held, pin, asked)
    after = answer.reading.embeddings
    orders = [board.ranked(side, asked.query, asked.direction) for side in (before.embeddings, after)]
    compared = Counts(first_answers(after, clips, asked.direction), before.answers)
    version = _version(run, settings, answer, asked, pin)
    waiting = not answer.live.is_done or not held.maps.is_ready
    name, also = board.words_of(clips, asked.query)
    others = {"twin": tuning.run.twin_report} | ({"A": pin.reading.report} if pin is not None else {})
    upper, beside = st.columns([0.62, 0.38], gap="small")
    with upper:
        board.draw(
            BOARD,
            partial(_acted_on_board, tuning.run.rows),
            figures=board.figures(answer.reading.report, others),
            tried=tried_so_far(run.key, settings, answer, pin),
            axes=("MAP", "hidden-pair AP"),
            query={"how": question.ASKED[asked.direction], "name": name, "also": also},
            counts=f"Of {len(clips.hard_label):,} queries, {compared.gain} gain and {compared.lose} lose answers that "
            f"share a class among the first {TOP}",
            lists=board.lists(clips, asked.query, orders, (before.name, "With these settings")),
            version=version,
            again=f"{version}-{time.time():.1f}" if waiting else "",
        )
    with beside:
        st.html(f'<div class="tune-links">{_links_said(answer)}</div>')
        graph_pane.draw(tuning, answer, asked.direction * len(clips.classes) + int(clips.hard_label[asked.query]))
    _maps(run, held, answer, asked, before, orders, version)


def _maps(
    run: Run, held: Opened, answer: Answer, asked: controls.Asked, before: _Sides, orders: list[IntArray], version: str
) -> None:
    pair = held.maps.look(answer.reading)
    if pair is None:
        st.caption("The maps of this run are being laid out; they follow in a moment.")
        return
    note = "● heard, ■ seen. Ring: the query and its first answers. Lines lead back to where points are without LIR."
    if not pair.is_final:
        note = "UMAP is being compiled; until then both maps are the stored run's. " + note
    shown = len(pair.places)
    if shown < len(held.tuning.run.rows):
        note = f"{shown:,} of {len(held.tuning.run.rows):,} test clips, drawn evenly. {note}"
    twin_order = board.ranked(held.tuning.run.before, asked.query, asked.direction)
    content = maps.pack(
        pair,
        held.tuning.run.test_clips,
        query=asked.query,
        direction=asked.direction,
        orders=(twin_order, orders[1]),
        titles=("Twin, without LIR", "With these settings"),
        notes=("", "as stored" if pair.is_stored and pair.is_final else ""),
        note=note,
        universe=run.key,
        version=version,
    )
    maps.draw(content, key=MAPS, on_act=partial(question.clicked, MAPS, held.tuning.run.rows))


def _before(held: Opened, pin: Pin | None, asked: controls.Asked) -> _Sides:
    if pin is not None and asked.beside_pin:
        clips = held.tuning.run.test_clips
        return _Sides(
            "A, pinned", pin.reading.embeddings, first_answers(pin.reading.embeddings, clips, asked.direction)
        )
    return _Sides("Twin, without LIR", held.tuning.run.before, held.tuning.twin_answers[asked.direction])


def _links_said(answer: Answer) -> str:
    links = int((answer.reading.presence > 0).sum())
    live = answer.live
    said = f"<b>{links} links</b> between classes" if links else "<b>No links</b> between classes"
    if live.problem:
        return f"{said}; the graph of these settings cannot be searched"
    if not live.is_own:
        return f"{said}, still of the stored graph: this one is being searched"
    if not live.is_done:
        done = live.stability.bootstraps
        return f"{said}, from {done} of {live.wanted} bootstraps" if done else f"{said}, of one search so far"
    return f"{said}, from {live.stability.bootstraps} bootstraps" if live.stability.bootstraps else said


def _version(run: Run, settings: WorkingSettings, answer: Answer, asked: controls.Asked, pin: Pin | None) -> str:
    mark = pin.settings.encode() if pin is not None else ""
    parts = (run.key, settings.encode(), answer.network.address, answer.live.stability.bootstraps, asked, mark)
    return hashlib.blake2s(repr(parts).encode(), digest_size=8).hexdigest()


def _acted_on_board(rows: IntArray) -> None:
    back = st.session_state[BOARD].get("back")
    if isinstance(back, str):
        with Telling(say=st.toast):
            working.put(WorkingSettings.decode(back))
    question.clicked(BOARD, rows)
