"""The controls of the page Tune: they show and change the working settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from avexplore.config import OutputsConfig
from avexplore.tuning.settings import WorkingSettings
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.settings import driven, working
from avexplore.ui.settings.field_widget import setting
from avexplore.ui.shell import session
from avexplore.ui.training import attach_features
from avexplore.ui.tune import question, sources, tried
from avexplore.ui.tune.opened import warm_trainer

if TYPE_CHECKING:
    from avexplore.tuning.tuning import Answer, Tuning
    from avexplore.tuning.warm_training import TrainingState
    from avexplore.workbench.runs import Run

_WATCHED = "tune_watched"
"""In the session: the training whose progress is shown."""


@dataclass(frozen=True)
class Asked:
    """What is asked beside the settings.

    Attributes:
        query: The clip, as its place among the test clips.
        direction: 0 audio asks visual, 1 visual asks audio.
        beside_pin: Whether the left list is the pinned setting's and not the twin's.
    """

    query: int
    direction: int
    beside_pin: bool = False


def draw(run: Run, tuning: Tuning) -> Asked:
    """All controls of what acts at reading, and of what is asked."""
    _source(run)
    setting("regularizer.posterior_links")
    beside_pin = _pin(run)
    direction = question.direction("tune-direction")
    query = question.pick(
        "tune-place", "Number, those that gain most first", tuning.run.rows, tuning.telling_queries[direction],
        help="By how many more of the first answers share a class than without LIR, beyond what random links gain. A "
        "click on an answer or on a point of a map asks with that clip.",
    )  # fmt: skip
    with st.expander("Class graph", key="tune-class-graph"):
        setting("graph.penalty_discount")
        setting("affinity.threshold")
        setting("affinity.top_k")
        setting("graph.transform")
    with st.expander("Embedding", key="tune-embedding"):
        setting("student.posterior_share")
        setting("student.posterior_temperature")
    return Asked(query, direction, beside_pin)


def _source(run: Run) -> None:
    key = driven.key("tune-source", sources.chosen(working.config(run)) or None)
    st.pills(
        "Which classes are linked?", list(sources.SOURCES), key=key,
        format_func=lambda name: sources.SOURCES[name].label, on_change=_take_source, args=(key,),
        help="What stands in the class graph's place, all on one scale. "
        + " ".join(f"{s.label}: {s.help}." for s in sources.SOURCES.values()),
    )  # fmt: skip


def _take_source(key: str) -> None:
    if driven.is_said("tune-source", key) and st.session_state[key]:
        working.change(sources.changes(st.session_state[key]))


def _pin(run: Run) -> bool:
    pin = tried.pinned(run.key)
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Pin as A" if pin is None else "Pin anew", key="tune-pin", on_click=_ask_to_pin,
            help="Keeps this setting, to compare what follows with it",
        )  # fmt: skip
        if pin is not None:
            st.button("Swap", key="tune-swap", on_click=_swap, args=(run.key,), help="Back to A, and pin this one")
            st.button("Unpin", key="tune-unpin", on_click=tried.unpin)
    if pin is None:
        return False
    return bool(st.toggle("Lists beside A", key="tune-beside", help="Off: beside the twin without LIR"))


def _ask_to_pin() -> None:
    st.session_state["tune_pin_now"] = True


def _swap(run: str) -> None:
    pin = tried.pinned(run)
    if pin is not None:
        st.session_state["tune_pin_now"] = True
        st.session_state["tune_pin_then"] = pin.settings


def take_pin(run: Run, answer: Answer, settings: WorkingSettings) -> None:
    """Pin what is looked at, if that was asked for; after a swap, go on to what was pinned before."""
    if st.session_state.pop("tune_pin_now", False):
        tried.pin(run.key, settings, answer)
        then = st.session_state.pop("tune_pin_then", None)
        if then is not None:
            working.put(then)
            st.rerun(scope="fragment")


def training(run: Run, tuning: Tuning, answer: Answer) -> TrainingState | None:
    """The controls of what acts in training, and how far a training is that the settings take; None without one."""
    bench = session.workbench()
    assert run.student is not None
    can_train = not bench.read_only and bench.can_read(run.student.data)
    with st.expander("Training of LIR", key="tune-training-parts"):
        if can_train:
            setting("regularizer.weight")
            setting("regularizer.form")
            setting("regularizer.start_epoch")
            setting("regularizer.tau")
            setting("regularizer.level")
            setting("affinity.directed")
            st.caption("Each change trains the student anew from the beginning that it shares with its twin.")
        else:
            _stops(tuning, answer)
            if not bench.read_only:
                attach_features.draw(run.student.data)
    return _progress(tuning, answer, can_train)


def _stops(tuning: Tuning, answer: Answer) -> None:
    lir = answer.wanted.regularizer
    assert lir is not None
    key = driven.key("tune-weight", lir.weight)
    st.select_slider(
        "LIR weight (lambda)", sorted({*tuning.stops(), lir.weight}), key=key,
        format_func=lambda weight: f"{weight:g}", on_change=_take_weight, args=(key,),
    )  # fmt: skip
    st.caption(
        "These are stops: students that were trained ahead. Nothing between them can be trained without the features."
    )


def _take_weight(key: str) -> None:
    if driven.is_said("tune-weight", key):
        working.change({"regularizer.weight": float(st.session_state[key])})


def _progress(tuning: Tuning, answer: Answer, can_train: bool) -> TrainingState | None:
    trainer, visitor = warm_trainer(), f"{session.visitor()}-{session.tab()}"
    st.session_state.pop(_WATCHED, None)
    if answer.is_wanted:
        trainer.leave(visitor)
        return None
    lir = answer.network.regularizer
    assert lir is not None
    if not can_train:
        st.warning(
            "Some of these settings act in training, and the features are not here. What is shown is the student of "
            f"lambda {lir.weight:g} with everything else of the training as stored."
        )
        return None
    wanted = OutputsConfig(answer.wanted)
    state = trainer.want(visitor, wanted)
    if state.state == "done":
        return state  # and at hand at the next look, at once
    if state.state == "failed":
        st.error(as_markdown(f"The student of these settings could not be trained. {state.message}"))
        st.button("Try again", key="tune-retry", on_click=trainer.retry, args=(wanted,))
        return None
    st.session_state[_WATCHED] = wanted.address
    _watch(wanted)
    return state


@st.fragment(run_every=0.25)
def _watch(wanted: OutputsConfig) -> None:
    """How far the training is. Only this much is drawn again and again: the training needs the cores."""
    state = warm_trainer().look(wanted)
    if state.state in ("done", "failed") or st.session_state.get(_WATCHED) != wanted.address:
        st.rerun()
    st.progress(state.fraction, text=as_markdown(state.message or "Training"))
    if st.button("Stop", key="tune-stop"):
        warm_trainer().stop(wanted)
        st.rerun()
    st.caption("Until it is trained, the figures are those of the nearest student at hand.")
