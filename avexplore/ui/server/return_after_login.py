"""Bring a visitor back after login to the page that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, unquote

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

USER_COOKIE = "_streamlit_user"
RETURN_COOKIE = "avexplore_return"
_RETURN_SECONDS = 900


def is_set_up() -> bool:
    """Whether visitors have to log in."""
    return st.secrets.load_if_toml_exists() and "auth" in st.secrets


class ReturnAfterLogin:
    """Brings a visitor back to the address that they asked for.

    Streamlit's login ends at the home page. The address is kept in a cookie meanwhile, never longer than some minutes.

    Args:
        app: Streamlit.
        pages: Addresses that are pages, without the leading slash.
    """

    def __init__(self, app: ASGIApp, *, pages: Sequence[str]) -> None:
        self._app = app
        self._pages = frozenset(pages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note where they want to go, or send them there."""
        if scope["type"] != "http" or scope["method"] != "GET" or not is_set_up():
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        logged_in = USER_COOKIE in request.cookies
        target = unquote(request.cookies.get(RETURN_COOKIE, ""))
        if logged_in and scope["path"] == "/" and self._is_page(target.partition("?")[0]):
            back = RedirectResponse(target, 303)
            back.delete_cookie(RETURN_COOKIE)
            await back(scope, receive, send)
            return
        query = scope["query_string"].decode("latin-1")
        wanted = scope["path"] + (f"?{query}" if query else "")
        if logged_in or not self._is_page(scope["path"]) or len(wanted) > 2000:
            await self._app(scope, receive, send)
            return

        async def send_with_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                rules = f"Max-Age={_RETURN_SECONDS}; Path=/; HttpOnly; SameSite=Lax"
                noted = f"{RETURN_COOKIE}={quote(wanted, safe='')}; {rules}"
                MutableHeaders(scope=message).append("set-cookie", noted)
            await send(message)

        await self._app(scope, receive, send_with_note)

    def _is_page(self, path: str) -> bool:
        return path.startswith("/") and path[1:] in self._pages
