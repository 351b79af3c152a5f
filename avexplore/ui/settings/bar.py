"""The bar above every page: what differs from the stored run, and what can be done with it."""

from __future__ import annotations

import streamlit as st

from avexplore.config import StudentConfig
from avexplore.ui import page_list
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.settings import trainings, working
from avexplore.ui.shell import address, links, session

_SLOT, _PAGE = "settings_bar_slot", "settings_bar_page"
STYLE = """<style>
.st-key-settings-bar:not(:has(p)), .st-key-one-step { display: none; }
.st-key-settings-bar:has(p) {
  position: sticky; top: 3.75rem; z-index: 90; padding: .45rem .9rem; border-radius: .5rem;
  background: #E3F0F8; border: 1px solid #0072B233;
}
</style>"""
DARK_STYLE = "<style>.st-key-settings-bar:has(p) { background: #17303F; border-color: #56B4E944; }</style>"


def place(page: str) -> None:
    """Make room for the bar, at the top of a page, and follow the address."""
    if not session.runs():
        return
    working.follow(session.current_run())
    st.html(STYLE + (DARK_STYLE if st.context.theme.type == "dark" else ""))
    st.session_state[_SLOT] = st.container(key="settings-bar")
    st.session_state[_PAGE] = page
    info = page_list.named(page)
    if info is None or not info.draws_bar:
        draw()


def draw() -> None:
    """Draw the bar; a page that follows settings within a fragment does so there, so that the bar follows, too."""
    working.write()
    page: str = st.session_state.get(_PAGE, "")
    slot = st.session_state.get(_SLOT)
    if slot is None:
        return
    # The container stays: a fragment can only write where it wrote while the page was drawn.
    with slot, st.container(key="settings-changed", gap=None):
        history = working.history()
        if working.current() or (not address.is_presented() and (history.can_undo or history.can_redo)):
            _draw(page)


def _draw(page: str) -> None:
    run = session.current_run()
    settings, history = working.current(), working.history()
    info = page_list.named(page)
    is_stored = bool(settings) and info is not None and info.shows == "stored"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        count, colon, words = str(settings).partition(":")
        said = f"**{count[:1].upper()}{count[1:]}**{colon}{as_markdown(words)}"
        if address.is_presented():
            st.markdown(f"{said} (not in what is shown here)" if is_stored else said)
            return
        st.markdown(said, width="stretch")
        st.button("Undo", key="settings-undo", on_click=working.undo, disabled=not history.can_undo, type="tertiary")
        st.button("Redo", key="settings-redo", on_click=working.redo, disabled=not history.can_redo, type="tertiary")
        st.button(
            "Reset", key="settings-reset", on_click=working.reset, disabled=not settings, help="Back to the stored run"
        )
        if page != "tune" and run.student is not None:
            links.to("tune", "What would this do?", {})
        _train(page, bool(settings))
    if is_stored:
        st.caption("This page shows the run as it is stored, without these changes.")


def _train(page: str, changed: bool) -> None:
    run = session.current_run()
    if run.student is None:
        return
    student: StudentConfig = working.config(run)
    reason = trainings.why_not(student)
    label = "Train with this graph" if page == "class_graph" else "Train"
    words = "Trains the teacher, graph and student that these settings change, and shows the differences."
    off = bool(reason) or not changed
    if st.button(label, type="primary", key="settings-train", disabled=off, help=reason or words):
        trainings.begin_and_compare(run.key, student)
    with st.popover("Save as run", disabled=off, help=reason or "Gives these settings a name."):
        name = st.text_input(
            "Name", max_chars=60, key="settings-name", placeholder=", ".join(working.current().words()[:3])
        )
        if st.button("Save", key="settings-save", disabled=not name.strip()):
            trainings.begin(student, name.strip())
            st.toast(as_markdown(f"{name.strip()} is among the runs as soon as it is trained."))
