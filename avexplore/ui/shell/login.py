"""Streamlit's own login: who is not logged in sees a button and nothing else, and comes back to where they were.

Set up in `.streamlit/secrets.toml`, section `[auth]`, as Streamlit's documentation of `st.login` says. Without that
section nobody is asked. `allowed` in the section `[avexplore]` narrows it to some addresses, or to whole domains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from avexplore.ui.server.return_after_login import is_set_up


def providers() -> list[str]:
    """Names of the providers under `[auth.NAME]`; empty if there is one without a name."""
    section = st.secrets.get("auth", {})
    return [name for name, value in section.items() if isinstance(value, Mapping) and "client_id" in value]


def may_enter(user: Mapping[str, Any], allowed: Sequence[str] | None) -> bool:
    """Whether somebody who is logged in may come in.

    Args:
        user: What the provider says of them.
        allowed: Mail addresses, or domains as "@lab.example"; None lets in all whom the provider knows.

    >>> may_enter({"email": "Ada@lab.example"}, ["@lab.example"])
    True
    >>> may_enter({"email": "ada@else.example"}, ["@lab.example", "ada@lab.example"])
    False
    >>> may_enter({"email": "ada@lab.example", "email_verified": False}, ["@lab.example"])
    False
    """
    if allowed is None:
        return True
    mail = str(user.get("email", "")).lower()
    known = {entry.lower() for entry in allowed}
    return (
        bool(mail) and user.get("email_verified", True) is True and bool({mail, "@" + mail.rpartition("@")[2]} & known)
    )


def has_entered() -> bool:
    """Whether this visitor may see pages."""
    if not is_set_up():
        return True
    return bool(st.user.is_logged_in) and may_enter(st.user.to_dict(), _allowed())


def ask() -> None:
    """What a visitor sees who may not, or not yet, see anything else."""
    st.title("avexplore", anchor=False)
    if st.user.is_logged_in:
        st.error("You are logged in, but not on this server's list. Ask whoever runs it.")
        st.button("Log out", on_click=st.logout)
        return
    st.caption("Log in to see what is here.")
    names = providers()
    if not names:
        st.button("Log in", type="primary", on_click=st.login)
    for name in names:
        st.button(f"Log in with {name}", type="primary", on_click=st.login, args=(name,))


def _allowed() -> list[str] | None:
    listed = st.secrets.get("avexplore", {}).get("allowed")
    return None if listed is None else [str(entry) for entry in listed]
