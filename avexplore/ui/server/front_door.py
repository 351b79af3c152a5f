"""What no request gets past, whoever sends it: pages of other sites, and figures about the server.

Streamlit would answer a foreign `Origin` by asking the internet for this machine's address, and nobody else meanwhile.
Here it is refused before Streamlit sees it, so that there is nothing to ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

METRICS = "/_stcore/metrics"
_PROBED = ("_stcore/health", "_stcore/host-config")
"""What Streamlit's front end asks of a page's address, before it finds that the server is at the root."""


class FrontDoor:
    """Hands on requests of this server's own pages, and of nobody else's.

    Args:
        app: What is behind it.
        hosts: Names under which a proxy serves the pages, beside the one in the request's `Host`.
        has_visitors: Whether others than the person at this machine may come: they see no figures about the server.
    """

    def __init__(self, app: ASGIApp, *, hosts: Sequence[str] = (), has_visitors: bool = False) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._has_visitors = has_visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, or refuse."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not is_own_page(headers, self._hosts):
            await _refuse(scope, receive, send, 403, "This request was sent by a page of another site.")
        elif scope["type"] == "http" and is_probe(scope["path"]):
            # No success, or the front end would take the page for the server; and no error, which browsers log.
            await PlainTextResponse("There is no server here, but at the root.", 300)(scope, receive, send)
        elif self._has_visitors and scope["path"].rstrip("/") == METRICS:
            await _refuse(scope, receive, send, 404, "Not found")
        else:
            await self._app(_as_same_origin(scope, headers), receive, send)


def is_own_page(headers: Headers, hosts: frozenset[str] = frozenset()) -> bool:
    """Whether a request comes from a page of this server; what no browser sent names no page.

    >>> is_own_page(Headers({"host": "lab:8501", "origin": "http://lab:8501"}))
    True
    >>> is_own_page(Headers({"host": "lab:8501", "origin": "http://lab:9999"}))
    False
    """
    origin = headers.get("origin")
    return origin is None or is_here(origin, headers, hosts)


def is_here(address: str, headers: Headers, hosts: frozenset[str]) -> bool:
    """Whether an address is on this server: on the request's `Host`, or under one of a proxy's names."""
    try:
        parts = urlsplit(address)
        return parts.netloc.lower() == headers.get("host", "").lower() or (parts.hostname or "") in hosts
    except ValueError:  # no address at all
        return False


def is_probe(path: str) -> bool:
    """Whether the front end asks whether a page is a server of its own.

    >>> is_probe("/story/_stcore/health"), is_probe("/_stcore/health")
    (True, False)
    """
    page, slash, rest = path.removeprefix("/").partition("/")
    return bool(slash) and not page.startswith("_") and rest in _PROBED


def _as_same_origin(scope: Scope, headers: Headers) -> Scope:
    """The request as Streamlit finds it beyond doubt: it would look up names that only a proxy knows."""
    if "origin" not in headers:
        return scope
    origin = f"{urlsplit(headers['origin']).scheme}://{headers.get('host', '')}".encode("latin-1")
    changed = [(name, origin if name == b"origin" else value) for name, value in scope["headers"]]
    return {**scope, "headers": changed}


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, reason: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
    else:
        await PlainTextResponse(reason, status)(scope, receive, send)
