"""An end to a visit with a login, as there is to one with a password: for copies of its cookie, too.

Streamlit's logout only asks the browser to forget its cookie, and follows a link from any site.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from avexplore.ui.server.front_door import is_here
from avexplore.ui.server.password_gate import LOGOUT, EndedVisits, leave_page
from avexplore.ui.server.return_after_login import USER_COOKIE, is_set_up

STREAMLIT_LOGOUT = "/auth/logout"
KEPT_SECONDS = 31 * 24 * 3600
"""Longer than Streamlit believes a cookie, which is 30 days."""


class LoginVisits:
    """Ends visits that were logged out, and asks before a link logs anybody out.

    Args:
        app: Streamlit.
        ended: Visits that were logged out.
        hosts: Names under which a proxy serves the pages, beside the one in the request's `Host`.
    """

    def __init__(self, app: ASGIApp, *, ended: EndedVisits, hosts: Sequence[str] = ()) -> None:
        self._app, self._ended = app, ended
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, without the cookie of a visit that is over."""
        if scope["type"] not in ("http", "websocket") or not is_set_up():
            await self._app(scope, receive, send)
            return
        visit = _visit(HTTPConnection(scope).cookies)
        path = scope["path"].rstrip("/")
        if path == LOGOUT or (path == STREAMLIT_LOGOUT and not self._is_from_here(Headers(scope=scope))):
            await HTMLResponse(leave_page(STREAMLIT_LOGOUT))(scope, receive, send)
            return
        if visit and path == STREAMLIT_LOGOUT:
            self._ended.add(visit, int(time.time()) + KEPT_SECONDS)
        elif visit and self._ended.has(visit):
            scope = _without_login(scope)
        await self._app(scope, receive, send)

    def _is_from_here(self, headers: Headers) -> bool:
        """Whether a page of ours leads here. Browsers leave `Sec-Fetch-Site` out where there is no TLS."""
        site = headers.get("sec-fetch-site")
        return is_here(headers.get("referer", ""), headers, self._hosts) if site is None else site == "same-origin"


def _is_of_login(name: str) -> bool:
    return name.startswith(USER_COOKIE)


def _visit(cookies: dict[str, str]) -> str:
    """A name for the visit, that tells nobody the cookie; "" without a login."""
    parts = sorted(f"{name}={value}" for name, value in cookies.items() if _is_of_login(name))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32] if parts else ""


def _without_login(scope: Scope) -> Scope:
    headers = []
    for name, value in scope["headers"]:
        if name == b"cookie":
            left = [part for part in value.split(b";") if not _is_of_login(part.strip().decode("latin-1"))]
            headers.append((name, b";".join(left)))
        else:
            headers.append((name, value))
    return {**scope, "headers": headers}
