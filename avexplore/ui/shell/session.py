"""What a visitor looks at: the workbench as they may see it, and the run chosen in the sidebar (and in the URL)."""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from avexplore.folders import NAMED
from avexplore.ui.server import password_gate, return_after_login
from avexplore.ui.shell import address

if TYPE_CHECKING:
    from avexplore.config import Config
    from avexplore.workbench import Workbench
    from avexplore.workbench.runs import Run

_UNKNOWN = "run_unknown"


@st.cache_resource(show_spinner=False)
def server_workbench() -> Workbench:
    """The one workbench of this server, with everybody's jobs: for what all visitors share."""
    from avexplore.workbench import Workbench

    # Whoever starts Streamlit without `avexplore app` has named no folders.
    os.environ.setdefault(NAMED, "")
    made = Workbench(reads_apart=True)
    # What was cut off before this server started; nobody waits for it.
    threading.Thread(target=made.store.sweep, name="sweep", daemon=True).start()
    return made


def workbench() -> Workbench:
    """The workbench as this visitor may see it: where there are several, with their own jobs and uploads only."""
    return server_workbench().for_visitor(visitor()) if has_company() else server_workbench()


def own_folder() -> Path:
    """Where this visitor's uploads are kept."""
    store = server_workbench().store
    return store.visitor_folder(visitor()) if has_company() else Path(store.root)


def has_company() -> bool:
    """Whether several come here who need not know of each other; else everybody who gets in sees everything."""
    return os.environ.get("AVEXPLORE_SHARED") == "1" or return_after_login.is_set_up()


def sits_here() -> bool:
    """Whether the visitor sits at the machine that serves, alone with it: then a path may be typed as in a terminal.

    Only where the app listens on this machine alone, for nobody else: no password, no login, no proxy in front.
    """
    headers = st.context.headers
    if has_company() or password_gate.COOKIE in st.context.cookies or workbench().read_only:
        return False
    host = headers.get("Host", "").rpartition(":")[0]
    proxied = any(headers.get(name) for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip"))
    listens = st.get_option("server.address") in ("127.0.0.1", "localhost", "::1")
    return listens and not proxied and host in ("127.0.0.1", "localhost", "[::1]")


def visitor() -> str:
    """A name for a visitor, whose jobs and uploads are their own: who has logged in, else the browser that showed the
    password, else this browser tab.

    It tells nobody who it is: a digest, or a random number.
    """
    user = st.user.to_dict()
    known = str(user.get("sub") or user.get("email") or st.context.cookies.get(password_gate.COOKIE, ""))
    if "iss" in user:
        known = f"{user['iss']} {known}"  # two providers may call two people by the same name
    if known:
        return hashlib.sha256(known.encode()).hexdigest()[:16]
    name: str = st.session_state.setdefault("visitor", secrets.token_hex(8))
    return name


def tab() -> str:
    """A name for this browser tab: what it asks for anew replaces what it asked for before."""
    name: str = st.session_state.setdefault("tab", secrets.token_hex(4))
    return name


def job_slot(config: Config) -> str:
    """A place of its own among the visitor's jobs: it counts for their share, and replaces nothing."""
    return f"{visitor()}/{config.address[:16]}"


def runs() -> dict[str, Run]:
    """All runs that can be looked at, by the short address that stands in the URL."""
    return {run.key: run for run in workbench().runs()}


def pick_run() -> None:
    """Start of a pass: the run that the address brought as `?run=`, else the one looked at before, else the first."""
    known = runs()
    if not known:
        return
    brought = address.arrived("run", ["run"])
    if brought and brought["run"]:
        if brought["run"] in known:
            look_at(brought["run"])
        else:
            st.session_state[_UNKNOWN] = True
    if st.session_state.get("run") not in known:
        st.session_state["run"] = next(iter(known))


def look_at(run: str) -> None:
    """Look at another run on every page, from the next pass on.

    Args:
        run: Its key.
    """
    st.session_state["run"] = run
    st.session_state.pop(_UNKNOWN, None)


def is_another() -> bool:
    """Whether the run that is shown stands in for one that the address named, and that is not on this machine."""
    return _UNKNOWN in st.session_state


def current_run() -> Run:
    """The run that every page shows. Stops the page with a hint if there is none yet."""
    known = runs()
    if not known:
        st.info("There is no run on this machine yet. Train one, or bring soft labels of your own.")
        st.page_link("pages/training.py", label="Go to Training")
        st.stop()
    key: Any = st.session_state.get("run")
    return known.get(key) or next(iter(known.values()))
