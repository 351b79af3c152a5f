"""Ask the workbench for an artifact and draw the waiting: progress, cancel, failure, retry."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.parts.told import told
from avexplore.ui.shell import links, session

if TYPE_CHECKING:
    from avexplore.config import Config
    from avexplore.workbench.estimate import Work

REFRESH_SECONDS = 0.7
CURVES = {
    "Loss": {"loss": "Loss"},
    "On validation clips": {
        "map_validation": "MAP",
        "accuracy_audio_validation": "Audio accuracy",
        "accuracy_visual_validation": "Visual accuracy",
        "best_map": "Best MAP so far",
        "best_any_label_map": "Best any-label MAP so far",
        "best_hidden_pair_ap": "Best hidden-pair AP so far",
    },
    "On training clips": {"map_train": "MAP"},
}
"""Live figures that a job may report, in charts of their own: what was trained on says little of other clips."""


def artifact(
    config: Config, label: str, *, start: bool = True, stop_page: bool = True, parts: Sequence[Config] = ()
) -> Any:
    """The artifact of `config`, or None (or the end of the page's run) while it is not there.

    Args:
        config: What to ask for.
        label: What is being waited for, as in "Training the student".
        start: Begin the work if nobody has; otherwise a button offers it.
        stop_page: End the page's run here while there is nothing to show.
        parts: What it is made from, if only about, where that does not follow from `config` itself.
    """
    from avexplore.workbench import Failed, Missing, Ready

    answer = session.workbench().ask(config, start=start, slot=session.job_slot(config))
    if isinstance(answer, Ready):
        return answer.artifact
    if isinstance(answer, Failed):
        _failed(config, label, answer.message, parts)
    elif isinstance(answer, Missing):
        _missing(config, label, parts)
    else:
        _running(config, label)
    if stop_page:
        st.stop()
    return None


def cached_or_quick(config: Config) -> Any:
    """The artifact of a config if it is there or quick to make, else None; nothing is drawn."""
    return getattr(session.workbench().ask(config, start=False), "artifact", None)


def _missing(config: Config, label: str, parts: Sequence[Config]) -> None:
    bench = session.workbench()
    if bench.read_only:
        st.info(f"{label}: not computed yet. This avexplore only shows stored results; start your own to compute it.")
        return
    work = bench.work(*(parts or [config]), like=config)
    if not work.can_read:
        _without_features(config, label)
        return
    st.info(f"{label}: not computed yet.")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Compute now", key=f"start-{config.address[:12]}", type="primary"):
            bench.ask(config, slot=session.job_slot(config))
            st.rerun()
        if said := effort(work, about=bool(parts)):
            st.caption(said, width="content")


def effort(work: Work, *, about: bool = False) -> str:
    """How many trainings, and up to how long; "" if nothing is trained.

    >>> from avexplore.workbench.estimate import Work
    >>> effort(Work(teachers=1, students=16, seconds=250.0, can_read=True))
    'Trains 16 students and 1 teacher: up to about 5 min on this machine.'
    >>> effort(Work(teachers=0, students=1, seconds=40.0, can_read=True, elsewhere=True))
    'Trains 1 student: about 40 s on the machine that made the shipped runs.'
    >>> effort(Work(teachers=0, students=0, seconds=0.0, can_read=True))
    ''
    """
    counts = [(work.students, "student"), (work.teachers, "teacher")]
    trained = " and ".join(f"{count:,} {name}{'' if count == 1 else 's'}" for count, name in counts if count)
    if not trained:
        return ""
    where = "about {} on the machine that made the shipped runs" if work.elsewhere else "up to about {} on this machine"
    time = "" if work.seconds is None else f": {where.format(duration(work.seconds))}"
    return f"Trains {'about ' if about else ''}{trained}{time}."


def duration(seconds: float) -> str:
    """A time in words, rounded up.

    >>> duration(4.2), duration(250), duration(9000)
    ('5 s', '5 min', '2.5 h')
    """
    if seconds <= 90:
        return f"{math.ceil(seconds):.0f} s"
    return f"{math.ceil(seconds / 60):.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _without_features(config: Config, label: str) -> None:
    from avexplore.pipeline import data_of

    names = ", ".join(Path(path).name for path in getattr(data_of(config), "paths", ()))
    why = f"The files with its features ({names}) are not where they were" if names else "It ships without its features"
    st.info(
        f"{label}: not computed yet, and this run has nothing to train on here. {as_markdown(why)}. Read the same "
        "files on Training once, choose another run in the sidebar, or train one of your own."
    )
    links.to("training", "Go to Training", {"training.source": "My features"})


def _failed(config: Config, label: str, message: str, parts: Sequence[Config]) -> None:
    bench = session.workbench()
    if not bench.read_only and not bench.work(*(parts or [config])).can_read:
        _without_features(config, label)
        return
    st.error(f"{label} did not work out. {as_markdown(message)}")
    if st.button("Try again", key=f"retry-{config.address[:12]}"):
        told(lambda: bench.retry(config, slot=session.job_slot(config)))
        st.rerun()


@st.fragment(run_every=REFRESH_SECONDS)
def _running(config: Config, label: str) -> None:
    from avexplore.workbench import Running

    answer = session.workbench().ask(config, start=False)
    if not isinstance(answer, Running):
        st.rerun()
    status = answer.status
    left = f", about {duration(status.seconds_left)} left" if status.seconds_left else ""
    st.progress(
        min(max(status.fraction, 0.0), 1.0), text=f"{label}: {as_markdown(status.message or status.state)}{left}"
    )
    curves(status.address)
    if not status.mine:
        st.caption("Another visitor asked for this, too.")
    elif not session.workbench().read_only and st.button("Cancel", key=f"cancel-{config.address[:12]}"):
        told(session.workbench().cancel, config)
        st.rerun()


def curves(address: str) -> None:
    """Loss and figures of a job at work, if it reports any: over epochs, or over the trials of a sweep."""
    points = series(session.workbench().jobs.figures(address))
    x = "epoch" if "epoch" in points else None
    charts = drawn_curves(points)
    if not charts:
        return
    for place, (title, lines) in zip(st.columns(len(charts)), charts.items(), strict=True):
        shown = lines | ({"Epoch": points[x]} if x else {})
        place.caption(title)
        place.line_chart(shown, x="Epoch" if x else None, y=list(lines), y_label="", height=170)


def drawn_curves(points: Mapping[str, Sequence[float | None]]) -> dict[str, dict[str, Sequence[float | None]]]:
    """The lines of each chart, by the charts' titles; a figure of one point is no line.

    >>> drawn_curves({"loss": [2.0, 1.0], "map_train": [0.5, 0.6], "map_validation": [0.3, None]})
    {'Loss': {'Loss': [2.0, 1.0]}, 'MAP on training clips': {'MAP': [0.5, 0.6]}}
    """
    found = {}
    for title, names in CURVES.items():
        lines = {
            words: points[name]
            for name, words in names.items()
            if sum(value is not None for value in points.get(name, ())) > 1
        }
        if lines:
            only = next(iter(lines))
            # Beside the axis there is no room for a name; of several the legend tells.
            alone = len(lines) == 1 and only != title
            found[f"{only} {title[0].lower()}{title[1:]}" if alone else title] = lines
    return found


def series(figures: Sequence[Mapping[str, Any]], limit: int = 300) -> dict[str, list[float | None]]:
    """Columns of a job's figures since its last training began: a job makes several, one after the other.

    A sweep's figures come without epochs, and are all kept.

    Args:
        figures: Points, oldest first.
        limit: Keep about so many points, evenly.

    >>> series([{"epoch": 9, "loss": 1.0}, {"epoch": 1, "loss": 3.0}, {"epoch": 2, "loss": None}])
    {'epoch': [1, 2], 'loss': [3.0, None]}
    """
    points = [point for point in figures if isinstance(point.get("epoch"), (int, float))] or list(figures)
    epochs = [point.get("epoch", i) for i, point in enumerate(points)]
    first = max((i for i in range(1, len(points)) if epochs[i] <= epochs[i - 1]), default=0)
    points = points[first:]
    points = points[:: max(1, len(points) // limit)]
    names = [name for name in (points[-1] if points else {}) if name not in ("message", "time")]
    return {name: [point.get(name) for point in points] for name in names}
