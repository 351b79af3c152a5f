"""A password in front of everything: pages, live connection, uploads and files of the server.

Streamlit's own login (`st.login`) asks a provider of identities. A lab's server often has none: one password then
stands before the whole server. Without it a visitor gets a form and nothing else, not even the names of pages.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import html
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs
from weakref import WeakValueDictionary

from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from avexplore.ui.server.front_door import is_own_page

HEALTH = "/_stcore/health"
LOGIN, LOGOUT = "/login", "/logout"
COOKIE = "avexplore_visitor"
KNOWN_SECONDS = 7 * 24 * 3600
"""How long a browser need not ask again."""
FIRST_DELAY, LONGEST_DELAY = 0.25, 8.0
"""Seconds until a wrong password is called wrong: after the first of an address, and at most. Each doubles it."""
FORGIVEN_SECONDS, MOST_ADDRESSES = 600.0, 10_000
"""After so long without a wrong one an address starts anew; of so many addresses this is kept."""
MOST_WAITING = 2_000
"""Tries in the queue; beyond, the server says that it is busy."""
_LONGEST_FORM = 8192
_MOST_ENDED = 10_000


class Turns:
    """One password is checked at a time, and each address has one of its tries in the queue.

    So whoever knows the password gets in soon, however many others guess at once; and everybody who guesses is slowed
    by what a check costs, and by an answer that comes later with each wrong one.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._one = asyncio.Lock()
        self._of: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._wrong: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self.waiting = 0

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Wait until a password of this address may be checked."""
        own = self._of.get(address)
        if own is None:
            own = self._of[address] = asyncio.Lock()
        self.waiting += 1
        try:
            async with own, self._one:
                yield
        finally:
            self.waiting -= 1

    def note(self, address: str) -> float:
        """One more wrong password; returns the seconds after which to say so."""
        now = self._clock()
        before, count = self._wrong.pop(address, (now, 0))
        count = count + 1 if now - before < FORGIVEN_SECONDS else 1
        self._wrong[address] = now, count
        while len(self._wrong) > MOST_ADDRESSES:
            self._wrong.popitem(last=False)
        return float(min(FIRST_DELAY * 2 ** min(count - 1, 10), LONGEST_DELAY))

    def forget(self, address: str) -> None:
        """The right password was shown."""
        self._wrong.pop(address, None)


class PasswordGate:
    """Lets pass who has shown the password.

    Args:
        app: What is behind it.
        password: The password.
        key: Signs the cookie; another key, or another password, and everybody has to show it again.
        ended: Visits that were logged out, so that a copied cookie ends with them.
        clock: Seconds since 1970.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        password: str,
        key: bytes,
        ended: EndedVisits | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._app = app
        self._salt = key
        self._digest = self._stretched(password)
        self._key = hmac.digest(key, hashlib.sha256(password.encode()).digest(), "sha256")
        self._ended = ended or EndedVisits(None)
        self._clock, self._sleep = clock, sleep
        self._turns = Turns(clock)

    def _stretched(self, password: str) -> bytes:
        """A digest that takes some hundredths of a second, for whoever checks and whoever guesses."""
        return hashlib.scrypt(password.encode(), salt=self._salt, n=2**12, r=8, p=1)

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
            response = self._logout(request)
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
        if not is_own_page(request.headers):
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
        if self._turns.waiting >= MOST_WAITING:
            return _form(target, "Many passwords wait to be checked. Try again in a minute.", 503)
        async with self._turns.turn(address):
            given = await asyncio.to_thread(self._stretched, fields.get("password", [""])[0])
        if not hmac.compare_digest(given, self._digest):
            await self._sleep(self._turns.note(address))
            return _form(target, "This is not the password.", 401)
        self._turns.forget(address)
        response = RedirectResponse(target, 303)
        response.set_cookie(
            COOKIE,
            self._sign(f"{int(self._clock()) + KNOWN_SECONDS}.{secrets.token_hex(8)}"),
            max_age=KNOWN_SECONDS,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response

    def _logout(self, request: Request) -> Response:
        """End the visit: of this browser, and of whoever copied its cookie. A link from elsewhere only asks."""
        if request.method != "POST":
            return HTMLResponse(_LEAVE)
        if not is_own_page(request.headers):
            return PlainTextResponse("The form was sent from another site.", 403)
        cookie = request.cookies.get(COOKIE, "")
        if self._is_known(cookie):
            until, visit, _ = cookie.split(".")
            self._ended.add(visit, int(until))
        response = RedirectResponse("/", 303)
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return response

    def _sign(self, visit: str) -> str:
        return f"{visit}.{hmac.new(self._key, visit.encode(), 'sha256').hexdigest()}"

    def _is_known(self, cookie: str) -> bool:
        """Whether this server signed the cookie `until.visit.signature`, and the visit is not over."""
        parts = cookie.split(".")
        if len(parts) != 3 or not (parts[0].isascii() and parts[0].isdigit() and len(parts[0]) <= 12):
            return False
        until, visit, _ = parts
        same = hmac.compare_digest(cookie.encode(), self._sign(f"{until}.{visit}").encode())
        return same and int(until) > self._clock() and not self._ended.has(visit)


class EndedVisits:
    """Visits that were logged out before their cookie ends; kept in a file, so that a restart revives none.

    Args:
        path: The file, one `visit until` per line; None keeps them in memory only.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._until: dict[str, int] = {}
        if path is not None:
            with contextlib.suppress(OSError):
                for line in path.read_text("ascii", errors="replace").splitlines()[-_MOST_ENDED:]:
                    visit, _, until = line.partition(" ")
                    if until.isdecimal() and int(until[:12]) > time.time():
                        self._until[visit] = int(until[:12])

    def add(self, visit: str, until: int) -> None:
        """One more. Where the file cannot be written, it holds until the server ends."""
        self._until[visit] = until
        if self._path is not None:
            with contextlib.suppress(OSError):
                lines = "".join(f"{one} {end}\n" for one, end in list(self._until.items())[-_MOST_ENDED:])
                fresh = self._path.with_suffix(".new")
                fresh.write_text(lines, "ascii")
                fresh.replace(self._path)

    def has(self, visit: str) -> bool:
        """Whether the visit was ended."""
        return visit in self._until


def _own_page(target: str) -> str:
    """The address to go on to, if it is one of this server's.

    >>> _own_page("/retrieval?run=abc"), _own_page("//evil.example"), _own_page("https://evil.example")
    ('/retrieval?run=abc', '/', '/')
    """
    local = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if local else "/"


def leave_page(target: str) -> str:
    """A page that asks whether to log out, and leads there."""
    link = f'<p><a href="{html.escape(target)}" autofocus>Log out</a></p>'
    return f"{_HEAD}<h1>avexplore</h1><p>Leave this server?</p>{link}</main></body></html>"


def _form(target: str, problem: str = "", status: int = 401) -> HTMLResponse:
    said = f'<p role="alert">{html.escape(problem)}</p>' if problem else ""
    return HTMLResponse(_HEAD + _PAGE.format(target=html.escape(target), problem=said), status)


_HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>avexplore</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<style>
:root { color-scheme: light dark; --back: #F4F6F8; --card: #FFF; --text: #1B2733; --line: #8A949E; --main: #0072B2;
  --on: #FFF; --bad: #A33B00; }
@media (prefers-color-scheme: dark) { :root { --back: #11171D; --card: #1B242D; --text: #E8EDF2; --line: #7A8896;
  --main: #56B4E9; --on: #11171D; --bad: #F0A36B; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--back); color: var(--text);
  font: 1rem/1.5 "Source Sans", system-ui, sans-serif; }
form { background: var(--card); padding: 2rem; border-radius: .75rem; width: min(22rem, 92vw);
  box-shadow: 0 1px 8px #0003; }
h1 { margin: 0 0 1.25rem; font-size: 1.4rem; }
label { display: block; margin-bottom: .3rem; font-size: .9rem; }
input, button { width: 100%; font: inherit; padding: .55rem .7rem; border-radius: .5rem; }
input { background: var(--back); color: inherit; border: 1px solid var(--line); }
button { margin-top: 1rem; border: 0; background: var(--main); color: var(--on); font-weight: 600; cursor: pointer; }
:focus-visible { outline: 3px solid var(--main); outline-offset: 2px; }
[role=alert] { color: var(--bad); margin: .6rem 0 0; font-size: .9rem; }
</style></head><body><main>
"""
_PAGE = """<form method="post" action="/login"><h1>avexplore</h1>
<label for="password">Password of this server</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<input name="next" type="hidden" value="{target}">{problem}
<button>Enter</button></form>
</main></body></html>
"""
_LEAVE = f"""{_HEAD}<form method="post" action="/logout"><h1>avexplore</h1>
<p>Leave this server? You will need the password to come back.</p><button autofocus>Log out</button></form>
</main></body></html>
"""
