"""What a visitor works on, the same on every page: the settings that differ from the stored run, and a query.

Both stand in the address as `set` and `query`, beside the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from avexplore.config import AffinityConfig, Config, GraphConfig, StabilityConfig, upstream
from avexplore.errors import AvexploreError
from avexplore.tuning.settings import WorkingSettings, difference
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.parts.told import Telling
from avexplore.ui.settings.history import History
from avexplore.ui.shell import address, session

if TYPE_CHECKING:
    from avexplore.workbench.runs import Run

AS_STORED = "stored"
"""Stands in the address for no changes, where there were some: the way back to them has to differ from it."""
_SETTINGS, _QUERY, _RUN, _HISTORY = "working_settings", "working_query", "working_run", "working_history"


def base(run: Run) -> Config:
    """What is changed: the run's student, or the graph that bare soft labels get."""
    if run.student is not None:
        return run.student
    return AffinityConfig(StabilityConfig(GraphConfig(run.soft_labels)))


def follow(run: Run) -> None:
    """Start of a pass: what the address brought, else what the session holds; another run is looked at as stored."""
    state = st.session_state
    brought = address.arrived("working", address.WORKED_ON)
    if state.get(_RUN) != run.key:
        state[_RUN], state[_SETTINGS], state[_QUERY], state[_HISTORY] = run.key, WorkingSettings(), None, History()
        state[_HISTORY].visit(WorkingSettings())
    if brought is not None and brought["run"] in ("", run.key):
        # Without a run it says only what it says: a link from elsewhere to one thing.
        if brought["run"] or brought["query"]:
            state[_QUERY] = _row(brought["query"])
        if brought["run"] or brought["set"]:
            put(_read(brought["set"]))
    write()


def write() -> None:
    """Let the address say what the visitor works on."""
    state = st.session_state
    text = current().encode() or (AS_STORED if st.query_params.get("set") else "")
    query = state.get(_QUERY)
    words = {"run": state.get(_RUN, ""), "set": text, "query": "" if query is None else str(query)}
    address.write("working", words)


def _row(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else None


def _read(text: str) -> WorkingSettings:
    try:
        return WorkingSettings.decode("" if text == AS_STORED else text)
    except AvexploreError as error:
        st.toast(as_markdown(f"The settings in this address cannot be used, so the run is shown as stored. {error}"))
        return WorkingSettings()


# --- settings -----------------------------------------------------------------------------------------------------


def current() -> WorkingSettings:
    """The visitor's settings."""
    found: WorkingSettings = st.session_state.get(_SETTINGS, WorkingSettings())
    return found


def config(run: Run) -> Any:
    """What the run would be made with: `base` with the settings."""
    return current().apply(base(run))


def parts(run: Run) -> dict[str, Config]:
    """The configs of the run with the settings, by stage."""
    return {part.stage: part for part in upstream(config(run))}


def put(settings: WorkingSettings) -> None:
    """Take other settings; ones that the run cannot have are refused with a word, and the ones before stay."""
    run = session.current_run()
    with Telling(say=st.toast):
        found = difference(base(run), settings.apply(base(run)))
        st.session_state[_SETTINGS] = found
        history().visit(found)


def change(values: dict[str, Any]) -> None:
    """Change some parameters, by `stage.field`."""
    with Telling(say=st.toast):
        put(current().replace(**values))


def reset() -> None:
    """Back to the run as stored."""
    put(WorkingSettings())


def history() -> History[WorkingSettings]:
    """Where the visitor has been with this run."""
    found: History[WorkingSettings] = st.session_state.setdefault(_HISTORY, History())
    return found


def undo() -> None:
    """Take the last change back."""
    _go_to(history().undo())


def redo() -> None:
    """Make the change again that was taken back last."""
    _go_to(history().redo())


def _go_to(place: WorkingSettings | None) -> None:
    if place is not None:
        st.session_state[_SETTINGS] = place


# --- the query ----------------------------------------------------------------------------------------------------


def query() -> int | None:
    """The clip that is asked with, by its row; None if nobody chose one. It may be no clip of this run."""
    found: int | None = st.session_state.get(_QUERY)
    return found


def ask(clip: int | None) -> None:
    """Ask with another clip, on every page that shows answers."""
    st.session_state[_QUERY] = clip
