"""Ask the workbench for an artifact and draw the waiting: progress, cancel, failure, retry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from avexplore.ui import session

if TYPE_CHECKING:
    from avexplore.config import Config

REFRESH_SECONDS = 0.7


def artifact(config: Config, label: str, *, start: bool = True, stop_page: bool = True) -> Any:
    """The artifact of `config`, or None (or the end of the page's run) while it is not there.

    Args:
        config: What to ask for.
        label: What is being waited for, as in "Training the student".
        start: Begin the work if nobody has; otherwise a button offers it.
        stop_page: End the page's run here while there is nothing to show.
    """
    from avexplore.workbench import Failed, Missing, Ready

    answer = session.workbench().ask(config, start=start)
    if isinstance(answer, Ready):
        return answer.artifact
    if isinstance(answer, Failed):
        _failed(config, label, answer.message)
    elif isinstance(answer, Missing):
        st.info(f"{label}: not computed yet.")
        if st.button("Compute now", key=f"start-{config.address[:12]}", type="primary"):
            session.workbench().ask(config, start=True)
            st.rerun()
    else:
        _running(config, label)
    if stop_page:
        st.stop()
    return None


def _failed(config: Config, label: str, message: str) -> None:
    st.error(f"{label} did not work out. {message}")
    if st.button("Try again", key=f"retry-{config.address[:12]}"):
        session.workbench().retry(config)
        st.rerun()


@st.fragment(run_every=REFRESH_SECONDS)
def _running(config: Config, label: str) -> None:
    from avexplore.workbench import Running

    answer = session.workbench().ask(config, start=False)
    if not isinstance(answer, Running):
        st.rerun()
    status = answer.status
    left = f", about {status.seconds_left:.0f} s left" if status.seconds_left else ""
    st.progress(min(max(status.fraction, 0.0), 1.0), text=f"{label}: {status.message or status.state}{left}")
    if st.button("Cancel", key=f"cancel-{config.address[:12]}"):
        session.workbench().cancel(config)
        st.rerun()
