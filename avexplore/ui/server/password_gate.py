"""A password in front of everything: pages, live connection, uploads and files of the server.

Streamlit's own login (`st.login`) asks a provider of identities. A lab's server often has none: one password then
stands before the whole server. Without it a visitor gets a form and nothing else, not even the names of pages.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import time
from collections import deque
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

HEALTH = "/_stcore/health"
LOGIN, LOGOUT = "/login", "/logout"
COOKIE = "avexplore_visitor"
KNOWN_SECONDS = 7 * 24 * 3600
"""How long a browser need not ask again."""
TRIES, TRIES_OF_ALL, WINDOW_SECONDS = 10, 100, 60.0
"""Wrong passwords in a minute: of one address, of all together."""
_LONGEST_FORM = 8192


class WrongTries:
    """Wrong passwords of the last minute.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._recent: deque[tuple[float, str]] = deque(maxlen=TRIES_OF_ALL)

    def note(self, address: str) -> None:
        """One more."""
        self._recent.append((self._clock(), address))

    def seconds_to_wait(self, address: str) -> int:
        """How long this address may not try; 0 if it may."""
        now = self._clock()
        while self._recent and self._recent[0][0] <= now - WINDOW_SECONDS:
            self._recent.popleft()
        own = [moment for moment, whose in self._recent if whose == address]
        full = []
        if len(own) >= TRIES:
            full.append(own[-TRIES])
        if len(self._recent) >= TRIES_OF_ALL:
            full.append(self._recent[0][0])
        return max((int(moment + WINDOW_SECONDS - now) + 1 for moment in full), default=0)


class PasswordGate:
    """Lets pass who has shown the password.

    Args:
        app: What is behind it.
        password: The password.
        key: Signs the cookie; another key, or another password, and everybody has to show it again.
        clock: Seconds since 1970.
    """

    def __init__(self, app: ASGIApp, *, password: str, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._app = app
        self._digest = hashlib.sha256(password.encode()).digest()
        self._key = hmac.digest(key, self._digest, "sha256")
        self._clock = clock
        self._wrong = WrongTries(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] not in ("http", "websocket") or scope["path"] == HEALTH:
            await self._app(scope, receive, send)
            return
        known = self._is_known(HTTPConnection(scope).cookies.get(COOKIE, ""))
        if scope["type"] == "websocket":
            if known:
                await self._app(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            return
        request = Request(scope, receive)
        if scope["path"] == LOGIN and scope["method"] == "POST":
            response = await self._try(request)
        elif scope["path"] == LOGOUT:
            response = RedirectResponse("/", 303)
            response.delete_cookie(COOKIE, httponly=True, samesite="lax")
        elif known:
            if scope["path"] != LOGIN:
                await self._app(scope, receive, send)
                return
            response = RedirectResponse("/", 303)
        elif scope["method"] == "GET" and "text/html" in request.headers.get("accept", ""):
            query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
            response = _form("/" if scope["path"] == LOGIN else scope["path"] + query)
        else:
            response = PlainTextResponse("Show the password first.", 401)
        response.headers["cache-control"] = "no-store"
        await response(scope, receive, send)

    async def _try(self, request: Request) -> Response:
        if not _same_origin(request.headers):
            return PlainTextResponse("The form was sent from another site.", 403)
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LONGEST_FORM:
                return PlainTextResponse("That is no password.", 413)
        try:
            fields = parse_qs(body.decode(), max_num_fields=4)
        except ValueError:
            return PlainTextResponse("That is no form.", 400)
        target = _own_page(fields.get("next", ["/"])[0])
        address = request.client.host if request.client else ""
        if wait := self._wrong.seconds_to_wait(address):
            refused = _form(target, f"Too many wrong passwords. Try again in {wait} seconds.", 429)
            refused.headers["retry-after"] = str(wait)
            return refused
        given = hashlib.sha256(fields.get("password", [""])[0].encode()).digest()
        if not hmac.compare_digest(given, self._digest):
            self._wrong.note(address)
            return _form(target, "This is not the password.", 401)
        response = RedirectResponse(target, 303)
        response.set_cookie(
            COOKIE,
            self._sign(int(self._clock()) + KNOWN_SECONDS),
            max_age=KNOWN_SECONDS,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response

    def _sign(self, until: int) -> str:
        return f"{until}.{hmac.new(self._key, str(until).encode(), 'sha256').hexdigest()}"

    def _is_known(self, cookie: str) -> bool:
        until = cookie.partition(".")[0]
        if not (until.isascii() and until.isdigit() and len(until) <= 12):
            return False
        same = hmac.compare_digest(cookie.encode(), self._sign(int(until)).encode())
        return same and int(until) > self._clock()


def _same_origin(headers: Headers) -> bool:
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _own_page(target: str) -> str:
    """The address to go on to, if it is one of this server's.

    >>> _own_page("/retrieval?run=abc"), _own_page("//evil.example"), _own_page("https://evil.example")
    ('/retrieval?run=abc', '/', '/')
    """
    local = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if local else "/"


def _form(target: str, problem: str = "", status: int = 401) -> HTMLResponse:
    said = f'<p role="alert">{html.escape(problem)}</p>' if problem else ""
    return HTMLResponse(_PAGE.format(target=html.escape(target), problem=said), status)


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>avexplore</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<style>
:root {{ color-scheme: light dark; --back: #F4F6F8; --card: #FFF; --text: #1B2733; --line: #8A949E; --main: #0072B2;
  --on: #FFF; --bad: #A33B00; }}
@media (prefers-color-scheme: dark) {{ :root {{ --back: #11171D; --card: #1B242D; --text: #E8EDF2; --line: #7A8896;
  --main: #56B4E9; --on: #11171D; --bad: #F0A36B; }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--back); color: var(--text);
  font: 1rem/1.5 "Source Sans", system-ui, sans-serif; }}
form {{ background: var(--card); padding: 2rem; border-radius: .75rem; width: min(22rem, 92vw);
  box-shadow: 0 1px 8px #0003; }}
h1 {{ margin: 0 0 1.25rem; font-size: 1.4rem; }}
label {{ display: block; margin-bottom: .3rem; font-size: .9rem; }}
input, button {{ width: 100%; font: inherit; padding: .55rem .7rem; border-radius: .5rem; }}
input {{ background: var(--back); color: inherit; border: 1px solid var(--line); }}
button {{ margin-top: 1rem; border: 0; background: var(--main); color: var(--on); font-weight: 600; cursor: pointer; }}
:focus-visible {{ outline: 3px solid var(--main); outline-offset: 2px; }}
[role=alert] {{ color: var(--bad); margin: .6rem 0 0; font-size: .9rem; }}
</style></head><body><main>
<form method="post" action="/login"><h1>avexplore</h1>
<label for="password">Password of this server</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<input name="next" type="hidden" value="{target}">{problem}
<button>Enter</button></form>
</main></body></html>
"""
